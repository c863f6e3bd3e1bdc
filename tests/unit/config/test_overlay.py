"""Settings laid over a recipe: by --set, by options, and what each is told where it is wrong."""

import pytest
import yaml

from georay.config.baselines import BaselineRecipe
from georay.config.collect import CollectRecipe
from georay.config.curate import CurateRecipe
from georay.config.load import laid_over
from georay.config.points import PointsRecipe
from georay.config.train import TrainRecipe

CURATE = {"inputs": ["photos"], "output": "runs/a", "segmenter": {"model": "x/y", "revision": "r"}}
TRAIN = {"samples": ["s"], "output": "o", "base": {"model": "tiny"}}


def over(tmp_path, content, model, *settings, **given):
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(content))
    return laid_over(file, model, given, settings)


def test_a_setting_changes_one_key_and_its_value_is_yaml(tmp_path):
    recipe = over(
        tmp_path,
        CURATE,
        CurateRecipe,
        "threshold=0.5",
        "workers.num_actors=4",
        "inputs=[a, b]",
        "segmenter.exact=true",
    )
    assert (recipe.threshold, recipe.workers.num_actors, recipe.inputs) == (0.5, 4, ("a", "b"))
    assert recipe.segmenter.exact and recipe.segmenter.revision == "r"
    assert recipe.workers.batch_size == 16


def test_a_list_is_reached_by_number_also_where_the_file_leaves_it_to_the_default(tmp_path):
    recipe = over(tmp_path, TRAIN, TrainRecipe, "stages.1.num_epochs=3", "samples.0=other")
    assert [stage.num_epochs for stage in recipe.stages] == [1, 3]
    assert recipe.samples == ("other",)


def test_a_part_that_the_file_leaves_out_keeps_its_own_default(tmp_path):
    system = {"name": "planet", "backbone": {"small": {"kind": "resnet"}}}
    content = {"samples": ["s"], "output": "o", "system": system}
    recipe = over(tmp_path, content, BaselineRecipe, "system.partition.min_pictures=5")
    assert (recipe.system.partition.min_pictures, recipe.system.partition.max_pictures) == (
        5,
        10_000,
    )


def test_another_model_does_not_keep_the_commit_of_the_first(tmp_path):
    other = over(tmp_path, CURATE, CurateRecipe, "segmenter.model=a/b").segmenter
    assert (other.model, other.revision) == ("a/b", None)
    both = over(
        tmp_path, CURATE, CurateRecipe, "segmenter.model=a/b", "segmenter.revision=c"
    ).segmenter
    assert both.revision == "c"
    assert over(tmp_path, CURATE, CurateRecipe, "segmenter.model=x/y").segmenter.revision == "r"


def test_what_is_missing_in_the_file_may_be_given_beside_it(tmp_path):
    recipe = over(tmp_path, {"inputs": ["photos"]}, CurateRecipe, output="runs/b")
    assert recipe.output == "runs/b"


@pytest.mark.parametrize(
    ("content", "model", "setting", "message"),
    [
        (CURATE, CurateRecipe, "treshold=0.5", "did you mean threshold?"),
        (CURATE, CurateRecipe, "segmenter.modle=x", "did you mean segmenter.model?"),
        (CURATE, CurateRecipe, "num_actors=2", "did you mean workers.num_actors?"),
        (CURATE, CurateRecipe, "zzzz=2", "there is no such key"),
        (TRAIN, TrainRecipe, "stages.0.num_epoch=2", "did you mean stages.0.num_epochs?"),
        (TRAIN, TrainRecipe, "stages.first.num_epochs=2", "name one of it by its number, 0 to 1"),
        (TRAIN, TrainRecipe, "stages.2.num_epochs=2", "name one of it by its number, 0 to 1"),
        (TRAIN, TrainRecipe, "output.folder=2", "output is 'o' and has no parts"),
        (CURATE, CurateRecipe, "threshold", "--set takes KEY=VALUE"),
        (CURATE, CurateRecipe, "=3", "--set takes KEY=VALUE"),
        (CURATE, CurateRecipe, "inputs=[a", "not valid YAML"),
        (CURATE, CurateRecipe, "threshold=high", "threshold: "),
    ],
)
def test_a_setting_that_is_none_says_what_to_write_instead(
    tmp_path, content, model, setting, message
):
    with pytest.raises(ValueError, match=message.replace(".", r"\.").replace("?", r"\?")):
        over(tmp_path, content, model, setting)


def test_the_nearest_key_is_found_inside_an_alternative(tmp_path):
    content = {"points": "p", "output": "o", "provider": {"name": "mapillary", "page_sise": 3}}
    with pytest.raises(ValueError, match=r"did you mean provider\.page_size\?"):
        over(tmp_path, content, CollectRecipe)
    with pytest.raises(ValueError, match=r"cities\.0\.radius_km"):
        over(
            tmp_path,
            {"output": "p.csv", "cities": [{"extract": "e", "radius": 3}]},
            PointsRecipe,
        )


def test_one_key_is_not_given_twice(tmp_path):
    with pytest.raises(ValueError, match="threshold is given by --set and by an option"):
        over(tmp_path, CURATE, CurateRecipe, "threshold=0.5", threshold=0.4)
    over(tmp_path, CURATE, CurateRecipe, "weights.scope=row", weights={"clues": "c.csv"})


def test_a_file_that_holds_no_recipe_is_told_also_with_settings(tmp_path):
    (tmp_path / "words.yaml").write_text("just words")
    with pytest.raises(ValueError, match="needs changing"):
        laid_over(tmp_path / "words.yaml", CurateRecipe, {}, ["threshold=0.5"])
