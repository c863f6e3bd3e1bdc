"""Ranking every country against one forward pass per name, and 500 constrained answers, in one run.

The network is the untrained `tiny`: what is measured does not depend on what it knows. Brute force
is measured in two ways: as a plain forward pass over prompt, picture and name, and as a pass over
the name alone above the prompt's cache. All ways take turns, so that a busy machine slows them
all; medians are compared. Equality comes first: a fast wrong answer stops the run.

    python -m benchmarks.decoding
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.record import computing_commit, spread, write_record
from georay.config.load import load_recipe
from georay.config.tiny import TinyModelRecipe
from georay.core.answers import parse_answer
from georay.core.gazetteer import Gazetteer
from georay.core.prompts import INFERENCE, Conversation
from georay.models.decoding.answer_tree import AnswerTrees
from georay.models.decoding.candidates import Ids, TokenTrie, answer_ids, opening
from georay.models.decoding.grammar import answer_grammar, generate_constrained
from georay.models.decoding.search import SearchRequest, search_all
from georay.models.families.base import Batch, Exchange, Family, Sampling
from georay.models.families.qwen_vl.tiny import build_tiny

RECIPE = Path(__file__).resolve().parents[1] / "jobs" / "recipes" / "tiny.yaml"
MOST_DIFFERENCE = 1e-4
LEAST_SPEEDUP = 10.0
WILD = Sampling(max_new_tokens=128, temperature=1.0)
Scores = list[float]


def shared_cache(family: Family, prompt: Batch, rows: Sequence[Ids]) -> Scores:
    """All names on one tree, as georay ranks them; the prompt's own pass is included."""
    tree = AnswerTrees(family.network, prompt)
    (found,) = search_all(tree, [SearchRequest(0, TokenTrie(rows))])
    scores = dict(found.candidates)
    return [scores[number] for number in range(len(rows))]


@torch.inference_mode()
def pass_per_name(family: Family, prompt: Batch, rows: Sequence[Ids]) -> Scores:
    """Prompt, picture and name, from the start, for each name."""
    given, scores = prompt["input_ids"].shape[1], []
    for row in rows:
        ids = torch.cat([prompt["input_ids"], torch.tensor([row])], dim=1)
        batch = prompt | {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        logits = _logits(family, **batch, logits_to_keep=len(row) + 1)
        assert ids.shape[1] == given + len(row)
        scores.append(_score(logits[:-1], row))
    return scores


@torch.inference_mode()
def cached_pass_per_name(family: Family, prompt: Batch, rows: Sequence[Ids]) -> Scores:
    """Each name by itself above a copy of the prompt's cache."""
    network: Any = family.network
    outputs = network(**prompt, use_cache=True, logits_to_keep=1)
    scores = []
    for row in rows:
        cache = deepcopy(outputs.past_key_values)
        logits = _logits(family, input_ids=torch.tensor([row]), past_key_values=cache)
        scores.append(_score(torch.cat([outputs.logits[0], logits[:-1]]), row))
    return scores


def _logits(family: Family, **inputs: Any) -> torch.Tensor:
    network: Any = family.network
    logits: torch.Tensor = network(**inputs).logits[0]
    return logits


def _score(logits: torch.Tensor, row: Ids) -> float:
    chances = logits.float().log_softmax(dim=-1)
    return float(chances[torch.arange(len(row)), torch.tensor(row)].double().sum())


def compare(family: Family, num_names: int, repeats: int) -> dict[str, object]:
    """Equality and time of the three ways; raises SystemExit where ours is not equal."""
    prompt = family.encode([Exchange((picture(0),), Conversation(INFERENCE.question))])
    rows = country_rows(family, num_names)
    ways: dict[str, Callable[[Family, Batch, Sequence[Ids]], Scores]] = {
        "shared_cache": shared_cache,
        "cached_pass_per_name": cached_pass_per_name,
        "pass_per_name": pass_per_name,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, Scores] = {}
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.perf_counter()
            scores[name] = way(family, prompt, rows)
            seconds[name].append(time.perf_counter() - started)
    difference = _largest_difference(scores["shared_cache"], scores["pass_per_name"])
    if difference > MOST_DIFFERENCE:
        raise SystemExit(f"the ranking differs from brute force by {difference:.2e}")
    median = {name: statistics.median(values) for name, values in seconds.items()}
    ours = median["shared_cache"]
    return {
        "num_names": len(rows),
        "num_prompt_tokens": prompt["input_ids"].shape[1],
        "num_name_tokens": sum(map(len, rows)),
        "largest_difference_in_log_probability": difference,
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "times_faster_than_pass_per_name": median["pass_per_name"] / ours,
        "times_faster_than_cached_pass_per_name": median["cached_pass_per_name"] / ours,
    }


def country_rows(family: Family, num_names: int) -> list[Ids]:
    gazetteer = Gazetteer.load()
    names = [gazetteer.country_name(code) for code in gazetteer.countries()[:num_names]]
    return answer_ids(family.tokenizer, opening(INFERENCE), names, ', "city": "')


def _largest_difference(one: Scores, other: Scores) -> float:
    return float(np.abs(np.array(one) - np.array(other)).max())


def constrained_answers(family: Family, num_answers: int, batch_size: int) -> dict[str, object]:
    """How many of the answers are valid: JSON, the fields in order, a country of the gazetteer."""
    torch.manual_seed(0)
    started = time.perf_counter()
    grammar = answer_grammar(family, INFERENCE)
    grammar_s = time.perf_counter() - started
    texts: list[str] = []
    started = time.perf_counter()
    for start in range(0, num_answers, batch_size):
        stop = min(start + batch_size, num_answers)
        asked = [
            Exchange((picture(number),), Conversation(INFERENCE.question))
            for number in range(start, stop)
        ]
        texts += generate_constrained(family, family.encode(asked), WILD, grammar)
    return {
        "num_answers": len(texts),
        "num_different": len(set(texts)),
        "num_valid": sum(map(is_valid, texts)),
        "num_read_as_answered": sum(parse_answer(text).status == "answered" for text in texts),
        "grammar_seconds": grammar_s,
        "answers_seconds": time.perf_counter() - started,
    }


def is_valid(text: str) -> bool:
    """Whether it is what the prompt asks for, about a country that exists."""
    gazetteer = Gazetteer.load()
    try:
        values = json.loads(text)
    except ValueError:
        return False
    names = {gazetteer.country_name(code) for code in gazetteer.countries()}
    return tuple(values) == INFERENCE.fields and values["country"] in names


def picture(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    return Image.fromarray(values)


def main() -> None:
    computing_commit()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--names", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--answers", type=int, default=500)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    family = build_tiny(load_recipe(RECIPE, TinyModelRecipe))
    ranking = compare(family, chosen.names, chosen.repeats)
    answers = constrained_answers(family, chosen.answers, batch_size=25)
    config = {"model": "tiny, untrained", "threads": 1, "sampling": vars(WILD)}
    path = write_record("decoding", config, {"ranking": ranking, "constrained_answers": answers})
    sys.stdout.write(path.read_text(encoding="utf-8"))
    if answers["num_valid"] != chosen.answers:
        raise SystemExit("not every constrained answer is valid")
    if float(str(ranking["times_faster_than_pass_per_name"])) < LEAST_SPEEDUP:
        raise SystemExit(f"the ranking is less than {LEAST_SPEEDUP:g} times faster")


if __name__ == "__main__":
    main()
