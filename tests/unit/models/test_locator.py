"""The locator: photographs in, places out, whatever the file says and whoever answers."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from locating_family import picture, question, small_family
from panorama_room import heading_of, write_panorama
from PIL import ExifTags, Image

from georay.core.gazetteer import Gazetteer
from georay.core.prompts import LOCATION, REASONING
from georay.errors import ModelUnavailable
from georay.models import registry
from georay.models.adapters import AdapterStack
from georay.models.answering import LocatorSettings, read_location
from georay.models.families.base import Batch, Exchange, Family, Sampling
from georay.models.families.remote import RemoteModel, RemoteSettings
from georay.models.locations import Location
from georay.models.locator import Locator
from georay.models.placement import choose_placement
from georay.models.registry import Machine

GAZETTEER = Gazetteer.load()
SHORT = Sampling(max_new_tokens=128)
QUICK = LocatorSettings(sampling=SHORT, towns_per_country=2)


@pytest.fixture(scope="module")
def locator() -> Locator:
    return Locator(small_family(), QUICK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as files."""
    path = tmp_path_factory.mktemp("small")
    small_family().network.save_pretrained(path)
    small_family().processor.save_pretrained(path)
    return path


def jpeg(exif: Image.Exif | None = None, comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    picture().save(file, "JPEG", exif=exif or Image.Exif(), comment=comment)
    return file.getvalue()


def with_false_gps() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Paris, France"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (48.0, 51.0, 24.0)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (2.0, 21.0, 8.0)
    return jpeg(exif, b"Paris, France")


def said(location: Location) -> str:
    facts = location.to_json()
    del facts["timings"]
    return json.dumps(facts)


@pytest.mark.parametrize("top_k", [0, 2])
def test_a_false_gps_tag_changes_no_byte_of_the_answer(
    locator: Locator, top_k: int, tmp_path: Path
) -> None:
    tagged = with_false_gps()
    assert tagged != jpeg()
    (tmp_path / "Paris, France.jpg").write_bytes(tagged)
    opened = Image.open(io.BytesIO(tagged))
    opened.info["comment"] = "Paris, France"
    pictures = [jpeg(), tagged, tmp_path / "Paris, France.jpg", opened]
    answers = {said(one) for one in locator.locate(pictures, top_k=top_k)}
    assert len(answers) == 1
    if top_k:  # an untrained model writes the same about much, but never ranks it the same
        assert said(locator.locate([picture(1)], top_k=top_k)[0]) not in answers


def test_the_likeliest_country_is_named_and_its_candidates_are_ordered(locator: Locator) -> None:
    (found,) = locator.locate([picture()], top_k=4)
    assert found.status == "answered"
    assert len(found.candidates) == 4
    best = found.candidates[0]
    assert (found.country, found.country_name) == (best.country, best.country_name)
    assert found.confidence == best.probability
    chances = [one.probability for one in found.candidates]
    assert chances == sorted(chances, reverse=True)
    assert 0 < sum(chances) < 1
    assert found.city == best.towns[0].city
    for one in found.candidates:
        assert sum(town.probability for town in one.towns) <= one.probability


def test_the_coordinate_is_a_candidates_and_the_reasons_are_the_models(
    locator: Locator,
) -> None:
    (found,) = locator.locate([picture()], top_k=4)
    towns = [(t.latitude, t.longitude) for one in found.candidates for t in one.towns]
    assert (found.latitude, found.longitude) in towns
    assert found.expected_distance_km is not None and found.expected_distance_km > 0
    assert found.raw is not None
    written = json.loads(found.raw)
    assert written["country"] == found.country_name
    assert written["reasons"] == found.reasons
    assert found.timings.rank_ms > 0 and found.timings.answer_ms > 0


def test_without_ranking_the_answer_is_written_and_valid(locator: Locator) -> None:
    (found,) = locator.locate([picture()], top_k=0)
    assert found.status == "answered"
    assert found.candidates == () and found.confidence is None
    assert found.timings.rank_ms == 0.0


def test_free_writing_is_left_as_it_is_and_the_ranking_stands_beside_it() -> None:
    free = LocatorSettings(constrained=False, sampling=Sampling(max_new_tokens=8))
    family = small_family()
    expected = family.generate(family.encode([question()]), free.sampling)
    (found,) = Locator(family, free).locate([picture()], top_k=2)
    assert [found.raw] == expected
    assert found.status == "unparseable" and found.country is None
    assert len(found.candidates) == 2


def test_a_prompt_without_reasons_needs_no_writing() -> None:
    settings = LocatorSettings(prompt=LOCATION, towns_per_country=1, sampling=SHORT)
    (found,) = Locator(small_family(), settings).locate([picture()], top_k=1)
    assert found.reasons is None
    assert found.raw is not None and list(json.loads(found.raw)) == ["country", "city"]


def test_batches_change_no_answer(locator: Locator) -> None:
    pictures = [picture(seed) for seed in range(3)]
    one_by_one = Locator(
        small_family(), LocatorSettings(sampling=SHORT, towns_per_country=2, batch_size=1)
    )
    together = [one.raw for one in locator.locate(pictures, top_k=1)]
    assert together == [one.raw for one in one_by_one.locate(pictures, top_k=1)]
    assert len(set(together)) > 1


def test_an_unreadable_picture_fails_alone(locator: Locator, tmp_path: Path) -> None:
    found = locator.locate([jpeg(), b"", tmp_path / "absent.jpg", b"text", jpeg()], top_k=1)
    assert [one.status for one in found] == ["answered", *["failed"] * 3, "answered"]
    assert found[1].error == "the file has zero bytes"
    assert "absent.jpg" in (found[2].error or "")
    assert said(found[0]) == said(found[4])
    assert locator.locate([], top_k=1) == []


def test_a_picture_may_be_named_by_its_uri(locator: Locator, tmp_path: Path) -> None:
    (tmp_path / "f%20g.jpg").write_bytes(jpeg())
    uri = f"file://{tmp_path}/f%2520g.jpg"
    found = locator.locate([uri, str(tmp_path / "f%20g.jpg"), "nosuch://b/a.jpg"], top_k=1)
    assert [one.status for one in found] == ["answered", "answered", "failed"]
    assert said(found[0]) == said(found[1])
    assert "nosuch" in (found[2].error or "")


def test_too_uncertain_a_model_abstains_but_shows_its_candidates() -> None:
    family = small_family()
    (sure,) = Locator(family, QUICK).locate([picture()], top_k=2)
    assert sure.confidence is not None
    for threshold, status in ((sure.confidence * 0.99, "answered"), (0.999, "abstained")):
        settings = LocatorSettings(sampling=SHORT, towns_per_country=2, abstain_below=threshold)
        (found,) = Locator(family, settings).locate([picture()], top_k=2)
        assert found.status == status
        assert found.candidates == sure.candidates
    assert (found.country, found.city, found.latitude) == (None, None, None)
    assert found.confidence == sure.confidence


def test_the_chosen_device_and_its_reason_are_logged(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="georay.models.locator"):
        Locator.from_pretrained(str(folder), settings=QUICK)
    assert len(caplog.records) == 1
    assert "in float32: there is" in caplog.text


def test_adapters_act_and_foreign_ones_are_refused(folder: Path, tmp_path: Path) -> None:
    bare = Locator.from_pretrained(str(folder), settings=QUICK, device="cpu")
    base = Locator.from_pretrained(str(folder), settings=QUICK, device="cpu")
    stack = AdapterStack.build(_family(base).network, "small", ("reasoning", "location"))
    with torch.no_grad():
        for name, parameter in stack.model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.2)
    stack.save(tmp_path)
    stack.model.eval()
    stack.fold()
    tuned = Locator.from_pretrained(str(folder), tmp_path, settings=QUICK, device="cpu")
    expected = Locator(_family(base), QUICK, stack=stack).locate([picture()], top_k=1)[0]
    assert said(tuned.locate([picture()], top_k=1)[0]) == said(expected)
    assert said(bare.locate([picture()], top_k=1)[0]) != said(expected)
    with pytest.raises(ValueError, match="holds no adapter"):
        Locator.from_pretrained(str(folder), folder, settings=QUICK, device="cpu")


