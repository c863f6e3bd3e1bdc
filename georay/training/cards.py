"""Writes beside each adapter what it was trained on and how, for people and programs."""

from typing import Any

from georay.core.licences import clue_licences, forbids_commerce, picture_licences
from georay.core.manifest import write_atomic, write_json
from georay.models.adapter_card import read_card, write_card
from georay.training.samples import samples_hash, stage_samples, whole_samples
from georay.training.stages import StageJob

FACTS, CARD = "training.json", "README.md"
_PLACES = {"output", "samples", "cluster", "vision_cache"}  # of one machine only


def write_training_card(job: StageJob, outcome: dict[str, Any]) -> None:
    """Writes training.json and README.md into the finished adapter's folder."""
    folder = job.adapters / job.stage.adapter
    card = read_card(folder)
    samples = stage_samples(job.recipe.samples, job.stage.adapter, "train")
    rows = whole_samples(job.recipe.samples, job.stage.adapter, "train")
    licences = {"clue_licences": clue_licences(rows), "picture_licences": picture_licences(rows)}
    named = {name: tuple(counts) for name, counts in licences.items()}
    write_card(folder, card.model_copy(update=named))
    facts = {
        "adapter": job.stage.adapter,
        "base": card.base,
        "base_fingerprint": card.base_fingerprint,
        "stacked_on": card.stacked_on,
        "weights": card.weights,
        "samples_sha256": samples_hash(samples),
        **licences,
        "metrics": {
            name: outcome[name]
            for name in ("train_loss", "validation_loss", "num_samples", "num_validation")
        },
        "num_steps": outcome["num_steps"],
        "recipe": job.recipe.model_dump(mode="json", exclude=_PLACES),
    }
    write_json(folder / FACTS, facts)
    write_atomic(folder / CARD, _text(job, facts, card.settings.rank))


def _text(job: StageJob, facts: dict[str, Any], rank: int) -> str:
    above = " above the adapter " + " and ".join(facts["stacked_on"]) if facts["stacked_on"] else ""
    metrics, stage = facts["metrics"], job.stage
    held_out = metrics["validation_loss"]
    validation = (
        "There were no held-out samples."
        if held_out is None
        else f"Loss on {metrics['num_validation']:,} held-out samples: {held_out:.4f}."
    )
    return f"""---
library_name: peft
base_model: {facts["base"]}
tags: [lora, georay]
---

# Adapter `{stage.adapter}`

A LoRA of rank {rank} for {facts["base"]}{above}, trained by georay: stage {job.number + 1} of the
two that the GeoReasoner paper describes (section 3.2). It means something on these base weights
only (fingerprint `{facts["base_fingerprint"][:16]}`); `card.json` lets georay refuse others.

- Learnt from {metrics["num_samples"]:,} conversations (SHA-256 `{facts["samples_sha256"][:16]}`)
  in {facts["num_steps"]:,} steps of {job.recipe.batches.global_batch}.
- Loss at the end, mean over the answers' tokens: {metrics["train_loss"]:.4f}. {validation}
{_terms(facts)}- The recipe, whole, is in `training.json`.
"""


def _terms(facts: dict[str, Any]) -> str:
    """Under which terms clues and pictures came; nothing where none are known."""
    lines = []
    for what in ("clue", "picture"):
        if licences := facts[f"{what}_licences"]:
            lines.append(f"- Sources and licences of the {what}s that it learnt from:")
            lines += [f"  - {name} ({count:,} conversations)" for name, count in licences.items()]
    if forbids_commerce([*facts["clue_licences"], *facts["picture_licences"]]):
        lines.append("- **Not for commercial use**, as one of these sources demands.")
    return "\n".join([*lines, ""]) if lines else ""
