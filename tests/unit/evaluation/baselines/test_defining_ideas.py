"""What makes each system itself, broken down to a picture or two."""

import pytest
import torch
from baseline_room import recipe_of, train_pictures
from torch.nn import functional

from georay.config.baselines import SCENE_KINDS
from georay.core.gazetteer import Gazetteer
from georay.evaluation.baselines.geocells.scenes import URBAN
from georay.evaluation.baselines.protocol import Views
from georay.evaluation.baselines.streetclip import caption
from georay.evaluation.baselines.systems import build_system, system_class
from georay.locatability.labels import LABEL_INDEX

NATURAL = SCENE_KINDS.index("natural")


def system_of(samples, tmp_path, name):
    recipe = recipe_of(samples, tmp_path, name)
    pictures = train_pictures(recipe)
    torch.manual_seed(0)
    return build_system(recipe, system_class(recipe).facts(recipe, pictures)), pictures


def views_of(count, label):
    torch.manual_seed(1)
    classes = torch.full((count, 48, 48), LABEL_INDEX[label])
    return Views(torch.rand(count, 3, 48, 48), classes)


def test_an_isns_network_learns_from_scenes_of_its_own_kind_only(samples, tmp_path):
    network, pictures = system_of(samples, tmp_path, "isns")
    for label, kind in (("tree", NATURAL), ("building", URBAN)):
        network.zero_grad(set_to_none=True)
        network(views_of(4, label), pictures[:4]).backward()
        with_gradient = {n for n, p in network.named_parameters() if p.grad is not None}
        assert with_gradient and all(n.startswith(f"networks.{kind}.") for n in with_gradient)
        assert network.num_seen[kind] == 4


def test_a_scene_of_a_kind_that_was_never_seen_is_answered_by_the_network_that_saw_most(
    samples, tmp_path
):
    network, pictures = system_of(samples, tmp_path, "isns")
    network(views_of(4, "building"), pictures[:4])
    network.eval()
    bed = network.locations(views_of(2, "bed"), top_k=1)
    assert bed == network.locations(views_of(2, "building"), top_k=1)
    network.num_seen[SCENE_KINDS.index("indoor")] = 1
    assert bed != network.locations(views_of(2, "bed"), top_k=1)


def test_translocators_answer_depends_on_the_segmentation_of_the_same_pixels(samples, tmp_path):
    network, _ = system_of(samples, tmp_path, "translocator")
    network.eval()
    road, tree = (network._gathered(views_of(2, label)) for label in ("road", "tree"))
    assert not torch.allclose(road, tree, atol=1e-4)


def test_translocators_branches_exchange_what_they_gather(samples, tmp_path):
    """Without fusion the picture's half would not know of the segmentation."""
    network, _ = system_of(samples, tmp_path, "translocator")
    network.eval()
    width = network.picture.width
    road, tree = (network._gathered(views_of(2, label))[:, :width] for label in ("road", "tree"))
    assert not torch.allclose(road, tree, atol=1e-5)
    for fusion in network.fusion:
        torch.nn.init.zeros_(fusion.weight)
        torch.nn.init.zeros_(fusion.bias)
    road, tree = (network._gathered(views_of(2, label))[:, :width] for label in ("road", "tree"))
    assert torch.allclose(road, tree, atol=1e-6)


def test_geodecoder_answers_by_the_query_of_the_scene_it_is_surest_of(samples, tmp_path):
    network, _ = system_of(samples, tmp_path, "geodecoder")
    network.eval()
    views = Views(views_of(2, "road").pixels)
    with torch.inference_mode():
        told = network._told(views)
    assert [level.shape[:2] for level in told] == [(2, 3)] * 3
    sure = torch.stack([level[..., 0] for level in told]).mean(dim=0).argmax(dim=-1)
    by_hand = [level[torch.arange(2), sure, 1:] for level in told]
    assert network.locations(views, top_k=2) == network._levels.locations(by_hand, 2)


def test_geodecoders_levels_do_not_attend_to_each_other_in_their_own_decoder(samples, tmp_path):
    network, _ = system_of(samples, tmp_path, "geodecoder")
    network.eval()
    network.independent = torch.nn.ModuleList()
    views = Views(views_of(1, "road").pixels)
    before = network._told(views)
    with torch.no_grad():
        network.queries[0] += 1.0
    after = network._told(views)
    assert not torch.allclose(before[0], after[0]) and torch.equal(before[1], after[1])


def test_geodecoder_learns_which_scene_it_is(samples, tmp_path):
    network, pictures = system_of(samples, tmp_path, "geodecoder")
    told = network._told(views_of(4, "building"))
    scene = functional.cross_entropy(
        torch.stack([level[..., 0] for level in told]).mean(dim=0), torch.full((4,), URBAN)
    )
    whole = network(views_of(4, "building"), pictures[:4])
    cells = [level[:, URBAN, 1:] for level in told]
    levels = network._levels.loss(cells, network._levels.targets(pictures[:4]))
    assert whole.item() == pytest.approx((scene + levels).item(), rel=1e-4)


def test_streetclip_names_a_town_of_the_country_that_it_named_first(samples, tmp_path):
    network, _ = system_of(samples, tmp_path, "streetclip")
    for one in network.eval().locations(Views(torch.rand(3, 3, 48, 48)), top_k=3):
        towns = {town.name for town in Gazetteer.load().cities(one.country)}
        assert one.city in towns or not towns
        assert one.country == one.candidates[0].country
        assert all(c.towns or not Gazetteer.load().cities(c.country) for c in one.candidates)


def test_streetclip_learns_pictures_and_captions_by_clips_own_contrast(
    samples, tmp_path, monkeypatch
):
    network, pictures = system_of(samples, tmp_path, "streetclip")
    views = views_of(4, "road")
    monkeypatch.setattr(torch, "rand", lambda count: torch.ones(count))  # countries alone
    loss = network(views, pictures[:4])
    tokens = network._tokenizer(
        [caption(one.country, None) for one in pictures[:4]], padding=True, return_tensors="pt"
    )
    seen = network._normalise(views.pixels)
    expected = network.network(**tokens, pixel_values=seen, return_loss=True).loss
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_captions_name_the_country_or_the_town_and_its_country():
    assert caption("FR", None) == "A Street View photo in France."
    assert caption("FR", "Lyon") == "A Street View photo close to the town of Lyon in France."
