"""cluster/grafana: rules that parse, over metrics that georay has, and a dashboard of the same."""

import json
import re
from functools import cache

import promql_parser
import pytest
import yaml
from cluster_files import CLUSTER, GONE, broken, documents

from georay.serving.ingress.metrics import ServingMetrics
from georay.serving.messages import AnswerStats

GRAFANA = CLUSTER / "grafana"
DURATION = re.compile(r"\d+[smhd]")


@cache
def metrics():
    """Names of the series that the endpoint tells, after one request of every kind."""
    told = ServingMetrics()
    told.request_ended("/v1/locate", "POST", 200, 1.0)
    told.job_sent()
    told.job_answered(AnswerStats(batch_size=1, first=True, num_tokens=3))
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


def check_prometheus(content):
    """As `promtool check config` does, as far as this file goes; and that it finds georay."""
    assert content["rule_files"] == [path.name for path in GRAFANA.glob("rules*.yaml")]
    jobs = {one["job_name"]: one for one in content["scrape_configs"]}
    assert len(jobs) == len(content["scrape_configs"])
    assert all(DURATION.fullmatch(every) for every in content["global"].values())
    for job in jobs.values():
        assert set(job) <= SCRAPED, set(job) - SCRAPED
    for name, host in (("georay", "127.0.0.1"), ("georay-kubernetes", "georay-serve-serve-svc")):
        assert jobs[name]["metrics_path"] == "/metrics"
        assert jobs[name]["authorization"]["credentials_file"], "the endpoint asks for a key"
        assert jobs[name]["static_configs"] == [{"targets": [f"{host}:{served_port()}"]}]
    return jobs


SCRAPED = {"job_name", "metrics_path", "authorization", "static_configs", "file_sd_configs",
           "kubernetes_sd_configs", "relabel_configs"}  # fmt: skip


def served_port():
    return yaml.safe_load((CLUSTER / "serve" / "gpu.yaml").read_text())["http_options"]["port"]


def test_prometheus_reads_the_rules_and_finds_the_endpoint_and_every_node():
    (content,) = documents("grafana/prometheus.yaml")
    jobs = check_prometheus(content)
    kept = jobs["ray-kubernetes"]["relabel_configs"][0]["regex"].split(";")
    head = documents("kuberay/cluster.yaml")[0]["spec"]["headGroupSpec"]["template"]
    ports = {port["name"] for port in head["spec"]["containers"][0]["ports"]}
    assert head["metadata"]["labels"]["app"] == kept[0]
    assert kept[1] in ports
    service = documents("kuberay/service.yaml")[0]["metadata"]["name"]
    (target,) = jobs["georay-kubernetes"]["static_configs"][0]["targets"]
    assert target == f"{service}-serve-svc:{served_port()}", "the name that KubeRay gives it"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("rule_files", ["rule.yaml"]),
        ("global.scrape_interval", "often"),
        ("scrape_configs.0.metric_path", "/metrics"),
        ("scrape_configs.0.authorization", {}),
        ("scrape_configs.0.static_configs.0.targets", ["127.0.0.1:80"]),
        ("scrape_configs.1.job_name", "georay"),
    ],
)
def test_a_broken_field_of_prometheus_is_noticed(path, value):
    (content,) = documents("grafana/prometheus.yaml")
    with pytest.raises((AssertionError, KeyError)):
        check_prometheus(broken(content, path, value))
