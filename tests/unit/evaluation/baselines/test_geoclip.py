"""GeoCLIP's two sides, its published files, and what its contrast leaves out."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from baseline_room import RESNET, recipe_of, train_pictures
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers import CLIPConfig, CLIPModel

from georay.config.baselines import BaselineRecipe
from georay.config.load import parse_recipe
from georay.core.geo import distance_km
from georay.errors import ModelUnavailable
from georay.evaluation.baselines import geoclip as system
from georay.evaluation.baselines.geoclip import GeoCLIP
from georay.evaluation.baselines.location_encoder import SIZE, LocationEncoder, equal_earth
from georay.evaluation.baselines.pictures import Viewer, stacked
from georay.evaluation.baselines.protocol import Views
from georay.evaluation.baselines.published_geoclip import (
    published_gallery,
    published_weights,
    read_gallery,
)

PACKAGE = find_spec("geoclip")
SMALL, REAL = "small files of the same form", "the package itself"
NOT_HERE = "the package geoclip is not installed: pip install --no-deps geoclip"
WIDTH = 768


@pytest.fixture(params=[SMALL, pytest.param(REAL, marks=pytest.mark.slow)])
def published(request, tmp_path, monkeypatch):
    """A folder like the package's, with its names, types and shapes, and few points."""
    read_gallery.cache_clear()
    if request.param == REAL and PACKAGE is None:
        pytest.skip(NOT_HERE)
    if request.param == SMALL:
        weights = tmp_path / "geoclip" / "model" / "weights"
        weights.mkdir(parents=True)
        (tmp_path / "geoclip" / "__init__.py").write_text("raise ImportError('no torchvision')")
        torch.manual_seed(0)
        head = torch.nn.Sequential(
            torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, SIZE)
        )
        torch.save(LocationEncoder().state_dict(), weights / "location_encoder_weights.pth")
        torch.save(head.state_dict(), weights / "image_encoder_mlp_weights.pth")
        torch.save(torch.nn.Parameter(torch.tensor(3.5)), weights / "logit_scale_weights.pth")
        gallery = weights.parent / "gps_gallery" / "coordinates_100K.csv"
        gallery.parent.mkdir()
        gallery.write_text("LAT,LON\n48.1,11.6\n-33.9,151.2\n35.7,139.7\n")
        monkeypatch.syspath_prepend(str(tmp_path))
    return request.param


def published_recipe(clip: Path, output: Path) -> BaselineRecipe:
    content = {
        "samples": ["unused.parquet"],
        "output": str(output),
        "system": {
            "name": "geoclip",
            "backbone": {"pretrained": {"model": str(clip)}},
            "published": True,
            "gallery": "package",
        },
        "image_size": 16,
        "learning": None,
    }
    return parse_recipe(content, BaselineRecipe, "test")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A CLIP as small as can be, whose pictures are vectors of the published head's width."""
    layers = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = CLIPConfig(
        text_config=layers | {"vocab_size": 8, "max_position_embeddings": 8},
        vision_config=layers | {"image_size": 16, "patch_size": 8},
        projection_dim=WIDTH,
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("clip")
    CLIPModel(config).save_pretrained(folder)
    return folder


def test_published_weights_fit_and_their_gallery_answers_without_training(
    published, clip, tmp_path
):
    recipe = published_recipe(clip, tmp_path)
    network = GeoCLIP(recipe, GeoCLIP.facts(recipe, []))
    network.start()
    latitude, longitude = published_gallery()
    assert (np.abs(latitude) <= 90).all() and (np.abs(longitude) <= 180).all()
    views = stacked([Viewer(16, None).look(Image.new("RGB", (20, 20), "red"))])
    (found,) = network.eval().locations(views, top_k=2)
    at = np.flatnonzero((latitude == found.latitude) & (longitude == found.longitude))
    assert len(at) and found.country and len(found.candidates) == 2
    scale = published_weights("logit_scale")["logit_scale"]
    assert network.logit_scale.item() == pytest.approx(scale.item())
    weights = published_weights("location_encoder")
    assert set(weights) == set(LocationEncoder().state_dict())


def test_the_frozen_clip_stays_as_it_was_and_only_the_rest_learns(published, clip, tmp_path):
    recipe = published_recipe(clip, tmp_path)
    network = GeoCLIP(recipe, GeoCLIP.facts(recipe, []))
    network.start()
    learns = {
        name.partition(".")[0] for name, one in network.named_parameters() if one.requires_grad
    }
    assert learns == {"image_encoder", "location_encoder", "logit_scale"}
    assert not any(one.requires_grad for one in network.image_encoder.network.parameters())


def test_without_the_package_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(
        "georay.evaluation.baselines.published_geoclip.find_spec", lambda name: None
    )
    with pytest.raises(ModelUnavailable, match="pip install --no-deps geoclip"):
        published_weights("logit_scale")


def test_weights_that_hold_more_than_tensors_are_refused(tmp_path, monkeypatch):
    weights = tmp_path / "geoclip" / "model" / "weights"
    weights.mkdir(parents=True)
    (tmp_path / "geoclip" / "__init__.py").touch()
    (weights / "logit_scale_weights.pth").write_bytes(b"cbuiltins\nprint\n(S'no'\ntR.")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelUnavailable, match="holds more than tensors"):
        published_weights("logit_scale")


