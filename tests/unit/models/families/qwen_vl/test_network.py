"""What the network promises beyond matching the original: batches, caches, length, training."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from torch import Tensor
from transformers.cache_utils import DynamicCache

from georay.models.families.qwen_vl import QwenVLConfig, QwenVLForConditionalGeneration
from georay.models.families.qwen_vl.rotary import ntk_alpha, rotate, rotation

IMAGE = [470, 472, 472, 472, 472, 471]
PAD = 0
Network = QwenVLForConditionalGeneration
ROUNDING = 1e-3  # logits spread over tens; another processor's order of sums moves them by 1e-4


def words(count: int, seed: int = 0) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 256, (count,), generator=generator).tolist()


def pictures(count: int) -> Tensor:
    return torch.randn(count, 3, 28, 28, generator=torch.Generator().manual_seed(3))


def padded(rows: list[list[int]], side: str) -> dict[str, Tensor]:
    length = max(map(len, rows))
    ids = torch.full((len(rows), length), PAD)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    for number, row in enumerate(rows):
        places = slice(length - len(row), length) if side == "left" else slice(0, len(row))
        ids[number, places], mask[number, places] = torch.tensor(row), 1
    return {"input_ids": ids, "attention_mask": mask}


def assert_near(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=ROUNDING, rtol=0)


def logits_of(network: Network, row: list[int], images: Tensor | None = None) -> Tensor:
    return network(input_ids=torch.tensor([row]), pixel_values=images).logits[0]


def answer(network: Network, row: list[int], images: Tensor | None = None, **how: int) -> list[int]:
    ids = network.generate(
        input_ids=torch.tensor([row]), pixel_values=images, do_sample=False, pad_token_id=PAD, **how
    )
    return ids[0, len(row) :].tolist()


@pytest.mark.parametrize("side", ["left", "right"])
@torch.inference_mode()
def test_padding_changes_no_logit_of_either_row(network: Network, side: str) -> None:
    """One row shorter and one longer than the training length: each keeps its own NTK factor."""
    rows = [words(9), [*words(2), *IMAGE, *words(25), *IMAGE]]
    images = pictures(2)
    together = network(**padded(rows, side), pixel_values=images).logits
    for number, (row, own) in enumerate(zip(rows, (None, images), strict=True)):
        kept = slice(-len(row), None) if side == "left" else slice(0, len(row))
        assert_near(together[number, kept], logits_of(network, row, own))


def test_a_padded_batch_with_several_images_generates_what_each_prompt_alone_does(
    network: Network,
) -> None:
    rows = [words(4), [*IMAGE, *words(3), *IMAGE], [*words(30), *IMAGE]]
    images = pictures(3)
    batch = padded(rows, "left")
    ids = network.generate(
        **batch, pixel_values=images, max_new_tokens=6, do_sample=False, pad_token_id=PAD
    )
    alone = [
        answer(network, row, own, max_new_tokens=6)
        for row, own in zip(rows, (None, images[:2], images[2:]), strict=True)
    ]
    assert ids[:, batch["input_ids"].shape[1] :].tolist() == alone
    assert len({tuple(row) for row in alone}) == 3


@pytest.mark.parametrize("given", ["pixel_values", "image_features"])
def test_answers_drawn_together_each_see_all_images_of_their_prompt(
    network: Network, given: str
) -> None:
    """Two answers a prompt, drawn from the single best word: both are the greedy answer."""
    rows = [[*IMAGE, *words(3), *IMAGE], [*IMAGE, *words(5, seed=1), *IMAGE]]
    images = pictures(4)
    with torch.no_grad():
        seen = images if given == "pixel_values" else network.transformer.visual(images)
    batch = padded(rows, "left")
    ids = network.generate(
        **batch,
        **{given: seen},
        do_sample=True,
        top_k=1,
        num_return_sequences=2,
        max_new_tokens=6,
        pad_token_id=PAD,
    )
    greedy = [
        answer(network, row, own, max_new_tokens=6)
        for row, own in zip(rows, (images[:2], images[2:]), strict=True)
    ]
    drawn = ids[:, batch["input_ids"].shape[1] :].tolist()
    assert drawn == [greedy[0], greedy[0], greedy[1], greedy[1]]


def test_beams_find_what_scoring_every_prefix_afresh_finds(network: Network) -> None:
    row, images = [*IMAGE, *words(4), *IMAGE], pictures(2)
    cached = answer(network, row, images, max_new_tokens=5, num_beams=3)
    assert cached == answer(network, row, images, max_new_tokens=5, num_beams=3, use_cache=False)


def test_the_cache_changes_no_word_and_the_encoder_runs_once(network: Network) -> None:
    row, images = [*words(3), *IMAGE, *words(4)], pictures(1)
    calls: list[int] = []
    network.transformer.visual.register_forward_hook(lambda *_: calls.append(1))
    cached = answer(network, row, images, max_new_tokens=8)
    assert len(calls) == 1
    assert cached == answer(network, row, images, max_new_tokens=8, use_cache=False)


@torch.inference_mode()
def decoded_with_cache(network: Network, row: list[int], prompt: int) -> Tensor:
    """Logits of a row whose first `prompt` tokens are read at once and the others one by one."""
    cache = DynamicCache()
    parts = [row[:prompt], *([token] for token in row[prompt:])]
    outputs = [
        network(input_ids=torch.tensor([part]), past_key_values=cache).logits[0] for part in parts
    ]
    return torch.cat(outputs)


@torch.inference_mode()
def test_an_answer_keeps_the_ntk_factor_of_its_prompt(network: Network) -> None:
    """A prompt of 20 tokens has factor 1, and so has its answer beyond the 24 of training; one of
    30 has factor 3, and so has its answer up to twice 24.
    """
    long = words(40, seed=4)
    expected = logits_of(network, long)[30:]
    assert_near(decoded_with_cache(network, long, 30)[30:], expected)
    row = words(36)
    stepwise = decoded_with_cache(network, row, 20)
    afresh = logits_of(network, row)
    network.config.use_dynamic_ntk = False
    assert_near(stepwise, logits_of(network, row))
    assert float((stepwise - afresh).abs().max()) > 1e-2


@torch.inference_mode()
def test_a_cache_used_again_forgets_the_ntk_factor_of_its_first_prompt(network: Network) -> None:
    cache, row = DynamicCache(), words(30)
    network(input_ids=torch.tensor([words(60, seed=2)]), past_key_values=cache)
    cache.reset()
    network(input_ids=torch.tensor([row[:10]]), past_key_values=cache)
    found = network(input_ids=torch.tensor([row[10:]]), past_key_values=cache).logits[0, -1]
    assert_near(found, decoded_with_cache(network, row, 10)[-1])


@torch.inference_mode()
def test_two_generations_at_once_do_not_share_their_ntk_factors(network: Network) -> None:
    long, short, caches = words(40), words(30, seed=1), [DynamicCache(), DynamicCache()]
    expected = decoded_with_cache(network, long, 30)[30:]
    network(input_ids=torch.tensor([long[:30]]), past_key_values=caches[0])
    network(input_ids=torch.tensor([short[:10]]), past_key_values=caches[1])
    steps = []
    for token, other in zip(long[30:], short[10:], strict=False):
        steps.append(
            network(input_ids=torch.tensor([[token]]), past_key_values=caches[0]).logits[0]
        )
        network(input_ids=torch.tensor([[other]]), past_key_values=caches[1])
    assert_near(torch.cat(steps), expected)


@torch.inference_mode()
def test_log_n_and_ntk_act_only_beyond_the_training_length_and_only_in_inference(
    network: Network,
) -> None:
    def difference(row: list[int], **switch: bool) -> float:
        before = logits_of(network, row)
        vars(network.config).update(switch)
        after = logits_of(network, row)
        vars(network.config).update(dict.fromkeys(switch, True))
        return float((before - after).abs().max())

    for switch in ("use_dynamic_ntk", "use_logn_attn"):
        assert difference(words(24), **{switch: False}) == 0.0
        assert difference(words(25), **{switch: False}) > 1e-3
        network.train()
        assert difference(words(40), **{switch: False}) == 0.0
        network.eval()


@pytest.mark.parametrize(
    ("length", "factor"), [(1, 1), (2048, 1), (2049, 3), (4096, 3), (4097, 7), (8192, 7)]
)
def test_ntk_factor_grows_with_each_doubling_of_the_prompt(length: int, factor: int) -> None:
    assert ntk_alpha(length, 2048) == factor


def test_positions_are_turned_in_float32_whatever_the_precision() -> None:
    turn = rotation(torch.tensor([[5000]]), 32, 10000.0, (1,), None)
    states = torch.randn(1, 1, 2, 4, 32).bfloat16()
    turned = rotate(states, turn)
    assert turned.dtype == torch.bfloat16
    torch.testing.assert_close(turned, rotate(states.float(), turn).bfloat16(), atol=0, rtol=0)


@torch.inference_mode()
def test_bfloat16_stays_near_float32(network: Network) -> None:
    row, images = [*IMAGE, *words(30)], pictures(1)
    wide = logits_of(network, row, images)
    narrow = logits_of(network.bfloat16(), row, images)
    assert narrow.dtype == torch.bfloat16
    assert float((narrow - wide).norm() / wide.norm()) < 0.05


def test_saved_network_loads_with_equal_logits_and_the_same_names(
    network: Network, tmp_path: Path
) -> None:
    row, images = [*IMAGE, *words(5)], pictures(1)
    network.save_pretrained(tmp_path, max_shard_size="400KB")
    shards = list(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    saved = {name for shard in shards for name in load_file(shard)}
    assert saved == set(network.state_dict())
    loaded = Network.from_pretrained(tmp_path)
    with torch.inference_mode():
        assert torch.equal(logits_of(loaded, row, images), logits_of(network, row, images))


def test_a_checkpoint_without_the_position_table_gets_it_computed(
    network: Network, tmp_path: Path
) -> None:
    state = network.state_dict()
    table = state.pop("transformer.visual.attn_pool.pos_embed")
    network.save_pretrained(tmp_path, state_dict=state)
    loaded = Network.from_pretrained(tmp_path)
    assert torch.equal(loaded.transformer.visual.attn_pool.pos_embed, table)


def test_a_loaded_position_table_is_never_trained(network: Network, tmp_path: Path) -> None:
    network.save_pretrained(tmp_path)
    loaded = Network.from_pretrained(tmp_path)
    adapter = loaded.transformer.visual.attn_pool
    loaded(input_ids=torch.tensor([IMAGE]), pixel_values=pictures(1)).logits.sum().backward()
    assert adapter.pos_embed.grad is None
    assert adapter.query.grad is not None


def test_gradient_checkpointing_changes_no_gradient(network: Network) -> None:
    ids = torch.tensor([[*words(3), *IMAGE, *words(6)]])

    def gradients() -> dict[str, Tensor]:
        network.zero_grad()
        network(input_ids=ids, pixel_values=pictures(1), labels=ids).loss.backward()
        return {n: p.grad.clone() for n, p in network.named_parameters() if p.requires_grad}

    network.train()
    plain = gradients()
    network.gradient_checkpointing_enable()
    recomputed = gradients()
    assert plain.keys() == recomputed.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(recomputed[name], gradient, msg=name)
    assert float(plain["transformer.visual.conv1.weight"].abs().max()) > 0


LORA = LoraConfig(
    r=4, lora_alpha=16, target_modules=["c_attn", "attn.c_proj", "w1", "w2"], task_type="CAUSAL_LM"
)


def test_lora_trains_under_checkpointing_saves_published_names_and_reloads(
    network: Network, tmp_path: Path
) -> None:
    ids, images = torch.tensor([[*IMAGE, *words(6)]]), pictures(1)
    base = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    tuned = get_peft_model(network, LORA)
    tuned.gradient_checkpointing_enable()
    tuned.enable_input_require_grads()
    tuned.train()
    optimizer = torch.optim.AdamW((p for p in tuned.parameters() if p.requires_grad), lr=0.05)
    losses = []
    for _ in range(4):
        loss = tuned(input_ids=ids, pixel_values=images, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5
    tuned.eval().save_pretrained(tmp_path)
    names = set(load_file(tmp_path / "adapter_model.safetensors"))
    assert len(names) == 2 * 4 * 2
    assert "base_model.model.transformer.h.1.attn.c_proj.lora_B.weight" in names
    assert "base_model.model.transformer.h.0.mlp.w2.lora_A.weight" in names

    fresh = QwenVLForConditionalGeneration(network.config).eval()
    fresh.load_state_dict(base)
    reloaded = PeftModel.from_pretrained(fresh, tmp_path)
    with torch.inference_mode():
        expected = tuned(input_ids=ids, pixel_values=images).logits
        assert torch.equal(reloaded(input_ids=ids, pixel_values=images).logits, expected)


def test_the_papers_lora_on_the_full_network_has_112197632_parameters() -> None:
    with torch.device("meta"):
        network = QwenVLForConditionalGeneration(QwenVLConfig())
        tuned = get_peft_model(
            network, LoraConfig(r=64, lora_alpha=16, target_modules=LORA.target_modules)
        )
    trained = {n: p for n, p in tuned.named_parameters() if p.requires_grad}
    assert sum(p.numel() for p in trained.values()) == 112_197_632
    assert not any("visual" in name for name in trained)


@torch.inference_mode()
def test_features_computed_before_stand_in_for_pixels(network: Network) -> None:
    ids, images = torch.tensor([[*IMAGE, *words(3), *IMAGE]]), pictures(2)
    features = network.transformer.visual(images)
    by_pixels = network(input_ids=ids, pixel_values=images).logits
    assert torch.equal(network(input_ids=ids, image_features=features).logits, by_pixels)


@torch.inference_mode()
def test_only_the_positions_asked_for_are_scored(network: Network) -> None:
    ids = torch.tensor([words(9)])
    full = network(input_ids=ids).logits
    assert_near(network(input_ids=ids, logits_to_keep=2).logits, full[:, -2:])
    chosen = torch.tensor([1, 4])
    assert_near(network(input_ids=ids, logits_to_keep=chosen).logits, full[:, chosen])


@torch.inference_mode()
@pytest.mark.parametrize("padding", [0, 3])
def test_last_layer_computes_only_the_token_that_is_scored(network: Network, padding: int) -> None:
    ids = torch.tensor([words(9), words(9)[::-1]])
    mask = torch.ones_like(ids)
    mask[0, :padding] = 0
    seen: list[int] = []
    network.transformer.h[-1].mlp.register_forward_hook(lambda *call: seen.append(len(call[2][0])))
    whole = network(input_ids=ids, attention_mask=mask)
    last = network(input_ids=ids, attention_mask=mask, logits_to_keep=1)
    assert_near(last.logits, whole.logits[:, -1:])
    assert seen == [9, 1]
    # What comes next reads the keys and values of all tokens, also in the last layer.
    more = torch.tensor([[7], [11]])
    mask = torch.cat((mask, torch.ones_like(more)), dim=1)
    after = [
        network(input_ids=more, attention_mask=mask, past_key_values=one.past_key_values).logits
        for one in (whole, last)
    ]
    assert_near(*after)


@torch.inference_mode()
def test_loss_is_the_mean_over_learnt_tokens_or_over_a_given_number(network: Network) -> None:
    ids = torch.tensor([words(9)])
    labels = ids.clone()
    labels[:, :5] = -100
    outputs = network(input_ids=ids, labels=labels)
    chances = outputs.logits[0, 4:8].log_softmax(-1).gather(1, ids[0, 5:, None])
    torch.testing.assert_close(outputs.loss, -chances.mean())
    summed = network(input_ids=ids, labels=labels, num_items_in_batch=torch.tensor(8)).loss
    torch.testing.assert_close(summed, -chances.sum() / 8)


@pytest.mark.parametrize(
    ("row", "num_images"), [([*IMAGE, 5], 0), ([*IMAGE, 5], 2), ([1, 2, 3], 1), (IMAGE[:-2], 1)]
)
def test_images_that_do_not_match_their_places_are_refused(
    network: Network, row: list[int], num_images: int
) -> None:
    images = pictures(num_images) if num_images else None
    with pytest.raises(ValueError, match="one image for every"):
        logits_of(network, row, images)


def test_pixels_of_another_size_are_refused(network: Network) -> None:
    with pytest.raises(ValueError, match=r"\[images, 3, 28, 28\], got \[1, 3, 14, 28\]"):
        logits_of(network, [*IMAGE], torch.zeros(1, 3, 14, 28))
