import json

from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX, NUM_LABELS, short_name


def test_the_labels_are_the_published_ones_in_their_order(shared):
    reference = json.loads(shared("reference/locatability.json").read_text())
    assert list(ADE20K_LABELS) == reference["labels"]
    assert NUM_LABELS == 150


def test_every_label_and_first_synonym_finds_its_class():
    for index, label in enumerate(ADE20K_LABELS):
        assert LABEL_INDEX[label] == index
        assert ADE20K_LABELS[LABEL_INDEX[short_name(label)]].startswith(short_name(label))


def test_first_synonyms_are_plain_words():
    assert short_name("road, route") == "road"
    assert short_name("window ") == "window"
    assert LABEL_INDEX["road"] == 6
