"""Ranking: what one forward pass per name gives, from one reading of the picture."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from locating_family import question, small_family

from georay.core.gazetteer import Gazetteer
from georay.core.prompts import INFERENCE, LOCATION, REASONING, Prompt, target_answer
from georay.models.decoding.answer_tree import ROOT, AnswerTree
from georay.models.decoding.candidates import Ids, TokenTrie, answer_ids, opening
from georay.models.decoding.ranking import PlaceRanker, RankedTown
from georay.models.decoding.search import BestFirst
from georay.models.families.base import Exchange, Family
from georay.models.families.chat import ChatFamily
from georay.models.families.qwen_vl import QwenVLForConditionalGeneration

GAZETTEER = Gazetteer.load()


@torch.inference_mode()
def brute_force(family: Family, exchange: Exchange, rows: Sequence[Ids]) -> list[float]:
    """Log-probability of each row of tokens after the prompt, by a forward pass of its own."""
    prompt, scores = family.encode([exchange]), []
    given = prompt["input_ids"].shape[1]
    for row in rows:
        batch = dict(prompt)
        batch["input_ids"] = torch.cat([prompt["input_ids"], torch.tensor([row])], dim=1)
        batch["attention_mask"] = torch.ones_like(batch["input_ids"])
        if "mm_token_type_ids" in batch:
            words = torch.zeros(1, len(row), dtype=torch.int32)
            batch["mm_token_type_ids"] = torch.cat([prompt["mm_token_type_ids"], words], dim=1)
        logits = family.network(**batch).logits[0, given - 1 : -1].log_softmax(dim=-1)
        scores.append(float(logits[torch.arange(len(row)), torch.tensor(row)].sum()))
    return scores


def names(codes: Sequence[str]) -> list[str]:
    return [GAZETTEER.country_name(code) for code in codes]


def country_rows(family: Family, num_countries: int | None = None) -> list[Ids]:
    codes = GAZETTEER.countries()[:num_countries]
    return answer_ids(family.tokenizer, opening(INFERENCE), names(codes), ', "city": "')


def test_every_country_scores_as_by_a_forward_pass_of_its_own() -> None:
    family = small_family()
    ranking = PlaceRanker(family, INFERENCE, GAZETTEER).rank(question(), 0, 0)
    expected = np.array(brute_force(family, question(), country_rows(family)))
    expected -= np.log(np.exp(expected).sum())
    assert ranking.codes == tuple(GAZETTEER.countries())
    assert np.abs(ranking.log_probabilities - expected).max() < 1e-4
    third = np.sort(expected)[-3]
    best = [expected[ranking.codes.index(code)] for code in ranking.best(3)]
    assert min(best) > third - 1e-4 and best[0] > expected.max() - 1e-4
    assert np.ptp(expected) > 3  # the network has opinions: equality is no accident


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_chat_families_score_the_same_way(
    small_chat_family: Callable[[str, int], ChatFamily], model_type: str
) -> None:
    family = small_chat_family(model_type, 3)
    with torch.no_grad():
        family.network.get_output_embeddings().weight.mul_(20)
    rows = country_rows(family, 40)
    tree = AnswerTree(family.network, family.encode([question()]))
    found = dict(BestFirst(tree, TokenTrie(rows)).best().candidates)
    expected = brute_force(family, question(), rows)
    assert [found[n] for n in range(40)] == pytest.approx(expected, abs=1e-4)


def test_a_prompt_longer_than_the_training_length_is_no_exception() -> None:
    """Beyond it Qwen stretches its positions and sharpens its attention."""
    family = small_family()
    network = family.network
    assert isinstance(network, QwenVLForConditionalGeneration)
    network.config.seq_length, before = 64, network.config.seq_length
    try:
        assert family.encode([question()])["input_ids"].shape[1] > 64
        rows = country_rows(family, 20)
        tree = AnswerTree(network, family.encode([question()]))
        found = dict(BestFirst(tree, TokenTrie(rows)).best().candidates)
        expected = brute_force(family, question(), rows)
    finally:
        network.config.seq_length = before
    assert [found[n] for n in range(20)] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("prompt", [INFERENCE, LOCATION], ids=lambda one: one.name)
def test_names_have_the_tokens_of_the_answer_that_is_learnt(prompt: Prompt) -> None:
    family = small_family()
    answer = target_answer(prompt, country="Niger", city="Niamey", reasons="r")
    learnt = tuple(family.tokenizer(answer)["input_ids"])
    before = opening(prompt, "Niger")
    after = answer.partition('"Niamey"')[2]
    (ids,) = answer_ids(family.tokenizer, before, ["Niamey"], after)
    assert learnt[: len(ids)] == ids
    assert family.tokenizer.decode(ids).startswith(before + 'Niamey"')


def test_a_name_that_begins_another_is_told_apart() -> None:
    family = small_family()
    rows = answer_ids(family.tokenizer, opening(LOCATION), ["Niger", "Nigeria"], ', "city": "')
    tree = AnswerTree(family.network, family.encode([question()]))
    found = dict(BestFirst(tree, TokenTrie(rows)).best().candidates)
    assert found.keys() == {0, 1}
    assert [found[0], found[1]] == pytest.approx(brute_force(family, question(), rows), abs=1e-4)


def test_the_best_are_found_without_visiting_all() -> None:
    family = small_family()
    cities = [place.name for place in GAZETTEER.cities("LU")]
    unique = list(dict.fromkeys(cities))
    rows = answer_ids(family.tokenizer, opening(INFERENCE, "Luxembourg"), unique, ', "reasons": "')
    whole, part = (AnswerTree(family.network, family.encode([question()])) for _ in range(2))
    every = BestFirst(whole, TokenTrie(rows)).best()
    few = BestFirst(part, TokenTrie(rows)).best(3)
    assert every.complete and few.complete
    assert len(every.candidates) == len(unique)
    scores = dict(every.candidates)
    best = [score for _, score in every.candidates[:3]]
    assert [score for _, score in few.candidates] == pytest.approx(best, abs=1e-4)
    assert [scores[number] for number, _ in few.candidates] == pytest.approx(best, abs=1e-4)
    assert len(part) < len(whole)


def test_a_search_cut_short_says_so() -> None:
    family = small_family()
    tree = AnswerTree(family.network, family.encode([question()]))
    found = BestFirst(tree, TokenTrie(country_rows(family))).best(max_nodes=1)
    assert not found.complete


def test_towns_are_those_of_the_likeliest_countries() -> None:
    family = small_family()
    ranker = PlaceRanker(family, INFERENCE, GAZETTEER)
    ranking = ranker.rank(question(), 3, 2)
    likeliest = [code for code in ranking.best(3) if GAZETTEER.cities(code)]
    assert [code for code, towns in ranking.towns.items() if towns] == likeliest
    for code in likeliest:
        for town in ranking.towns[code]:
            assert town.place.country == code
            assert 0 < town.probability <= 1
    code = likeliest[0]
    town = ranking.towns[code][0]
    country = GAZETTEER.country_name(code)
    (row,) = answer_ids(
        family.tokenizer, opening(INFERENCE, country), [town.place.name], ', "reasons": "'
    )
    (country_row,) = answer_ids(family.tokenizer, opening(INFERENCE), [country], ', "city": "')
    joint, alone = brute_force(family, question(), [row, country_row])
    assert math.log(town.probability) == pytest.approx(joint - alone, abs=1e-4)


def test_every_town_is_scored_where_asked() -> None:
    family = small_family()
    ranker = PlaceRanker(family, INFERENCE, GAZETTEER)

    def towns(count: int | None) -> tuple[RankedTown, ...]:
        tree = AnswerTree(family.network, family.encode([question()]))
        return ranker._best_towns(tree, "LU", 0.0, count)

    every = towns(None)
    assert {town.place.name for town in every} == {town.name for town in GAZETTEER.cities("LU")}
    two = towns(2)
    # Compared as logarithms: the probabilities are of the order of 1e-110.
    expected = [math.log(town.probability) for town in every[:2]]
    assert [math.log(town.probability) for town in two] == pytest.approx(expected, abs=1e-3)
    by_name = {town.place.name: math.log(town.probability) for town in every}
    assert [by_name[town.place.name] for town in two] == pytest.approx(expected, abs=1e-3)


def test_a_prompt_without_towns_ranks_countries_alone() -> None:
    ranking = PlaceRanker(small_family(), REASONING, GAZETTEER).rank(question(), 3, 2)
    assert ranking.towns == {}
    assert np.exp(ranking.log_probabilities).sum() == pytest.approx(1)


def test_another_picture_ranks_otherwise() -> None:
    ranker = PlaceRanker(small_family(), INFERENCE, GAZETTEER)
    first, again, other = (ranker.rank(question(seed), 0, 0) for seed in (0, 0, 1))
    np.testing.assert_allclose(first.log_probabilities, again.log_probabilities, atol=1e-4)
    assert np.abs(first.log_probabilities - other.log_probabilities).max() > 0.01


def test_candidates_of_the_same_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        TokenTrie([(1, 2), (1, 2)])
    with pytest.raises(ValueError, match="candidates"):
        TokenTrie([])


def test_nodes_added_together_see_their_own_line_only() -> None:
    family = small_family()
    prompt = family.encode([question()])
    together = AnswerTree(family.network, prompt)
    one, other = together.grow([5, 6, 7], [ROOT, 0, ROOT], [[1], [1], [1]])[1:]
    alone = AnswerTree(family.network, prompt)
    (expected,) = alone.grow([7], [ROOT], [[1]])
    assert other == pytest.approx(expected, abs=1e-4)
    assert one != pytest.approx(expected, abs=1e-2)
