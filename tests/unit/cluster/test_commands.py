"""Every command that cluster/, jobs/ and docs/cluster.md name is one that there is.

Ray's, Serve's and georay's own parsers read their options; a job's recipe is read by its job.
"""

import importlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import get_type_hints

import click
import pytest
import typer
import yaml
from cluster_files import CLUSTER, document, documents
from ray.scripts.scripts import cli as ray_cli
from ray.serve.scripts import cli as serve_cli
from typer._click.exceptions import ClickException

from georay.cli.app import app as georay_app
from georay.config.load import load_recipe
from georay.models.registry import packaged_adapters

PROJECT = CLUSTER.parent
SCRIPTS = ["chain.sh", "vllm.sh", "slurm/ray.sbatch"]
PROGRAMS = {"ray": ray_cli, "serve": serve_cli, "georay": typer.main.get_command(georay_app)}
NO_PROGRAM = re.compile(r"[A-Z_]+=\S*$")


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")


def lint(text):
    done = subprocess.run(
        ["shellcheck", "--shell=bash", "-"], input=text, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing_in_a_script(name):
    path = CLUSTER / name
    assert lint(path.read_text()) == ""
    assert path.stat().st_mode & 0o111, "it is run by its name"


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('rm -rf "$GEORAY_FOLDER/"*', "SC2115"),
        ("cd /opt && for file in $(ls); do echo $file; done", "SC2045"),
        ('if [ "$1" = x ]; then echo x', "SC1046"),
    ],
)
def test_a_broken_line_of_a_script_is_noticed(name, line, rule):
    assert rule in lint((CLUSTER / name).read_text() + line + "\n")


def words(command):
    """The words of a command, without variables set before it."""
    found = shlex.split(command, comments=True)
    while found and NO_PROGRAM.match(found[0]):
        found.pop(0)
    return found


def check(command):
    """Raises ValueError, ImportError or AssertionError for a command that could not run."""
    found = words(command)
    program = found[0]
    if program in PROGRAMS:
        check_options(PROGRAMS[program], found)
        if "--" in found:
            check(shlex.join(found[found.index("--") + 1 :]))
    elif found[:2] == ["python", "-m"]:
        check_job(found[2:])
    elif program.startswith("cluster/"):
        assert (PROJECT / program).is_file(), program
        for word in found[1:]:
            name = word.rpartition("=")[2]
            assert "/" not in name or name.startswith("jobs.") or Path(name).exists(), word
    elif program == "sbatch":
        check(shlex.join(word for word in found[1:] if not word.startswith("--")))
    else:
        raise ValueError(f"no parser for {program!r}")


def check_options(command, found):
    """As the program itself reads them; nothing is run. Typer's click is not the other's."""
    name, *rest = found
    context = command.context_class(command, info_name=name)
    try:
        while hasattr(command, "resolve_command"):
            _, command, rest = command.resolve_command(context, rest)
        if "--" in rest:
            rest = [*rest[: rest.index("--")], "--", "program"]
        command.make_context(command.name, list(rest))
    except (click.ClickException, ClickException) as problem:
        raise ValueError(f"{found}: {problem.format_message()}") from problem


def check_job(arguments):
    """The module is there, and reads the recipe."""
    module, option, path = arguments
    job = importlib.import_module(module)
    assert option == "--recipe"
    recipe = Path(path.replace("/opt/georay/", ""))
    load_recipe(recipe, model_of(job))


def model_of(job):
    """The kind of recipe that a job reads."""
    text = Path(job.__file__).read_text()
    (name,) = re.findall(r"(?:load_recipe|laid_over)\(recipe, (\w+)", text)
    assert get_type_hints(job.main)
    return getattr(job, name)


def joined(text):
    """Lines that end in a backslash, with the next."""
    return re.sub(r"\\\n\s*", " ", text)


def of_documents():
    """Commands of the Kubernetes and Ray files."""
    for job in ("curate", "train"):
        yield document(f"kuberay/{job}.yaml", "RayJob")["spec"]["entrypoint"]
    lab = documents("ray-up.yaml")[0]
    for commands in (lab["head_start_ray_commands"], lab["worker_start_ray_commands"]):
        yield from (command for command in commands if command != "ray stop")


