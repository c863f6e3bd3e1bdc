"""A cache that grows in place says what one that is copied at every word says."""

import torch
from locating_family import question, small_family
from transformers.cache_utils import DynamicCache

from georay.models.families.base import on_device_of
from georay.models.families.growing_cache import growing_cache


def test_the_same_words_come_out_also_where_buffers_are_outgrown() -> None:
    family = small_family()
    batch = on_device_of(family.network, family.encode([question(n) for n in range(3)]))
    ends = {"max_new_tokens": 300, "min_new_tokens": 300, "do_sample": False}
    with torch.inference_mode():
        copied = family.network.generate(**batch, past_key_values=DynamicCache(), **ends)
        cache = growing_cache(family.network)
        grown = family.network.generate(**batch, past_key_values=cache, **ends)
    assert torch.equal(copied, grown)
    layer = cache.layers[0]
    assert layer.keys.data_ptr() == layer._buffers[0].data_ptr(), "no copy was made"
    assert layer.get_seq_length() == batch["input_ids"].shape[1] + 299


def test_rows_that_were_chosen_are_written_on() -> None:
    cache = growing_cache(small_family().network)
    states = torch.randn(3, 2, 5, 4)
    for name in ("first", "second"):
        keys, values = cache.update(states, -states, 0)
        assert torch.equal(values, -keys), name
        cache.layers[0].batch_select_indices(torch.tensor([2, 0, 1]))
    assert torch.equal(keys[:, :, :5], states[[2, 0, 1]]) and torch.equal(keys[:, :, 5:], states)