def _family(locator: Locator) -> Family:
    assert locator._local is not None
    return locator._local._family


def test_place_and_reasons_are_asked_of_the_adapters_that_learnt_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = _family(Locator.from_pretrained(str(folder), settings=QUICK, device="cpu"))
    stack = AdapterStack.build(family.network, "small", ("reasoning", "location"))
    stack.model.eval()
    asked: list[tuple[str, tuple[str, ...]]] = []

    def hear(name: str) -> None:
        encode = getattr(family, name)

        def heard(exchanges: Sequence[Exchange], *seen: Batch) -> Batch:
            asked.extend((one.conversation.question, stack.active) for one in exchanges)
            return cast("Batch", encode(exchanges, *seen))

        monkeypatch.setattr(family, name, heard)

    hear("encode")
    hear("ask_again")
    (found,) = Locator(family, QUICK, stack=stack).locate([picture()], top_k=1)
    assert asked == [
        (LOCATION.question, ("reasoning", "location")),
        (REASONING.question, ("reasoning",)),
    ]
    assert stack.active == ("reasoning", "location")
    assert list(json.loads(found.raw or "")) == ["country", "city", "reasons"]
    assert found.city == found.candidates[0].towns[0].city
    asked.clear()
    looks, reads = [], []
    family.network.transformer.visual.register_forward_hook(lambda *_: looks.append(1))
    pixels = family.processor.pixels
    monkeypatch.setattr(family.processor, "pixels", lambda one: reads.append(1) or pixels(one))
    (written,) = Locator(family, QUICK, stack=stack).locate([picture()], top_k=0)
    assert asked == [
        (LOCATION.question, ("reasoning", "location")),
        (REASONING.question, ("reasoning",)),
    ]
    assert list(json.loads(written.raw or "")) == ["country", "city", "reasons"]
    assert len(looks) == len(reads) == 1, "the picture is seen once for both questions"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"country": "France", "city": "Paris"}', ("FR", "Paris", 48.853, 2.349)),
        ("48.85, 2.35", ("FR", None, 48.85, 2.35)),
        ('{"country": "Kenya", "city": ""}', ("KE", None, None, None)),
        ('{"city": "Nairobi"}', ("KE", "Nairobi", -1.283, 36.817)),
    ],
)
def test_an_answer_becomes_a_place(text: str, expected: tuple[object, ...]) -> None:
    found = read_location(text, GAZETTEER)
    assert (found.country, found.city) == expected[:2]
    assert [found.latitude, found.longitude] == [
        pytest.approx(one, abs=0.01) if one is not None else None for one in expected[2:]
    ]


