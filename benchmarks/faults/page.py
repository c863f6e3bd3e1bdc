"""docs/reliability.md: the table of faults and workloads, written from the record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.faults.cells import cell_in_words
from benchmarks.faults.faults import FAULTS
from benchmarks.faults.workloads import WORKLOADS

PAGE = Path("docs/reliability.md")
_EXPECTED = {
    "curation": "every picture has one row, with the score that it has without the fault",
    "training": "the losses of all steps, and the adapter to the last bit, are those without it",
    "prediction": "every picture has one row, with the answer that it has without the fault",
    "serving": "no request that the server accepted is left without an answer",
}
_HEAD = """# What a fault costs

Written by `make faults` (`python -m benchmarks.faults`) from `benchmarks/records/faults.json`.

Three nodes of Ray on one machine, a head that takes no work and two workers, each in a network
namespace of its own where the machine allows it. In the middle of a small run something fails. A
run holds if it ends with
"""
_MENDED = """
What a person mends is mended: for a lost node a new one is started, a head is started again with
what it kept on disk (Ray's RocksDB store), a driver that ended is started again with the same
command, and a full disk gets room again. Of a serving cluster it is the disk of Ray's session that
runs full; clients ask a node that is not struck.
"""


def reliability_page(record: Mapping[str, Any]) -> str:
    """The page, of a record's content; empty results make a table of what is still to run."""
    cells: Mapping[str, Mapping[str, Any]] = record.get("results", {})
    expected = [f"- {name}: {words}" for name, words in _EXPECTED.items()]
    table = [f"| |{'|'.join(f' {one} ' for one in WORKLOADS)}|", f"|---|{'---|' * len(WORKLOADS)}"]
    for key, fault in FAULTS.items():
        words = [cell_in_words(cells.get(one, {}).get(key)) for one in WORKLOADS]
        table.append(f"| {fault.says} | {' | '.join(words)} |")
    told = ["Runs that held, of those that were made:", "", *table]
    return "\n".join([_HEAD, *expected, _MENDED, *told, *_problems(cells), *_origin(record), ""])


def _problems(cells: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What came of runs that did not hold, in a line each."""
    lines = []
    for workload, row in cells.items():
        for key, cell in row.items():
            first = {problem.splitlines()[0] for problem in cell.get("problems", [])}
            lines += [f"- {workload}, {FAULTS[key].says}: {one}" for one in sorted(first)]
    return ["", "What did not hold:", "", *lines] if lines else []


def _origin(record: Mapping[str, Any]) -> list[str]:
    if not record:
        return ["", "No record lies there yet."]
    machine = record["machine"]
    where = f"{machine['cores']} cores, {machine['memory_gib']} GiB"
    return ["", f"Last written at {record['finished_at']}, on {where}."]
