import pytest

from georay.runtime.causes import cause_in

HANDED_ON = """ray::MapBatches(WriteScores)() (pid=1)
  File "x.py", line 1, in write
OSError: [Errno 28] No space left on device

The above exception was the direct cause of the following exception:

ray::MapBatches(WriteScores)() (pid=1)
ray.exceptions.UserCodeException: UDF failed to process a data block.
Failed to apply UDF transform after 1/1 attempts."""


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (HANDED_ON, "[Errno 28] No space left on device"),
        ("ray::f()\ngeoray.errors.ModelUnavailable: no weights: fetch them\nfirst",
         "no weights: fetch them\nfirst"),
        ("ray::f()\nray.exceptions.OutOfMemoryError: the node is full", "the node is full"),
        ("no traceback at all", "no traceback at all"),
    ],
)  # fmt: skip
def test_the_cause_is_the_last_error_that_is_not_rays_own(told, cause):
    assert cause_in(told) == cause
