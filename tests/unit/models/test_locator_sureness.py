"""How sure a locator is, whether that was fitted, and what it then keeps to itself."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from locating_family import picture, small_family
from PIL import Image

from georay.core.prompts import INFERENCE, Conversation
from georay.models.adapters import AdapterStack
from georay.models.answering import LocatorSettings
from georay.models.decoding.calibration import Calibration
from georay.models.familiarity import Familiarity, texture_of
from georay.models.families.base import Exchange, Family, Sampling
from georay.models.fitted import find_fitted
from georay.models.loading import load_family
from georay.models.locator import Locator, adapter_weights

SHORT = Sampling(max_new_tokens=128)
QUICK = LocatorSettings(sampling=SHORT, towns_per_country=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as files."""
    path = tmp_path_factory.mktemp("small")
    small_family().network.save_pretrained(path)
    small_family().processor.save_pretrained(path)
    return path


def test_calibration_is_fitted_used_and_kept(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    locator = Locator(small_family(), QUICK)
    pictures = [picture(seed) for seed in range(6)]
    before = locator.locate(pictures[:1], top_k=1)[0].confidence
    calibration = locator.calibrate(pictures, ["FR", "JP", "BR", "KE", "US", "NO"])
    assert calibration.sure_from == 1.0  # an untrained model is never right, so never sure
    (found,) = locator.locate(pictures[:1], top_k=1)
    after = found.confidence
    assert before is not None and after is not None and after != before
    assert (found.status, found.sureness) == ("answered", "unsure")
    assert locator.locate(pictures[:1], top_k=0)[0].sureness is None  # nothing was ranked
    calibration.save(folder)
    loaded = Locator.from_pretrained(str(folder), settings=QUICK, device="cpu")
    (folder / "calibration.json").unlink()
    (again,) = loaded.locate(pictures[:1], top_k=1)
    assert again.confidence == pytest.approx(after, rel=1e-4) and again.sureness == "unsure"
    with pytest.raises(ValueError, match="alpha-2"):
        locator.calibrate(pictures[:1], ["France"])
    with pytest.raises(ValueError, match="picture 0 cannot be read"):
        locator.calibrate([b""], ["FR"])


def test_an_answer_is_sure_from_the_threshold_on_and_told_so_before_its_reasons() -> None:
    fitted = {"slope": 1.0, "offset": 0.0, "num_pictures": 1, "nll": (1, 1), "ece": (0, 0)}
    fitted |= {"weights": {}}
    told, pieces = [], []
    for sure_from, sureness in ((0.0, "sure"), (1.0, "unsure")):
        calibration = Calibration(sure_from=sure_from, **fitted)
        locator = Locator(small_family(), QUICK, calibration)
        (located,) = locator.locate([picture()], top_k=1)
        exchange = Exchange((picture(),), Conversation(INFERENCE.question))
        found = locator._local.answer_stream(exchange, 1, told.append, pieces.append)
        assert {one.sureness for one in (located, told[-1], found)} == {sureness}
        assert located.country == found.country == told[-1].country is not None
        assert (located.reasons, found.reasons) == (
            ("".join(pieces),) * 2 if sure_from == 0 else (None, None)
        )


@pytest.mark.parametrize("is_stacked", [False, True])
def test_a_guess_gets_no_reasons_and_those_of_others_are_about_their_pictures(
    folder: Path, is_stacked: bool
) -> None:
    flat = Image.new("RGB", (64, 64), "grey")
    texture = texture_of(flat)
    known = Familiarity(texture, np.eye(len(texture)), 1.0, {})
    family, stack = load_family(str(folder)), None
    if is_stacked:
        stack = AdapterStack.build(family.network, "small", ("reasoning", "location"))
        stack.model.eval()
    (alone,) = Locator(family, QUICK, stack=stack).locate([flat], top_k=1)
    locator = Locator(family, QUICK, stack=stack, familiarity=known)
    found = locator.locate([picture(), flat, picture()], top_k=1)
    assert [one.reasons for one in found] == [None, alone.reasons, None]
    assert alone.reasons is not None


def test_a_picture_that_is_not_like_the_known_ones_is_unfamiliar_however_sure_the_model() -> None:
    flat = Image.new("RGB", (64, 64), "grey")
    texture = texture_of(flat)
    known = Familiarity(texture, np.eye(len(texture)), 1.0, {})
    locator = Locator(small_family(), QUICK, familiarity=known)
    for top_k in (0, 1):
        found = locator.locate([flat, picture()], top_k=top_k)
        assert [one.sureness for one in found] == [None, "unfamiliar"]
        assert [one.status for one in found] == ["answered", "answered"]


def test_what_was_fitted_for_other_adapters_is_not_used_and_one_is_told(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base = Locator.from_pretrained(str(folder), settings=QUICK, device="cpu")
    stack = AdapterStack.build(_family(base).network, "small", ("reasoning", "location"))
    stack.save(tmp_path)
    loaded = Locator.from_pretrained(str(folder), tmp_path, settings=QUICK, device="cpu")
    assert loaded.calibrate([picture()], ["FR"]).is_of(adapter_weights(tmp_path))
    _leave_fitted(tmp_path, loaded.weights)
    assert find_fitted(tmp_path, loaded.weights).calibration is not None and not caplog.text
    again = Locator.from_pretrained(str(folder), tmp_path, settings=QUICK, device="cpu")
    assert again.locate([picture()], top_k=1)[0].sureness == "unfamiliar"
    _leave_fitted(tmp_path, {"reasoning": "another's", "location": "another's"})
    foreign = Locator.from_pretrained(str(folder), tmp_path, settings=QUICK, device="cpu")
    assert foreign.locate([picture()], top_k=1)[0].sureness is None
    for what in ("calibration", "familiarity"):
        assert f"the {what} in {tmp_path} was fitted for other weights" in caplog.text


def test_a_calibration_beside_a_base_that_was_trained_anew_is_not_used(folder: Path) -> None:
    _leave_fitted(folder, {"base": "before"})
    try:
        other = Locator.from_pretrained(str(folder), settings=QUICK, device="cpu")
        _leave_fitted(folder, other.weights)
        own = Locator.from_pretrained(str(folder), settings=QUICK, device="cpu")
    finally:
        (folder / "calibration.json").unlink()
        (folder / "familiarity.safetensors").unlink()
    assert other.locate([picture()], top_k=1)[0].sureness is None
    assert own.locate([picture()], top_k=1)[0].sureness == "unfamiliar"


def _leave_fitted(folder: Path, weights: Mapping[str, str]) -> None:
    """A calibration and a familiarity that knows no picture, of these weights."""
    Calibration(
        slope=1.0,
        offset=0.0,
        sure_from=0.5,
        num_pictures=1,
        nll=(1, 1),
        ece=(0, 0),
        weights=dict(weights),
    ).save(folder)
    Familiarity(np.full(24, 99.0), np.eye(24), 1.0, weights).save(folder)


def _family(locator: Locator) -> Family:
    assert locator._local is not None
    return locator._local._family
