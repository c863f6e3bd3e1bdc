"""The authors' files in small: cells as CSV, and a checkpoint above torchvision's ResNet.

The network below has torchvision's shape and names, written anew: torchvision itself is not needed.
"""

import csv
import pickle
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from baseline_room import train_pictures
from s2cell import cell_id_to_token
from safetensors.torch import save_file
from torch import nn

from georay.config.baselines import SCENE_KINDS, BaselineRecipe, PartitionRecipe
from georay.config.load import parse_recipe
from georay.errors import ModelUnavailable
from georay.evaluation.baselines.folder import SavedBaseline
from georay.evaluation.baselines.geocells.cells import Partition
from georay.evaluation.baselines.geocells.published_isns import read_cells, read_network
from georay.evaluation.baselines.make_baseline import make_baseline
from georay.evaluation.baselines.protocol import Views
from georay.evaluation.baselines.systems import build_system, system_class

NUM_PLACES, NARROW = 60, 4
MOST = (40, 20, 10)


class Bottleneck(nn.Module):
    def __init__(self, inside, width, stride):
        super().__init__()
        out = 4 * width
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inside != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x):
        out = self.bn1(self.conv1(x)).relu()
        out = self.bn3(self.conv3(self.bn2(self.conv2(out)).relu()))
        return (out + (x if self.downsample is None else self.downsample(x))).relu()


def authors_network(sizes):
    """As the authors have it: torchvision's parts in a row, and a classifier for each level."""
    widths = [NARROW * 2**stage for stage in range(4)]
    parts = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    parts.append(nn.MaxPool2d(3, 2, 1))
    inside = 8
    for stage, width in enumerate(widths):
        blocks = [Bottleneck(inside, width, 1 if stage == 0 else 2)]
        inside = 4 * width
        blocks += [Bottleneck(inside, width, 1) for _ in range(stage % 2)]
        parts.append(nn.Sequential(*blocks))
    model = nn.Sequential(*parts)
    model.avgpool, model.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    network = nn.Module()
    network.model = model
    network.classifier = nn.ModuleList(nn.Linear(inside, size) for size in sizes)
    for one in network.modules():  # a network that has learnt has no plain statistics
        if isinstance(one, nn.BatchNorm2d):
            nn.init.normal_(one.running_mean, std=0.1)
            nn.init.uniform_(one.running_var, 0.5, 2.0)
    return network.eval()


def write_cells(file, partition, dice):
    """The authors' classes are in no order."""
    order = dice.permutation(len(partition))
    with file.open("w", newline="") as text:
        text.write("num_images: 60\nmin_concept_probability: ---\n")
        rows = csv.writer(text)
        rows.writerow(["class_label", "hex_id", "imgs_per_cell", "latitude_mean", "longitude_mean"])
        for label, cell in enumerate(order.tolist()):
            token = cell_id_to_token(int(partition.ids[cell]))
            place = (partition.latitude[cell], partition.longitude[cell])
            rows.writerow([label, token, int(partition.num_pictures[cell]), *place])
    return order


@pytest.fixture
def published(tmp_path, samples):
    """Cells of three levels, a checkpoint of each kind, and a recipe that names them."""
    dice = np.random.default_rng(0)
    latitude, longitude = dice.uniform(-60, 70, NUM_PLACES), dice.uniform(-180, 180, NUM_PLACES)
    levels = [
        Partition.build(latitude, longitude, PartitionRecipe(min_pictures=1, max_pictures=most))
        for most in MOST
    ]
    files = [tmp_path / f"cells_{most}.csv" for most in MOST]
    orders = [write_cells(*pair, dice) for pair in zip(files, levels, strict=True)]
    torch.manual_seed(0)
    networks = {kind: authors_network([len(level) for level in levels]) for kind in SCENE_KINDS}
    kept = {kind: tmp_path / f"{kind}.ckpt" for kind in SCENE_KINDS}
    for kind, network in networks.items():
        told = {"arch": "resnet50", "partitionings": {"shortnames": ["coarse", "middle", "fine"]}}
        content = {"state_dict": network.state_dict(), "hyper_parameters": Namespace(**told)}
        torch.save(content, kept[kind])
    system = {
        "name": "isns",
        "published": {
            "cells": [str(one) for one in files],
            "networks": {kind: str(file) for kind, file in kept.items()},
        },
    }
    content = {
        "samples": [str(samples)],
        "output": str(tmp_path / "isns"),
        "system": system,
        "image_size": 64,
        "learning": None,
    }
    recipe = parse_recipe(content, BaselineRecipe, "test")
    return recipe, networks, levels, orders


