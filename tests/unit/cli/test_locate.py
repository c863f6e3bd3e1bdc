"""`georay locate`: words, a map, JSON, and plain errors."""

import json
from pathlib import Path

import pytest
import typer
from locating_family import picture, small_family
from rich.console import Console
from typer.testing import CliRunner

from georay.cli.locate import describe, locate
from georay.cli.world_map import MARK, world_map
from georay.errors import ModelUnavailable
from georay.models import registry
from georay.models.locations import Candidate, Location, TownCandidate
from georay.models.locator import Locator
from georay.models.registry import without_places

NOWHERE = Location("unparseable")
APP = typer.Typer()
APP.command()(locate)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as files, and a picture beside it."""
    folder = tmp_path_factory.mktemp("small")
    small_family().network.save_pretrained(folder)
    small_family().processor.save_pretrained(folder)
    picture().save(folder / "street.jpg")
    return folder


def lines(latitude: float, longitude: float) -> list[str]:
    return world_map(latitude, longitude, columns=36).plain.splitlines()


def test_a_photograph_is_described_with_a_map(model: Path) -> None:
    result = CliRunner().invoke(APP, [str(model / "street.jpg"), "--model", str(model)])
    assert result.exit_code == 0, result.output
    assert "street.jpg" in result.output
    assert result.output.count(MARK) == 1
    assert "sure of the country" in result.output


def test_json_holds_every_photograph_and_an_unreadable_one_fails_the_command(model: Path) -> None:
    (model / "empty.jpg").write_bytes(b"")
    pictures = [str(model / "street.jpg"), str(model / "empty.jpg")]
    arguments = [*pictures, "--model", str(model), "--top-k", "2", "--json"]
    result = CliRunner().invoke(APP, arguments)
    facts = json.loads(result.stdout)
    assert [one["file"] for one in facts] == pictures
    assert [one["status"] for one in facts] == ["answered", "failed"]
    assert len(facts[0]["candidates"]) == 2
    assert isinstance(result.exception, ValueError)
    assert "1 of 2 photographs got no answer" in str(result.exception)


def test_the_default_model_without_weights_says_what_to_do(
    model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    result = CliRunner().invoke(APP, [str(model / "street.jpg")])
    assert isinstance(result.exception, ModelUnavailable)
    assert "Name another model" in str(result.exception)


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch):
    """The recipe that the verb makes of its arguments, for a whole collection."""

    def run(*arguments: str):
        seen = []

        def keep(recipe, say):
            seen.append(recipe)
            raise ValueError("enough")

        monkeypatch.setattr("georay.flow.collection.locate_collection", keep)
        done = CliRunner().invoke(APP, list(arguments))
        assert seen, done.exception
        return seen[0]

    return run


def test_with_a_folder_to_write_to_it_is_a_run_over_a_collection(resolved) -> None:
    recipe = resolved(
        "photos/", "more.csv", "--out", "runs/where", "--min-locatability", "0.3", "--flag",
        "--csv", "--geojson", "--workers", "2", "--top-k", "3", "--adapters", "none",
        "--set", "shard_size=8",
    )  # fmt: skip
    assert recipe.inputs == ("photos/", "more.csv") and recipe.output == "runs/where"
    assert (recipe.locatability.least, recipe.locatability.below) == (0.3, "flag")
    assert recipe.formats == ("csv", "geojson") and recipe.workers.num_workers == 2
    assert (recipe.answering.top_k, recipe.answering.constrained) == (3, True)
    assert (recipe.model, recipe.adapters, recipe.shard_size) == ("tiny", "none", 8)


def test_free_is_the_papers_way(resolved) -> None:
    recipe = resolved("photos/", "--out", "runs/where", "--free")
    assert (recipe.answering.top_k, recipe.answering.constrained) == (0, False)
    refused = CliRunner().invoke(APP, ["a.jpg", "--free", "--top-k", "3"])
    assert "--free ranks nothing" in str(refused.exception)


def test_few_photographs_are_answered_freely_too(model: Path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(
        Locator,
        "locate",
        lambda self, images, top_k: asked.append((self.settings.constrained, top_k)) or [NOWHERE],
    )
    for options in ([], ["--free"]):
        arguments = [str(model / "street.jpg"), "--model", str(model), *options]
        CliRunner().invoke(APP, arguments, catch_exceptions=False)
    assert asked == [(True, 5), (False, 0)]


def test_a_remote_model_is_neither_ranked_nor_constrained_unless_it_is_asked_for(resolved) -> None:
    remote = ("photos/", "--out", "o", "--endpoint", "http://127.0.0.1:9/v1", "--model", "far")
    recipe = resolved(*remote, "--key-variable", "KEY", "--set", "answering.batch_size=4")
    assert (recipe.answering.top_k, recipe.answering.constrained) == (0, False)
    assert (recipe.endpoint.key_variable, recipe.answering.batch_size) == ("KEY", 4)
    refused = CliRunner().invoke(APP, [*remote, "--top-k", "3"])
    assert "neither constrained nor ranked" in str(refused.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.jpg", "--csv", "--workers", "2"), "--workers, --csv: for a whole collection"),
        (("a.jpg", "--set", "shard_size=8"), "--set: for a whole collection"),
        (("a.jpg", "--out", "o", "--flag"), "--flag marks pictures below --min-locatability"),
        ((), "name a photograph"),
        (("--out", "o"), "inputs"),
        (("a.jpg", "--out", "o", "--set", "formats=[xml]"), "formats"),
    ],
)
def test_options_that_do_not_fit_are_named(arguments, message) -> None:
    done = CliRunner().invoke(APP, list(arguments))
    assert isinstance(done.exception, ValueError) and message in str(done.exception)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (Location("refused"), "the model declined"),
        (Location("abstained"), "too uncertain to name a place"),
        (Location("failed", error="HTTP 400"), "no answer: HTTP 400"),
        (Location("unparseable"), "names no place"),
    ],
)
def test_no_place_is_said_plainly_and_draws_no_map(location: Location, expected: str) -> None:
    console = Console(record=True, width=100)
    console.print(describe("a.jpg", location))
    text = console.export_text()
    assert expected in text
    assert MARK not in text


def test_candidates_are_listed_with_their_towns() -> None:
    towns = (TownCandidate("Paris", 48.9, 2.3, 0.5),)
    france = Candidate("FR", "France", 0.62, towns)
    candidates = (france, Candidate("AQ", "Antarctica", 0.01, ()))
    found = Location("answered", "FR", "France", "Paris", confidence=0.62, candidates=candidates)
    console = Console(record=True, width=100)
    console.print(describe("[b]a.jpg", found))
    text = console.export_text()
    assert "[b]a.jpg" in text
    assert "Paris, France, 62% sure of the country, uncalibrated" in text
    assert "62.0%  France (Paris)" in text
    assert "1.0%  Antarctica\n" in text


def test_the_map_knows_land_from_sea() -> None:
    drawn = lines(-60, 0)
    full, empty = chr(0x28FF), chr(0x2800)
    rows = len(drawn)
    sahara, pacific = (22, 5), (5, -140)
    for (latitude, longitude), letter in ((sahara, full), (pacific, empty)):
        row, column = int((84 - latitude) / 142 * rows), int((longitude + 180) / 10)
        assert drawn[row][column] == letter


@pytest.mark.parametrize(
    ("latitude", "longitude", "row", "column"),
    [(83.9, -179.9, 0, 0), (83.9, 179.9, 0, 35), (-57.9, 0.0, -1, 18), (-90.0, 180.0, -1, 0)],
)
def test_the_mark_stands_at_the_place(
    latitude: float, longitude: float, row: int, column: int
) -> None:
    drawn = lines(latitude, longitude)
    assert drawn[row][column] == MARK
    assert "".join(drawn).count(MARK) == 1
    assert {len(line) for line in drawn} == {36}


def test_the_bare_tiny_model_is_told_to_know_no_place(tmp_path: Path) -> None:
    warning = without_places("tiny", None)
    assert warning is not None and "mean nothing" in warning
    assert without_places("tiny", tmp_path) is None
    assert without_places("Qwen/Qwen2.5-VL-7B-Instruct", None) is None


@pytest.mark.parametrize(
    ("sureness", "said"),
    [
        ("sure", "Lyon, France, 72% sure of the country\n"),
        (None, "Lyon, France, 72% sure of the country, uncalibrated"),
        ("unsure", "not sure. The best guess: Lyon, France, 72% sure of the country\n"),
        ("unfamiliar", "not like those that the model knows. Its guess: Lyon, France"),
    ],
)
def test_an_answer_that_is_not_sure_says_so_first(sureness, said) -> None:
    found = Location(
        "answered", "FR", "France", "Lyon", confidence=0.72, sureness=sureness, latitude=None
    )
    console = Console(width=200, record=True)
    console.print(describe("a.jpg", found))
    text = console.export_text()
    assert said in text
    assert ("72%" in text) == (sureness != "unfamiliar")
