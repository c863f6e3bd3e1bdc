"""Cells of S2: every place in exactly one, and every training picture in its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from s2cell import cell_id_to_level, cell_id_to_parent_cell_id

from georay.config.baselines import PartitionRecipe
from georay.evaluation.baselines.geocells.cells import Partition, covering, leaf_ids

places = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=60).map(
    lambda found: np.array(found, float).T
)
crowded = st.integers(0, 50).map(
    lambda seed: np.random.default_rng(seed).normal((48.0, 11.0), (3.0, 5.0), (200, 2)).T
)


def containing(cells, leaf):
    """Which cells are S2's own ancestors of a leaf."""
    return [
        cell
        for cell in map(int, cells)
        if cell_id_to_parent_cell_id(int(leaf), cell_id_to_level(cell)) == cell
    ]


@given(places | crowded, places, st.integers(1, 20))
def test_every_place_of_the_sphere_lies_in_exactly_one_cell(pictures, others, most):
    cells = covering(leaf_ids(*pictures), most, max_level=12)
    for leaf in leaf_ids(*others):
        assert len(containing(cells, leaf)) == 1


@given(places | crowded, st.integers(1, 20))
def test_cells_cover_the_sphere_once_by_their_sizes_too(pictures, most):
    cells = covering(leaf_ids(*pictures), most, max_level=12)
    assert sum(4.0 ** -cell_id_to_level(int(cell)) for cell in cells) == pytest.approx(6)
    assert (np.diff(cells.astype(object)) > 0).all()


@given(places | crowded, st.integers(1, 20))
def test_cells_are_split_until_few_pictures_are_left_in_each(pictures, most):
    leaves = leaf_ids(*pictures)
    cells = covering(leaves, most, max_level=12)
    held = {int(cell): 0 for cell in cells}
    for leaf in leaves:
        held[containing(cells, leaf)[0]] += 1
    for cell, count in held.items():
        assert count <= most or cell_id_to_level(cell) == 12
        level = cell_id_to_level(cell)
        if level:  # its parent had to be split
            parent = cell_id_to_parent_cell_id(cell, level - 1)
            inside = sum(
                cell_id_to_parent_cell_id(int(leaf), level - 1) == parent for leaf in leaves
            )
            assert inside > most


@given(places | crowded, st.integers(1, 8), st.integers(8, 30))
def test_every_training_picture_lies_in_its_cell_or_in_one_with_too_few(pictures, least, most):
    recipe = PartitionRecipe(min_pictures=least, max_pictures=most, max_level=12)
    leaves, cells = leaf_ids(*pictures), covering(leaf_ids(*pictures), most, 12)
    held = [containing(cells, leaf)[0] for leaf in leaves]
    kept = {cell for cell in held if held.count(cell) >= least}
    if not kept:
        with pytest.raises(ValueError, match="lower min_pictures"):
            Partition.build(*pictures, recipe)
        return
    partition = Partition.build(*pictures, recipe)
    assert set(map(int, partition.ids)) == kept
    assert partition.num_pictures.tolist() == [held.count(int(cell)) for cell in partition.ids]
    for cell, found in zip(held, partition.classes(*pictures), strict=True):
        assert (int(partition.ids[found]) if found >= 0 else None) == (
            cell if cell in kept else None
        )


def test_a_cell_stands_for_the_middle_of_its_pictures_across_the_date_line_too():
    latitude, longitude = np.array([-17.0, -17.0, 48.0]), np.array([179.0, -179.0, 11.0])
    partition = Partition.build(
        latitude, longitude, PartitionRecipe(min_pictures=1, max_pictures=2, max_level=1)
    )
    fiji, munich = partition.classes(latitude[1:], longitude[1:])
    assert abs(partition.longitude[fiji]) == pytest.approx(180)
    assert partition.latitude[fiji] == pytest.approx(-17, abs=0.01)
    assert (partition.latitude[munich], partition.longitude[munich]) == pytest.approx((48, 11))


@given(crowded)
def test_each_fine_cell_lies_in_the_coarse_cell_of_its_pictures(pictures):
    coarse, fine = (
        Partition.build(*pictures, PartitionRecipe(min_pictures=2, max_pictures=most))
        for most in (80, 20)
    )
    parents = fine.parents(coarse)
    inside = fine.classes(*pictures)
    expected = coarse.classes(*pictures)
    assert (parents >= 0).all()
    assert (parents[inside[inside >= 0]] == expected[inside >= 0]).all()


@given(places | crowded)
def test_a_partition_is_the_same_when_it_was_written_and_read(pictures):
    partition = Partition.build(*pictures, PartitionRecipe(min_pictures=1, max_pictures=5))
    again = Partition.from_json(partition.to_json())
    for name in ("ids", "latitude", "longitude", "num_pictures"):
        assert (getattr(again, name) == getattr(partition, name)).all()
