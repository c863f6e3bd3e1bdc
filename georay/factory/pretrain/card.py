"""The model card of the tiny base."""

from pathlib import Path

from georay.config.load import dump_recipe
from georay.config.pretrain import PretrainRecipe
from georay.core.manifest import digest, file_sha256, versions
from georay.factory.pretrain.evaluate import Evaluation
from georay.models.families.qwen_vl import QwenVLFamily


def model_card(
    recipe: PretrainRecipe, family: QwenVLFamily, scores: Evaluation, folder: Path
) -> str:
    """Markdown; every number comes from the recipe, the weights file or `scores.json`."""
    weights = folder / "model.safetensors"
    scenes = recipe.scenes
    parameters = sum(p.numel() for p in family.network.parameters())
    facts = {
        "parameters": f"{parameters:,}",
        "weights": f"{weights.name}, {weights.stat().st_size:,} bytes, float16",
        "SHA-256": file_sha256(weights),
        "recipe": f"{recipe.name}, {digest(recipe.model_dump(mode='json'))}",
        "scenes": f"{scenes.num_scenes:,} of seed {scenes.seed}, StreetWorld",
        "held out": f"{scenes.num_test_scenes:,} of seed {scenes.test_seed}",
        "scenes seen by the encoder alone": _alone(recipe),
        "scenes seen": f"{recipe.num_steps * recipe.batch_size:,}, "
        f"{recipe.questions_per_scene} questions each",
        "versions": ", ".join(
            f"{name} {version}"
            for name, version in versions(("georay", "torch", "transformers")).items()
        ),
    }
    table = "\n".join(f"| {name} | {fact} |" for name, fact in facts.items())
    return _CARD.format(facts=table, scores=scores.as_text(), recipe=dump_recipe(recipe))


def _alone(recipe: PretrainRecipe) -> str:
    """What the encoder saw before it met the language model."""
    if recipe.eyes is None:
        return "none"
    return f"{recipe.eyes.num_steps * recipe.eyes.batch_size:,}: patches, things, closed questions"


_CARD = """# tiny

A network of Qwen-VL's architecture, small enough for two CPU cores. It drives the same code as
Qwen-VL-Chat and is never the real thing: it has only ever seen drawn streets.

It was trained on what drawn scenes show: captions, layouts, details, colours, counts, sides,
scripts and the words on signs. No question and no answer named a country, a city or a people. Its
vocabulary knows how places are spelt; which place looks how is left to the two stages of tuning.

| fact | |
|---|---|
{facts}

## Held-out scenes

"Exact": greedy decoding gives the answer word for word. "Commonest answer": what the usual answer
to the same question would get without a look at the picture.

{scores}

## Recipe

```yaml
{recipe}```

## Limits

Drawn pictures only; photographs are foreign to it. Small signs and far things cannot be read at
224 pixels. Its sentences are those of its lessons. Licence: Apache-2.0, like the package.
"""
