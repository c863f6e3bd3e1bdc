"""The two-stage LoRA stack, on a small network of every family."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from peft.tuners.lora import Linear
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from georay.core.prompts import Conversation
from georay.models import folding
from georay.models.adapter_card import LoraSettings, base_fingerprint, read_card, write_card
from georay.models.adapters import STAGES, AdapterStack, lora_defaults
from georay.models.conversion import join_adapters
from georay.models.families.base import Exchange, Sampling
from georay.models.families.chat import ChatFamily
from georay.models.families.qwen_vl import QwenVLConfig, QwenVLForConditionalGeneration
from georay.models.saved_adapters import WEIGHTS

Build = Callable[[str, int], PreTrainedModel]
FAMILIES = ("qwen", "qwen2_5_vl", "qwen3_vl", "llava")
IDS = torch.tensor([[5, 9, 11, 40, 77, 130], [6, 2, 13, 41, 78, 131]])


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(input_ids=IDS).logits.float()


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return (one - other).abs().max().item()


def train(stack: AdapterStack, name: str, steps: int = 3) -> None:
    """A few real optimizer steps with weight decay, which would shrink whatever is trainable."""
    stack.train_only(name)
    trainable = [p for p in stack.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=0.05, weight_decay=0.1)
    stack.model.train()
    for _ in range(steps):
        loss = stack.model(input_ids=IDS, labels=IDS).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    stack.model.eval()


def trained_stack(network: PreTrainedModel) -> AdapterStack:
    torch.manual_seed(0)
    stack = AdapterStack.build(network, "small")
    train(stack, "reasoning")
    stack.add("location", lora_defaults(network))
    train(stack, "location")
    stack.activate(STAGES)
    return stack


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def llava_saved(small_chat_network: Build, tmp_path: Path) -> Path:
    trained_stack(small_chat_network("llava", 7)).save(tmp_path)
    return tmp_path


def test_stacked_reloaded_cat_and_merged_give_the_same_logits(
    small_chat_network: Build, family: str, tmp_path: Path
) -> None:
    base = logits(small_chat_network(family, 7))
    stack = trained_stack(small_chat_network(family, 7))
    stacked = logits(stack.model)
    stack.save(tmp_path / "stack")
    stack.export_cat(tmp_path / "cat")
    join_adapters(tmp_path / "stack", tmp_path / "joined")  # of what was saved, without the network
    assert (tmp_path / "joined" / WEIGHTS).read_bytes() == (tmp_path / "cat" / WEIGHTS).read_bytes()
    assert read_card(tmp_path / "joined") == read_card(tmp_path / "cat")

    reloaded = AdapterStack.load(small_chat_network(family, 7), "small", tmp_path / "stack")
    one = AdapterStack.load(small_chat_network(family, 7), "small", tmp_path, ("cat",))
    cat = PeftModel.from_pretrained(small_chat_network(family, 7), tmp_path / "cat")
    merged = stack.merge()

    assert distance(stacked, base) > 0.1
    assert distance(logits(reloaded.model), stacked) < 1e-4
    assert distance(logits(one.model), stacked) < 1e-4
    assert distance(logits(cat), stacked) < 1e-4
    assert distance(logits(merged), stacked) < 1e-4
    assert not any("lora" in name for name, _ in merged.named_parameters())


def test_terms_of_a_lower_adapter_survive_the_saving_of_the_stack_above_it(
    small_chat_network: Build, family: str, tmp_path: Path
) -> None:
    trained_stack(small_chat_network(family, 7)).save(tmp_path / "first")
    card = read_card(tmp_path / "first" / "reasoning")
    terms = {"clue_licences": ("guide: CC BY-NC 4.0",), "picture_licences": ("us: CC0",)}
    write_card(tmp_path / "first" / "reasoning", card.model_copy(update=terms))
    stack = AdapterStack.load(small_chat_network(family, 7), "small", tmp_path / "first")
    stack.save(tmp_path / "second")
    again = read_card(tmp_path / "second" / "reasoning")
    assert (again.clue_licences, again.picture_licences) == tuple(terms.values())


def test_training_the_second_stage_leaves_the_first_and_the_base_bit_unchanged(
    small_chat_network: Build, family: str
) -> None:
    network = small_chat_network(family, 7)
    stack = AdapterStack.build(network, "small")
    train(stack, "reasoning")
    stack.add("location", lora_defaults(network))
    before = {name: p.detach().clone() for name, p in stack.model.named_parameters()}

    train(stack, "location")

    changed = {n for n, p in stack.model.named_parameters() if not torch.equal(p, before[n])}
    assert changed
    assert all(".location." in name for name in changed)


def test_only_the_language_model_is_adapted(small_chat_network: Build, family: str) -> None:
    stack = AdapterStack.build(small_chat_network(family, 7), "small")
    places = {name.partition(".lora_")[0] for name in stack.weights("reasoning")}
    language, per_layer = (".transformer.h.", 4) if family == "qwen" else (".language_model.", 6)
    assert len(places) == 2 * per_layer  # c_attn, attn.c_proj, w1, w2; or q, k, v, o, gate, up
    assert all(language in place for place in places)


def test_qwen_vl_has_exactly_the_papers_parameters() -> None:
    """112.19M in table 6; on the meta device, where 9.7 billion parameters take no memory."""
    with torch.device("meta"):
        network = QwenVLForConditionalGeneration(QwenVLConfig())
    assert sum(p.numel() for p in network.parameters()) == 9_656_935_168
    stack = AdapterStack.build(network, "full size")
    stack.train_only("reasoning")
    assert stack.num_trainable == 112_197_632


def test_switching_gives_both_the_first_alone_or_the_bare_base(
    small_chat_network: Build, family: str
) -> None:
    base = logits(small_chat_network(family, 7))
    network = small_chat_network(family, 7)
    stack = AdapterStack.build(network, "small")
    train(stack, "reasoning")
    first = logits(network)
    stack.add("location", lora_defaults(network))
    train(stack, "location")
    both = logits(network)

    stack.activate(("reasoning",))
    assert stack.active == ("reasoning",)
    assert distance(logits(network), first) < 1e-6
    stack.activate(())
    assert stack.active == ()
    assert torch.equal(logits(network), base)
    stack.activate(STAGES)
    assert distance(logits(network), both) < 1e-6
    assert min(distance(both, first), distance(first, base)) > 0.05


def test_folded_stack_answers_the_same_with_every_set_of_adapters(
    small_chat_network: Build, family: str
) -> None:
    stack = trained_stack(small_chat_network(family, 7))
    sets: tuple[tuple[str, ...], ...] = (STAGES, STAGES[:1], (), STAGES)
    before = []
    for names in sets:
        stack.activate(names)
        before.append(logits(stack.model))
    stack.fold()
    adapted = [layer for layer in stack.model.modules() if isinstance(layer, Linear)]
    for layer in adapted:  # a folded stack reads none of them
        for matrix in layer.lora_B.values():
            matrix.register_forward_hook(_refuse)
    for names, expected in zip(sets, before, strict=True):
        stack.activate(names)
        assert distance(logits(stack.model), expected) < 1e-4
    with stack.only(*STAGES[:1]):
        assert distance(logits(stack.model), before[1]) < 1e-4
    assert distance(logits(stack.model), before[0]) < 1e-4
    assert distance(before[0], before[1]) > 0.01
    assert distance(before[1], before[2]) > 0.01
    with pytest.raises(AssertionError, match="only answers"):
        stack.train_only("location")


def _refuse(*_: object) -> None:
    raise AssertionError("an adapter was computed apart from its weight")


def test_large_or_rounded_network_is_not_folded(
    small_chat_network: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded = AdapterStack.build(small_chat_network("qwen", 7).bfloat16(), "small")
    rounded.fold()
    rounded.train_only("reasoning")  # a folded stack would refuse
    assert rounded.num_trainable > 0
    monkeypatch.setattr(folding, "MOST_BYTES", 100)
    large = AdapterStack.build(small_chat_network("qwen", 7), "small")
    large.fold()
    large.train_only("reasoning")
    assert large.num_trainable > 0


def test_a_familys_answers_follow_the_adapters_that_act(
    small_chat_family: Callable[[str, int], ChatFamily],
) -> None:
    """The stack changes the family's own network, so generation needs no second object."""
    family = small_chat_family("qwen2_5_vl", 3)
    asked = Exchange((Image.new("RGB", (60, 60), (9, 90, 200)),), Conversation("Where?", 1, "Peru"))
    prompt, sampling = family.encode([asked]), Sampling(max_new_tokens=8)
    before = family.generate(prompt, sampling)
    stack = AdapterStack.build(family.network, "small")
    stack.train_only("reasoning")
    trainable = [p for p in stack.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=0.02)
    for _ in range(40):
        stack.model(**family.encode_for_training([asked])).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    assert family.generate(prompt, sampling) == ["Peru"] != before
    stack.activate(())
    assert family.generate(prompt, sampling) == before


