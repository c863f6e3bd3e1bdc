"""No family writes the token that stands for a picture, however much its network wants to."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from locating_family import question, small_family

from georay.core.prompts import INFERENCE
from georay.models.decoding.grammar import answer_grammar, generate_constrained
from georay.models.families.base import Family, Sampling
from georay.models.families.chat import MODEL_TYPES, ChatFamily

Build = Callable[[str, int], ChatFamily]
SAMPLINGS = [Sampling(160), Sampling(160, temperature=1.0), Sampling(160, temperature=1e-9)]


@pytest.fixture(params=["qwen_vl", *MODEL_TYPES])
def eager(request: pytest.FixtureRequest, small_chat_family: Build) -> Any:
    """A family whose network likes the picture's token best, at every word."""
    is_ours = request.param == "qwen_vl"
    family: Family = small_family() if is_ours else small_chat_family(request.param, 3)
    config: Any = family.network.config
    token = config.vision.image_pad_id if is_ours else config.image_token_id

    def prefer(_module: Any, _inputs: Any, logits: torch.Tensor) -> torch.Tensor:
        logits = logits.clone()
        logits[..., token] = logits.max() + 9
        return logits

    hook = family.network.get_output_embeddings().register_forward_hook(prefer)
    yield family
    hook.remove()


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=["greedy", "sampled", "cold"])
def test_a_network_that_wants_to_write_a_picture_writes_words(
    eager: Family, sampling: Sampling
) -> None:
    free = eager.generate(eager.encode([question()]), sampling)
    grammar = answer_grammar(eager, INFERENCE)
    tied = generate_constrained(eager, eager.encode([question()]), sampling, grammar)
    assert len(free) == len(tied) == 1
    assert tied[0].startswith("{")
