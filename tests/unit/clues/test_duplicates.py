import tracemalloc

import pyarrow as pa
import pytest

from georay.clues.duplicates import EXACT, NEAR, ComparedSentence, Sketcher, find_repeats

LONG = "Bollards are thin white posts with a red band near the top and a grey base of concrete"


def repeats(*sentences, similarity=0.8, parts=1):
    """(order, kind, of) with each part sketched by itself."""
    said = [
        ComparedSentence(at, f"id{at}", *(list(one) + [None] * (3 - len(one))))
        for at, one in enumerate(sentences)
    ]
    size = -(-len(said) // parts)
    sketcher, bands, found = Sketcher(), [], []
    for start in range(0, len(said), size):
        table, before = sketcher.bands(said[start : start + size])
        bands.append(table)
        found += [
            (start + at, EXACT, f"id{start + of}") for at, of in enumerate(before) if of is not None
        ]
    rows = find_repeats(pa.concat_tables(bands), similarity).to_pylist()
    return sorted(found + [(row["order"], row["kind"], row["of"]) for row in rows])


@pytest.mark.parametrize("parts", [1, 2])
def test_the_same_words_are_found_within_a_part_and_across_parts(parts):
    found = repeats((LONG, "PL"), ("Red soil.", "KE"), (f"{LONG.upper()}!", "PL"), parts=parts)
    assert found == [(2, EXACT, "id0")]


def test_nearly_the_same_words_are_found(parts=2):
    other = LONG + " too"
    assert repeats((LONG, "PL"), (other, "PL"), parts=parts) == [(1, NEAR, "id0")]
    assert repeats((LONG, "PL"), (other, "PL"), similarity=0.99, parts=parts) == []


@pytest.mark.parametrize("parts", [1, 2])
def test_the_same_words_about_two_countries_are_two_clues(parts):
    assert repeats((LONG, "PL"), (LONG, "CZ"), parts=parts) == []


@pytest.mark.parametrize("parts", [1, 2])
def test_the_same_words_beside_two_pictures_are_two_clues(parts):
    assert repeats((LONG, "PL", "a"), (LONG, "PL", "b"), parts=parts) == []
    assert repeats((LONG, "PL", "a"), (LONG, "PL", "a"), parts=parts) == [(1, EXACT, "id0")]
    assert repeats((LONG, "PL", "a"), (LONG, "PL"), parts=parts) == [(1, EXACT, "id0")]


@pytest.mark.parametrize("parts", [1, 2])
def test_texts_of_no_word_or_without_spaces_are_compared_too(parts):
    chinese = "这里的路标是蓝色的而且很大"
    found = repeats((chinese, "CN"), ("!", "CN"), (chinese, "CN"), ("?", "CN"), parts=parts)
    assert found == [(2, EXACT, "id0"), (3, EXACT, "id1")]


def test_a_sentence_said_over_and_over_costs_its_part_no_memory():
    said = [ComparedSentence(at, "id", LONG, "PL", None) for at in range(3000)]
    tracemalloc.start()
    bands, before = Sketcher().bands(said)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bands.num_rows == 12
    assert sum(of is not None for of in before) == 2999
    assert peak < 8 << 20
