import pytest

from georay.core.licences import clue_licences, forbids_commerce
from georay.core.tables import SAMPLES, rows_to_table


@pytest.mark.parametrize(
    "licence",
    [
        "CC BY-NC 4.0",
        "CC-BY-NC-SA-4.0",
        "guide.csv: not for commercial use",
        "Non-commercial research only",
        "noncommercial",
    ],
)
def test_terms_that_allow_no_commerce_are_recognised(licence):
    assert forbids_commerce(["CC0", licence])


@pytest.mark.parametrize("licence", ["CC BY 4.0", "CC0", "none stated", "commercial use allowed"])
def test_other_terms_are_not(licence):
    assert not forbids_commerce([licence])


def test_samples_are_counted_by_the_terms_of_their_clues():
    common = dict.fromkeys(
        ["stage", "split", "place", "image_id", "uri", "question", "answer", "country"], "x"
    )
    rows = [
        {"clue_id": "a", "clue_source": "guide", "clue_licence": "CC0"},
        {"clue_id": "b", "clue_source": "guide", "clue_licence": "CC0"},
        {"clue_id": "c", "clue_source": "games", "clue_licence": None},
        {"clue_id": None},
    ]
    table = rows_to_table(
        [common | {"sample_id": str(at)} | r for at, r in enumerate(rows)], SAMPLES
    )
    assert clue_licences(table) == {"guide: CC0": 2, "games: none stated": 1}
