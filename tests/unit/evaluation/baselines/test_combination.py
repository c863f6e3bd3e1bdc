"""CPlaNet's partitions and intersections, by the paper's definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from georay.config.baselines import PartitionRecipe
from georay.evaluation.baselines.geocells.cells import Partition
from georay.evaluation.baselines.geocells.combination import intersected, joined

partitions = st.tuples(st.integers(0, 30), st.integers(2, 60)).map(
    lambda drawn: Partition.build(
        *np.random.default_rng(drawn[0]).normal((48.0, 11.0), (3.0, 5.0), (drawn[1], 2)).T,
        PartitionRecipe(min_pictures=1, max_pictures=2),
    )
)


@given(partitions, st.integers(1, 20), st.integers(0, 5))
def test_joining_leaves_regions_of_whole_cells_and_as_many_as_asked_for(cells, count, seed):
    regions = joined(cells, count, seed)
    assert len(regions) == len(cells)
    assert sorted(set(regions.tolist())) == list(range(min(count, len(cells))))


def test_borders_differ_from_partition_to_partition():
    places = np.random.default_rng(1).normal((48.0, 11.0), (3.0, 5.0), (80, 2)).T
    cells = Partition.build(*places, PartitionRecipe(min_pictures=1, max_pictures=2))
    borders = {tuple(joined(cells, 10, seed).tolist()) for seed in range(4)}
    assert len(borders) == 4
    assert joined(cells, 10, 0).tolist() == joined(cells, 10, 0).tolist()


@given(partitions, st.integers(1, 6), st.integers(1, 4))
def test_cells_are_together_in_an_intersection_exactly_if_no_partition_parts_them(
    cells, count, num_partitions
):
    regions = np.stack([joined(cells, count, seed) for seed in range(num_partitions)])
    found = intersected(cells, regions)
    for one in range(len(cells)):
        for other in range(len(cells)):
            is_together = (regions[:, one] == regions[:, other]).all()
            assert (found.of_cell[one] == found.of_cell[other]) == is_together
    for cell, fine in enumerate(found.of_cell):
        assert found.regions[fine].tolist() == regions[:, cell].tolist()


@given(partitions, st.integers(1, 6), st.integers(1, 4))
def test_each_classs_vote_is_shared_out_among_its_intersections_without_rest(
    cells, count, num_partitions
):
    regions = np.stack([joined(cells, count, seed) for seed in range(num_partitions)])
    found = intersected(cells, regions)
    for number in range(num_partitions):
        for region in set(regions[number].tolist()):
            inside = found.regions[:, number] == region
            assert np.isclose(found.share[inside, number].sum(), 1)


def test_a_hand_made_map_of_four_cells_is_parted_by_two_halves():
    """North and south in one partition, east and west in the other: four intersections."""
    latitude, longitude = np.array([40.0, 40.0, -40.0, -40.0]), np.array([20.0, 120.0, 20.0, 120.0])
    cells = Partition.build(latitude, longitude, PartitionRecipe(min_pictures=1, max_pictures=1))
    north = (cells.latitude > 0).astype(int)
    east = (cells.longitude > 90).astype(int)
    found = intersected(cells, np.stack([north, east]))
    assert len(set(found.of_cell.tolist())) == 4
    assert found.share.tolist() == [[0.5, 0.5]] * 4
    assert sorted(zip(found.latitude.round(), found.longitude.round(), strict=True)) == [
        (-40, 20),
        (-40, 120),
        (40, 20),
        (40, 120),
    ]
