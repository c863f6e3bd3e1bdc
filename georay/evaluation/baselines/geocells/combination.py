"""CPlaNet's combination: coarse partitions of one set of cells, and their intersection."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from georay.evaluation.baselines.geocells.cells import Classes, Floats, Partition, middles_of

_NOISE = 0.5  # of sizes and distances, as a standard deviation of their logarithm


@dataclass(frozen=True)
class Intersection:
    """What several partitions of the same cells tell apart together.

    of_cell: [cells] the intersection that each cell is part of. regions: [intersections,
    partitions] the coarse class that each lies in. latitude, longitude: the middle of its training
    pictures. share: [intersections, partitions] of the pictures of that coarse class.
    """

    of_cell: Classes
    regions: Classes
    latitude: Floats
    longitude: Floats
    share: Floats


def joined(partition: Partition, num_classes: int, seed: int) -> Classes:
    """[cells] the region of each cell, of which at most `num_classes` are left.

    Again and again the region with the fewest pictures joins the one that is nearest. Sizes and
    distances are blurred by chance, so that another seed gives other borders.
    """
    dice = np.random.default_rng(seed)
    points = _unit_vectors(partition.latitude, partition.longitude)
    region = np.arange(len(partition))
    pictures = partition.num_pictures.astype(np.float64)
    sums, blur = points * pictures[:, None], np.exp(_NOISE * dice.normal(size=len(partition)))
    alive = np.ones(len(partition), bool)
    for _ in range(len(partition) - num_classes):
        smallest = int(np.where(alive, pictures * blur, np.inf).argmin())
        alive[smallest] = False
        centres = sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-12)
        angle = np.arccos((centres @ centres[smallest]).clip(-1, 1))
        distance = (angle + 1e-9) * np.exp(_NOISE * dice.normal(size=len(partition)))
        nearest = int(np.where(alive, distance, np.inf).argmin())
        region[region == smallest] = nearest
        pictures[nearest] += pictures[smallest]
        sums[nearest] += sums[smallest]
    found: Classes = np.unique(region, return_inverse=True)[1].astype(np.int64)
    return found


def intersected(partition: Partition, regions: Classes) -> Intersection:
    """The cells that no partition tells apart, together.

    regions: [partitions, cells], each cell's class in each partition.
    """
    rows, of_cell = np.unique(regions.T, axis=0, return_inverse=True)
    of_cell = of_cell.reshape(-1).astype(np.int64)
    pictures = partition.num_pictures.astype(np.float64)
    own = np.bincount(of_cell, pictures, len(rows))
    coarse = [
        np.bincount(region, pictures)[row] for region, row in zip(regions, rows.T, strict=True)
    ]
    middles = middles_of(
        of_cell, partition.latitude, partition.longitude, len(rows), weights=pictures
    )
    share = own[:, None] / np.stack(coarse, axis=1)
    return Intersection(of_cell, rows.astype(np.int64), *middles, share)


def _unit_vectors(latitude: Floats, longitude: Floats) -> NDArray[np.float64]:
    phi, theta = np.radians(latitude), np.radians(longitude)
    flat = np.cos(phi)
    return np.stack([flat * np.cos(theta), flat * np.sin(theta), np.sin(phi)], axis=1)
