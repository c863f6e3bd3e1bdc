"""`georay evaluate`: figures per file, and one table of several. `georay predict`: its options."""

import json

import pyarrow.parquet as pq
import pytest
import typer
from predicting_room import recipe_of, write_model, write_samples
from typer.testing import CliRunner

from georay.cli.evaluate import evaluate, predict
from georay.config.load import dump_recipe
from georay.core.tables import PREDICTIONS, rows_to_table
from jobs import predict as predict_job

APP = typer.Typer()
APP.command()(evaluate)
LYON = {
    "true_country": "FR", "true_city": "Lyon", "true_latitude": 45.75, "true_longitude": 4.83,
}  # fmt: skip


@pytest.fixture
def written(tmp_path):
    """A file of ten answers, so many of which are right."""

    def written(name, num_right):
        answers = [("FR", "Lyon", 45.75)] * num_right + [("IT", "Rome", 41.9)] * (10 - num_right)
        rows = [
            LYON
            | {"image_id": f"i{n}", "model": "m", "status": "answered"}
            | {"country": country, "city": city, "latitude": latitude, "longitude": 4.83}
            for n, (country, city, latitude) in enumerate(answers)
        ]
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        pq.write_table(rows_to_table(rows, PREDICTIONS), path)
        return str(path)

    return written


def run(*arguments):
    return CliRunner().invoke(APP, list(arguments), catch_exceptions=True)


def test_one_file_shows_its_figures_and_no_table(written):
    result = run(written("base.parquet", 6))
    assert result.exit_code == 0, result.output
    assert "/base.parquet (SHA-256" in result.output
    assert "0.6000 [0.313, 0.832]" in result.output
    assert "###" not in result.output


def test_several_files_are_told_one_by_one_and_then_side_by_side(written):
    result = run(written("base.parquet", 6), written("both.parquet", 9))
    assert result.output.count("Predictions: ") == 2
    table = [line for line in result.output.splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in table[:4]][2:] == ["base", "both"]
    assert "0.9000" in table[3]


def test_files_of_one_name_given_are_runs_of_one_row(written):
    files = [written(f"{seed}/both.parquet", right) for seed, right in enumerate((4, 8))]
    result = run(*(f"both={file}" for file in files), "--json")
    facts = json.loads(result.stdout)
    (row,) = facts["table"]["rows"]
    assert row["label"] == "both"
    assert row["figures"]["country"]["accuracy"]["mean"] == pytest.approx(0.6)
    assert len(row["sources"]) == len(facts["evaluations"]) == 2
    assert facts["evaluations"][0]["country"]["num_correct"] == 4


def test_two_files_of_one_name_of_their_own_are_not_averaged_unasked(written):
    result = run(written("0/both.parquet", 4), written("1/both.parquet", 8))
    assert isinstance(result.exception, ValueError)
    assert "NAME=" in str(result.exception)


def test_a_file_whose_path_holds_an_equals_sign_is_read(written):
    result = run(written("seed=1.parquet", 5))
    assert result.exit_code == 0, result.output
    assert "seed=1.parquet (SHA-256" in result.output


def test_distances_are_counted_as_asked(written):
    file = written("base.parquet", 10)
    (one,) = json.loads(run(file, "--json").stdout)["evaluations"]
    assert one["measuring"]["formula"] == "haversine" and one["measuring"]["within"] == "<="
    assert one["distances"][0]["of_all"]["value"] == 1.0
    (one,) = json.loads(run(file, "--geodesic", "--below", "--json").stdout)["evaluations"]
    assert one["measuring"]["formula"] == "geodesic" and one["measuring"]["within"] == "<"


def test_a_file_that_is_absent_is_named(tmp_path):
    result = run(str(tmp_path / "absent.parquet"))
    assert isinstance(result.exception, ValueError)
    assert "absent.parquet" in str(result.exception)


def test_answers_of_another_program_are_judged_by_a_truth_of_its_own(tmp_path):
    (tmp_path / "a.csv").write_text("img_id,lat,lng\nx/1.jpg,45.75,4.83\nx/9.jpg,0,0\n")
    (tmp_path / "t.csv").write_text("id,latitude,longitude\n1,45.75,4.83\n2,45.75,4.83\n")
    asked = (str(tmp_path / "a.csv"), "--truth", str(tmp_path / "t.csv"))
    refused = run(*asked)
    assert isinstance(refused.exception, ValueError) and "--allow-extra" in str(refused.exception)
    (one,) = json.loads(run(*asked, "--allow-extra", "--json").stdout)["evaluations"]
    assert one["statuses"] == {"answered": 1, "missing": 1}
    assert one["distances"][0]["of_all"]["value"] == 0.5


