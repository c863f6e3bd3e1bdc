"""Mutation testing: small faults put into the science, and whether its unit tests notice them.

mutmut makes the mutants and runs the tests that reach each; its settings stand in pyproject.toml.
Of a module with many mutants a random sample is tested. Left out, because a test of it would only
repeat it: wording (text with a blank in it) and what stands outside functions, which mutmut does
not change: tables of names, schemas, regular expressions, constants. Left out too is what runs once
a process, such as reading the gazetteer: mutmut knows only the first test to have met it.
"""

import argparse
import ast
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.record import write_record

PROJECT = Path(__file__).resolve().parents[1]
ROOM = PROJECT / "build" / "mutants"
MUTATED = ROOM / "mutants"
# Exit codes of mutmut's workers; the rest are crashes.
OUTCOMES = {0: "survived", 1: "killed", 3: "killed", 5: "no_tests", 33: "no_tests"}
TIMEOUTS = (-24, 24, 36, 152, 255)
# A worker is a fork: without this, its garbage collector goes through torch and Ray each time,
# which takes ten times as long as a test.
KEEP_WHAT_IS_IMPORTED = """
import gc

def pytest_collection_finish(session):
    gc.collect()
    gc.freeze()
"""
RUN_ONCE = (  # parts of mutants' names
    "Gazetteerǁ__init__",
    "_read_countries",
    "_Labelsǁ",
    "gazetteer.x__read__",
    "x__numbers__",
)
NOTICED = ("killed", "timeout", "crashed")


@dataclass(frozen=True)
class Mutant:
    """`name` as mutmut has it; `module` is the file's path in the package."""

    name: str
    module: str
    diff: str


def copy_project() -> None:
    """The package and its tests, to where mutmut may write beside them."""
    for folder in ("georay", "tests"):
        shutil.copytree(PROJECT / folder, ROOM / folder, ignore=_no_copy, dirs_exist_ok=True)
    shutil.copy(PROJECT / "pyproject.toml", ROOM)
    (ROOM / "conftest.py").write_text(KEEP_WHAT_IS_IMPORTED)


def _no_copy(folder: str, names: list[str]) -> list[str]:
    """Caches, and links to nothing, which mutmut cannot copy."""
    return [name for name in names if name == "__pycache__" or not (Path(folder) / name).exists()]


def run_mutmut(names: Sequence[str]) -> None:
    """Makes all mutants where there are none yet, and tests those named, one at a time."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", "1", *names]
    with (ROOM / "log.txt").open("a") as log:
        done = subprocess.run(command, cwd=ROOM, env=environment, stdout=log, stderr=log)
    if done.returncode:
        raise SystemExit(f"mutmut stopped; {log.name} says why")


def keep_own_tests() -> None:
    """A mutant is tested by the unit tests of its own room, not by all that come past it."""
    path = MUTATED / "mutmut-stats.json"
    stats = json.loads(path.read_text())
    met = stats["tests_by_mangled_function_name"]
    for function, tests in met.items():
        room = f"tests/unit/{function.split('.')[1]}/"
        met[function] = [test for test in tests if test.startswith(room)]
    path.write_text(json.dumps(stats))


def mutants() -> Iterator[Mutant]:
    """Every mutant that mutmut made, apart from those of wording and of what runs once."""
    for path in sorted(MUTATED.glob("georay/**/*.py.meta")):
        module = path.relative_to(MUTATED).with_suffix("")
        functions = _functions(MUTATED / module)
        for name in json.loads(path.read_text())["exit_code_by_key"]:
            function = name.rpartition(".")[2]
            before = functions[function.rpartition("__mutmut_")[0] + "__mutmut_orig"]
            diff = _difference(before, functions[function])
            if diff is not None and not any(part in name for part in RUN_ONCE):
                yield Mutant(name, str(module), diff)


def _functions(path: Path) -> dict[str, ast.AST]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _difference(before: ast.AST, after: ast.AST) -> str | None:
    """The lines that changed, before and after; None if only wording did."""
    old, _ = _first_difference(before, after)
    if isinstance(old, ast.Constant) and isinstance(old.value, str) and " " in old.value:
        return None
    lines = difflib.ndiff(ast.unparse(before).splitlines()[1:], ast.unparse(after).splitlines()[1:])
    return "\n".join(line for line in lines if line[0] in "-+")


def _first_difference(before: ast.AST, after: ast.AST) -> tuple[ast.AST, ast.AST]:
    """The smallest pair of nodes that holds the whole change."""
    pairs = list(zip(ast.iter_child_nodes(before), ast.iter_child_nodes(after), strict=False))
    changed = [(old, new) for old, new in pairs if ast.dump(old) != ast.dump(new)]
    same_shape = len(list(ast.iter_child_nodes(before))) == len(list(ast.iter_child_nodes(after)))
    if type(before) is type(after) and same_shape and len(changed) == 1:
        return _first_difference(*changed[0])
    return before, after


def sample(found: Sequence[Mutant], per_module: int, seed: int) -> list[Mutant]:
    """At most so many mutants of each module: a draw that hangs on the module's mutants alone."""
    by_module: dict[str, list[Mutant]] = {}
    for mutant in found:
        by_module.setdefault(mutant.module, []).append(mutant)
    return [
        one
        for module, them in by_module.items()
        for one in random.Random(f"{seed} {module}").sample(them, min(per_module, len(them)))
    ]


