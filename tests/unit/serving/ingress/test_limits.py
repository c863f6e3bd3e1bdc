"""What is refused before anything is decoded."""

import pytest
from locating_family import picture
from make_bad_images import FOLDER
from PIL import ImageFile
from serving_parts import file_of, street

from georay.config.serve import RequestLimitsRecipe
from georay.core.images import ImageLimits
from georay.serving.ingress import limits
from georay.serving.ingress.limits import KeyRing, Rates, check_picture
from georay.serving.ingress.refusals import Refusal

LIMITS = RequestLimitsRecipe(max_pixels=500_000, max_body_bytes=4 << 20)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_pass_with_their_size(kind):
    checked = check_picture(file_of(picture(), kind), LIMITS)
    assert (checked.width, checked.height) == (80, 60)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (file_of(picture(), "GIF"), "unsupported_type"),
        (file_of(picture(), "TIFF"), "unsupported_type"),
        (file_of(picture(), "BMP"), "unsupported_type"),
        (b"RIFF\0\0\0\0WAVEfmt ", "unsupported_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_type"),
        (b"", "invalid"),
        (b"\xff\xd8\xff", "invalid"),
        ((FOLDER / "bomb_400_megapixels.png").read_bytes(), "too_large"),
    ],
)
def test_everything_else_is_refused_by_its_first_bytes_or_its_header(raw, code):
    with pytest.raises(Refusal) as caught:
        check_picture(raw, LIMITS)
    assert caught.value.code == code
    assert len(caught.value.detail) > 20


def test_nothing_is_decoded_to_refuse_a_bomb_or_to_measure_a_picture(monkeypatch):
    def decoded(_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    with pytest.raises(Refusal):
        check_picture(next(FOLDER.glob("bomb_*.png")).read_bytes(), LIMITS)
    assert check_picture(street(), LIMITS).width == 80


def test_what_a_telephone_makes_is_within_the_usual_limits():
    usual = RequestLimitsRecipe()
    assert usual.max_pixels == ImageLimits().max_pixels, "one limit for all verbs"
    assert usual.max_body_bytes == ImageLimits().max_bytes


def test_a_picture_shows_no_content_where_it_is_printed():
    assert "\\xff" not in repr(check_picture(street(), LIMITS))


def test_keys_come_from_the_environment_and_only_whole_ones_fit(monkeypatch):
    monkeypatch.setenv("SOME_KEYS", "first-key second-key\n")
    keys = KeyRing.from_environment("SOME_KEYS")
    assert (keys.number_of("first-key"), keys.number_of("second-key")) == (0, 1)
    for wrong in ("", "first", "first-key ", "first-key second-key", "clé"):
        assert keys.number_of(wrong) is None


def test_a_server_that_wants_keys_does_not_start_without(monkeypatch):
    monkeypatch.setenv("SOME_KEYS", "  ")
    with pytest.raises(ValueError, match="SOME_KEYS"):
        KeyRing.from_environment("SOME_KEYS")
    assert not KeyRing.from_environment(None)


def test_a_key_may_burst_and_is_then_told_how_long_to_wait():
    rates = Rates(per_minute=30, burst=3)
    assert [rates.wait_s(0) for _ in range(3)] == [0, 0, 0]
    assert rates.wait_s(0) in (1, 2)
    assert rates.wait_s(1) == 0, "another key has a bucket of its own"


def test_a_bucket_fills_up_again(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    rates = Rates(per_minute=60, burst=1)
    assert rates.wait_s(0) == 0
    assert rates.wait_s(0) == 1
    now[0] += 1.0
    assert rates.wait_s(0) == 0