def test_absent_weights_name_the_next_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    with pytest.raises(ModelUnavailable, match=r"(?s)not in this installation.*Qwen3-VL-2B"):
        Locator.from_pretrained("tiny")


def test_a_model_goes_to_the_gpu_that_holds_it_and_else_to_memory() -> None:
    name = "Qwen/Qwen3-VL-2B-Instruct"
    on_gpu = choose_placement(name, Machine(64, [2, 24]))
    assert (on_gpu.device, on_gpu.precision) == ("cuda:1", "bfloat16")
    roomy = choose_placement(name, Machine(64, [2]))
    assert (roomy.device, roomy.precision) == ("cpu", "float32")
    tight = choose_placement(name, Machine(7, []))
    assert (tight.device, tight.precision) == ("cpu", "bfloat16")
    assert "no GPU" in tight.reason
    with pytest.raises(ModelUnavailable, match=r"needs .* GiB, and this machine has 4 GiB"):
        choose_placement(name, Machine(4, []))


class _Endpoint(BaseHTTPRequestHandler):
    """Answers the first question, refuses the second, and fails the others."""

    answers = iter(())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, message = next(_Endpoint.answers)
        body = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[RemoteSettings]:
    server = HTTPServer(("127.0.0.1", 0), _Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    yield RemoteSettings(base_url=url, model="m", max_concurrency=1, max_attempts=1)
    server.shutdown()
    server.server_close()


def test_remote_models_answer_through_the_same_object(endpoint: RemoteSettings) -> None:
    text = "```json\n{'country': 'Japan', 'city': 'Kyoto', 'reasons': 'kana'}\n```"
    _Endpoint.answers = iter(
        [(200, {"content": text}), (200, {"content": "", "refusal": "I can't."}), (400, {})]
    )
    remote = Locator.from_pretrained(endpoint)
    answered, refused, failed = remote.locate([picture(seed) for seed in range(3)])
    assert (answered.country, answered.city, answered.reasons) == ("JP", "Kyoto", "kana")
    assert answered.latitude == pytest.approx(35.02, abs=0.05)
    assert answered.candidates == () and answered.timings.answer_ms > 0
    assert (refused.status, refused.raw) == ("refused", "I can't.")
    assert failed.status == "failed" and "HTTP 400" in (failed.error or "")


def test_what_only_a_local_model_can_do_is_refused_for_remote_ones(
    endpoint: RemoteSettings, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="abstain"):
        Locator(RemoteModel(endpoint), LocatorSettings(abstain_below=0.5))
    with pytest.raises(ValueError, match="adapters"):
        Locator.from_pretrained(endpoint, tmp_path)
    with pytest.raises(ValueError, match="calibrated"):
        Locator.from_pretrained(endpoint).calibrate([], [])


def test_settings_that_make_no_sense_are_refused(locator: Locator) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        LocatorSettings(batch_size=0)
    with pytest.raises(ValueError, match="abstain_below"):
        LocatorSettings(abstain_below=1.5)
    with pytest.raises(ValueError, match="top_k"):
        locator.locate([picture()], top_k=-1)


def test_a_location_is_json(locator: Locator) -> None:
    (found,) = locator.locate([picture()], top_k=1)
    facts = json.loads(json.dumps(found.to_json()))
    assert facts["candidates"][0]["country"] == found.country
    assert np.isfinite(facts["latitude"])


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_a_picture_that_no_processor_takes_fails_alone_and_is_named(
    small_chat_family: Callable[[str, int], Family], model_type: str
) -> None:
    free = LocatorSettings(constrained=False, sampling=Sampling(max_new_tokens=4))
    locator = Locator(small_chat_family(model_type, 0), free)
    before, wide, after = locator.locate(
        [picture(), Image.new("RGB", (4000, 12)), picture(1)], top_k=0
    )
    assert wide.status == "failed"
    assert "4,000×12 pixels" in (wide.error or "")
    assert "failed" not in (before.status, after.status)


def test_a_path_may_name_a_view_of_a_panorama(
    small_chat_family: Callable[[str, int], Family], tmp_path: Path
) -> None:
    seen: list[Image.Image] = []

    class Watching(Locator):
        def _open(self, image):  # type: ignore[no-untyped-def]
            opened = super()._open(image)
            seen.extend(opened.images if isinstance(opened, Exchange) else ())
            return opened

    free = LocatorSettings(constrained=False, sampling=Sampling(max_new_tokens=2))
    locator = Watching(small_chat_family("qwen2_5_vl", 0), free)
    file = write_panorama(tmp_path / "pano.jpg", 512)
    names = [f"{file}#heading={heading}" for heading in (0, 90, 270)]
    found = locator.locate([*names, Path(names[1]), f"{file}#heading=400"], top_k=0)
    assert [heading_of(image) for image in seen] == [0, 90, 270, 90]
    assert [image.size for image in seen] == [(128, 128)] * 4
    assert [one.status == "failed" for one in found] == [False] * 4 + [True]
