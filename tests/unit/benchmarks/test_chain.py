"""The transcript of docs/cluster.md: what the script said, without Ray's own words."""

import sys

import pytest

from benchmarks import chain
from benchmarks.chain import BEGIN, END, Finished, transcript

SCRIPT = """
print("== points: no recipe in jobs/recipes/chain-small")
print("== ray job submit … python -m jobs.clues --recipe jobs/recipes/chain-small/clues.yaml")
print("Job submission server address: http://127.0.0.1:1")
print("2026-11-30 20:47:00,123\\tINFO dashboard_sdk.py:385 -- Package gcs://x exists.")
print("-------------------------------------------------------")
print("clues: 12 of 40 sentences → /tmp/here/clues.parquet")
print("(raylet) late")
print("== ray job submit … python -m jobs.curate --recipe jobs/recipes/chain-small/curate.yaml")
print("report: /tmp/here/curation/report.html")
"""


@pytest.fixture
def said():
    return chain._run([sys.executable, "-c", SCRIPT], {}, "/tmp/here")


def test_rays_own_lines_are_left_out_and_the_folder_has_its_name(said):
    lines, _ = said
    assert lines[1:] == [
        "== points: no recipe in jobs/recipes/chain-small",
        "== ray job submit … python -m jobs.clues --recipe jobs/recipes/chain-small/clues.yaml",
        "clues: 12 of 40 sentences → $GEORAY_STORAGE/clues.parquet",
        "== ray job submit … python -m jobs.curate --recipe jobs/recipes/chain-small/curate.yaml",
        "report: $GEORAY_STORAGE/curation/report.html",
    ]


def test_only_steps_that_ran_have_seconds(said):
    assert list(said[1]) == ["clues", "curate"]


def test_a_script_that_fails_is_an_error_with_its_words():
    script = "print('the words'); raise SystemExit(3)"
    with pytest.raises(RuntimeError, match="the words"):
        chain._run([sys.executable, "-c", script], {}, "/tmp/here")


def test_the_guide_keeps_all_that_is_not_between_the_marks(tmp_path, monkeypatch):
    guide = tmp_path / "cluster.md"
    guide.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    monkeypatch.setattr(chain, "GUIDE", guide)
    answer = {"country": "JP", "city": "Tokyo", "confidence": 0.5, "reasons": "long"}
    finished = Finished(("$ it", "said so"), {"clues": 12.4}, 20, {}, answer)
    for _ in range(2):  # again, it replaces what it wrote
        chain._write(transcript(finished, "s3"))
    text = guide.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert text.count("said so") == 1
    assert "old" not in text
    assert '"country": "JP", "city": "Tokyo"' in text
    assert "an S3 server on loopback" in text


def test_the_guide_has_the_marks():
    text = (chain.PROJECT / "docs" / "cluster.md").read_text()
    assert text.index(BEGIN) < text.index(END)
