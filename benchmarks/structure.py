"""Compares the structure of georay at two commits: size, names, circles, duplicates, dependencies.

    python -m benchmarks.structure 'eb8b97e^' HEAD

Prints a Markdown table. Duplicates are counted by a tool named `duplicates`, where one is installed
that prints "N pairs of places" for `--repo DIR`; else they are left out.
"""

import argparse
import ast
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "georay"
Graph = Mapping[str, set[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(root: Path) -> dict[str, str]:
    """The package's Python files by their path below `root`."""
    files = sorted((root / PACKAGE).rglob("*.py"))
    return {file.relative_to(root).as_posix(): file.read_text("utf-8") for file in files}


def lines_per_room(files: Mapping[str, str]) -> dict[str, int]:
    """Lines of the package's folders and of the files beside them."""
    rooms: dict[str, int] = {}
    for name, text in files.items():
        room = name.split("/")[1].removesuffix(".py")
        rooms[room] = rooms.get(room, 0) + len(text.splitlines())
    return rooms


def functions(files: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Lines of every function, its docstring included, with its file and name."""
    for name, text in files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, Function):
                assert node.end_lineno is not None
                yield node.end_lineno - node.lineno + 1, f"{name}: {node.name}"


def public_names(files: Mapping[str, str]) -> int:
    """Classes and functions of modules whose names have no underscore in front."""
    nodes = [node for text in files.values() for node in ast.parse(text).body]
    named = [one.name for one in nodes if isinstance(one, ast.ClassDef | Function)]
    return sum(not name.startswith("_") for name in named)


def imports(files: Mapping[str, str]) -> dict[str, set[str]]:
    """Which modules of the package each module imports, inside functions too."""
    modules = {_module(name): text for name, text in files.items()}
    return {name: set(_imported(text, modules)) - {name} for name, text in modules.items()}


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(text: str, modules: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module in modules:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in modules else node.module


def circles(graph: Graph) -> list[set[str]]:
    """Siblings of any package that import each other in a circle, each circle once."""
    parents = {name.rpartition(".")[0] for name in graph} - {""}
    return [circle for parent in sorted(parents) for circle in _strong(_siblings(graph, parent))]


def _siblings(graph: Graph, parent: str) -> Graph:
    depth = parent.count(".") + 2

    def child(name: str) -> str:
        return ".".join(name.split(".")[:depth])

    inside = [name for name in graph if name.startswith(f"{parent}.")]
    found: dict[str, set[str]] = {child(name): set() for name in inside}
    for name in inside:
        others = {child(one) for one in graph[name] if one.startswith(f"{parent}.")}
        found[child(name)] |= others - {child(name)}
    return found


def _strong(graph: Graph) -> list[set[str]]:
    """Strongly connected components of more than one node."""
    reached = {name: _reached(graph, name) for name in graph}
    found = {frozenset(b for b in reached[a] if a in reached[b]) for a in graph}
    return [set(one) for one in found if len(one) > 1]


def _reached(graph: Graph, start: str) -> set[str]:
    seen, todo = set[str](), [start]
    while todo:
        for name in graph[todo.pop()] - seen:
            seen.add(name)
            todo.append(name)
    return seen


def declared(root: Path) -> list[str]:
    """The requirements of a bare installation."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return list(project["dependencies"])


def closure(requirements: list[str]) -> set[str]:
    """All packages that these bring, as far as they are installed here."""
    found, todo = set[str](), [Requirement(one) for one in requirements]
    while todo:
        one = todo.pop()
        for extra in ("", *one.extras):
            if one.marker is not None and not one.marker.evaluate({"extra": extra}):
                continue
            key = f"{canonicalize_name(one.name)}[{extra}]"
            if key not in found:
                found.add(key)
                todo += _needs(one.name, extra)
    return {key.partition("[")[0] for key in found}


def _needs(name: str, extra: str) -> list[Requirement]:
    try:
        needed = map(Requirement, requires(name) or ())
    except PackageNotFoundError:
        return []
    return [one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]


def duplicates(root: Path) -> str:
    """Pairs of places in the package that share six or more lines."""
    if shutil.which("duplicates") is None:
        return "not counted"
    command = ["duplicates", "--repo", str(root / PACKAGE), "--seconds", "120"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^(\d[\d,]*) pairs?", told)
    return found.group(1) if found else "0"


def figures(root: Path) -> dict[str, str]:
    """The rows of the table for one state of the repository."""
    files = sources(root)
    longest, where = max(functions(files))
    sizes = {name: len(text.splitlines()) for name, text in files.items()}
    largest = max(sizes, key=lambda name: sizes[name])
    needed = declared(root)
    rows = {
        "files": f"{len(files)}",
        "lines": f"{sum(sizes.values()):,}",
        "public classes and functions": f"{public_names(files):,}",
        "words of the README": f"{len((root / 'README.md').read_text('utf-8').split()):,}",
        "duplicates (pairs)": duplicates(root),
        "circles between siblings": f"{len(circles(imports(files)))}",
        "longest function": f"{longest} ({where})",
        "largest file": f"{sizes[largest]} ({largest})",
        "files over 400 lines": f"{sum(size > 400 for size in sizes.values())}",
        "a bare install asks for": f"{len(needed)} packages, {len(closure(needed))} with theirs",
    }
    rooms = sorted(lines_per_room(files).items())
    return rows | {f"lines of {room}": f"{lines:,}" for room, lines in rooms}


def at_commit(commit: str, measure: Callable[[Path], dict[str, str]]) -> dict[str, str]:
    """What a function finds in a checkout of a commit, which is removed again."""
    archive = subprocess.run(["git", "archive", commit], capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        return measure(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commits", nargs="+", help="commits, one column each")
    commits = parser.parse_args().commits
    columns = [at_commit(commit, figures) for commit in commits]
    print(f"| | {' | '.join(commits)} |\n|---|{'---|' * len(commits)}")
    for name in dict.fromkeys(name for column in columns for name in column):
        cells = [column.get(name, "–") for column in columns]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