def test_raw_answers_in_a_named_column_are_read(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 1, "said": "Lyon, France.", "true_country": "FR"}\n')
    result = run(str(tmp_path / "a.jsonl"), "--raw-column", "said", "--json")
    (one,) = json.loads(result.stdout)["evaluations"]
    assert one["country"]["num_correct"] == 1


def test_figures_are_written_as_markdown_and_as_a_page_too(written, tmp_path):
    files = [written("base.parquet", 6), written("both.parquet", 9)]
    result = run(*files, "--markdown", str(tmp_path / "r.md"), "--html", str(tmp_path / "r.html"))
    assert result.exit_code == 0, result.output
    assert "Pairs on the same images" in result.output
    assert "### By continent" in (tmp_path / "r.md").read_text()
    assert "<svg" in (tmp_path / "r.html").read_text()


def test_reasons_are_held_against_drawn_scenes(tmp_path):
    from georay.streetworld.export.records import write_folder
    from georay.streetworld.world import StreetWorld

    world = StreetWorld(3, 128)
    write_folder(world, 8, tmp_path / "scenes")
    scene = next(world.scene(index) for index in range(8) if world.scene(index).clues)
    row = {"id": scene.name, "pred_country": scene.country, "true_country": scene.country,
           "reasons": f"There is a {scene.clues[0].text}."}  # fmt: skip
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    result = run(str(tmp_path / "a.jsonl"), "--scenes", str(tmp_path / "scenes"), "--json")
    (one,) = json.loads(result.stdout)["evaluations"]
    of_answers = one["faithfulness"]["levels"][0]
    assert of_answers["level"] == "answers" and of_answers["both"]["value"] == 1.0


def test_anyones_clues_and_conventions_say_whether_reasons_are_true(tmp_path):
    (tmp_path / "a.csv").write_text("id,country,reasons\n1,Chile,I see a llama.\n")
    truth = [{"id": 1, "country": "Peru", "clues": [{"text": "a llama"}, {"text": "a puma"}]}]
    (tmp_path / "t.json").write_text(json.dumps(truth))
    (tmp_path / "c.csv").write_text("country,text\nPeru,a llama\n")
    asked = ("--truth", str(tmp_path / "t.json"), "--conventions", str(tmp_path / "c.csv"))
    written = ("--markdown", str(tmp_path / "r.md"), "--html", str(tmp_path / "r.html"))
    result = run(str(tmp_path / "a.csv"), *asked, *written, "--json")
    (one,) = json.loads(result.stdout)["evaluations"]
    (of_answers, *_) = one["faithfulness"]["levels"]
    assert (of_answers["visible"]["value"], of_answers["conventional"]["value"]) == (1.0, 0.0)
    for text in (run(str(tmp_path / "a.csv"), *asked).output, *(
        (tmp_path / name).read_text() for name in ("r.md", "r.html"))):  # fmt: skip
        assert "Faithfulness of reasons" in text and "of the country" in text


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    root = tmp_path_factory.mktemp("room")
    write_model(root / "small")
    write_samples(root / "drawn")
    return root


def test_one_recipe_asks_about_other_samples_another_model_and_writes_elsewhere(room, tmp_path):
    recipe = recipe_of(room / "gone", room / "gone", tmp_path / "gone.parquet", max_images=2)
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    app = typer.Typer()
    app.command()(predict)
    options = {
        "--samples": room / "drawn" / "samples.parquet",
        "--model": room / "small",
        "--out": tmp_path / "o.parquet",
    }
    given = [str(part) for option in options.items() for part in option]
    result = CliRunner().invoke(app, [str(tmp_path / "recipe.yaml"), *given, "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["num_images"], facts["finished_before"]) == (2, False)
    assert pq.read_table(tmp_path / "o.parquet").num_rows == 2
    assert not (tmp_path / "gone.parquet").exists()


def test_the_job_asks_what_its_recipe_says(room, tmp_path):
    recipe = recipe_of(
        room / "drawn" / "samples.parquet", room / "small", tmp_path / "o.parquet", max_images=1
    )
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    app = typer.Typer()
    app.command()(predict_job.main)
    done = CliRunner().invoke(app, ["--recipe", str(tmp_path / "recipe.yaml")])
    assert done.exit_code == 0, done.output
    assert "1 images: 1 answered" in done.output
    (tmp_path / "recipe.yaml").write_text("samples: []")
    failed = CliRunner().invoke(app, ["--recipe", str(tmp_path / "recipe.yaml")])
    assert failed.exit_code == 1
    assert "needs changing" in failed.output
