"""The examples of the documentation, run as a reader would: the notebook, and each script."""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "docs" / "examples"
MOST_SECONDS = 900  # on a busy machine; five minutes alone are more than enough

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    world = StreetWorld(seed=3)
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(jpeg_bytes(world.scene(number).image))
    return folder


def run(script, *arguments):
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_notebook_runs_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    notebook = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    started = time.monotonic()
    NotebookClient(
        notebook, timeout=MOST_SECONDS, resources={"metadata": {"path": tmp_path}}
    ).execute()
    said = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    assert "40 pictures" in said and "sure of the country" in said
    print(f"the notebook took {time.monotonic() - started:.0f} s")


def test_curate_and_locate_do_what_they_say(photos, tmp_path):
    curated = run("curate.py", photos, tmp_path / "curated")
    assert "6" in curated and (tmp_path / "curated" / "report.html").exists()
    located = run("locate.py", photos, tmp_path / "where")
    assert "6 pictures" in located and (tmp_path / "where" / "locations.geojson").exists()


def test_the_client_asks_a_server(photos, server):
    said = run("client.py", server, photos / "0.jpg", photos / "1.jpg")
    assert "0.jpg: " in said and "1.jpg: " in said and "%" in said