def logits_of(network, pixels):
    features = network.model(pixels)
    return [head(features) for head in network.classifier]


def test_a_published_network_says_what_the_authors_says(published):
    recipe, networks, _, orders = published
    system = build_system(recipe, system_class(recipe).facts(recipe, []))
    system.start()
    system.eval()
    pixels = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        for number, kind in enumerate(SCENE_KINDS):
            found = system.networks[number].backbone.network(pixels).pooler_output.flatten(1)
            ours = [head(found) for head in system.networks[number].heads]
            for level, theirs in enumerate(logits_of(networks[kind], pixels)):
                # Our class of a cell is where the cell stands, the authors' where it is listed.
                assert torch.allclose(ours[level][:, orders[level]], theirs, atol=1e-5)


def test_cells_in_no_order_are_read_as_the_same_partition(published):
    recipe, _, levels, orders = published
    for file, level, order in zip(recipe.system.published.cells, levels, orders, strict=True):
        found = read_cells(Path(file))
        assert (found.partition.ids == level.ids).all()
        assert np.allclose(found.partition.latitude, level.latitude)
        assert (found.order[order] == np.arange(len(order))).all()


def test_the_folder_answers_with_the_files_and_notices_another(published, tmp_path):
    recipe, *_ = published
    made = make_baseline(recipe)
    assert made.outcome["num_steps"] == 0
    assert "authors' published networks" in (tmp_path / "isns" / "README.md").read_text()
    baseline = SavedBaseline.read(tmp_path / "isns").load()
    views = Views(torch.rand(3, 3, 64, 64), torch.zeros(3, 64, 64, dtype=torch.long))
    found = baseline.locations(views, 2)
    assert [one.status for one in found] == ["answered"] * 3 and all(one.country for one in found)
    file = tmp_path / f"{SCENE_KINDS[0]}.ckpt"
    torch.save({"state_dict": {}}, file)
    with pytest.raises(ModelUnavailable, match="another file than when the recipe was run"):
        SavedBaseline.read(tmp_path / "isns").load()


def test_safetensors_with_the_same_names_are_read_too(published, tmp_path):
    _, networks, *_ = published
    state = networks[SCENE_KINDS[0]].state_dict()
    save_file(state, tmp_path / "a.safetensors")
    found = read_network(tmp_path / "a.safetensors")
    assert found.keys() == state.keys()


class Runs:
    def __reduce__(self):
        return (print, ("a pickle ran",))


@pytest.mark.parametrize("content", ["code", "text", "another"])
def test_a_file_with_more_than_tensors_runs_nothing_and_says_what_to_do(tmp_path, content, capsys):
    file = tmp_path / "isns.ckpt"
    if content == "code":
        torch.save({"state_dict": {}, "callback": Runs()}, file)
    elif content == "text":
        file.write_text("TensorFlow keeps its networks otherwise")
    else:
        file.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ModelUnavailable, match=r"write its `state_dict` as .safetensors"):
        read_network(file)
    assert "a pickle ran" not in capsys.readouterr().out


def test_cells_of_another_network_are_refused(published, tmp_path):
    recipe, *_ = published
    system = recipe.system
    swapped = system.published.model_copy(update={"cells": tuple(reversed(system.published.cells))})
    changed = recipe.model_copy(update={"system": system.model_copy(update={"published": swapped})})
    with pytest.raises(ModelUnavailable, match="the coarsest first"):
        system_class(changed).facts(changed, train_pictures(recipe))


def test_a_file_without_cells_is_named(tmp_path):
    (tmp_path / "cells.csv").write_text("latitude,longitude\n1,2\n")
    with pytest.raises(ModelUnavailable, match=r"cells.csv holds no cells with the columns"):
        read_cells(tmp_path / "cells.csv")