def test_fresh_adapters_change_nothing(small_chat_network: Build) -> None:
    base = logits(small_chat_network("llava", 7))
    stack = AdapterStack.build(small_chat_network("llava", 7), "small", STAGES)
    assert torch.equal(logits(stack.model), base)
    assert stack.num_trainable == 0


def test_frozen_stage_is_not_dropped_out_while_the_next_trains(small_chat_network: Build) -> None:
    network = small_chat_network("llava", 7)
    stack = AdapterStack.build(network, "small")
    train(stack, "reasoning")
    still = logits(network)
    stack.add("location", lora_defaults(network))
    stack.train_only("location")
    network.train()  # location's B is zero, so only reasoning's dropout could make a difference
    assert distance(network(input_ids=IDS).logits.detach(), still) < 1e-6
    stack.train_only("reasoning")
    network.train()
    assert distance(network(input_ids=IDS).logits.detach(), still) > 1e-4


def test_adapter_of_another_base_is_refused(small_chat_network: Build, llava_saved: Path) -> None:
    with pytest.raises(ValueError, match="trained on another base: its card says small"):
        AdapterStack.load(small_chat_network("llava", 8), "another", llava_saved)
    with pytest.raises(ValueError, match="trained on another base"):
        AdapterStack.load(small_chat_network("qwen3_vl", 7), "another", llava_saved)


