"""The two-stage LoRA stack: `reasoning`, then `location` above it (paper, section 3.2).

Both adapters are named and act together; training the second never touches the first. The stack
works on any family's network, in place: the network it is given is the network that changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import PreTrainedModel

from georay.core.manifest import versions
from georay.models.adapter_card import (
    AdapterCard,
    LoraSettings,
    base_fingerprint,
    tensors_hash,
    write_card,
)
from georay.models.folding import Folding
from georay.models.saved_adapters import (
    PACKAGES,
    SavedAdapter,
    join_saved,
    lora_config,
    read_saved,
    read_weights,
    write_adapter,
)

STAGES = ("reasoning", "location")

# Vision stays frozen in the paper. These families' vision towers hold layers of the same names
# (q_proj, up_proj, …), so the language model is part of the pattern.
_LANGUAGE_MODEL = r".*\.language_model\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj)"

LORA_DEFAULTS: Mapping[str, LoraSettings] = MappingProxyType(
    {
        "qwen": LoraSettings(
            rank=64, alpha=16, dropout=0.05, targets=("c_attn", "attn.c_proj", "w1", "w2")
        ),
        "qwen2_5_vl": LoraSettings(rank=64, alpha=16, dropout=0.05, targets=_LANGUAGE_MODEL),
        "qwen3_vl": LoraSettings(rank=64, alpha=16, dropout=0.05, targets=_LANGUAGE_MODEL),
        "llava": LoraSettings(rank=64, alpha=16, dropout=0.05, targets=_LANGUAGE_MODEL),
    }
)


def lora_defaults(network: PreTrainedModel) -> LoraSettings:
    """The paper's LoRA at the same places of this network's family.

    Raises ValueError for a network of a family without defaults: give LoraSettings then.
    """
    family = network.config.model_type
    if family not in LORA_DEFAULTS:
        raise ValueError(
            f"no LoRA defaults for model type {family!r} (known: {', '.join(LORA_DEFAULTS)}); "
            "give LoraSettings with the places to adapt"
        )
    return LORA_DEFAULTS[family]


class AdapterStack:
    """Named LoRA adapters above one base network, lowest first.

    After `build`, `add`, `adopt` or `load` every adapter acts and none is trainable.
    """

    def __init__(self, network: PreTrainedModel, base: str) -> None:
        """`base` says in words which weights these are: an id with its revision, or a folder.

        Compute it from whole weights: before sharding, and before anything else adapts them.
        """
        self._network = network
        self._base = base
        self._fingerprint = base_fingerprint(network.named_parameters())
        self._settings: dict[str, LoraSettings] = {}
        self._terms: dict[str, dict[str, tuple[str, ...]]] = {}
        self._active: tuple[str, ...] = ()
        self._peft: PeftModel | None = None
        self._folding: Folding | None = None

    @classmethod
    def build(
        cls,
        network: PreTrainedModel,
        base: str,
        names: Sequence[str] = STAGES[:1],
        settings: LoraSettings | None = None,
    ) -> Self:
        """A stack of fresh adapters: they change nothing until they are trained."""
        stack = cls(network, base)
        for name in names:
            stack.add(name, settings or lora_defaults(network))
        return stack

    @classmethod
    def load(
        cls, network: PreTrainedModel, base: str, folder: Path, names: Sequence[str] = STAGES
    ) -> Self:
        """The named adapters that `save` wrote to `folder`, above the base they were trained on.

        Raises ValueError when an adapter is absent or damaged, or was trained on another base or
        above other adapters.
        """
        stack = cls(network, base)
        for saved in read_saved(folder, names):
            stack._put_on_top(saved)
        return stack

    @property
    def names(self) -> tuple[str, ...]:
        """The adapters, lowest first."""
        return tuple(self._settings)

    @property
    def model(self) -> PeftModel:
        """The network with its adapters, as PEFT wraps it."""
        if self._peft is None:
            raise ValueError("the stack has no adapter yet: add one")
        return self._peft

    @property
    def active(self) -> tuple[str, ...]:
        """The adapters that act at present."""
        return self._active

    @property
    def num_trainable(self) -> int:
        """Parameters that an optimizer would change."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def add(self, name: str, settings: LoraSettings) -> None:
        """Puts a fresh adapter on top. Raises ValueError for a name taken, or no place to adapt."""
        assert self._folding is None, "a folded stack only answers"
        if name in self._settings:
            raise ValueError(f"the stack already has an adapter {name!r}")
        config = lora_config(settings)
        if self._peft is None:
            self._peft = PeftModel(self._network, config, adapter_name=name)
        else:
            self._peft.add_adapter(name, config)
        self._settings[name] = settings
        self.activate(self.names)

    def adopt(self, name: str, folder: Path) -> None:
        """Puts a LoRA published without a card on top; that its base is this one is your word."""
        config = LoraConfig.from_pretrained(str(folder))
        targets = config.target_modules
        self.add(
            name,
            LoraSettings(
                rank=config.r,
                alpha=config.lora_alpha,
                dropout=config.lora_dropout,
                targets=targets if isinstance(targets, str) else tuple(sorted(targets or ())),
            ),
        )
        self._fill(name, read_weights(folder))

    def activate(self, names: Sequence[str]) -> None:
        """Lets exactly these adapters act (none: the bare base) and makes nothing trainable."""
        if unknown := [name for name in names if name not in self._settings]:
            raise ValueError(f"no adapter {unknown[0]!r} in the stack, only {list(self.names)}")
        tuner: Any = self.model.base_model
        # PeftModel.set_adapter takes one name and drops the others; the tuner's takes a list.
        tuner.set_adapter(list(names), inference_mode=True)
        if names:
            tuner.enable_adapter_layers()
            tuner.set_requires_grad(self.names, requires_grad=False)
        else:
            tuner.disable_adapter_layers()
        if self._folding is not None:
            self._folding.use(names)
        self._active = tuple(names)

    @contextmanager
    def only(self, *names: str) -> Iterator[None]:
        """Within, exactly these adapters act; afterwards those that did before."""
        before = self.active
        self.activate(names)
        try:
            yield
        finally:
            self.activate(before)

    def fold(self) -> None:
        """Makes a small float32 network answer faster, to rounding with the same numbers.

        Sums of weights and adapters are kept for every set that acts; the stack can be switched as
        before and trained no more. Nothing changes for a large network, or in another precision.
        """
        folding = Folding(self._network)
        if folding.is_worth_it:
            self._folding = folding
            self.activate(self.active)

    def train_only(self, name: str) -> None:
        """Makes one adapter trainable, acting together with the frozen ones below it.

        A frozen adapter is part of what the next one is trained on, so its dropout is off.
        """
        assert self._folding is None, "a folded stack only answers"
        below = self.names[: self.names.index(name) + 1] if name in self._settings else (name,)
        self.activate(below)
        tuner: Any = self.model.base_model
        tuner.set_requires_grad(name, requires_grad=True)
        for module in tuner.modules():
            for other, dropout in getattr(module, "lora_dropout", {}).items():
                if isinstance(dropout, torch.nn.Dropout):
                    dropout.p = self._settings[name].dropout if other == name else 0.0

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        """An adapter's tensors under the names that PEFT's files use."""
        state = get_peft_model_state_dict(
            self.model, adapter_name=name, save_embedding_layers=False
        )
        return {key: tensor.detach() for key, tensor in state.items()}

    def save(self, folder: Path) -> None:
        """Writes `folder`/NAME for every adapter: PEFT's two files and the card, each atomically.

        Raises ValueError when an adapter's tensors are not whole (gather sharded ones first).
        """
        below: dict[str, str] = {}
        for name in self.names:
            weights = self.weights(name)
            write_adapter(folder / name, weights, lora_config(self._settings[name]), self._base)
            card = self._card(name, weights, dict(below))
            write_card(folder / name, card)
            below[name] = card.weights

    def export_cat(self, folder: Path) -> None:
        """Writes all adapters as one; see `join_saved`."""
        parts = [
            SavedAdapter(name, folder, self._card(name, weights, {}), dict(weights))
            for name in self.names
            for weights in [self.weights(name)]
        ]
        join_saved(parts, folder)

    def merge(self) -> PreTrainedModel:
        """The network in float32 with the active adapters added into its weights; ends the stack.

        In bfloat16 the sum would be rounded away: logits then differ by 0.2 instead of 1e-5.
        """
        acting = list(self.active)
        self.model.float()
        tuner: Any = self.model.base_model
        merged = tuner.merge_and_unload(adapter_names=acting) if acting else tuner.unload()
        self._peft, self._settings, self._active = None, {}, ()
        assert isinstance(merged, PreTrainedModel)
        return merged

    def _card(
        self, name: str, weights: Mapping[str, torch.Tensor], below: dict[str, str]
    ) -> AdapterCard:
        return AdapterCard(
            adapter=name,
            base=self._base,
            base_fingerprint=self._fingerprint,
            stacked_on=below,
            weights=tensors_hash(weights),
            settings=self._settings[name],
            versions=versions(PACKAGES),
            **self._terms.get(name, {}),
        )

    def _put_on_top(self, saved: SavedAdapter) -> None:
        card = saved.card
        if card.base_fingerprint != self._fingerprint:
            raise ValueError(
                f"adapter {saved.name!r} in {saved.folder} was trained on another base: its card "
                f"says {card.base} (weights {card.base_fingerprint[:12]}), this network is "
                f"{self._base} (weights {self._fingerprint[:12]}); load that base, or train the "
                "adapter again"
            )
        self.add(saved.name, card.settings)
        self._fill(saved.name, saved.weights)
        self._terms[saved.name] = {
            "clue_licences": card.clue_licences,
            "picture_licences": card.picture_licences,
        }

    def _fill(self, name: str, weights: Mapping[str, torch.Tensor]) -> None:
        expected = {key: tensor.shape for key, tensor in self.weights(name).items()}
        found = {key: tensor.shape for key, tensor in weights.items()}
        if wrong := sorted(expected.items() ^ found.items()):
            raise ValueError(
                f"adapter {name!r} does not fit this network: {len(wrong)} tensors differ in name "
                f"or shape, the first is {wrong[0][0]}"
            )
        set_peft_model_state_dict(self.model, dict(weights), adapter_name=name)
