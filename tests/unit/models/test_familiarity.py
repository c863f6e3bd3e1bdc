"""Pictures that are not like the known ones: told by their texture, at whatever size."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from georay.models.familiarity import REFUSED_SHARE, Familiarity, texture_of, textures_of
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld

WEIGHTS = {"reasoning": "a", "location": "b"}


def known(num_pictures: int = 600) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(num_pictures, 24)) @ rng.normal(size=(24, 24)) + 5


def test_about_one_known_picture_in_a_hundred_is_refused_and_a_far_one_is() -> None:
    textures = known(3000)
    found = Familiarity.fit(textures[:1500, None], WEIGHTS)
    refused = (found.distances(textures[1500:]) > found.furthest).mean()
    assert refused == pytest.approx(REFUSED_SHARE, abs=0.01)
    assert found.distances(textures[:1] + 30)[0] > found.furthest


def test_the_distance_is_in_standard_deviations() -> None:
    unit = Familiarity(np.zeros(24), np.diag([0.25] + [1.0] * 23), 1.0, WEIGHTS)
    one = np.zeros((2, 24))
    one[0, 0], one[1, 1] = 4.0, 3.0
    assert unit.distances(one) == pytest.approx([2.0, 3.0])


def test_it_is_kept_beside_the_model(tmp_path: Path) -> None:
    made = Familiarity.fit(known()[:, None], WEIGHTS)
    assert Familiarity.find(tmp_path) is None
    made.save(tmp_path)
    found = Familiarity.find(tmp_path)
    assert found is not None and found.furthest == made.furthest
    assert (found.mean == made.mean).all() and (found.precision == made.precision).all()
    assert found.weights == WEIGHTS
    (tmp_path / "familiarity.safetensors").write_bytes(b"{}")
    with pytest.raises(ValueError, match=r"familiarity\.safetensors is not a familiarity"):
        Familiarity.find(tmp_path)


def test_it_is_of_its_adapters_together_or_alone_and_of_no_others() -> None:
    made = Familiarity.fit(known()[:, None], WEIGHTS)
    assert made.is_of(WEIGHTS) and made.is_of({"reasoning": "a"})
    assert not made.is_of({"reasoning": "c"}) and not made.is_of(WEIGHTS | {"base": "d"})


def test_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="240 pictures or more, got 239"):
        Familiarity.fit(known(239)[:, None], WEIGHTS)


def test_a_known_picture_is_described_in_forms_that_others_may_give_it() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (448, 448, 3), np.uint8)
    found = textures_of(Image.fromarray(noise))
    assert found.shape == (5, 24)
    assert found[0] == pytest.approx(texture_of(Image.fromarray(noise)))
    assert all(np.abs(other - found[0]).max() > 0.01 for other in found[1:])


def test_grain_shows_at_the_finest_scale_and_size_and_colour_do_not() -> None:
    smooth = Image.linear_gradient("L").resize((448, 448)).convert("RGB")
    noise = np.random.default_rng(0).normal(0, 9, (448, 448, 1))
    grainy = Image.fromarray(np.clip(np.asarray(smooth) + noise, 0, 255).astype(np.uint8))
    assert (texture_of(grainy)[:6] > texture_of(smooth)[:6] + 0.5).all()
    assert texture_of(smooth.convert("L")) == pytest.approx(texture_of(smooth))
    assert np.isfinite(texture_of(Image.new("L", (1, 1)))).all()


@pytest.mark.slow
def test_drawn_scenes_know_each_other_in_any_form_and_no_photograph(
    shared: Callable[[str], Path],
) -> None:
    """Of 60 scenes of another seed, stored anew and drawn small too, and of 30 photographs."""
    known_world, other = StreetWorld(31, 448), StreetWorld(32, 448)
    found = Familiarity.fit(
        np.stack([textures_of(_drawn(known_world, n)) for n in range(240)]), WEIGHTS
    )

    def unfamiliar(pictures: list[Image.Image]) -> float:
        return float(np.mean([not found.is_like(picture) for picture in pictures]))

    scenes = [_drawn(other, number) for number in range(60)]
    small = [_drawn(StreetWorld(32, 224), number) for number in range(60)]
    photographs = sorted(shared("data/street_photos/images").glob("*.jpg"))[:30]
    assert len(photographs) == 30
    assert unfamiliar(scenes) <= 0.07
    assert unfamiliar([_stored(scene) for scene in scenes]) <= 0.1
    assert unfamiliar(small) <= 0.15
    assert unfamiliar([Image.open(one).convert("RGB") for one in photographs]) >= 0.9


def _stored(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=70)
    return Image.open(file)


def _drawn(world: StreetWorld, number: int) -> Image.Image:
    return Image.open(io.BytesIO(jpeg_bytes(world.scene(number).image)))
