import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from georay.clues.sources import SentenceFile


def read(path, **more):
    return list(SentenceFile(path, **more))


def test_tables_are_read_under_the_names_that_people_give_their_columns(tmp_path):
    (tmp_path / "a.csv").write_text("Clue, Country ,img,code\n Red soil. ,Kenya,one.jpg,KE\n")
    file = SentenceFile(tmp_path / "a.csv")
    (one,) = list(file)
    assert (one.text, one.country, one.image, one.row) == ("Red soil.", "Kenya", "one.jpg", 1)
    assert file.ignored == ("code",)


def test_the_same_rows_come_from_every_form_of_table(tmp_path):
    rows = [{"text": "Red soil.", "country": "Kenya"}, {"text": "Snow poles.", "country": "Norway"}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "a.json").write_text(json.dumps({"clues": rows}))
    (tmp_path / "a.tsv").write_text("text\tcountry\nRed soil.\tKenya\nSnow poles.\tNorway\n")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.json", "a.tsv", "a.parquet"):
        found = [(one.text, one.country, one.row) for one in read(tmp_path / name)]
        assert found == [("Red soil.", "Kenya", 1), ("Snow poles.", "Norway", 2)], name


def test_licence_and_source_are_filled_in_where_a_row_lacks_them(tmp_path):
    (tmp_path / "a.csv").write_text("text,licence\nRed soil.,CC0\nSnow poles.,\n")
    found = read(tmp_path / "a.csv", licence="not for commercial use")
    assert [one.licence for one in found] == ["CC0", "not for commercial use"]
    assert {one.source for one in found} == {"a.csv"}


def test_a_broken_line_costs_itself_alone(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "Red soil."}\n{"text": \n[1]\n{"colour": "red"}\n')
    found = read(tmp_path / "a.jsonl")
    assert [bool(one.problem) for one in found] == [False, True, True, True]
    assert "not JSON" in found[1].problem
    assert "colour" in found[3].problem


def test_half_a_surrogate_pair_becomes_text_that_a_table_holds(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "Red \\ud83d soil."}\n')
    assert read(tmp_path / "a.jsonl")[0].text == "Red ? soil."


def test_coordinates_off_the_globe_are_absent_ones(tmp_path):
    (tmp_path / "a.csv").write_text("text,lat,lon\nRed soil.,91,10\nRed soil.,nan,10\n")
    assert [one.latitude for one in read(tmp_path / "a.csv")] == [None, None]


GUIDES = {
    ".md": """# Guide

## Japan

![x](p/mirror.jpg)

Orange mirrors stand at crossings.

### Signs

- Stop signs are red triangles.

## Sources

Thanks to all who wrote this.
""",
    ".html": """<h1>Guide</h1><nav>Home and more and more</nav>
<h2>Japan</h2><img src='p/mirror.jpg'><p>Orange mirrors stand at crossings.</p>
<h3>Signs</h3><ul><li>Stop signs are red triangles.</li></ul>
<h2>Sources</h2><p>Thanks to all who wrote this.</p>""",
}


@pytest.mark.parametrize("suffix", [".md", ".html"])
def test_a_guide_says_country_by_heading_and_picture_by_neighbour(tmp_path, suffix):
    path = tmp_path / f"guide{suffix}"
    path.write_text(GUIDES[suffix])
    assert [(one.text, one.country, one.image) for one in read(path)] == [
        ("Orange mirrors stand at crossings.", "JP", "p/mirror.jpg"),
        ("Stop signs are red triangles.", "JP", None),
        ("Thanks to all who wrote this.", None, None),
    ]


def test_a_table_without_sentences_says_what_it_needs(tmp_path):
    (tmp_path / "a.csv").write_text("colour\nred\n")
    with pytest.raises(ValueError, match="call it `clue` or `text`"):
        read(tmp_path / "a.csv")


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("text,text\nred,blue\n")
    with pytest.raises(ValueError, match="two columns are called text"):
        read(tmp_path / "a.csv")
