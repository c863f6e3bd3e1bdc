"""Throughput of curation, training and serving as the number of nodes grows.

    python -m benchmarks.nodes --workload curation --nodes 1,2,4,8 --emulated
    python -m benchmarks.nodes --workload training --nodes 1,2,4 --recipe train.yaml
    python -m benchmarks.nodes --workload serving --emulated --quick   # minutes, and no record

Without --emulated the nodes are those of the cluster at --address, and --recipe says what runs on
them; nodes beyond the number measured are held empty meanwhile. With it they are raylets of this
machine: everything is real but the accelerator's step, which sleeps for --seconds-per-row.

Strong scaling: one size on more and more nodes. Weak: one size a node. Rows are counted before any
speed is told. The record, with the table, goes to benchmarks/records/, the plot to docs/.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.nodes_cluster import SATURATED, Nodes, emulated, part_of
from benchmarks.nodes_figure import scaling_svg
from benchmarks.nodes_fit import Fit, Point, fit, strong_efficiency, weak_efficiency
from benchmarks.nodes_workloads import WORKLOADS, Run, Workload
from benchmarks.record import computing_commit, spread, write_record
from benchmarks.training_estimate import samples_per_s_per_gpu
from georay.core.manifest import write_atomic

DOCS = Path("docs")
REPEATS, QUICK_REPEATS, QUICK_SHARE = 5, 2, 8
ROWS = {"curation": 2048, "training": 128, "serving": 1024}
"""Of strong scaling; weak scaling has a quarter of it a node."""
STEP_S = {
    "curation": (0.05, "assumed: 20 images/s an accelerator"),
    "training": (
        round(1 / samples_per_s_per_gpu("location"), 3),
        "benchmarks.training_estimate: stage location of Qwen-VL at 35 % of an A800",
    ),
    "serving": (0.1, "assumed: 10 answers/s an accelerator"),
}

Facts = dict[str, Any]


def measure(
    workload: Workload, clusters: Sequence[AbstractContextManager[Nodes]], rows: int, repeats: int
) -> tuple[list[Point], list[Facts]]:
    """Points of all sizes on all clusters, and the facts of each for the record."""
    points, facts = [], []
    for cluster in clusters:
        with cluster as nodes:
            sizes = sorted({rows, rows // 4 * nodes.number})
            for runs in workload.measure(nodes, sizes, repeats).values():
                check_nodes(runs, nodes)
                points.append(point_of(runs, nodes.number))
                facts.append(facts_of(runs, nodes.number))
    return points, facts


def check_nodes(runs: Sequence[Run], nodes: Nodes) -> None:
    """Raises AssertionError where a node did nothing in a run, or another did something."""
    for run in runs:
        worked = {node for node, rows in run.rows_of_node.items() if rows}
        assert worked == set(nodes.ids), f"{len(worked)} of {nodes.number} nodes worked"


def point_of(runs: Sequence[Run], num_nodes: int) -> Point:
    seconds = [run.seconds for run in runs]
    middle = statistics.median(seconds)
    is_saturated = statistics.median(run.cpu.busy for run in runs) > SATURATED
    return Point(num_nodes, runs[0].num_rows, middle, min(seconds), max(seconds), is_saturated)


def facts_of(runs: Sequence[Run], num_nodes: int) -> Facts:
    return {
        "nodes": num_nodes,
        "rows": runs[0].num_rows,
        "seconds": spread([round(run.seconds, 3) for run in runs]),
        "start_up_s": spread([round(run.start_up_s, 1) for run in runs]),
        "rows_of_each_node": [sorted(run.rows_of_node.values()) for run in runs],
        "cores_of_driver": spread([round(run.cpu.driver, 2) for run in runs]),
        "cores_of_raylets": spread([round(run.cpu.raylets, 2) for run in runs]),
        "busy_share_of_this_machine": spread([round(run.cpu.busy, 2) for run in runs]),
        "saturated": point_of(runs, num_nodes).is_saturated,
    }


def results_of(points: Sequence[Point], facts: Sequence[Facts], rows: int) -> Facts:
    strong, weak = by_kind(points, rows)
    found = fit(points)
    return {
        "points": list(facts),
        "strong_efficiency": {str(n): round(e, 3) for n, e in strong_efficiency(strong).items()},
        "weak_efficiency": {str(n): round(e, 3) for n, e in weak_efficiency(weak).items()},
        "fit": None if found is None else _fit_facts(found),
    }


def by_kind(points: Sequence[Point], rows: int) -> tuple[list[Point], list[Point]]:
    """Points of strong and of weak scaling; one may be both."""
    strong = [one for one in points if one.num_rows == rows]
    return strong, [one for one in points if one.num_rows == rows // 4 * one.num_nodes]


def _fit_facts(found: Fit) -> Facts:
    return {
        "form": "seconds = serial + per_row * rows / nodes + overhead * nodes",
        "serial_s": round(found.serial, 4),
        "per_row_s": round(found.per_row, 6),
        "overhead_s_per_node": round(found.overhead, 5),
        "relative_residuals": [
            {"nodes": one.num_nodes, "rows": one.num_rows, "residual": round(residual, 4)}
            for one, residual in zip(found.points, found.residuals, strict=True)
        ],
        "free_points": found.free,
    }


def table_of(points: Sequence[Point], rows: int) -> str:
    """The table in Markdown."""
    lines = ["| scaling | nodes | rows | seconds (least to most) | rows/s | efficiency |"]
    lines.append("|---|--:|--:|--:|--:|--:|")
    strong, weak = by_kind(points, rows)
    for kind, members, efficiency in (
        ("strong", strong, strong_efficiency(strong)),
        ("weak", weak, weak_efficiency(weak)),
    ):
        for one in members:
            mark = " (host saturated)" if one.is_saturated else ""
            lines.append(
                f"| {kind} | {one.num_nodes} | {one.num_rows:,} | {one.seconds:.2f} "
                f"({one.fastest:.2f} to {one.slowest:.2f}) | {one.rows_per_s:.1f} | "
                f"{efficiency[one.num_nodes]:.3f}{mark} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures a workload, prints its table and, of a full run, writes record, plot and table."""
    options = _options()
    rows = ROWS[options.workload] // (QUICK_SHARE if options.quick else 1)
    if not options.quick:
        computing_commit()
    repeats = QUICK_REPEATS if options.quick else REPEATS
    seconds_per_row, source = _step(options)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        recipe = None if options.emulated else yaml.safe_load(options.recipe.read_text())
        workload = WORKLOADS[options.workload](Path(folder), seconds_per_row, recipe)
        points, facts = measure(workload, _clusters(options), rows, repeats)
    results, table = results_of(points, facts, rows), table_of(points, rows)
    results["table"] = table.splitlines()
    print(table, results["fit"], sep="\n")
    if options.quick:
        return
    config: Facts = {
        "nodes": "raylets of this machine" if options.emulated else "machines",
        "step": source if options.emulated else "real",
        "seconds_per_row": seconds_per_row if options.emulated else None,
        "repeats": repeats,
        "recipe": recipe,
    }
    name = f"nodes_{options.workload}" + ("_emulated" if options.emulated else "")
    path = write_record(name, config, results)
    write_atomic(DOCS / f"{name}.svg", scaling_svg(options.workload, *by_kind(points, rows)))
    print(f"→ {path}")