def test_second_stage_is_refused_without_the_first_it_was_trained_above(
    small_chat_network: Build, llava_saved: Path
) -> None:
    with pytest.raises(ValueError, match=r"trained above reasoning \(\w{12}\), not above the bare"):
        AdapterStack.load(small_chat_network("llava", 7), "small", llava_saved, ("location",))
    first = AdapterStack.load(small_chat_network("llava", 7), "small", llava_saved, ("reasoning",))
    assert first.active == ("reasoning",)


def test_same_weights_in_bfloat16_are_the_same_base(
    small_chat_network: Build, llava_saved: Path
) -> None:
    rounded = small_chat_network("llava", 7).to(torch.bfloat16)
    assert AdapterStack.load(rounded, "small", llava_saved).active == STAGES


def test_one_changed_weight_matrix_changes_the_fingerprint(small_chat_network: Build) -> None:
    network = small_chat_network("qwen2_5_vl", 7)
    before = base_fingerprint(network.named_parameters())
    assert before == base_fingerprint(small_chat_network("qwen2_5_vl", 7).named_parameters())
    with torch.no_grad():
        network.lm_head.weight.mul_(1.01)
    assert base_fingerprint(network.named_parameters()) != before


def test_absent_or_damaged_files_are_named(small_chat_network: Build, llava_saved: Path) -> None:
    def load() -> None:
        AdapterStack.load(small_chat_network("llava", 7), "small", llava_saved)

    weights = llava_saved / "location" / "adapter_model.safetensors"
    original = weights.read_bytes()
    tensors = load_file(weights)
    save_file({name: tensor * 2 for name, tensor in tensors.items()}, weights)
    with pytest.raises(ValueError, match="not the file that its card describes"):
        load()
    weights.write_bytes(original[:1000])
    with pytest.raises(ValueError, match="cannot read the adapter"):
        load()
    weights.write_bytes(original)
    card = llava_saved / "location" / "card.json"
    card.write_text("{}")
    with pytest.raises(ValueError, match="is not an adapter card"):
        load()
    card.unlink()
    with pytest.raises(ValueError, match="nothing says which base model"):
        load()


