import pytest

from georay.clues.examine import Examine
from georay.clues.sources import Sentence
from georay.clues.whereabouts import Whereabouts
from georay.config.clues import ClueSource, CluesRecipe
from georay.core.entities import NoTagger
from georay.core.gazetteer import Gazetteer


def examine(*sentences, tagger=None, **recipe):
    settings = CluesRecipe(sources=(ClueSource(path="a.csv"),), output="o.parquet", **recipe)
    return Examine(settings, tagger or NoTagger(), Gazetteer.load())(sentences)


def one(text, **more):
    return Sentence(text=text, row=1, source="a.csv", **more)


def test_a_sentence_that_names_a_place_is_kept_by_that_rule():
    (row,) = examine(one("The bollards of Poland are red.", licence="CC0"))
    assert (row["kind"], row["rule"], row["country"]) == (None, "gazetteer", "PL")
    assert (row["country_from"], row["places"], row["licence"]) == ("text", ["Poland"], "CC0")


def test_a_sentence_that_names_none_is_kept_where_its_source_does():
    (row,) = examine(one("The bollards are red.", country="Poland"))
    assert (row["kind"], row["rule"], row["places"]) == (None, "source", ["Poland"])
    assert (row["country"], row["country_from"], row["spans"]) == ("PL", "source", [])


def test_text_alone_may_be_asked_to_name_the_place():
    rows = examine(
        one("The bollards are red.", country="Poland"), one("Poland is flat."), require="text"
    )
    assert [row["kind"] for row in rows] == ["no place", None]
    assert "only its source" in rows[0]["reason"]


def test_a_sentence_without_a_place_is_dropped_with_its_reason():
    rows = examine(one("The bollards are red."), one(""), one("", problem="the line is not JSON"))
    assert [row["kind"] for row in rows] == ["no place", "no text", "unreadable row"]
    assert rows[2]["reason"] == "the line is not JSON"


def test_a_sentence_about_two_countries_says_neither():
    (row,) = examine(one("Poland and Norway have red poles."))
    assert (row["kind"], row["country"], row["country_from"]) == (None, None, None)


def test_a_country_that_no_one_knows_is_told_and_not_guessed():
    (row,) = examine(one("The bollards are red.", country="Atlantis"))
    assert (row["kind"], row["unknown_country"]) == ("no place", "Atlantis")


def test_coordinates_say_country_and_town():
    (row,) = examine(one("A long straight street.", latitude=52.23, longitude=21.01))
    assert (row["country"], row["city"], row["country_from"]) == ("PL", "Warsaw", "coordinates")
    assert row["rule"] == "source"


def test_far_from_any_town_coordinates_say_the_country_alone():
    about = Whereabouts(Gazetteer.load()).of(one("Sand.", latitude=-25.0, longitude=126.0))
    assert (about.country, about.city) == ("AU", None)


def test_a_source_is_believed_against_its_coordinates():
    about = Whereabouts(Gazetteer.load()).of(
        one("A street.", country="Norway", latitude=52.23, longitude=21.01)
    )
    assert (about.country, about.country_from, about.city) == ("NO", "source", None)


def test_other_languages_are_kept_and_flagged_unless_the_recipe_chooses():
    german = one("Die Leitpfosten in Österreich haben schwarze Hauben.", country="Austria")
    (row,) = examine(german)
    assert (row["kind"], row["language"], row["rule"]) == (None, "de", "gazetteer")
    (row,) = examine(german, languages=("en",))
    assert (row["kind"], row["reason"]) == ("other language", "its language is de")


class English:
    name, languages = "english", frozenset({"en"})

    def __init__(self):
        self.asked = []

    def tag(self, texts):
        self.asked += texts
        return [[] for _ in texts]


def test_a_tagger_is_asked_about_its_own_languages_only():
    tagger = English()
    examine(
        one("The bollards of Poland have a red band."),
        one("道路标志在日本是蓝色的而且很大很多"),
        one("Red."),
        tagger=tagger,
    )
    assert tagger.asked == ["The bollards of Poland have a red band.", "Red."]


@pytest.mark.parametrize(
    ("given", "name"),
    [("photos/one.jpg", "one"), ("s3://b/two.PNG?x=1", "two"), ("ab12", "ab12"), (None, None)],
)
def test_pictures_are_called_as_samples_find_them(given, name):
    (row,) = examine(one("Poland is flat.", image=given))
    assert (row["image_id"], row["pairing"]) == (name, "source" if given else None)
