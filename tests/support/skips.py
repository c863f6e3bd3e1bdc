"""Skipped tests: each is named with its reason, and none hides behind CI=true.

A test may skip for what a machine lacks. Where CI=true everything has been installed, so there such
a skip is a failure; only what no installation brings stays a skip.
"""

import os
from collections import Counter
from collections.abc import Generator

import pytest
from _pytest.reports import BaseReport

ALLOWED = (
    "reference data not here",
    "LLaMA-Factory not here",  # it needs older packages than ours, so an environment of its own
    "vLLM not here",  # it brings another torch, so an environment of its own
    "could not import 'mlflow'",  # trackers are the user's own to install
    "could not import 'wandb'",
)


def reason_of(report: BaseReport) -> str:
    """Why a test was skipped, in its own words."""
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


def refuse_skip_in_ci(report: BaseReport) -> None:
    """Turns the report of a skip into a failure where everything should be installed."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = reason_of(report)
    if not reason.startswith(ALLOWED):
        report.outcome = "failed"  # type: ignore[attr-defined]
        report.longrepr = f"with CI=true no test skips for what can be installed: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, BaseReport, BaseReport]:
    report = yield
    refuse_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, BaseReport, BaseReport]:
    report = yield
    refuse_skip_in_ci(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a reason, the commonest first, with the files of its tests."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    counts = Counter(reason_of(report) for report in skipped)
    files: dict[str, set[str]] = {}
    for report in skipped:
        file = report.nodeid.partition("::")[0].rpartition("/")[2]
        files.setdefault(reason_of(report), set()).add(file)
    terminalreporter.section(f"{len(skipped)} skipped, and why")
    for reason, count in counts.most_common():
        terminalreporter.write_line(f"{count:4}  {reason}  ({', '.join(sorted(files[reason]))})")
