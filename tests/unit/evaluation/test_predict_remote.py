"""Predictions of a remote model that refuses a third of the time: rows, sums, and going on."""

import json
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from baseline_room import SCENES, write_samples
from misbehaving_endpoint import ANSWER, Endpoint, failed, said

from georay.config.load import dump_recipe, parse_recipe
from georay.config.predict import PredictRecipe
from georay.evaluation.metrics import evaluate_file
from georay.evaluation.predict import predict

NUM = SCENES["test"]
REFUSAL = "I can't help with identifying locations."


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("drawn") / "drawn")


@pytest.fixture
def endpoint():
    server = Endpoint()
    yield server
    server.close()


def refuses_a_third(number, asked):
    """Every third answer is a refusal, in the three forms that servers give it."""
    if number % 3 != 2:
        return said(ANSWER)
    forms = [
        said("", refusal=REFUSAL),
        said(None, reason="content_filter"),
        failed(400, REFUSAL, code="content_filter"),
    ]
    return forms[number // 3 % 3]


def recipe_of(samples, url, output, **changes):
    content = {
        "samples": [str(samples)],
        "model": "far-away-4v",
        "endpoint": {
            "base_url": url,
            "max_concurrency": 1,
            "price_prompt": 10.0,
            "price_answer": 30.0,
        },
        "output": str(output),
        "shard_size": 2,
    }
    return parse_recipe(content | changes, PredictRecipe, "test")


def rows(path):
    return pq.read_table(path).to_pylist()


def test_refusals_are_rows_and_tokens_and_cost_are_summed(samples, endpoint, tmp_path):
    endpoint.script = refuses_a_third
    summary = predict(recipe_of(samples, endpoint.url, tmp_path / "o.parquet"))
    assert summary.statuses == {"answered": 4, "refused": 2}
    answers = rows(tmp_path / "o.parquet")
    assert [row["status"] for row in answers] == ["answered", "answered", "refused"] * 2
    assert answers[2]["raw"] == REFUSAL and answers[2]["country"] is None
    assert {row["model"] for row in answers} == {"far-away-4v"}
    # each answer that counts its tokens takes 1,000 and 50: 1000 * 10 / 1e6 + 50 * 30 / 1e6
    assert [row["cost"] for row in answers] == [pytest.approx(0.0115)] * NUM
    assert summary.usage is not None
    assert (summary.usage.num_attempts, summary.usage.num_told) == (NUM, NUM)
    assert (summary.usage.num_prompt_tokens, summary.usage.num_answer_tokens) == (6000, 300)
    assert summary.usage.cost == pytest.approx(6 * 0.0115)
    assert "cost 0.0690" in summary.as_text()
    facts = json.loads((tmp_path / "o.json").read_text())
    assert facts["usage"]["num_prompt_tokens"] == 6000
    again = predict(recipe_of(samples, endpoint.url, tmp_path / "o.parquet"))
    assert again.usage == summary.usage and len(endpoint.asked) == NUM


def test_evaluation_counts_a_refusal_as_no_effective_answer(samples, endpoint, tmp_path):
    endpoint.script = refuses_a_third
    predict(recipe_of(samples, endpoint.url, tmp_path / "o.parquet"))
    found = evaluate_file(tmp_path / "o.parquet")
    assert found.country.recall.value == pytest.approx(4 / 6)
    assert found.statuses["refused"] == 2


def test_attempts_that_failed_are_counted_and_a_dead_end_is_a_row_with_its_error(
    samples, endpoint, tmp_path
):
    def script(number, asked):
        if number == 0:
            return failed(503, "busy")
        return failed(401, "no such key") if number > 3 else said(ANSWER)

    endpoint.script = script
    summary = predict(
        recipe_of(
            samples,
            endpoint.url,
            tmp_path / "o.parquet",
            answering={"batch_size": 2},
            endpoint={"base_url": endpoint.url, "max_concurrency": 1},
        )
    )
    assert summary.statuses == {"answered": 3, "failed": 3}
    answers = rows(tmp_path / "o.parquet")
    assert [row["num_attempts"] for row in answers] == [2, 1, 1, 1, 1, 1]
    assert "no such key" in answers[-1]["error"] and answers[-1]["num_prompt_tokens"] is None
    assert summary.usage is not None and summary.usage.cost is None
    assert "7 requests" in summary.as_text() and "no prices given" in summary.as_text()


def test_a_killed_run_pays_for_no_saved_answer_twice(samples, endpoint, tmp_path):
    def slow(number, asked):
        act = refuses_a_third(number, asked)
        act.wait_s = 0.3
        return act

    endpoint.script = slow
    recipe = recipe_of(samples, endpoint.url, tmp_path / "o.parquet")
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    command = [sys.executable, "-m", "georay", "predict", str(tmp_path / "recipe.yaml")]
    parts = tmp_path / "o.parts"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        while not list(parts.glob("part-*.parquet")):
            assert running.poll() is None, "the run ended before its first shard was saved"
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
    saved = sum(len(rows(part)) for part in parts.glob("part-*.parquet"))
    asked = len(endpoint.asked)
    assert 2 <= saved < NUM, "too late: the run was whole already"
    summary = predict(recipe)
    assert summary.num_images == NUM
    assert len(endpoint.asked) == asked + NUM - saved
    assert summary.usage is not None and summary.usage.num_attempts == NUM


def test_another_endpoint_does_not_go_on_where_this_one_stopped(samples, endpoint, tmp_path):
    predict(recipe_of(samples, endpoint.url, tmp_path / "o.parquet"))
    with pytest.raises(ValueError, match="endpoint was"):
        predict(recipe_of(samples, "http://127.0.0.1:9/v1", tmp_path / "o.parquet"))


def test_a_missing_key_is_said_before_anything_is_asked(samples, endpoint, tmp_path):
    asked = {"base_url": endpoint.url, "key_variable": "GEORAY_TEST_NO_SUCH_KEY"}
    with pytest.raises(ValueError, match="GEORAY_TEST_NO_SUCH_KEY"):
        predict(recipe_of(samples, endpoint.url, tmp_path / "o.parquet", endpoint=asked))
    assert not endpoint.asked and not list(tmp_path.glob("o.*"))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"adapters": "runs/adapters"}, "adapters: of a model that is here"),
        ({"revision": "abc"}, "revision: of a model that is here"),
        ({"answering": {"top_k": 3}}, "neither constrained nor ranked"),
        ({"answering": {"constrained": True}}, "neither constrained nor ranked"),
    ],
)
def test_what_only_a_model_here_can_do_is_refused_in_the_recipe(samples, tmp_path, changes, named):
    with pytest.raises(ValueError, match=named):
        recipe_of(samples, "http://127.0.0.1:9/v1", tmp_path / "o.parquet", **changes)
