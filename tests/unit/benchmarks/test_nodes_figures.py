"""Benchmarks over numbers of nodes: what is counted before a speed is told, and what is fitted."""

import json
import xml.etree.ElementTree as ET

import pytest

from benchmarks.nodes import by_kind, check_nodes, point_of, results_of, table_of
from benchmarks.nodes_cluster import Cpu, CpuLog, Nodes, _Look
from benchmarks.nodes_figure import scaling_svg
from benchmarks.nodes_fit import Point, fit, strong_efficiency, weak_efficiency
from benchmarks.nodes_steps import Step
from benchmarks.nodes_workloads import Run

SERIAL, PER_ROW, OVERHEAD = 0.8, 0.05, 0.03
IDLE, BUSY = Cpu(0.1, 0.1, 0.3), Cpu(1.0, 0.5, 0.95)


def point(nodes: int, rows: int, is_saturated: bool = False, seconds: float | None = None) -> Point:
    whole = SERIAL + PER_ROW * rows / nodes + OVERHEAD * nodes if seconds is None else seconds
    return Point(nodes, rows, whole, whole, whole, is_saturated)


def points(rows: int = 1024) -> list[Point]:
    sizes = {(n, size) for n in (1, 2, 4, 8) for size in (rows, rows // 4 * n)}
    return [point(n, size) for n, size in sorted(sizes)]


def run(rows_of_node: dict[str, int], cpu: Cpu = IDLE, seconds: float = 1.0) -> Run:
    return Run(sum(rows_of_node.values()), seconds, 0.5, rows_of_node, cpu)


def test_the_fit_finds_what_the_seconds_were_made_of():
    found = fit(points())
    assert found is not None and found.free == 4
    assert found.serial == pytest.approx(SERIAL)
    assert found.per_row == pytest.approx(PER_ROW)
    assert found.overhead == pytest.approx(OVERHEAD)
    assert max(map(abs, found.residuals)) < 1e-9
    assert found.seconds(16, 2048) == pytest.approx(0.8 + 6.4 + 0.48)
    assert found.most_nodes == 16


def test_residuals_are_shares_of_what_was_measured():
    bent = [*points()[:-1], point(8, 2048, seconds=20.0)]
    found = fit(bent)
    assert found is not None
    for one, residual in zip(found.points, found.residuals, strict=True):
        expected = (one.seconds - found.seconds(one.num_nodes, one.num_rows)) / one.seconds
        assert residual == pytest.approx(expected)


def test_nothing_that_is_fitted_is_negative():
    faster = [point(n, 1024, seconds=10.0 / n**1.2) for n in (1, 2, 4, 8)]
    found = fit(faster)
    assert found is not None and min(found.serial, found.per_row, found.overhead) >= 0


def test_saturated_points_are_left_out_of_the_fit():
    slow = point(8, 1024, is_saturated=True, seconds=100.0)
    found = fit([*points(), slow])
    assert found is not None and slow not in found.points
    assert found.overhead == pytest.approx(OVERHEAD)


def test_too_few_points_are_not_fitted():
    assert fit(points()[:2]) is None
    assert fit([point(1, rows) for rows in (100, 200, 300)]) is None
    assert fit([point(n, 100, is_saturated=True) for n in (1, 2, 4, 8)]) is None


def test_efficiency_by_hand():
    strong = [point(1, 100, seconds=10), point(2, 100, seconds=5), point(4, 100, seconds=3.125)]
    assert strong_efficiency(strong) == {1: 1.0, 2: 1.0, 4: 0.8}
    weak = [point(2, 200, seconds=4), point(4, 400, seconds=5)]
    assert weak_efficiency(weak) == {2: 1.0, 4: 0.8}


def test_a_point_may_be_of_both_kinds():
    strong, weak = by_kind(points(1024), 1024)
    assert [one.num_nodes for one in strong] == [1, 2, 4, 8] == [one.num_nodes for one in weak]
    assert strong[2] is weak[2]


@pytest.mark.parametrize("rows", [{"a": 4}, {"a": 4, "b": 0}, {"a": 4, "b": 4, "c": 4}])
def test_a_node_without_work_and_work_elsewhere_have_no_speed(rows):
    with pytest.raises(AssertionError, match="of 2 nodes worked"):
        check_nodes([run({"a": 4, "b": 4}), run(rows)], Nodes("somewhere", ("a", "b")))


def test_a_host_that_is_busy_in_most_repeats_marks_the_point():
    assert point_of([run({"a": 1}, BUSY), run({"a": 1}, BUSY), run({"a": 1})], 1).is_saturated
    assert not point_of([run({"a": 1}, BUSY), run({"a": 1}), run({"a": 1})], 1).is_saturated


def test_a_point_is_the_median_of_its_repeats():
    found = point_of([run({"a": 8}, seconds=one) for one in (3.0, 1.0, 2.0)], 1)
    assert (found.seconds, found.fastest, found.slowest, found.num_rows) == (2.0, 1.0, 3.0, 8)


def test_cpu_is_told_of_a_span_alone(monkeypatch):
    monkeypatch.setattr("psutil.cpu_count", lambda: 2)
    log = CpuLog(Nodes("somewhere", ("a",)))
    log._looks = [_Look(float(at), at * 0.5, at * 0.1, at * 1.0) for at in range(5)]
    log._looks += [_Look(5.0, 12.0, 10.4, 14.0)]
    found = log.between(1.2, 3.9)
    assert (found.driver, found.raylets, found.busy) == pytest.approx((0.5, 0.1, 0.5))
    assert log.between(4.0, 9.0).busy == pytest.approx(5.0)


def test_notes_are_counted_by_node_within_a_span(tmp_path):
    step = Step(tmp_path, 0.0)
    for worker, node, rows, at in (("w1", "a", 3, 10), ("w2", "a", 4, 11), ("w3", "b", 5, 20)):
        line = json.dumps({"node": node, "rows": rows, "at": at})
        (tmp_path / f"{worker}.jsonl").write_text(line + "\n")
    assert step.rows_of_node(0, 15) == {"a": 7}
    assert step.rows_of_node(11, 20) == {"a": 4, "b": 5}


def test_the_record_and_the_table_hold_every_point():
    found, marked = points(), point(8, 1024, is_saturated=True)
    found = [one for one in found if (one.num_nodes, one.num_rows) != (8, 1024)] + [marked]
    results = results_of(found, [], 1024)
    assert set(results["strong_efficiency"]) == set(results["weak_efficiency"]) == {*"1248"}
    assert results["fit"]["free_points"] == 3
    table = table_of(found, 1024)
    assert table.count("| strong |") == table.count("| weak |") == 4
    assert table.count("host saturated") == 1


def test_the_plot_is_dashed_where_nothing_was_measured():
    strong, weak = by_kind(points(), 1024)
    drawn = ET.fromstring(scaling_svg("curation", strong, weak))
    lines = [one for one in drawn.iter() if one.tag.endswith("polyline")]
    assert sum(one.get("stroke-dasharray") == "7 5" for one in lines) == 1
    (dashed,) = (one for one in lines if one.get("stroke-dasharray") == "7 5")
    ends = [float(pair.split(",")[0]) for pair in dashed.get("points", "").split()]
    assert ends[0] == pytest.approx(340 * 3 / 4) and ends[-1] == pytest.approx(340)