def test_published_adapter_without_a_card_is_adopted(
    small_chat_network: Build, llava_saved: Path
) -> None:
    for name in STAGES:
        (llava_saved / name / "card.json").unlink()
    stack = AdapterStack(small_chat_network("llava", 7), "small")
    for name in STAGES:
        stack.adopt(name, llava_saved / name)
    expected = trained_stack(small_chat_network("llava", 7))
    assert distance(logits(stack.model), logits(expected.model)) < 1e-6


def test_adapter_of_another_shape_is_not_adopted(
    small_chat_network: Build, llava_saved: Path
) -> None:
    facts = llava_saved / "reasoning" / "adapter_config.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"r": 8}))
    stack = AdapterStack(small_chat_network("llava", 7), "small")
    with pytest.raises(ValueError, match="does not fit this network: 48 tensors"):
        stack.adopt("reasoning", llava_saved / "reasoning")


def test_adapters_of_different_rank_and_scale_join_exactly(
    small_chat_network: Build, tmp_path: Path
) -> None:
    network = small_chat_network("llava", 7)
    places = lora_defaults(network).targets
    stack = AdapterStack(network, "small")
    for name, rank, alpha in (("reasoning", 4, 16), ("location", 8, 4)):
        stack.add(name, LoraSettings(rank=rank, alpha=alpha, dropout=0.0, targets=places))
        train(stack, name)
    stack.export_cat(tmp_path)
    cat = PeftModel.from_pretrained(small_chat_network("llava", 7), tmp_path)
    assert distance(logits(cat), logits(network)) < 1e-4
    assert read_card(tmp_path).settings.rank == 12


def test_merging_in_bfloat16_would_not_be_exact(small_chat_network: Build) -> None:
    """Why `merge` goes to float32: the same sum in bfloat16 is off by far more than 1e-4."""
    exact = trained_stack(small_chat_network("llava", 7).to(torch.bfloat16)).merge()
    rounded = trained_stack(small_chat_network("llava", 7).to(torch.bfloat16))
    coarse = rounded.model.base_model.merge_and_unload(adapter_names=list(STAGES))
    assert all(p.dtype == torch.float32 for p in exact.parameters())
    assert distance(logits(coarse.float()), logits(exact)) > 3e-4


def test_unknown_and_repeated_names_are_refused(small_chat_network: Build) -> None:
    network = small_chat_network("llava", 7)
    stack = AdapterStack.build(network, "small")
    with pytest.raises(ValueError, match="no adapter 'location' in the stack"):
        stack.train_only("location")
    with pytest.raises(ValueError, match="already has an adapter 'reasoning'"):
        stack.add("reasoning", lora_defaults(network))


def test_weights_without_values_are_not_saved(tmp_path: Path, small_chat_network: Build) -> None:
    stack = AdapterStack.build(small_chat_network("llava", 7).to("meta"), "small")
    with pytest.raises(ValueError, match="gather sharded weights"):
        stack.save(tmp_path)
