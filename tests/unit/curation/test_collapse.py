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


NOTHING_SAID = INPUTS.empty_table()


def collapsed(files, target, inputs=NOTHING_SAID):
    target.mkdir()
    collapse(files, target, inputs)
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
        collapse([path], tmp_path / "out", NOTHING_SAID)


def said(**labels):
    return rows_to_table([{"uri": uri, **label} for uri, label in labels.items()], INPUTS)


PARIS = {"city": "Paris", "country": "FR", "latitude": 48.8, "longitude": 2.3, "heading": 10.0}


@pytest.mark.parametrize("labelled", ["a", "b", "c"])
def test_the_label_of_any_copy_is_that_of_the_picture(tmp_path, labelled):
    files = write(tmp_path / "in", [row("1", "b"), row("1", "a")], [row("1", "c"), row("2", "d")])
    _, rows = collapsed(files, tmp_path / "out", said(**{labelled: PARIS}))
    assert {name: rows["1"][name] for name in PARIS} == PARIS
    assert rows["2"]["city"] is None


def test_a_label_that_only_a_scored_copy_knows_is_kept(tmp_path):
    files = write(tmp_path / "in", [row("1", "a"), row("1", "b") | PARIS])
    _, rows = collapsed(files, tmp_path / "out")
    assert (rows["1"]["uri"], rows["1"]["city"]) == ("a", "Paris")


def test_a_new_label_wins_over_what_was_scored_and_nothing_said_leaves_it(tmp_path):
    exif = {"latitude": 1.0, "longitude": 2.0, "city": "Lyon"}
    files = write(tmp_path / "in", [row("1", "a") | exif, row("2", "b") | exif], [row("3", "c")])
    half = {"latitude": 5.0, "country": "DE"}
    _, rows = collapsed(files, tmp_path / "out", said(a=PARIS, b=half, c={}))
    assert (rows["1"]["latitude"], rows["1"]["city"]) == (48.8, "Paris")
    assert (rows["2"]["latitude"], rows["2"]["city"], rows["2"]["country"]) == (1.0, "Lyon", "DE")
    assert rows["3"]["country"] is None


def test_labels_fit_their_rows_across_files_and_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("georay.curation.collapse.BATCH_ROWS", 3)
    uris = [f"u{number}" for number in range(20)]
    files = write(
        tmp_path / "in", [row(uri, uri) for uri in uris[:7]], [row(u, u) for u in uris[7:]]
    )
    inputs = said(**{uri: {"city": uri} for uri in uris[::3]})
    _, rows = collapsed(files, tmp_path / "out", inputs)
    assert {u: r["city"] for u, r in rows.items()} == {
        u: u if u in uris[::3] else None for u in uris
    }


def test_a_view_of_a_panorama_takes_the_label_of_its_file_and_keeps_its_own_heading(tmp_path):
    view = row("1", "a#heading=90") | {"heading": 90.0}
    _, rows = collapsed(write(tmp_path / "in", [view]), tmp_path / "out", said(a=PARIS))
    assert (rows["1"]["city"], rows["1"]["heading"]) == ("Paris", 90.0)


def test_a_mended_entry_of_a_list_is_scored_and_its_old_error_goes(tmp_path):
    bad = row("bad", "a") | {"error": "latitude", "error_kind": "bad entry", "locatability": None}
    files = write(tmp_path / "in", [bad, row("2", "b")])
    still_bad, mended = said(a={"error": "latitude"}, b={}), said(a=PARIS, b={})
    assert remaining(still_bad, files).num_rows == 0
    assert remaining(mended, files)["uri"].to_pylist() == ["a"]
    more = write(tmp_path / "more", [row("1", "a")])
    assert remaining(mended, [*files, *more]).num_rows == 0
    _, rows = collapsed([*files, *more], tmp_path / "out", mended)
    assert set(rows) == {"1", "2"}
