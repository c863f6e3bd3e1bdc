"""What a fault costs: faults by workloads on three nodes of this machine.

    python -m benchmarks.faults                            # all cells, five runs each
    python -m benchmarks.faults --workload training --fault node --fault driver
    python -m benchmarks.faults --quick --fault actor      # once, and no record

Before a workload's faults it is run once without any: that is what the others must come to. Cells
that are not asked for stay in the record as an earlier run left them. From the record the command
writes docs/reliability.md. Network namespaces and the small disk need a superuser; without, the
cells that need them say so.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults.cells import cell_in_words, facts_of, run_once
from benchmarks.faults.faults import FAULTS
from benchmarks.faults.material import write_model
from benchmarks.faults.page import PAGE, reliability_page
from benchmarks.faults.runs import Outcome, Run
from benchmarks.faults.workloads import WORKLOADS
from benchmarks.record import FOLDER, computing_commit, write_record
from georay.core.manifest import write_atomic

_NONE = "none"
_UNDISTURBED = FAULTS[_NONE]

Cells = dict[str, dict[str, Any]]


def main() -> None:
    """Runs the cells asked for, then writes record and page."""
    options = _options()
    commit = "" if options.quick else computing_commit()
    cells: Cells = {} if options.quick else _read().get("results", {})
    with tempfile.TemporaryDirectory() as folder:
        base = write_model(Path(folder) / "base")
        for name in options.workload:
            row = _row(WORKLOADS[name], options.fault, options.runs, base, commit)
            cells[name] = cells.get(name, {}) | row
    if options.quick:
        return
    config = {"nodes": "raylets of this machine, one of them the head", "runs": options.runs}
    print(write_record("faults", config, cells))
    write_atomic(PAGE, reliability_page(_read()))


def _row(
    kind: type[Run], faults: Sequence[str], runs: int, base: Path, commit: str
) -> dict[str, Any]:
    """The cells of a workload; without its undisturbed run there is nothing to compare with."""
    first = run_once(kind, _UNDISTURBED, base, None)
    row = {_NONE: facts_of([first], commit)}
    _say(kind, _NONE, row[_NONE])
    if first.outcome is None:
        return row
    for name in faults:
        row[name] = _cell(kind, name, runs, base, first.outcome, commit)
        _say(kind, name, row[name])
    return row


def _cell(
    kind: type[Run], name: str, runs: int, base: Path, undisturbed: Outcome, commit: str
) -> dict[str, Any]:
    fault = FAULTS[name]
    if reason := fault.why_not():
        return {"not_run": reason}
    return facts_of([run_once(kind, fault, base, undisturbed) for _ in range(runs)], commit)


def _say(kind: type[Run], name: str, cell: dict[str, Any]) -> None:
    print(f"{kind.name}, {FAULTS[name].says}: {cell_in_words(cell)}", flush=True)
    if "seconds" in cell:
        print(f"  {cell['seconds']['values']} s {cell['facts']}", flush=True)
    for problem in cell.get("problems", ()):
        print(f"  {problem}", flush=True)


def _read() -> dict[str, Any]:
    path = FOLDER / "faults.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    faults = [one for one in FAULTS if one != _NONE]
    parser.add_argument("--workload", choices=WORKLOADS, action="append", help="by default all")
    parser.add_argument("--fault", choices=faults, action="append", help="by default all")
    parser.add_argument("--runs", type=int, default=5, help="of each cell")
    parser.add_argument("--quick", action="store_true", help="one run of each, and no record")
    options = parser.parse_args()
    options.workload = options.workload or list(WORKLOADS)
    options.fault = options.fault or faults
    options.runs = 1 if options.quick else options.runs
    return options


if __name__ == "__main__":
    main()
