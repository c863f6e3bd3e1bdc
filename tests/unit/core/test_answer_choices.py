"""Answers that weigh places and choose one, that hedge, or that end in the place alone."""

import pytest

from georay.core.answers import parse_answer


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("The road markings suggest either Norway or Sweden; I'd go with Sweden.", "SE"),
        ("Either Norway or Sweden. I would go with Sweden.", "SE"),
        ("Between Chile and Argentina I pick Argentina.", "AR"),
        ("Possibly Chile or Argentina, most likely Argentina.", "AR"),
        ("Spain is most likely, Portugal is possible.", "ES"),
        ("At first I thought of Japan, but the plates are Taiwanese, so Taiwan.", "TW"),
        ("I'd go with Sweden.", "SE"),
        ("As an AI, I can't identify places, but it resembles Iceland.", "IS"),
    ],
)
def test_of_places_that_are_weighed_the_chosen_one_counts(raw: str, country: str) -> None:
    answer = parse_answer(raw)
    assert (answer.status, answer.country) == ("answered", country)


@pytest.mark.parametrize(
    ("raw", "country", "city"),
    [
        ("Could be the Dominican Republic.", "DO", None),
        ("It might be the Philippines", "PH", None),
        ("Looks like Sofia", "BG", "Sofia"),
        ("Most likely Ulaanbaatar, the capital of Mongolia", "MN", "Ulaanbaatar"),
        ("Scotland, near Inverness", "GB", "Inverness"),
        ("The signs are in Spanish. Mexico.", "MX", None),
        ("Country - Vietnam\nCity - Hanoi", "VN", "Hanoi"),
    ],
)
def test_a_hedged_or_bare_place_is_an_answer(raw: str, country: str, city: str | None) -> None:
    answer = parse_answer(raw)
    assert (answer.country, answer.city) == (country, city)


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("Congo (Kinshasa)", "CD"),
        ("Congo (Brazzaville)", "CG"),
        ("Savannah GA", "US"),
        ("Thailand or Laos", "TH"),
        ("Georgia (the country)", "GE"),
        ("Lebanon (Ohio)", "US"),
    ],
)
def test_what_stands_beside_a_name_decides_its_country(raw: str, country: str) -> None:
    assert parse_answer(raw).country == country
