import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from georay.core.tables import INPUTS, SCORES, rows_to_table
from georay.curation.collapse import collapse, done_files, remaining


def row(image_id: str, uri: str, duplicates: list[str] | None = None) -> dict[str, object]:
    facts = {"copies": 1 + len(duplicates or []), "duplicate_uris": duplicates, "locatability": 0.5}
    return {"image_id": image_id, "uri": uri, **facts}


def write(folder, *files):
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03}.parquet" for number in range(len(files))]
    for path, rows in zip(paths, files, strict=True):
        pq.write_table(rows_to_table(rows, SCORES), path, row_group_size=2)
    return paths


def collapsed(files, target):
    target.mkdir()
    collapse(files, target)
    paths = sorted(target.glob("*.parquet"))
    return paths, {
        r["image_id"]: r for r in pa.concat_tables(map(pq.read_table, paths)).to_pylist()
    }


def test_exact_copies_become_one_row_with_their_count_and_their_uris(tmp_path):
    files = write(tmp_path / "in", [row("1", "c"), row("2", "x")], [row("1", "a"), row("1", "b")])
    paths, rows = collapsed(files, tmp_path / "out")
    assert sum(pq.read_metadata(path).num_rows for path in paths) == 2
    assert (rows["1"]["uri"], rows["1"]["copies"]) == ("a", 3)
    assert rows["1"]["duplicate_uris"] == ["b", "c"]
    assert (rows["2"]["copies"], rows["2"]["duplicate_uris"]) == (1, None)


def test_a_file_that_was_scored_twice_counts_once(tmp_path):
    files = write(tmp_path / "in", [row("1", "a")], [row("1", "a"), row("2", "b"), row("2", "c")])
    _, rows = collapsed(files, tmp_path / "out")
    assert (rows["1"]["copies"], rows["1"]["duplicate_uris"]) == (1, None)
    assert (rows["2"]["copies"], rows["2"]["duplicate_uris"]) == (2, ["c"])


def test_a_new_copy_joins_the_copies_of_an_earlier_run(tmp_path):
    earlier = [row("0", "m", ["n"]), row("1", "b", ["c", "d"]), row("3", "z")]
    files = write(tmp_path / "in", earlier, [row("1", "a"), row("2", "y")])
    _, rows = collapsed(files, tmp_path / "out")
    assert (rows["1"]["uri"], rows["1"]["copies"]) == ("a", 4)
    assert rows["1"]["duplicate_uris"] == ["b", "c", "d"]
    assert rows["0"]["duplicate_uris"] == ["n"]
    assert set(rows) == {"0", "1", "2", "3"}


def test_what_is_left_is_what_no_row_and_no_copy_names(tmp_path):
    files = write(tmp_path / "in", [row("1", "a", ["b"]), row("2", "c")], [row("3", "d", ["e"])])
    inputs = rows_to_table([{"uri": uri} for uri in "abcdefg"], INPUTS)
    assert remaining(inputs, files).column("uri").to_pylist() == ["f", "g"]
    assert remaining(inputs, []).num_rows == 7
    assert sorted(done_files(files).to_pylist()) == ["a", "b", "c", "d", "e"]


def test_nothing_scored_collapses_to_an_empty_table(tmp_path):
    paths, rows = collapsed([], tmp_path / "out")
    assert rows == {}
    assert pq.read_schema(paths[0]).equals(SCORES)


IMAGES = st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 5), min_size=1), max_size=7)


@given(images=IMAGES, data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_file_is_lost_or_counted_twice_however_the_work_was_cut(images, data, tmp_path_factory):
    pairs = [(str(image), f"{image}-{uri}") for image, found in images.items() for uri in found]
    work = data.draw(st.permutations(pairs + pairs[: len(pairs) // 2]))
    cut = data.draw(st.integers(0, len(work)))
    folder = tmp_path_factory.mktemp("collapse")
    first = write(folder / "first", [row(*pair) for pair in work[:cut]])
    scored, _ = collapsed(first, folder / "scores")
    second = write(folder / "second", *[[row(*pair)] for pair in work[cut:]])
    paths, rows = collapsed([*scored, *second], folder / "out")

    assert sum(pq.read_metadata(path).num_rows for path in paths) == len(images)
    for image, found in images.items():
        whole = rows[str(image)]
        assert [whole["uri"], *(whole["duplicate_uris"] or [])] == sorted(
            f"{image}-{u}" for u in found
        )
        assert whole["copies"] == len(found)
    _, again = collapsed(paths, folder / "again")
    assert again == rows


@pytest.mark.parametrize("column", ["uri", "image_id"])
def test_a_score_file_that_lacks_a_column_is_named(tmp_path, column):
    path = tmp_path / "broken.parquet"
    pq.write_table(rows_to_table([row("1", "a")], SCORES).drop_columns([column]), path)
    (tmp_path / "out").mkdir()
    with pytest.raises((ValueError, KeyError), match=column):
        collapse([path], tmp_path / "out")
