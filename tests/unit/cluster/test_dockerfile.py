"""cluster/Dockerfile: clean to a linter, pinned as the tests are, and run by nobody's root."""

import re
import subprocess

import pytest
from cluster_files import CLUSTER

PROJECT = CLUSTER.parent
TEXT = (CLUSTER / "Dockerfile").read_text()
PINS = dict(
    line.split("==")
    for line in (PROJECT / "constraints.txt").read_text().splitlines()
    if "==" in line
)


def findings(text):
    done = subprocess.run(
        ["hadolint", "--no-color", "-"], input=text, capture_output=True, text=True, check=False
    )
    return done.stdout


def stages(text=TEXT):
    """The lines of each stage, by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_linter_finds_nothing():
    assert findings(TEXT) == ""


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("FROM python:3.11.14-slim-bookworm", "FROM python", "DL3006"),
        ("FROM python:3.11.14-slim-bookworm", "FROM python:latest", "DL3007"),
        ("torch==${TORCH_VERSION}", "torch", "DL3013"),
        (" --no-install-recommends", "", "DL3015"),
        ("    && rm -rf /var/lib/apt/lists/* \\\n", "", "DL3009"),
        ("WORKDIR /opt/georay", "WORKDIR opt/georay", "DL3000"),
        ('ENTRYPOINT ["tini", "--"]', "ENTRYPOINT tini --", "DL3025"),
        ("COPY jobs ./jobs", "CPOY jobs ./jobs", "unexpected"),
    ],
)
def test_a_broken_line_is_noticed(before, after, rule):
    assert before in TEXT
    assert rule in findings(TEXT.replace(before, after))


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_a_target_has_the_pinned_packages_and_no_rights(target):
    lines = stages()[target]
    assert "USER 1000" in lines
    assert "-c constraints.txt" in lines
    assert lines.index("USER 1000") > lines.rindex("RUN "), "nothing is installed as the user"


def test_torch_is_the_one_that_the_tests_run_with():
    assert f"ARG TORCH_VERSION={PINS['torch']}\n" in TEXT


def test_what_a_gpu_node_needs_is_said_for_this_torch():
    assert f"torch {PINS['torch']} is built for CUDA 13.0" in TEXT
    assert "driver 580 or newer" in TEXT


def test_what_is_copied_is_there_and_let_into_the_build():
    copied = {
        name
        for line in TEXT.splitlines()
        if line.startswith("COPY ")
        for name in line.split()[1:-1]
    }
    assert all((PROJECT / name).exists() for name in copied)
    let_in = (CLUSTER / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in let_in if line.startswith("!")} == copied


def test_extras_that_are_installed_are_the_projects():
    project = (PROJECT / "pyproject.toml").read_text()
    for extras in re.findall(r"-e '\.\[(.*)\]'", TEXT):
        assert all(f"\n{extra} = [" in project for extra in extras.split(","))