@pytest.mark.skipif(PACKAGE is None, reason=NOT_HERE)
def test_the_location_encoder_computes_what_the_packages_own_does(monkeypatch):
    bare = ModuleType("geoclip")  # its own __init__ needs torchvision; its encoder does not
    bare.__path__ = list(PACKAGE.submodule_search_locations)
    ours = LocationEncoder()
    ours.load_state_dict(published_weights("location_encoder"))
    monkeypatch.setitem(sys.modules, "geoclip", bare)
    theirs = import_module("geoclip.model.location_encoder")
    places = torch.tensor([[48.1, 11.6], [-33.9, 151.2], [89.9, -179.9], [0.0, 0.0]])
    with torch.inference_mode():
        expected = theirs.LocationEncoder()(places)
        assert torch.allclose(ours(places), expected, atol=1e-4)
        assert torch.allclose(equal_earth(places), theirs.equal_earth_projection(places), atol=1e-6)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_map_is_equal_earth_with_both_axes_within_one(latitude, longitude):
    x, y = equal_earth(torch.tensor([[latitude, longitude]], dtype=torch.float64))[0].tolist()
    assert abs(x) <= 1.001 and abs(y) <= 0.5
    mirrored = equal_earth(torch.tensor([[-latitude, -longitude]], dtype=torch.float64))[0]
    assert mirrored.tolist() == pytest.approx([-x, -y], abs=1e-12)


def test_points_at_a_pictures_own_place_are_not_held_against_it():
    true = torch.tensor([[48.1, 11.6], [48.1, 11.6], [-33.9, 151.2]])
    points = torch.cat([true, torch.tensor([[48.1005, 11.6], [48.2, 11.6]])])
    found = system._is_elsewhere_the_same(true, points)
    near = distance_km(
        true[:, None, 0].numpy(), true[:, None, 1].numpy(), points[:, 0], points[:, 1]
    )
    own = np.eye(3, 5, dtype=bool)
    assert found.tolist() == ((near < 1) & ~own).tolist()
    assert found[0].tolist() == [False, True, False, True, False]


def test_a_queue_full_of_a_pictures_own_place_teaches_nothing(samples, tmp_path):
    system = {"name": "geoclip", "backbone": RESNET, "queue_size": 4, "spread_km": 0.0}
    recipe = recipe_of(samples, tmp_path, "geoclip", system=system)
    pictures = train_pictures(recipe)
    network = GeoCLIP(recipe, GeoCLIP.facts(recipe, pictures))
    one = pictures[0]
    view = stacked([Viewer(recipe.image_size, None).read(one)] * 2).pixels[:1]
    network.queue.copy_(torch.tensor([[one.latitude, one.longitude]] * 4))
    # a single picture's batch cannot be normalised by its own statistics
    assert network.eval()(Views(view), [one]).item() == pytest.approx(0, abs=1e-6)
    network.queue.copy_(torch.tensor([[-one.latitude, one.longitude - 90]] * 4))
    assert network(Views(view), [one]).item() > 0.1


def test_the_queue_holds_the_newest_points(samples, tmp_path):
    recipe = recipe_of(
        samples,
        tmp_path,
        "geoclip",
        system={"name": "geoclip", "backbone": RESNET, "queue_size": 5},
    )
    pictures = train_pictures(recipe)
    network = GeoCLIP(recipe, GeoCLIP.facts(recipe, pictures))
    viewer = Viewer(recipe.image_size, None)
    for start in (0, 4):
        chosen = pictures[start : start + 4]
        network(stacked([viewer.read(one) for one in chosen]), chosen).backward()
    expected = [(one.latitude, one.longitude) for one in [*pictures[4:8], pictures[0]]]
    assert network.queue.tolist() == [pytest.approx(pair, abs=1e-4) for pair in expected]
