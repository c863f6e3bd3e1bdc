import math

import pytest

from georay.config.train import WatchRecipe
from georay.training.watch import Guard, StepLog, StepRecord, read_steps


def record(step, loss=2.0, grad_norm=1.0):
    return StepRecord(step, loss, 1e-3, grad_norm, 8, 800, 0.5)


def test_a_log_reads_back_and_a_resume_drops_what_it_will_do_again(tmp_path):
    path = tmp_path / "steps.jsonl"
    log = StepLog(path, [], 0)
    for step in range(5):
        log.write(record(step, loss=5.0 - step))
    log.close()
    again = StepLog(path, [], 3)
    again.write(record(3, loss=9.0))
    again.close()
    assert [one.loss for one in read_steps(path)] == [5.0, 4.0, 3.0, 9.0]


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path):
    path = tmp_path / "steps.jsonl"
    log = StepLog(path, [], 0)
    log.write(record(0))
    log.close()
    with path.open("a") as file:
        file.write('{"step": 1, "lo')
    assert read_steps(path) == [record(0)]
    assert read_steps(tmp_path / "absent.jsonl") == []


@pytest.mark.parametrize(
    ("loss", "norm", "what"),
    [
        (math.nan, 1.0, "loss is nan"),
        (math.inf, 1.0, "loss is inf"),
        (2.0, math.nan, "gradient is nan"),
    ],
)
def test_what_is_not_a_number_stops_with_step_samples_and_advice(loss, norm, what):
    problem = Guard(WatchRecipe()).problem(record(41, loss, norm), ["one", "two"])
    assert problem is not None
    assert what in problem
    assert problem.startswith("step 42:")
    assert "one, two" in problem
    assert "optimizer.learning_rate" in problem


def test_a_loss_that_grows_far_above_its_lowest_level_stops():
    guard = Guard(WatchRecipe(diverging=3.0, window=4))
    losses = [4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0]
    problems = [guard.problem(record(step, loss), ["x"]) for step, loss in enumerate(losses)]
    assert problems[:7] == [None] * 7
    (first, *_) = [step for step, problem in enumerate(problems) if problem]
    assert first == 8, "two of four steps at 9: their mean is 5, above three times 1"


def test_one_bad_batch_and_an_ordinary_rise_do_not_stop():
    guard = Guard(WatchRecipe(diverging=3.0, window=4))
    losses = [2.0] * 8 + [9.0] + [2.0] * 4 + [5.0] * 8
    assert not any(guard.problem(record(step, loss), []) for step, loss in enumerate(losses))


def test_a_resumed_guard_remembers_the_level_before():
    before = [record(step, 0.1) for step in range(4)]
    settings = WatchRecipe(diverging=3.0, window=4)
    problems = [Guard(settings, before).problem(record(4, 2.0), [])]
    assert problems[0] is not None
    assert Guard(settings).problem(record(4, 2.0), []) is None
