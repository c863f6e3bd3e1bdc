"""The recipe of a server: safe without configuration, and refused where it contradicts itself."""

import pytest

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe


def test_without_configuration_it_serves_tiny_to_this_machine_alone():
    recipe = ServeRecipe()
    assert (recipe.model, recipe.http.host, recipe.limits.keys_variable) == (
        "tiny",
        "127.0.0.1",
        None,
    )
    assert recipe.batching.max_ongoing_requests >= recipe.batching.max_batch_size


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"limits": {"max_images": 65, "max_queued": 64}}, "would never be accepted"),
        ({"replicas": {"min": 3, "max": 2}}, "must be at least min"),
        ({"replicas": {"drain_s": 30}}, "drops what it accepted"),
        ({"replicas": {"look_back_period_s": 10}}, "greater than 10"),
        (
            {"remote": {"base_url": "http://a/v1", "model": "m"}, "adapters": "x"},
            "takes no adapters",
        ),
        (
            {"remote": {"base_url": "http://a/v1", "model": "m", "adapters": {"both": "b"}}},
            "of vLLM only: add engine: vllm",
        ),
        (
            {
                "remote": {"base_url": "http://a/v1", "model": "m"},
                "answers": {"abstain_below": 0.2},
            },
            "no vLLM cannot be ranked",
        ),
        ({"limits": {"keys": "secret"}}, "limits.keys"),
    ],
)
def test_what_cannot_hold_is_refused_with_its_reason(content, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse_recipe(content, ServeRecipe, "test")


def test_vllm_takes_its_adapters_by_name_and_may_abstain():
    remote = {"base_url": "http://a/v1", "model": "m", "engine": "vllm", "adapters": {"both": "b"}}
    content = {"remote": remote, "answers": {"abstain_below": 0.2}}
    recipe = parse_recipe(content, ServeRecipe, "test")
    assert recipe.remote is not None and recipe.remote.adapters == {"both": "b"}
