import pyarrow.parquet as pq

from georay.clues.summary import MOST_DISTINCT, OTHERS, count_tables
from georay.core.tables import CLUES, CLUES_DROPPED, rows_to_table


def tables(folder, kept, dropped=()):
    kept = [{"clue_id": "x", "text": "x", "source": "a"} | row for row in kept]
    pq.write_table(rows_to_table(kept, CLUES), folder / "kept.parquet")
    pq.write_table(rows_to_table(list(dropped), CLUES_DROPPED), folder / "dropped.parquet")
    return count_tables([folder / "kept.parquet"], [folder / "dropped.parquet"])


def test_every_row_is_counted_by_country_rule_and_licence(tmp_path):
    counts = tables(
        tmp_path,
        [{"country": "PL", "rule": "entity", "licence": "CC0"}, {"rule": "source"}],
        [{"kind": "no place", "reason": "x", "country": "NO"}],
    )
    assert (counts.num_kept, counts.num_dropped, counts.num_read) == (2, 1, 3)
    assert counts.countries == {"PL": 1, "": 1} and counts.countries_dropped == {"NO": 1}
    assert counts.rules == {"entity": 1, "source": 1}
    assert counts.licences_as_text() == {"a: CC0": 1, "a: none stated": 1}


def test_an_address_for_each_row_does_not_fill_the_memory_and_licences_stay(tmp_path):
    rows = [{"source": f"page {at}", "licence": "CC0"} for at in range(MOST_DISTINCT + 50)]
    counts = tables(tmp_path, rows)
    assert len(counts.licences) == MOST_DISTINCT + 1
    assert counts.licences[OTHERS, "CC0"] == 50
