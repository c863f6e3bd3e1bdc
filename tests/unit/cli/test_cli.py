import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from make_bad_images import FOLDER
from typer.testing import CliRunner

from georay.cli import main
from georay.cli.app import app

PICTURE = FOLDER / "cmyk.jpg"


def georay(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "georay", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


HEAVY = {"torch", "ray", "transformers", "numpy", "pyarrow", "scipy", "PIL"}


@pytest.mark.parametrize(
    "code",
    [
        "import georay",
        "import georay.cli.app",
        "import georay.cli.app as cli; cli.app(['--help'], standalone_mode=False)",
        "import georay.cli.app as cli; cli.app(['serve', '--help'], standalone_mode=False)",
    ],
)
def test_importing_georay_and_asking_for_help_load_nothing_heavy(code):
    """What takes long at a start is what is imported, so that is what is asked."""
    whole = f"import sys; {code}; sys.stderr.write(' '.join({HEAVY} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True)
    assert run.stderr == ""


def test_help_names_every_verb():
    text = georay("--help").stdout
    for verb in ("curate", "select", "score", "weights", "doctor"):
        assert verb in text
        assert georay(verb, "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("curate",), "give INPUT and --out"),
        (("curate", "{tmp}/absent", "--out", "{tmp}/run"), "absent does not exist"),
        (("curate", "{tmp}", "--out", "{tmp}/run", "--weights", "{tmp}/no.json"), "no.json"),
        (("curate", "{tmp}", "--out", "{tmp}/run", "--clues", "{tmp}/no.csv"), "no.csv"),
        (("curate", "{tmp}", "--out", "{tmp}/r", "--clues", "a", "--weights", "b"), "exclude"),
        (("curate", "{tmp}/no.yaml"), "cannot read the recipe"),
        (("curate", "{tmp}/b.jpg", "--out", "{tmp}/a.txt/run"), "a.txt"),
        (("select", "{tmp}", "--threshold", "0.5"), "holds no finished run"),
        (("score", "{tmp}/a.txt"), "a.txt: none of JPEG"),
        (("score", "{tmp}/absent.jpg"), "absent.jpg"),
        (("weights", "{tmp}/absent.csv"), "no file of clues"),
        (("weights", "{tmp}/a.txt", "--out", "{tmp}"), "is a folder"),
    ],
)
def test_a_mistake_is_one_message_and_no_traceback(
    tmp_path, capsys, monkeypatch, arguments, message
):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.jpg").write_bytes(PICTURE.read_bytes())
    monkeypatch.setattr(sys, "argv", ["georay", *(a.format(tmp=tmp_path) for a in arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert end.value.code == 1
    assert said.out == ""
    assert message in said.err
    assert said.err.splitlines()[-1].startswith("georay: ")


def test_a_mistake_ends_the_process_with_1_and_without_a_traceback(tmp_path):
    done = georay("select", tmp_path, "--threshold", "0.5")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("georay: ")


def test_an_interrupt_says_how_to_go_on(tmp_path):
    command = [
        sys.executable,
        "-m",
        "georay",
        "curate",
        str(FOLDER),
        "--out",
        str(tmp_path / "run"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while not (tmp_path / "run" / "settings.json").exists():
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "run the same command again" in errors
    assert "Traceback" not in errors


def test_an_interrupt_that_a_library_swallows_is_still_an_interrupt():
    swallow = (
        "import os, signal, georay.cli, georay.cli.app as cli\n"
        "def app():\n"
        "    try: os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt: raise ImportError('half a module')\n"
        "cli.app = app\n"
        "georay.cli.main()\n"
    )
    run = subprocess.run([sys.executable, "-c", swallow], capture_output=True, text=True)
    assert run.returncode == 130
    assert run.stderr == "georay: interrupted; run the same command again to go on from here\n"


def test_an_interrupt_that_falls_into_a_callback_is_not_lost():
    swallow = (
        "import os, signal, time, georay.cli, georay.cli.app as cli\n"
        "class Last:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGINT)\n"
        "def app():\n"
        "    Last()\n"
        "    time.sleep(600)\n"
        "cli.app = app\n"
        "georay.cli.main()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", swallow], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 130
    assert run.stderr == "georay: interrupted; run the same command again to go on from here\n"


def test_a_picture_is_explained_class_by_class():
    plain = georay("score", PICTURE, env=os.environ | {"COLUMNS": "100"})
    assert plain.returncode == 0, plain.stderr
    assert "building" in plain.stdout
    assert "×" in plain.stdout
    (facts,) = json.loads(CliRunner().invoke(app, ["score", str(PICTURE), "--json"]).stdout)
    assert facts["file"] == str(PICTURE)
    total = sum(part["contribution"] for part in facts["classes"])
    assert facts["locatability"] == pytest.approx(total, abs=1e-12)
    assert sum(part["area_ratio"] for part in facts["classes"]) == pytest.approx(1, abs=1e-5)


def test_a_run_and_a_selection_speak_json(tmp_path):
    # One error is certain here, and allowed: a third of the files.
    for name in ("cmyk.jpg", "png_named.jpg", "empty.jpg"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    arguments = ("curate", tmp_path, "--out", tmp_path / "run", "--json")
    done = georay(*arguments)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["files"], facts["scored"], facts["errors"]) == (3, 2, 1)
    assert facts["failures"][0]["kind"] == "empty"
    assert Path(facts["report"]).exists()
    assert not facts["finished_before"]
    selected = json.loads(
        georay("select", tmp_path / "run", "--threshold", "0.99", "--json").stdout
    )
    assert (selected["kept"], selected["threshold"]) == (0, 0.99)


def test_the_doctor_says_what_is_here_and_what_is_missing(tmp_path):
    facts = {finding["name"]: finding for finding in json.loads(georay("doctor", "--json").stdout)}
    assert facts["small segmenter"]["fine"]
    assert facts["ray"]["fact"][0].isdigit()
    hidden = georay("doctor", env=os.environ | {"PATH": str(tmp_path)})
    assert hidden.returncode == 0, hidden.stderr
    assert "install the package chromium" in hidden.stdout
    assert "Without: " in hidden.stdout
    assert "browser" in hidden.stdout.splitlines()[-1]
