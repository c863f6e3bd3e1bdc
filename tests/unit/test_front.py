"""The front door: what `import georay` offers, loaded when it is first used."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from serving_parts import save_small_model, street

import georay
from georay.config.load import dump_recipe, laid_over
from georay.config.predict import PredictRecipe
from georay.evaluation.model_identity import identify
from georay.locatability.score import locatability
from georay.models.registry import adapters_of, packaged_adapters

NAMES = [
    *("curate", "locate", "train", "predict", "evaluate"),
    *("Locator", "Gazetteer", "parse_answer", "StreetWorld", "ClassWeights", "locatability"),
]
LIBRARIES = ("torch", "ray", "numpy", "pyarrow", "transformers")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_listed(name: str) -> None:
    assert callable(getattr(georay, name))
    assert name in dir(georay)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = georay.nonsense


def test_importing_loads_no_library_and_listing_names_neither() -> None:
    code = f"import sys, georay; dir(georay); print([n for n in {LIBRARIES} if n in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_locatability_is_the_formula_and_still_a_room() -> None:
    ratios, weights = np.full((2, 150), 1 / 150), np.linspace(0, 1, 150)
    np.testing.assert_array_equal(
        georay.locatability(ratios, weights), locatability(ratios, weights)
    )
    assert georay.locatability.score.locatability is locatability


def test_keywords_are_a_recipe_or_laid_over_one(tmp_path: Path) -> None:
    made = laid_over(
        None, PredictRecipe, {"samples": [tmp_path], "model": "a", "output": "o.parquet"}
    )
    assert made.samples == (str(tmp_path),)
    file = tmp_path / "recipe.yaml"
    file.write_text(dump_recipe(laid_over(made, PredictRecipe, {"answering": {"top_k": 3}})))
    over = laid_over(file, PredictRecipe, {"model": "b", "answering": {"batch_size": 2}})
    assert (over.model, over.answering.top_k, over.answering.batch_size) == ("b", 3, 2)
    with pytest.raises(ValueError, match=r"answering\.nonsense"):
        laid_over(made, PredictRecipe, {"answering": {"nonsense": 1}})


def test_a_bare_base_has_to_be_asked_for(tmp_path: Path) -> None:
    assert adapters_of("tiny", "packaged") == packaged_adapters("tiny") is not None
    assert adapters_of("tiny", "none") is None
    assert adapters_of("tiny", tmp_path) == tmp_path
    bare = georay.Locator.from_pretrained("tiny", "none", device="cpu").locate([street()], top_k=1)
    tuned = georay.Locator.from_pretrained("tiny", device="cpu").locate([street()], top_k=1)
    assert bare[0].candidates != tuned[0].candidates


def test_predicting_takes_the_packaged_adapters_unless_a_bare_base_is_asked_for() -> None:
    def acting(**changes: str) -> str | None:
        content = {"samples": ["s"], "output": "o.parquet", "model": "tiny"} | changes
        return identify(laid_over(None, PredictRecipe, content)).adapter

    assert acting() == "reasoning+location"
    assert acting(adapters="none") is None
    assert acting(adapters=str(packaged_adapters("tiny"))) == acting()


def test_evaluate_judges_anyones_answers(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id,country\na,FR\nb,JP\n")
    (tmp_path / "theirs.csv").write_text("id,pred_country\na,France\nb,China\n")
    found = georay.evaluate({"theirs": tmp_path / "theirs.csv"}, truth=tmp_path / "truth.csv")
    assert found.all[0].right.tolist() == [True, False]
    assert "theirs" in found.comparison.as_markdown()


def test_locate_answers_in_order(tmp_path: Path) -> None:
    model = str(save_small_model(tmp_path))
    found = georay.locate([street(1), b"no picture", street(2)], model, top_k=0)
    assert [one.status == "failed" for one in found] == [False, True, False]