def of_comments():
    """Commands in the head of a file: `#   ray up …`, `# … serve deploy FILE`."""
    for path in sorted(CLUSTER.rglob("*")):
        if path.suffix in (".yaml", ".sh", ".sbatch"):
            text = path.read_text()
            found = re.findall(r"^#(?: {3,}|.*: )(.*)$", text, flags=re.MULTILINE)
            yield from (re.split(r"\s{3,}", one)[0] for one in found if is_command(one))


def is_command(text):
    return re.match(r"(\S+=\S+ )*(?:(ray|serve|georay) [a-z-]+|sbatch|cluster/\S+\.sh)", text)


def of_jobs():
    """How each job says that it is submitted."""
    for path in sorted((PROJECT / "jobs").glob("*.py")):
        found = re.search(r"^ray job submit .*$", joined(path.read_text()), flags=re.MULTILINE)
        if found:
            yield found[0]


def of_the_guide():
    """Every command of docs/cluster.md's blocks of shell."""
    text = joined((PROJECT / "docs" / "cluster.md").read_text())
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            if is_command(line):
                yield line


@pytest.mark.parametrize("command", [*of_documents(), *of_comments(), *of_jobs(), *of_the_guide()])
def test_a_command_can_be_run(command):
    check(command)


def test_commands_are_found_wherever_they_stand():
    assert len(list(of_documents())) == 4
    assert len(list(of_jobs())) >= 8
    assert len(list(of_comments())) >= 8
    assert len(list(of_the_guide())) >= 4


@pytest.mark.parametrize(
    "command",
    [
        "ray start --haed",
        "ray job sumbit -- python -m jobs.curate --recipe jobs/recipes/curate-small.yaml",
        "ray job submit -- python -m jobs.crate --recipe jobs/recipes/curate-small.yaml",
        "ray job submit -- python -m jobs.curate --recipe jobs/recipes/curate-smal.yaml",
        "ray job submit -- python -m jobs.curate --recipe jobs/recipes/paper/train.yaml",
        "serve deploy",
        "georay curat photos",
        "sbatch cluster/slurm/ray.sh",
        "cluster/chain.sh jobs/recipes/papers",
        "kubetcl apply -f cluster/kuberay/cluster.yaml",
    ],
)
def test_a_command_that_is_none_is_noticed(command):
    with pytest.raises((ValueError, ImportError, AssertionError, OSError)):
        check(command)


def test_adapters_are_joined_for_vllm_as_the_guide_says(tmp_path):
    """On the tiny twin, with the adapters that the package carries for it."""
    text = (PROJECT / "docs" / "cluster.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    shutil.copytree(packaged_adapters("tiny"), tmp_path / "adapters")
    code = code.replace('"/mnt/georay/train-qwen2.5-vl"', repr(str(tmp_path)))
    exec(code.replace('"Qwen/Qwen2.5-VL-7B-Instruct"', '"tiny"'), {})
    joined = json.loads((tmp_path / "cat" / "adapter_config.json").read_text())
    assert f"--max-lora-rank {joined['r']} " in (CLUSTER / "vllm.sh").read_text()


def test_kubectl_applies_files_that_are_there():
    text = (PROJECT / "docs" / "cluster.md").read_text()
    applied = re.findall(r"-f (cluster/\S+)", text)
    assert applied
    assert all((PROJECT / name).exists() for name in applied)


def test_the_chain_knows_every_step_that_has_a_recipe_and_a_job():
    script = (CLUSTER / "chain.sh").read_text()
    steps = re.search(r"steps=\(([a-z ]+)\)", script)[1].split()
    recipes = {path.stem for path in (PROJECT / "jobs/recipes/paper").glob("*.yaml")}
    assert set(steps) == {name for name in recipes if "-" not in name}
    assert all((PROJECT / "jobs" / f"{step}.py").is_file() for step in steps)


def test_jobs_of_kubernetes_get_the_environment_that_their_recipe_needs():
    for job in ("curate", "train"):
        given = yaml.safe_load(document(f"kuberay/{job}.yaml", "RayJob")["spec"]["runtimeEnvYAML"])
        assert set(given["env_vars"]) == {"GEORAY_STORAGE"}
