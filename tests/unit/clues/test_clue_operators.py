"""The steps on files, one after the other, as the pipeline runs them; without Ray."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from georay.clues import operators
from georay.clues.duplicates import REPEATS
from georay.clues.examine import Examine
from georay.clues.operators import CompareBucket, ExamineParts, FinishParts, gather_repeats
from georay.clues.pairing import NamePictures
from georay.clues.sources import SENTENCES
from georay.clues.workspace import Workspace, missing
from georay.config.clues import ClueSource, CluesRecipe
from georay.core.entities import NoTagger
from georay.core.gazetteer import Gazetteer
from georay.core.manifest import write_table
from georay.core.paths import open_parquet, path_of
from georay.core.tables import CLUES, CLUES_DROPPED

RECIPE = CluesRecipe(sources=(ClueSource(path="a.csv"),), output="o.parquet")
ROWS = 3  # of a part
NUM_BUCKETS = 4
SAID = "In Poland the bollards are thin white posts with a red band near the top of a grey base"


@pytest.fixture
def work(tmp_path):
    work = Workspace(tmp_path / "work")
    with work.held("settings"):
        yield work


def run(work, texts):
    """Kept texts, and (kind, reason, text) of the dropped ones."""
    names = []
    for at in range(0, len(texts), ROWS):
        rows = [
            {"text": text, "row": at + i + 1, "source": "a"}
            for i, text in enumerate(texts[at : at + ROWS])
        ]
        names.append(f"part-{at // ROWS:06d}.parquet")
        write_table(work.parts / names[-1], pa.Table.from_pylist(rows, SENTENCES))
    examine = ExamineParts(work, Examine(RECIPE, NoTagger(), Gazetteer.load()), NUM_BUCKETS, ROWS)
    counts = [examine(name) for name in names]
    assert counts == [min(ROWS, len(texts) - at) for at in range(0, len(texts), ROWS)]
    for bucket in range(NUM_BUCKETS):
        CompareBucket(work, 0.8)(f"bucket-{bucket:06d}.parquet")
    gather_repeats(work, len(names), ROWS)
    finish = FinishParts(work, NamePictures(None, None), ROWS)
    assert [finish(name) for name in names] == counts
    return tuple(
        pa.concat_tables([open_parquet(folder / name).read().cast(schema) for name in names])
        for folder, schema in ((work.kept, CLUES), (work.dropped, CLUES_DROPPED))
    )


def test_every_sentence_is_kept_or_dropped_once_in_its_order(work):
    texts = ["Poland is flat.", "Nothing here.", "Norway is steep.", "", "Kenya is red."]
    kept, gone = run(work, texts)
    assert kept["text"].to_pylist() == [texts[0], texts[2], texts[4]]
    assert gone["kind"].to_pylist() == ["no place", "no text"]
    assert sorted(kept["row"].to_pylist() + gone["row"].to_pylist()) == [1, 2, 3, 4, 5]


def test_a_workspace_in_a_storage_gives_the_same_and_leaves_nothing(work):
    texts = ["Poland is flat.", "Nothing here.", SAID, "", "Kenya is red.", SAID + "!"]
    remote = Workspace(path_of("memory://clues/.o.work"))
    with remote.held("settings"):
        for found, expected in zip(run(remote, texts), run(work, texts), strict=True):
            assert found.equals(expected)
        with pytest.raises(ValueError, match="another run"), remote.held("settings"):
            pass
    assert remote.root.parent.files() == []


def test_repeats_are_found_across_parts_and_say_what_they_repeat(work):
    texts = [SAID, "Norway is steep.", SAID + "!", "Kenya is red.", SAID + " too", SAID]
    kept, gone = run(work, texts)
    assert kept["text"].to_pylist() == [SAID, "Norway is steep.", "Kenya is red."]
    first = kept["clue_id"][0].as_py()
    assert [(row["kind"], row["reason"]) for row in gone.to_pylist()] == [
        ("repeated", f"says the same as clue {first}"),
        ("nearly repeated", f"says nearly the same as clue {first}"),
        ("repeated", f"says the same as clue {first}"),
    ]


def test_a_part_reads_its_own_repeats_alone_however_many_buckets_and_parts(work, monkeypatch):
    """Looking through every bucket for each part takes time by the square of the sentences."""
    monkeypatch.setattr(operators, "_GROUP_PARTS", 2)
    read = []
    really = operators._repeats_between
    monkeypatch.setattr(
        operators,
        "_repeats_between",
        lambda path, *r: read.append(path.parent.name) or really(path, *r),
    )
    texts = [f"{name} is red." for name in ("Kenya", "Norway", "Chile")] * 4
    kept, gone = run(work, texts)
    assert kept["text"].to_pylist() == texts[:3]
    assert gone["kind"].to_pylist() == ["repeated"] * 9
    assert read.count("repeats") == 2 * NUM_BUCKETS  # a group each
    assert read.count("gathered") == 4  # a part each


def test_of_two_buckets_the_one_that_found_the_very_words_counts(work):
    for bucket, kind in enumerate(("nearly repeated", "repeated", "nearly repeated")):
        rows = [{"order": 4, "kind": kind, "of": f"clue{bucket}"}]
        pq.write_table(pa.Table.from_pylist(rows, REPEATS), work.repeats / f"{bucket}.parquet")
    gather_repeats(work, 2, ROWS)
    (path,) = work.gathered.iterdir()
    assert pq.read_table(path).to_pylist() == [{"order": 4, "kind": "repeated", "of": "clue1"}]


def test_what_is_done_is_not_missing_and_half_written_files_are(work):
    (work.kept / "a.parquet").touch()
    (work.kept / ".b.parquet.partial").touch()
    assert missing(["a.parquet", "b.parquet"], work.kept) == ["b.parquet"]


def test_a_workspace_begun_with_other_settings_is_begun_anew(tmp_path):
    work = Workspace(tmp_path / "work")
    for settings, expected in (("one", []), ("one", ["a"]), ("two", [])):
        with pytest.raises(KeyError), work.held(settings):
            assert [path.name for path in work.parts.iterdir()] == expected
            (work.parts / "a").touch()
            raise KeyError
    with work.held("two"):
        pass
    assert not work.root.exists()


def test_two_runs_beside_each_other_are_refused(tmp_path):
    work = Workspace(tmp_path / "work")
    with work.held("one"), pytest.raises(ValueError, match="another run"), work.held("one"):
        pass
