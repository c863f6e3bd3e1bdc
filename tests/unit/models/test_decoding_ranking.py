"""Ranking: what one forward pass per name gives, from one reading of the picture."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from locating_family import question, small_family

from georay.core.gazetteer import Gazetteer
from georay.core.prompts import INFERENCE, LOCATION, REASONING, Prompt, target_answer
from georay.models.decoding.answer_tree import ROOT, AnswerTrees, Chain
from georay.models.decoding.candidates import Ids, TokenTrie, answer_ids, opening
from georay.models.decoding.ranking import PlaceRanker, RankedTown, Ranking, rows_at_once
from georay.models.decoding.search import Found, SearchRequest, search_all
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


def trees_of(family: Family, *exchanges: Exchange) -> AnswerTrees:
    return AnswerTrees(family.network, family.encode(exchanges or [question()]))


def best(
    trees: AnswerTrees, trie: TokenTrie, count: int | None = None, max_nodes: int | None = None
) -> Found:
    (found,) = search_all(trees, [SearchRequest(0, trie, count, max_nodes)])
    return found


def rank(ranker: PlaceRanker, family: Family, exchange: Exchange, *how: int) -> Ranking:
    (ranking,) = ranker.rank(family.encode([exchange]), *how)
    return ranking


def names(codes: Sequence[str]) -> list[str]:
    return [GAZETTEER.country_name(code) for code in codes]


def country_rows(family: Family, num_countries: int | None = None) -> list[Ids]:
    codes = GAZETTEER.countries()[:num_countries]
    return answer_ids(family.tokenizer, opening(INFERENCE), names(codes), ', "city": "')


def test_every_country_scores_as_by_a_forward_pass_of_its_own() -> None:
    family = small_family()
    ranking = rank(PlaceRanker(family, INFERENCE, GAZETTEER), family, question(), 0, 0)
    expected = np.array(brute_force(family, question(), country_rows(family)))
    expected -= np.log(np.exp(expected).sum())
    assert ranking.codes == tuple(GAZETTEER.countries())
    assert np.abs(ranking.log_probabilities - expected).max() < 1e-4
    third = np.sort(expected)[-3]
    likeliest = [expected[ranking.codes.index(code)] for code in ranking.best(3)]
    assert min(likeliest) > third - 1e-4 and likeliest[0] > expected.max() - 1e-4
    assert np.ptp(expected) > 3  # the network has opinions: equality is no accident


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_chat_families_score_the_same_way(
    small_chat_family: Callable[[str, int], ChatFamily], model_type: str
) -> None:
    family = small_chat_family(model_type, 3)
    with torch.no_grad():
        family.network.get_output_embeddings().weight.mul_(20)
    rows = country_rows(family, 40)
    found = dict(best(trees_of(family), TokenTrie(rows)).candidates)
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
        found = dict(best(trees_of(family), TokenTrie(rows)).candidates)
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
    found = dict(best(trees_of(family), TokenTrie(rows)).candidates)
    assert found.keys() == {0, 1}
    assert [found[0], found[1]] == pytest.approx(brute_force(family, question(), rows), abs=1e-4)


def test_the_best_are_found_without_visiting_all() -> None:
    family = small_family()
    cities = [place.name for place in GAZETTEER.cities("LU")]
    unique = list(dict.fromkeys(cities))
    rows = answer_ids(family.tokenizer, opening(INFERENCE, "Luxembourg"), unique, ', "reasons": "')
    whole, part = trees_of(family), trees_of(family)
    every, few = best(whole, TokenTrie(rows)), best(part, TokenTrie(rows), 3)
    assert every.complete and few.complete
    assert len(every.candidates) == len(unique)
    scores = dict(every.candidates)
    expected = [score for _, score in every.candidates[:3]]
    assert [score for _, score in few.candidates] == pytest.approx(expected, abs=1e-4)
    assert [scores[number] for number, _ in few.candidates] == pytest.approx(expected, abs=1e-4)
    assert len(part) < len(whole)


def test_a_search_cut_short_says_so() -> None:
    family = small_family()
    found = best(trees_of(family), TokenTrie(country_rows(family)), max_nodes=1)
    assert not found.complete


def test_towns_are_those_of_the_likeliest_countries() -> None:
    family = small_family()
    ranker = PlaceRanker(family, INFERENCE, GAZETTEER)
    ranking = rank(ranker, family, question(), 3, 2)
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
        raw = [np.zeros(len(GAZETTEER.countries()))]
        (found,) = ranker._best_towns(trees_of(family), [(0, "LU")], raw, count)
        return found["LU"]

    every = towns(None)
    assert {town.place.name for town in every} == {town.name for town in GAZETTEER.cities("LU")}
    two = towns(2)
    # Compared as logarithms: the probabilities are of the order of 1e-110.
    expected = [math.log(town.probability) for town in every[:2]]
    assert [math.log(town.probability) for town in two] == pytest.approx(expected, abs=1e-3)
    by_name = {town.place.name: math.log(town.probability) for town in every}
    assert [by_name[town.place.name] for town in two] == pytest.approx(expected, abs=1e-3)


def test_a_prompt_without_towns_ranks_countries_alone() -> None:
    family = small_family()
    ranking = rank(PlaceRanker(family, REASONING, GAZETTEER), family, question(), 3, 2)
    assert ranking.towns == {}
    assert np.exp(ranking.log_probabilities).sum() == pytest.approx(1)


def test_another_picture_ranks_otherwise() -> None:
    family = small_family()
    ranker = PlaceRanker(family, INFERENCE, GAZETTEER)
    first, again, other = (rank(ranker, family, question(seed), 0, 0) for seed in (0, 0, 1))
    np.testing.assert_allclose(first.log_probabilities, again.log_probabilities, atol=1e-4)
    assert np.abs(first.log_probabilities - other.log_probabilities).max() > 0.01


def test_candidates_of_the_same_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        TokenTrie([(1, 2), (1, 2)])
    with pytest.raises(ValueError, match="candidates"):
        TokenTrie([])


def test_nodes_added_together_see_their_own_line_only() -> None:
    family = small_family()
    chains = [Chain(ROOT, [5, 6], [[1], [1]]), Chain(ROOT, [7], [[1]])]
    ((long, short),) = trees_of(family).grow([chains])
    (((alone),),) = trees_of(family).grow([[Chain(ROOT, [7], [[1]])]])
    assert short.scores[0] == pytest.approx(alone.scores[0], abs=1e-4)
    assert long.scores[1] != pytest.approx(alone.scores[0], abs=1e-2)
    assert (list(long.nodes), list(short.nodes)) == ([0, 1], [2])


def test_pictures_ranked_together_rank_as_each_alone() -> None:
    family = small_family()
    ranker = PlaceRanker(family, INFERENCE, GAZETTEER)
    asked = [question(seed) for seed in range(3)]
    together = ranker.rank(family.encode(asked), 3, 2)
    for exchange, ranking in zip(asked, together, strict=True):
        alone = rank(ranker, family, exchange, 3, 2)
        assert_alike(ranking, alone)


def assert_alike(one: Ranking, other: Ranking) -> None:
    np.testing.assert_allclose(one.log_probabilities, other.log_probabilities, atol=1e-4)
    assert one.towns.keys() == other.towns.keys()
    for code, towns in one.towns.items():
        assert [town.place for town in towns] == [town.place for town in other.towns[code]]
        found = [town.probability for town in towns]
        assert found == pytest.approx([town.probability for town in other.towns[code]], rel=1e-2)


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_prompts_of_different_lengths_are_ranked_together(
    small_chat_family: Callable[[str, int], ChatFamily], model_type: str
) -> None:
    """Pictures of these families take as many tokens as they have pixels."""
    family = small_chat_family(model_type, 3)
    with torch.no_grad():
        family.network.get_output_embeddings().weight.mul_(20)
    rows, asked = country_rows(family, 12), [question(0), sized(1, (140, 84))]
    trees = trees_of(family, *asked)
    found = search_all(trees, [SearchRequest(row, TokenTrie(rows)) for row in range(2)])
    for exchange, one in zip(asked, found, strict=True):
        scores = dict(one.candidates)
        expected = brute_force(family, exchange, rows)
        assert [scores[number] for number in range(12)] == pytest.approx(expected, abs=1e-4)


def sized(seed: int, size: tuple[int, int]) -> Exchange:
    asked = question(seed)
    return Exchange((asked.images[0].resize(size),), asked.conversation)


def test_a_forward_pass_serves_all_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    family = small_family()
    ranker, passes = PlaceRanker(family, INFERENCE, GAZETTEER), list[int]()
    grow = AnswerTrees.grow
    monkeypatch.setattr(
        AnswerTrees, "grow", lambda self, chains: passes.append(1) or grow(self, chains)
    )
    rank(ranker, family, question(), 3, 2)
    alone = len(passes)
    ranker.rank(family.encode([question(seed) for seed in range(4)]), 3, 2)
    assert len(passes) - alone < 2 * alone


def test_no_more_pictures_are_ranked_together_than_memory_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    family = small_family()
    many = rows_at_once(family.network, 5)
    assert many > 8
    monkeypatch.setattr("georay.models.decoding.ranking._OF_MAIN_MEMORY", 1)
    assert rows_at_once(family.network, 5) == 1
