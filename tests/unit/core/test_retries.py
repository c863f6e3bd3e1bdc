import pytest

from georay.core import retries
from georay.core.retries import TRIES, with_retries


@pytest.fixture
def waits(monkeypatch):
    waited = []
    monkeypatch.setattr(retries.time, "sleep", waited.append)
    return waited


def failing(*answers):
    left = list(answers)

    def ask():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask, left


def test_what_fails_for_a_moment_is_asked_again_and_ever_later(waits):
    ask, _ = failing(OSError("reset"), OSError("503 SlowDown"), b"bytes")
    assert with_retries(ask) == b"bytes"
    assert waits == [0.5, 1.0]


def test_what_goes_on_failing_is_raised_in_the_end(waits):
    ask, left = failing(*[OSError("reset")] * TRIES, b"never")
    with pytest.raises(OSError, match="reset"):
        with_retries(ask)
    assert left == [b"never"]


@pytest.mark.parametrize(
    "problem",
    [
        FileNotFoundError(2, "No such file"),
        PermissionError(13, "denied"),
        OSError("AWS Error ACCESS_DENIED during HeadObject operation"),
        OSError("AWS Error NO_SUCH_BUCKET during PutObject operation"),
    ],
)
def test_what_stays_so_is_raised_at_once(waits, problem):
    ask, left = failing(problem, b"never")
    with pytest.raises(OSError):
        with_retries(ask)
    assert left == [b"never"]
    assert waits == []