def _step(options: argparse.Namespace) -> tuple[float, str]:
    if options.seconds_per_row is not None:
        return options.seconds_per_row, "as given on the command line"
    return STEP_S[options.workload]


def _clusters(options: argparse.Namespace) -> list[AbstractContextManager[Nodes]]:
    if options.emulated:
        return [emulated(number) for number in options.nodes]
    return [part_of(options.address, number) for number in options.nodes]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workload", choices=WORKLOADS, required=True)
    parser.add_argument("--nodes", type=_numbers, default=None, help="by default 1,2,4,8")
    parser.add_argument("--emulated", action="store_true", help="raylets of this machine")
    parser.add_argument("--seconds-per-row", type=float, help="of the emulated step")
    parser.add_argument("--address", default="auto", help="of a real cluster")
    parser.add_argument("--recipe", type=Path, help="what runs on a real cluster")
    parser.add_argument("--folder", type=Path, help="one that all nodes see; here by default")
    parser.add_argument("--quick", action="store_true", help="1,2 nodes, small sizes, no record")
    options = parser.parse_args()
    if not options.emulated and options.recipe is None:
        parser.error("a real cluster needs --recipe: what is to run on it")
    if options.nodes is None:
        options.nodes = [1, 2] if options.quick else [1, 2, 4, 8]
    return options


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


if __name__ == "__main__":
    main()
