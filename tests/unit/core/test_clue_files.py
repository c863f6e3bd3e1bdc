import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from georay.core.clue_files import read_clue_texts

SENTENCES = ["Yellow plates mean the Netherlands.", "A line\nbreak, and a comma", "Bollards"]


def write(tmp_path, kind, column="clue", texts=SENTENCES):
    path = tmp_path / f"clues.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({"country": ["x"] * len(texts), column: texts}), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps({"country": "x", column: t}) + "\n" for t in texts))
    else:
        between = "\t" if kind == "tsv" else ","
        quoted = ('"' + text.replace('"', '""') + '"' for text in texts)
        lines = "".join(f"x{between}{text}\n" for text in quoted)
        path.write_text(f"country{between}{column}\n{lines}")
    return path


@pytest.mark.parametrize("column", ["clue", "text"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_sentences_are_read_from_every_kind_of_file(tmp_path, kind, column):
    assert list(read_clue_texts(write(tmp_path, kind, column))) == SENTENCES


def test_empty_entries_are_left_out_and_spaces_trimmed(tmp_path):
    path = write(tmp_path, "parquet", texts=["  a ", None, "", "   ", "b"])
    assert list(read_clue_texts(path)) == ["a", "b"]


def test_numbers_in_a_csv_stay_text(tmp_path):
    path = tmp_path / "clues.csv"
    path.write_text("clue\n112\n007\n")
    assert list(read_clue_texts(path)) == ["112", "007"]


def test_a_file_without_the_column_names_what_it_has(tmp_path):
    with pytest.raises(ValueError, match=r"`clue` or `text`, found: country, sentence"):
        list(read_clue_texts(write(tmp_path, "csv", "sentence")))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_broken_file_is_named(tmp_path, kind):
    path = tmp_path / f"clues.{kind}"
    path.write_bytes(b'{"clue": \x00\xff\n"')
    with pytest.raises(ValueError, match=rf"clues\.{kind}"):
        list(read_clue_texts(path))


def test_an_absent_file_and_an_unknown_kind_are_told(tmp_path):
    with pytest.raises(ValueError, match="cannot read clues"):
        list(read_clue_texts(tmp_path / "absent.csv"))
    with pytest.raises(ValueError, match=r"\.csv, \.tsv, \.jsonl or \.parquet"):
        list(read_clue_texts(tmp_path / "clues.xlsx"))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_long_file_is_streamed(tmp_path, kind):
    path = write(tmp_path, kind, texts=[f"{i} " + "poles " * 20 for i in range(200_000)])
    pool = pa.default_memory_pool()
    stream = read_clue_texts(path)
    before = pool.bytes_allocated()
    next(stream)
    held = pool.bytes_allocated() - before
    assert 0 < held < 20_000_000, "the text alone is 25 MB"
    assert sum(1 for _ in stream) == 199_999


def test_sentences_that_name_no_place_are_left_out_where_the_table_says_so(tmp_path) -> None:
    table = pa.table({"text": ["Red roofs in Chile.", "No idea."], "places": [["Chile"], []]})
    pq.write_table(table, tmp_path / "clues.parquet")
    assert list(read_clue_texts(tmp_path / "clues.parquet")) == ["Red roofs in Chile."]


PLACES = [["Netherlands"], [], None]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.string(), 1),
        pa.list_view(pa.string()),
    ],
)
def test_sentences_without_a_place_are_left_out_whatever_kind_of_list_says_so(tmp_path, kind):
    given = [["Netherlands"], [None], None] if kind == pa.list_(pa.string(), 1) else PLACES
    pq.write_table(
        pa.table({"text": SENTENCES, "places": pa.array(given, kind)}), tmp_path / "c.parquet"
    )
    assert list(read_clue_texts(tmp_path / "c.parquet")) == SENTENCES[:1]


def test_places_written_as_text_count_too(tmp_path):
    (tmp_path / "c.csv").write_text("text, places\na,\"['NL']\"\nb,\nc,[]\n")
    assert list(read_clue_texts(tmp_path / "c.csv")) == ["a"]


def test_places_of_another_kind_are_refused(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "places": [1]}), tmp_path / "c.parquet")
    with pytest.raises(ValueError, match="`places` holds 1, not a list"):
        list(read_clue_texts(tmp_path / "c.parquet"))


@pytest.mark.parametrize("head", ["text,text", "text,places,places"])
def test_two_columns_of_one_name_are_a_sentence(tmp_path, head):
    (tmp_path / "c.csv").write_text(f"{head}\na,b,c\n" if "places" in head else f"{head}\na,b\n")
    with pytest.raises(ValueError, match="two columns are called"):
        list(read_clue_texts(tmp_path / "c.csv"))


def test_the_clues_of_the_field_are_the_same_in_either_kind_of_list(shared):
    lists = [list(read_clue_texts(shared(f"cases/clues/w_{kind}.parquet"))) for kind in
             ("list", "large_list")]  # fmt: skip
    assert lists[0] == lists[1]
    assert len(lists[0]) == 6


@pytest.mark.parametrize("name", ["A.CSV", "a.Tsv", "a.ndjson", "a.PARQUET", "a.JSONL"])
def test_the_ending_may_be_in_capitals(tmp_path, name) -> None:
    kind = name.lower().partition(".")[2].replace("ndjson", "jsonl")
    write(tmp_path, kind).rename(tmp_path / name)
    assert list(read_clue_texts(tmp_path / name)) == SENTENCES


def test_of_both_columns_the_clue_is_read(tmp_path) -> None:
    pq.write_table(pa.table({"text": ["t"], "clue": ["c"]}), tmp_path / "clues.parquet")
    assert list(read_clue_texts(tmp_path / "clues.parquet")) == ["c"]


def test_the_number_of_places_decides(tmp_path) -> None:
    texts = ["none", "one", "two", "unknown"]
    places = [[], ["Chile"], ["Chile", "Peru"], None]
    pq.write_table(pa.table({"clue": texts, "places": places}), tmp_path / "a.parquet")
    assert list(read_clue_texts(tmp_path / "a.parquet")) == ["one", "two"]


def test_a_jsonl_file_longer_than_a_block_is_read_to_its_end(tmp_path) -> None:
    texts = [f"{number} " + "x" * 400 for number in range(2000)]
    path = write(tmp_path, "jsonl", texts=texts)
    path.write_text("\n\n" + path.read_text() + "\n  \n")
    assert list(read_clue_texts(path)) == texts


def test_one_sentence_longer_than_a_block_is_read_whole(tmp_path) -> None:
    long = "very " * 600_000 + "long"
    assert list(read_clue_texts(write(tmp_path, "jsonl", texts=["a", long, "b"]))) == [
        "a",
        long,
        "b",
    ]


def test_a_refusal_begins_with_the_file(tmp_path) -> None:
    path = write(tmp_path, "csv", "sentence")
    with pytest.raises(ValueError, match=f"^{path}: needs a column `clue` or `text`, found: count"):
        list(read_clue_texts(path))
    with pytest.raises(ValueError, match=f"^cannot read clues from {tmp_path / 'a.csv'}: "):
        list(read_clue_texts(tmp_path / "a.csv"))
    with pytest.raises(ValueError, match=f"^{tmp_path / 'a.txt'}: clues come as"):
        list(read_clue_texts(tmp_path / "a.txt"))


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_line_end_inside_a_sentence_ends_no_row_wherever_a_block_ends(tmp_path, kind) -> None:
    texts = [f"{number}\n" * (1 + number % 7) + "end" for number in range(30_000)]
    assert list(read_clue_texts(write(tmp_path, kind, texts=texts))) == texts
