import csv
from pathlib import Path

import pytest

from georay.clues.places import PlaceFinder
from georay.clues.sources import SentenceFile
from georay.clues.spacy_tagger import SpacyTagger
from georay.core.entities import Entity, NoTagger
from georay.core.gazetteer import Gazetteer

LABELS = Path(__file__).parents[2] / "fixtures" / "clue_places.csv"


@pytest.fixture(scope="module")
def finder():
    return PlaceFinder(Gazetteer.load())


@pytest.fixture(scope="module")
def tagger():
    return SpacyTagger()


NAMES_A_PLACE = [
    "Georgia uses an alphabet of its own.",
    "Plates in Georgia are white.",
    "Jordan has desert roads.",
    "Roads in Turkey are wide.",
    "Chad has red soil.",
    "Rice terraces on Java are steep.",
    "Palm trees line the promenade in Nice.",
    "Brick terraces stand in Reading.",
    "Live oaks grow in Mobile, Alabama.",
    "Turkish licence plates have a blue strip.",
    "Polish bollards are red and white.",
    "China has blue road signs.",
    "Kenyans drive on the left.",
    "US routes have white shields.",
    "Bollards look like Slovenian and some Austrian ones.",
]
NAMES_NONE = [
    "Jordan wore a red jacket.",
    "A turkey crossed the road.",
    "Turkey farms line the road.",
    "Nice houses with red roofs.",
    "Reading the signs helps a lot.",
    "Mobile homes are common.",
    "Turkish coffee is sold everywhere.",
    "Polish the lens before you look.",
    "The signs are in Spanish.",
    "Croatian and Italian are spoken.",
    "French windows are common.",
    "China plates hang on the walls.",
    "Bath tubs serve as troughs.",
    "European plates are long.",
    "South American coverage is new.",
    "Look at us and it is no fun.",
]


@pytest.mark.parametrize("text", NAMES_A_PLACE)
def test_a_name_that_a_sentence_treats_as_a_place_is_one(finder, tagger, text):
    assert finder.find(text, tagger.tag([text])[0])


@pytest.mark.parametrize("text", NAMES_NONE)
def test_a_name_that_is_a_word_a_dish_or_a_language_is_no_place(finder, tagger, text):
    assert finder.find(text, tagger.tag([text])[0]) == []


@pytest.mark.parametrize(
    ("text", "country", "name"),
    [
        ("Siorapaluk can be recognised by its houses.", "GL", "Siorapaluk"),
        ("Signs in Balzers are black.", "LI", "Balzers"),
        ("Around the town of Pech Sreada grow rubber trees.", "KH", "Pech Sreada"),
    ],
)
def test_a_town_of_the_clues_own_country_needs_little_proof(finder, text, country, name):
    assert name in [one.name for one in finder.find(text, [], country)]


def test_an_ordinary_word_is_no_town_though_one_bears_its_name(finder):
    assert finder.find("The car has a black antenna, and Stop signs are red.", [], "KE") == []


@pytest.mark.parametrize(
    ("text", "language", "country"),
    [
        ("道路标志在日本是蓝色的", "zh", "JP"),
        ("Die Straßen in Österreich sind breit.", "de", "AT"),
        ("Las placas de España son blancas.", "es", "ES"),
    ],
)
def test_countries_are_found_in_other_languages(finder, text, language, country):
    assert [one.country for one in finder.find(text, [], None, language)] == [country]


def test_spans_say_where_the_name_stands_and_by_which_rule(finder):
    text = "Unlike Sweden’s plates, Norwegian plates near Xyzzy are green."
    at = text.index("Xyzzy")
    found = finder.find(text, [Entity(at, at + 5, "place")])
    assert [(one.name, one.rule, one.country) for one in found] == [
        ("Sweden", "gazetteer", "SE"),
        ("Norwegian", "people", "NO"),
        ("Xyzzy", "entity", None),
    ]
    assert all(text[one.start : one.end] == one.name for one in found)


@pytest.mark.parametrize(("tagger_class", "least"), [(SpacyTagger, 0.9), (NoTagger, 0.88)])
def test_labelled_sentences_are_told_apart(shared, finder, tagger_class, least):
    """On the half that nothing was tuned on."""
    labels = [row for row in csv.DictReader(LABELS.open()) if row["half"] == "report"]
    files = {row["file"] for row in labels}
    sentences = {
        (name, one.row): one for name in files for one in SentenceFile(shared(f"data/clues/{name}"))
    }
    chosen = [sentences[row["file"], int(row["row"])] for row in labels]
    entities = tagger_class().tag([one.text for one in chosen])
    country = Gazetteer.load().country
    found = [
        bool(finder.find(one.text, each, country(one.country)))
        for one, each in zip(chosen, entities, strict=True)
    ]
    true = [row["names_place"] == "1" for row in labels]
    hits = sum(a and b for a, b in zip(found, true, strict=True))
    assert hits / sum(found) >= least
    assert hits / sum(true) >= least
