import numpy as np
import pytest
from judged_rows import candidates, judged, outcomes
from sklearn.metrics import top_k_accuracy_score

from georay.evaluation.top_k import top_k_of


def top_k(rows):
    table = judged(rows)
    return top_k_of(table, outcomes(table))


def test_countries_and_towns_are_looked_for_among_the_first_k():
    shares = (("IT", 0.5), ("FR", 0.3), ("ES", 0.2))
    towns = (("FR", "Lyon", 0.1), ("FR", "Paris", 0.2), ("IT", "Rome", 0.4))
    listed = candidates(*shares, towns=towns)
    rows = [
        {"true_country": "FR", "true_city": "Lyon", "candidates": listed},
        {"true_country": "IT", "true_city": "Roma", "candidates": listed},
        {"true_country": "JP", "true_city": "Tokyo", "candidates": listed},
        {"true_country": "FR", "true_city": "Lyon"},
    ]
    found = top_k(rows)
    assert [one.k for one in found] == [1, 2, 3]
    assert [one.countries.value for one in found] == [1 / 4, 2 / 4, 2 / 4]
    assert [one.cities.value for one in found] == [1 / 4, 1 / 4, 2 / 4]
    assert found[0].num_with_candidates == 3


def test_candidates_are_taken_by_probability_however_they_stand():
    rows = [{"true_country": "FR", "candidates": candidates(("IT", 0.2), ("FR", 0.8))}]
    assert top_k(rows)[0].countries.value == 1
    unweighted = [{"true_country": "FR", "candidates": candidates(("IT", None), ("FR", None))}]
    assert [one.countries.value for one in top_k(unweighted)] == [0, 1]


def test_without_candidates_there_are_no_figures_and_without_towns_none_of_them():
    assert top_k([{"true_country": "FR", "country": "FR"}]) == ()
    rows = [{"true_country": "FR", "candidates": candidates(("FR", 1.0))}]
    assert top_k(rows)[0].cities is None


@pytest.mark.parametrize("seed", range(4))
def test_shares_are_those_of_scikit_learn(seed):
    codes = ["AT", "CH", "DE", "ES", "FR", "IT"]
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(6), 40)
    truth = rng.integers(0, 6, 40)
    rows = [
        {"true_country": codes[t], "candidates": candidates(*zip(codes, s, strict=True))}
        for t, s in zip(truth, scores.tolist(), strict=True)
    ]
    for one in top_k(rows):
        theirs = top_k_accuracy_score(truth, scores, k=one.k, labels=range(6))
        assert one.countries.value == pytest.approx(theirs)
