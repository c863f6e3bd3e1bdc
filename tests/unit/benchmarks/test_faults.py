"""The benchmark of faults: its overloaded storage, what counts as lost, and the page it writes."""

import io

from benchmarks.faults.clients import Clients
from benchmarks.faults.faults import FAULTS
from benchmarks.faults.nodes import is_of_ray
from benchmarks.faults.page import reliability_page
from benchmarks.faults.storage import OverloadedNowAndThen
from benchmarks.faults.workloads import WORKLOADS
from benchmarks.load import Asked


def test_one_request_in_fifty_meets_a_503_and_one_of_the_first_does():
    application = OverloadedNowAndThen(lambda environment, start: start("200 OK", []) or [b""])
    said = []
    for _ in range(200):
        body = io.BytesIO(b"a body")
        environment = {"wsgi.input": body, "CONTENT_LENGTH": "6"}
        application(environment, lambda status, headers: said.append(status))
        assert said[-1] == "200 OK" or not body.read(), "unread, it is the next request"
    refused = [number for number, status in enumerate(said) if status.startswith("503")]
    assert refused == [2, 52, 102, 152]
    assert application.num_refused == 4


def test_a_request_is_lost_unless_it_is_answered_refused_with_word_or_never_got_through():
    fine = [
        Asked(0, 1, 200),
        Asked(0, 1, 429, retry_after="2"),
        Asked(0, 1, 503, retry_after="2"),
        Asked(0, 1, 0, "ConnectError"),
    ]
    lost = [Asked(0, 1, 500), Asked(0, 1, 503), Asked(0, 1, 0, "ReadError")]
    clients = Clients("http://nobody", [b""], 1)
    clients._load = type("Sent", (), {"asked": [*fine, *lost]})
    assert clients.lost() == lost
    assert clients.num_answered() == 1


def test_nodes_hear_of_no_other_cluster_and_of_how_nice_they_are_to_be():
    told = ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_worker_niceness", "PATH")
    assert [name for name in told if not is_of_ray(name)] == ["RAY_worker_niceness", "PATH"]


def cell(held, runs, *problems):
    return {"held": held, "runs": runs, "problems": list(problems)}


def record(results):
    machine = {"cores": 2, "memory_gib": 23.5}
    return {"results": results, "finished_at": "2026-11-30", "machine": machine}


def rows_of(page):
    return {line.split("|")[1].strip(): line for line in page.splitlines() if line[:2] == "| "}


def test_the_page_has_a_row_for_each_fault_and_a_column_for_each_workload():
    rows = rows_of(reliability_page(record({"training": {"node": cell(4, 5, "it failed\nlog")}})))
    assert [one.strip() for one in rows[""].strip("|").split("|")[1:]] == list(WORKLOADS)
    assert set(rows) == {"", *(fault.says for fault in FAULTS.values())}
    assert rows["a worker node is killed"].count("not run: not yet") == len(WORKLOADS) - 1
    assert "| 4 of 5 |" in rows["a worker node is killed"]


def test_the_page_says_why_a_cell_was_not_run_and_what_did_not_hold():
    results = {
        "curation": {"network": {"not_run": "no network namespaces on this machine"}},
        "serving": {"head": cell(0, 1, "24 requests were lost\nthe log"), "actor": cell(1, 1)},
    }
    page = reliability_page(record(results))
    row = rows_of(page)["a node is cut off"]
    assert "not run: no network namespaces on this machine" in row
    assert "- serving, the head is killed: 24 requests were lost\n" in page
    assert "the log" not in page and "serving, an actor" not in page


def test_the_page_without_a_record_says_that_nothing_was_run():
    page = reliability_page({})
    assert page.count("not run: not yet") == len(FAULTS) * len(WORKLOADS)
    assert "No record lies there yet." in page
