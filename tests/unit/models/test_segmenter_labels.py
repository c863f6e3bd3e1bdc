"""Other label sets in terms of ADE20K's."""

import pytest

from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX
from georay.models.segmenters.label_maps import TABLES, ade20k_ids


def test_ade20k_labels_map_to_themselves_in_order():
    assert ade20k_ids(ADE20K_LABELS) == list(range(150))


@pytest.mark.parametrize(
    "name", ["ade20k-150", "cityscapes-19", "mapillary-public65", "coco-panoptic-133", "camvid-11"]
)
def test_every_published_class_name_has_a_label(shared, name):
    names = shared(f"reference/labels/{name}.txt").read_text().splitlines()
    assert len(ade20k_ids(names)) == len(names)


def test_another_spelling_of_ade20k_stays_one_to_one(shared):
    names = shared("reference/labels/ade20k-150.txt").read_text().splitlines()
    assert sorted(ade20k_ids(names)) == list(range(150))


def test_tables_point_at_labels_that_exist():
    assert [
        target for table in TABLES for target in table.values() if target not in LABEL_INDEX
    ] == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("rider", "person"),
        ("Vegetation", "tree"),
        ("Lane Marking - General", "road, route"),
        ("Column_Pole", "pole"),
        ("windowpane", "window "),
        ("pavement", "sidewalk, pavement"),
    ],
)
def test_known_names_map_as_a_reader_would_map_them(name, label):
    assert ADE20K_LABELS[ade20k_ids([name])[0]] == label


def test_unknown_names_are_all_named():
    with pytest.raises(ValueError, match=r"'lava', 'kelp'"):
        ade20k_ids(["road", "lava", "kelp"])
