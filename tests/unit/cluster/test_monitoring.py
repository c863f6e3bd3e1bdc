"""cluster/grafana: rules that parse, over metrics that georay has, and a dashboard of the same."""

import json
import re
from functools import cache

import promql_parser
import pytest
import yaml
from cluster_files import CLUSTER, GONE, broken, documents

from georay.serving.jobs import Share
from georay.serving.metrics import ServingMetrics

GRAFANA = CLUSTER / "grafana"
DURATION = re.compile(r"\d+[smhd]")


@cache
def metrics():
    """Names of the series that the endpoint tells, after one request of every kind."""
    told = ServingMetrics()
    told.count("/v1/locate", "POST", 200, 1.0)
    told.asked()
    told.answered(Share(batch_size=1, first=True, num_tokens=3))
    lines = told.text(1).decode().splitlines()
    return {re.split(r"[{ ]", line)[0] for line in lines if not line.startswith("#")}


def rules():
    (content,) = documents("grafana/rules.yaml")
    return content


def series_in(expression):
    """Names of the series that an expression selects. Raises ValueError where it does not parse."""
    found, waiting = set(), [promql_parser.parse(expression)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name)
        for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
            inside = getattr(node, name, None)
            if inside is not None and not isinstance(inside, str | int | float):
                waiting.append(inside)
        waiting += list(getattr(node, "args", None) or [])
    return found


def check_rules(content):
    """As `promtool check rules` does, and that every series is known."""
    assert set(content) == {"groups"}
    recorded = set()
    names = [group["name"] for group in content["groups"]]
    assert len(set(names)) == len(names)
    for group in content["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
        for rule in group["rules"]:
            check_rule(rule, recorded)


def check_rule(rule, recorded):
    is_alert = "alert" in rule
    assert is_alert != ("record" in rule)
    known = {"alert", "expr", "for", "labels", "annotations"} if is_alert else {"record", "expr"}
    assert set(rule) <= known, set(rule) - known
    unknown = series_in(rule["expr"]) - metrics() - recorded
    assert not unknown, f"no such metric: {unknown}"
    if is_alert:
        assert DURATION.fullmatch(rule.get("for", "0s"))
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
    else:
        assert re.fullmatch(r"\w+:\w+:\w+", rule["record"])
        recorded.add(rule["record"])


def test_the_rules_parse_and_look_at_metrics_that_are_there():
    check_rules(rules())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("groups.0.rules.0.expr", "sum by (route) (rate(georay_requests_total[5m])"),
        ("groups.0.rules.0.expr", "rate(georay_request_total[5m])"),
        ("groups.0.rules.0.expr", "georay_requests_total[5m] + 1"),
        ("groups.0.rules.1.record", "p95"),
        ("groups.1.rules.0.expr", "absent(georay_replica)"),
        ("groups.1.rules.0.for", "two minutes"),
        ("groups.1.rules.0.fro", "2m"),
        ("groups.1.rules.0.annotations", {"summary": "gone"}),
        ("groups.1.rules.4.expr", 'georay:request_seconds:p99_5m{route="/v1/locate"} > 30'),
        ("groups.1.name", "georay"),
        ("group", []),
    ],
)
def test_a_broken_rule_is_noticed(path, value):
    with pytest.raises((AssertionError, ValueError)):
        check_rules(broken(rules(), path, value))


def dashboard():
    return json.loads((GRAFANA / "dashboard.json").read_text())


def check_dashboard(content):
    recorded = {one.get("record") for group in rules()["groups"] for one in group["rules"]}
    ids = [panel["id"] for panel in content["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in content["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["title"] and panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            unknown = series_in(target["expr"]) - metrics() - recorded
            assert not unknown, f"no such metric: {unknown}"
            assert target["datasource"]["uid"] == "${source}"


def test_the_dashboard_shows_metrics_that_are_there():
    check_dashboard(dashboard())
    (variable,) = dashboard()["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("source", "datasource")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("panels.0.targets.0.expr", "georay_replica"),
        ("panels.4.targets.0.expr", "sum by (route"),
        ("panels.1.id", 1),
        ("panels.2.gridPos.w", 20),
        ("panels.0.targets.0.datasource.uid", "mine"),
        ("panels.0.targets", GONE),
    ],
)
def test_a_broken_panel_is_noticed(path, value):
    with pytest.raises((AssertionError, ValueError, KeyError)):
        check_dashboard(broken(dashboard(), path, value))


def test_every_metric_of_the_endpoint_is_shown_or_watched():
    shown = "".join(panel["targets"][0]["expr"] for panel in dashboard()["panels"])
    shown += (GRAFANA / "rules.yaml").read_text() + (GRAFANA / "dashboard.json").read_text()
    families = {re.sub(r"_(bucket|sum|count|created|total)$", "", name) for name in metrics()}
    assert {name for name in families if name not in shown} == set()


def test_prometheus_reads_the_rules_and_finds_the_endpoint():
    (content,) = documents("grafana/prometheus.yaml")
    assert content["rule_files"] == ["rules.yaml"]
    endpoint = next(one for one in content["scrape_configs"] if one["job_name"] == "georay")
    assert endpoint["metrics_path"] == "/metrics"
    port = yaml.safe_load((CLUSTER / "serve" / "gpu.yaml").read_text())["http_options"]["port"]
    assert endpoint["static_configs"][0]["targets"] == [f"127.0.0.1:{port}"]
