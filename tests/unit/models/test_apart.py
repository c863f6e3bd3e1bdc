"""A question that cannot be answered costs only itself, and a dead model is no question's fault."""

from collections.abc import Sequence

import pytest
from locating_family import picture, small_family
from PIL import Image

from georay.models.answering import LocatorSettings
from georay.models.apart import check_alive, together_or_apart
from georay.models.families.base import Exchange, Sampling
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.locator import Locator

SHORT = LocatorSettings(constrained=False, sampling=Sampling(max_new_tokens=3), batch_size=4)
CURSED = (61, 61)


def doubled(numbers: Sequence[int]) -> list[int]:
    if 13 in numbers:
        raise IndexError("thirteen")
    return [2 * number for number in numbers]


def test_questions_are_answered_together_as_long_as_that_works() -> None:
    asked: list[int] = []

    def counted(numbers: Sequence[int]) -> list[int]:
        asked.append(len(numbers))
        return doubled(numbers)

    assert together_or_apart(counted, [1, 2, 3]) == [2, 4, 6]
    assert together_or_apart(counted, []) == []
    assert asked == [3]


def test_one_that_cannot_be_answered_has_its_problem_and_the_others_their_answers() -> None:
    first, second, third = together_or_apart(doubled, [1, 13, 3])
    assert (first, third) == (2, 6)
    assert isinstance(second, IndexError)


class Superstitious(QwenVLFamily):
    """The small model, which breaks at any batch with a picture of one size."""

    def encode(self, exchanges: Sequence[Exchange]) -> dict:
        if any(image.size == CURSED for exchange in exchanges for image in exchange.images):
            raise IndexError("a patch too many")
        return super().encode(exchanges)


def superstitious() -> Superstitious:
    return Superstitious(small_family().network, small_family().processor)


def test_a_picture_that_breaks_a_network_fails_alone_and_by_name() -> None:
    pictures = [picture(), Image.new("RGB", CURSED), *map(picture, range(1, 6))]
    found = Locator(superstitious(), SHORT).locate(pictures, top_k=0)
    assert found[1].status == "failed"
    assert "cannot answer about this picture: a patch too many" in (found[1].error or "")
    alone = Locator(small_family(), SHORT).locate(pictures, top_k=0)
    for number in (0, 2, 3, 4, 5, 6):
        assert found[number].raw == alone[number].raw


def test_pictures_that_all_break_a_live_network_are_all_named() -> None:
    cursed = Image.new("RGB", CURSED)
    found = Locator(superstitious(), SHORT).locate([cursed, cursed], top_k=0)
    assert [one.status for one in found] == ["failed", "failed"]


def test_a_dead_network_ends_the_run_instead_of_failing_every_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    family = superstitious()

    def dead(*_: object) -> None:
        raise RuntimeError("device lost")

    monkeypatch.setattr(family, "generate", dead)
    with pytest.raises(RuntimeError, match="device lost"):
        Locator(family, SHORT).locate([picture(), picture(1)], top_k=0)
    with pytest.raises(RuntimeError, match="device lost"):
        check_alive(family)


def test_a_network_that_answers_nothing_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    family = superstitious()
    monkeypatch.setattr(family, "generate", lambda *_: [])
    with pytest.raises(RuntimeError, match="0 answers"):
        check_alive(family)
