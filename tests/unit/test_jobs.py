"""Jobs: what a user can mend ends them with a sentence."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from georay.errors import GeorayError
from jobs import problems_in_a_sentence

FOLDER = Path(__file__).parents[2] / "jobs"
JOBS = sorted(path.stem for path in FOLDER.glob("*.py") if "    recipe: " in path.read_text())


@pytest.mark.parametrize(
    "problem", [ValueError("choose another"), GeorayError("stopped"), PermissionError("not yours")]
)
def test_what_a_user_can_mend_is_a_sentence(problem):
    with pytest.raises(SystemExit, match=str(problem)), problems_in_a_sentence():
        raise problem


def test_our_own_bugs_keep_their_traceback():
    with pytest.raises(KeyError), problems_in_a_sentence():
        raise KeyError("ours")


@pytest.mark.parametrize("job", JOBS)
def test_a_recipe_that_is_not_there_is_said(job):
    main = importlib.import_module(f"jobs.{job}").main
    with pytest.raises(SystemExit, match=r"cannot read the recipe /nowhere\.yaml"):
        main(Path("/nowhere.yaml"))


def test_a_job_says_it_without_a_traceback():
    command = [sys.executable, "-m", "jobs.evaluate", "--recipe", "/nowhere.yaml"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1].startswith("cannot read the recipe /nowhere.yaml")
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_thin(job):
    assert len((FOLDER / f"{job}.py").read_text().splitlines()) < 60


def test_a_job_takes_settings_as_the_verb_does(tmp_path):
    (tmp_path / "recipe.yaml").write_text("inputs: [photos]\noutput: run\n")
    command = [sys.executable, "-m", "jobs.curate", "--recipe", str(tmp_path / "recipe.yaml")]
    command += ["--set", "treshold=0.5"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "did you mean threshold?" in run.stderr
