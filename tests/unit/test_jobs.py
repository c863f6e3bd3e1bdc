"""Jobs: what a user can mend ends them with a sentence."""

import subprocess
import sys

import pytest

from georay.errors import GeorayError
from jobs import problems_in_a_sentence


@pytest.mark.parametrize(
    "problem", [ValueError("choose another"), GeorayError("stopped"), PermissionError("not yours")]
)
def test_what_a_user_can_mend_is_a_sentence(problem):
    with pytest.raises(SystemExit, match=str(problem)), problems_in_a_sentence():
        raise problem


def test_our_own_bugs_keep_their_traceback():
    with pytest.raises(KeyError), problems_in_a_sentence():
        raise KeyError("ours")


@pytest.mark.parametrize(
    "job", [*("curate", "collect", "train", "locate"), *("pretrain_tiny", "train_segmenter")]
)
def test_a_recipe_that_is_not_there_is_said_without_a_traceback(job):
    command = [sys.executable, "-m", f"jobs.{job}", "--recipe", "/nowhere.yaml"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1].startswith("cannot read the recipe /nowhere.yaml")
    assert "Traceback" not in run.stderr


def test_a_job_takes_settings_as_the_verb_does(tmp_path):
    (tmp_path / "recipe.yaml").write_text("inputs: [photos]\noutput: run\n")
    command = [sys.executable, "-m", "jobs.curate", "--recipe", str(tmp_path / "recipe.yaml")]
    command += ["--set", "treshold=0.5"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "did you mean threshold?" in run.stderr
