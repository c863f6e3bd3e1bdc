"""The verb on Ray: from files to the published table, its report, and on into samples."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from georay.cli.app import app
from georay.clues.make_clues import make_clues
from georay.clues.pipeline import run_operator
from georay.clues.tools import Tools
from georay.config.clues import ClueSource, CluesRecipe, ClueWorkersRecipe, LabelRecipe
from georay.core.clue_files import read_clue_texts
from georay.core.entities import NoTagger
from georay.core.tables import CLUES, CLUES_DROPPED, conform
from georay.errors import CluesStopped

GUIDE = Path(__file__).parents[1] / "fixtures" / "clues" / "guide.md"
pytestmark = pytest.mark.usefixtures("cluster")


def recipe(folder, **more):
    return CluesRecipe(
        sources=(ClueSource(path=str(GUIDE), licence="not for commercial use"),),
        output=str(folder / "clues.parquet"),
        label=LabelRecipe(encoder="none"),
        workers=ClueWorkersRecipe(num_actors=1, rows_per_part=2),
        **more,
    )


def test_the_verb_publishes_table_dropped_report_and_manifest(tmp_path):
    out = tmp_path / "clues.parquet"
    given = ["clues", str(GUIDE), "--out", str(out), "--licence", "CC0", "--tagger", "none"]
    done = CliRunner().invoke(app, [*given, "--no-labels", "--json"])
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert (facts["num_read"], facts["num_kept"]) == (5, 3)
    table = conform(pq.read_table(out), CLUES, "clues")
    gone = conform(pq.read_table(tmp_path / "clues.dropped.parquet"), CLUES_DROPPED, "dropped")
    assert set(table["licence"].to_pylist()) == {"CC0"}
    assert gone["kind"].to_pylist() == ["repeated", "no place"]
    manifest = json.loads((tmp_path / "clues.json").read_text())
    assert manifest["licences"] == {"guide.md: CC0": 3}
    report = (tmp_path / "clues.html").read_text()
    assert "<mark>Norway</mark>" in report and "http" not in report.split("<body>")[1]
    assert {path.name for path in tmp_path.iterdir()} == {
        *("clues.parquet", "clues.dropped.parquet", "clues.json", "clues.html")
    }
    assert len(list(read_clue_texts(out))) == 3


def failing_tagger(about_norway):
    """Fails on sentences about Norway, or on all others.

    A class inside a function travels to the workers as it is; they do not see this module.
    """

    class Fails(NoTagger):
        def tag(self, texts):
            if any("Norway" in text for text in texts) == about_norway:
                raise ValueError("the disk is full")
            return super().tag(texts)

    return Fails


def test_a_run_that_stopped_goes_on_where_it_was_and_gives_the_same(tmp_path):
    with pytest.raises(CluesStopped, match="the disk is full"):
        make_clues(recipe(tmp_path), Tools(failing_tagger(about_norway=False)))
    done = tmp_path / ".clues.work" / "examined"
    assert [path.name for path in done.iterdir()] == ["part-000000.parquet"]
    assert not (tmp_path / "clues.parquet").exists()
    make_clues(recipe(tmp_path), Tools(failing_tagger(about_norway=True)))
    whole = tmp_path / "whole"
    whole.mkdir()
    make_clues(recipe(whole), Tools(NoTagger))
    assert pq.read_table(tmp_path / "clues.parquet").equals(pq.read_table(whole / "clues.parquet"))


def test_sources_without_a_clue_are_an_error_that_counts_them(tmp_path):
    (tmp_path / "a.csv").write_text("text\nRed soil along the road.\n")
    one = recipe(tmp_path).model_copy(
        update={"sources": (ClueSource(path=str(tmp_path / "a.csv")),)}
    )
    with pytest.raises(ValueError, match="none of 1 sentences became a clue"):
        make_clues(one, Tools(NoTagger))


def test_no_names_need_no_worker():
    assert list(run_operator([], None, ClueWorkersRecipe(), "nothing")) == []  # type: ignore[arg-type]