def outcomes() -> dict[str, str]:
    """What became of each mutant that was tested, by its name."""
    codes: dict[str, int | None] = {}
    for path in MUTATED.glob("georay/**/*.py.meta"):
        codes |= json.loads(path.read_text())["exit_code_by_key"]
    return {name: _outcome(code) for name, code in codes.items() if code is not None}


def _outcome(code: int) -> str:
    return "timeout" if code in TIMEOUTS else OUTCOMES.get(code, "crashed")


def results(found: Sequence[Mutant], chosen: Sequence[Mutant]) -> dict[str, object]:
    """Counts by module and in all, and each mutant that nothing noticed."""
    became = outcomes()
    modules = {}
    for module in sorted({one.module for one in chosen}):
        num_mutants = sum(one.module == module for one in found)
        counts = _counts([became[one.name] for one in chosen if one.module == module])
        modules[module] = {"mutants": num_mutants} | counts
    return {
        "mutants": len(found),
        **_counts([became[one.name] for one in chosen]),
        "modules": modules,
        "not_noticed": {m.name: m.diff for m in chosen if became[m.name] not in NOTICED},
    }


def _counts(became: Sequence[str]) -> dict[str, float]:
    """How many were tested, the share that the tests noticed, and how many ended in which way."""
    score = sum(how in NOTICED for how in became) / len(became)
    return {
        "sampled": len(became),
        "score": round(score, 4),
        **dict(sorted(Counter(became).items())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-module", type=int, default=10, help="mutants of a module at most")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--again", action="store_true", help="the last sample: test what was not noticed once more"
    )
    parser.add_argument("--record", default="mutation", help="the record's name")
    asked = parser.parse_args()
    before = outcomes() if asked.again else {}
    if not asked.again:
        shutil.rmtree(ROOM, ignore_errors=True)
    copy_project()
    run_mutmut(["georay.locatability.labels.*"])  # the fewest: this makes the mutants of all
    keep_own_tests()
    found = list(mutants())
    last = [one for one in found if one.name in before]
    chosen = last or sample(found, asked.per_module, asked.seed)
    became = outcomes()
    run_mutmut([one.name for one in chosen if became.get(one.name) not in NOTICED])
    config = {"mutmut": metadata.version("mutmut"), **vars(asked)}
    earlier = {"earlier": _counts(list(before.values()))} if before else {}
    path = write_record(asked.record, config, results(found, chosen) | earlier)
    print(path)


if __name__ == "__main__":
    main()
