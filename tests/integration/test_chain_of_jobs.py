"""The paper's chain in small, on three emulated nodes: from pictures to a served answer."""

import pytest

from benchmarks.chain import run_chain, transcript

pytestmark = pytest.mark.slow
STEPS = ["clues", "curate", "samples", "train", "predict", "evaluate", "serve and ask"]


@pytest.mark.parametrize("storage", ["folder"])
def test_every_step_reads_what_the_one_before_wrote_until_a_picture_is_answered(storage):
    finished = run_chain(storage, num_scenes=120)
    assert list(finished.seconds) == STEPS
    assert finished.num_asked > 10
    assert finished.figures["num_images"] == finished.num_asked
    assert finished.answer["error"] is None
    assert len(finished.answer["country"]) == 2
    assert finished.answer["locatability"] is not None
    shown = transcript(finished, storage)
    assert "python -m jobs.train" in shown
    assert "serve deploy cluster/serve/chain-small.yaml" in shown
