"""Turns conversations of other tools into rows of the samples table.

What georay exported comes back as it was; of others, stage, country and town are read from the
answer, and the place decides the split unless the row or its file names one.
"""

import re

from georay.config.samples import SplitRecipe
from georay.core.answers import Answer, parse_answer
from georay.core.gazetteer import Gazetteer
from georay.core.images import ImageLimits, content_id, image_format, measure
from georay.core.manifest import digest
from georay.core.panoramas import EQUIRECTANGULAR
from georay.core.paths import AnyPath
from georay.core.picture_files import file_id
from georay.core.prompts import LOCATION, PROMPTS, REASONING, Conversation
from georay.core.splits import Spot, Unusable, place_of, split_of
from georay.core.storage import parse_address, read_bytes
from georay.core.tables import TERMS
from georay.curation.exchange.conversations import split_named
from georay.curation.exchange.credits import CreditTable, credit_of
from georay.curation.exchange.external_rows import ExternalRow, Row, legible
from georay.errors import UnreadableImage

_LIMITS = ImageLimits()
_VIEW_ID = re.compile(r"[0-9a-f]{16}-\d{1,3}(\.\d{1,2})?")
_LICENCES = ("clue_licence", "licence", "license")


class Incoming:
    """Makes samples of conversations, each by itself.

    unpacked, final: the folder that pictures are written to which came inside a file, and where it
    will lie.
    """

    def __init__(
        self, splits: SplitRecipe, gazetteer: Gazetteer, unpacked: AnyPath, final: AnyPath
    ) -> None:
        self._splits = splits
        self._gazetteer = gazetteer
        self._unpacked = unpacked
        self._final = final
        self._credits = CreditTable(unpacked)

    def close(self) -> None:
        self._credits.close()

    def sample(self, external: ExternalRow) -> dict[str, object]:
        """The row of schema SAMPLES. Raises Unusable."""
        try:
            Conversation(external.question, answer=external.answer)
        except ValueError as problem:
            raise Unusable("control token", str(problem)) from None
        if not external.answer.strip():
            raise Unusable("no answer", "the answer is empty")
        image_id, uri = self._picture(external)
        row = self._known(external) | {"image_id": image_id, "uri": uri}
        row |= self._where(row, external)
        ids = (row["stage"], image_id, external.question, external.answer)
        row |= {"sample_id": digest(*ids), "question": external.question, "answer": external.answer}
        if "clue_id" not in external.facts:  # not ours: the conversation is what has terms
            row["clue_id"] = row["sample_id"]
        return row

    def _known(self, external: ExternalRow) -> dict[str, object]:
        """What the row says, or else its answer, of stage, country and town."""
        facts = external.facts
        country, city = _text(facts, "country"), _text(facts, "city")
        answer: Answer | None = None
        if country is None or _text(facts, "stage") is None:
            answer = parse_answer(external.answer, self._gazetteer)
        stage = _text(facts, "stage") or _stage(external.question, answer)
        if stage not in PROMPTS:
            raise Unusable("no stage", f"there is no stage {stage!r}")
        country = country or (answer.country if answer else None)
        code = self._gazetteer.country(country)
        if code is None:
            raise Unusable("no country", f"{country!r} is no country that the gazetteer has")
        if answer is not None and "city" not in facts and stage == LOCATION.name:
            town = self._gazetteer.resolve(answer.city, code)
            city = town.name if town else answer.city
        numbers = {name: _number(facts, name) for name in ("latitude", "longitude", "locatability")}
        projection = _text(facts, "projection")
        terms = next((text for name in _LICENCES if (text := _text(facts, name))), None)
        return {
            "stage": stage,
            "country": code,
            "city": city,
            **numbers,
            "projection": projection if projection == EQUIRECTANGULAR else None,
            "clue_id": _text(facts, "clue_id"),
            "clue_source": _text(facts, "clue_source") or _text(facts, "source"),
            "clue_licence": terms,
            **_picture_terms(facts),
        }

    def _where(self, row: Row, external: ExternalRow) -> dict[str, object]:
        """Place and split. A row that names both is believed, as an export of ours does."""
        split, place = _text(external.facts, "split"), _text(external.facts, "place")
        named = split_named(split) if split else external.split
        if split and named is None:
            raise Unusable("unknown split", f"{split!r} is none of train, validation and test")
        if place is None:
            town = self._gazetteer.resolve(_text(row, "city"), str(row["country"]))
            latitude, longitude = _number(row, "latitude"), _number(row, "longitude")
            spot = Spot(file_id(str(row["image_id"])), town, latitude, longitude)
            place = place_of(spot, self._splits)
        return {"place": place, "split": named or split_of(place, self._splits)}

    def _picture(self, external: ExternalRow) -> tuple[str, str]:
        """Id and uri of the picture; bytes are written to a file of their own."""
        try:
            if isinstance(external.picture, bytes):
                raw, uri = external.picture, None
            else:
                uri = parse_address(external.picture).uri
                raw = read_bytes(uri, _LIMITS.max_bytes)
            measure(raw, _LIMITS)
        except OSError as problem:
            raise Unusable(
                "picture absent", f"{external.picture!r} cannot be read: {problem}"
            ) from None
        except (ValueError, UnreadableImage) as problem:
            raise Unusable("picture failed", str(problem)) from None
        known = _text(external.facts, "image_id")
        image_id = known if known and _VIEW_ID.fullmatch(known) else content_id(raw)
        return image_id, uri or self._unpack(image_id, raw, external.facts)

    def _unpack(self, image_id: str, raw: bytes, facts: Row) -> str:
        kind = image_format(raw)
        assert kind is not None, "measure refuses what is no picture"
        ending = "jpg" if kind == "JPEG" else kind.lower()
        name = f"{image_id[:2]}/{image_id}.{ending}"
        file = self._unpacked / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(raw)
            self._credits.add(name, credit_of(_picture_terms(facts)))
        return parse_address(str((self._final / name).absolute())).uri


def _stage(question: str, answer: Answer | None) -> str:
    """The stage that asks so, or else the one whose fields the answer has. Raises Unusable."""
    asked = next((one.name for one in PROMPTS.values() if one.question == question), None)
    if asked is not None:
        return asked
    if answer is not None and answer.reasons:
        return REASONING.name
    if answer is not None and answer.city:
        return LOCATION.name
    raise Unusable("no stage", "its answer has neither reasons nor a town, so no stage learns it")


def _picture_terms(facts: Row) -> dict[str, object]:
    """The columns of SAMPLES that say whose picture it is."""
    return {name: _text(facts, name) for name in (f"picture_{term}" for term in TERMS)}


def _text(facts: Row, name: str) -> str | None:
    """A fact that is a text; None where it is absent or blank. Raises Unusable for another type."""
    value = facts.get(name)
    if value is not None and not isinstance(value, str):
        raise Unusable("bad value", f"{name} is {value!r}, and should be a text")
    return legible(value) if value and value.strip() else None


def _number(facts: Row, name: str) -> float | None:
    """A fact that is a number; None where it is absent or NaN. Raises Unusable for another type."""
    value = facts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise Unusable("bad value", f"{name} is {value!r}, and should be a number")
    return None if value is None or value != value else float(value)
