"""Why do towns not follow countries in Table 2? Every town is scored, its country given or not.

    python -m benchmarks.mechanism --only table2    # first: trains the adapters that are asked here
    python -m benchmarks.mechanism.towns            # two minutes a seed

A town is right where its country is right and it is the right one of that country. Here the network
gives each town of StreetWorld its probability, as the whole answer that names it, above the same
pictures and adapters as Table 2's. So its knowledge of towns can be seen apart from its knowledge
of countries, and apart from how freely written answers put the two together.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.record import computing_commit, write_record
from georay.config.predict import PredictRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.images import ImageLimits, decode
from georay.core.manifest import file_sha256
from georay.core.prompts import LOCATION, Conversation
from georay.evaluation.datasets import KnownPicture, read_split
from georay.models.decoding.answer_tree import AnswerTrees
from georay.models.decoding.candidates import TokenTrie, answer_ids, opening
from georay.models.decoding.search import SearchRequest, search_all
from georay.models.families.base import Exchange, Family
from georay.models.locator import load_model
from georay.runtime.progress import progress
from georay.streetworld.atlas.atlas import Atlas

ROWS = ("location only", "both stages")
TOWNS = [(country.code, city.name) for country, city in Atlas.load().places]
CODES = [country.code for country in Atlas.load().countries]
COUNTRY_OF = np.array([CODES.index(code) for code, _ in TOWNS])

Numbers = NDArray[np.int64]  # of countries or towns in the lists above; -1 for one that is in none
LogProbabilities = NDArray[np.float64]


def score_towns(
    family: Family, pictures: Sequence[KnownPicture], on_scored: Callable[[int], None]
) -> LogProbabilities:
    """[pictures, towns]: how probable the answer is that names the town and its country."""
    names = Gazetteer.load()
    ids = [
        answer_ids(family.tokenizer, opening(LOCATION, names.country_name(code)), [town], "}")[0]
        for code, town in TOWNS
    ]
    trie = TokenTrie(ids)
    scores = np.empty((len(pictures), len(TOWNS)))
    for number, picture in enumerate(pictures):
        pixels = decode(Path(picture.uri).read_bytes(), ImageLimits()).image
        prompt = family.encode([Exchange((pixels,), Conversation(LOCATION.question))])
        (found,) = search_all(AnswerTrees(family.network, prompt), [SearchRequest(0, trie)])
        for town, score in found.candidates:
            scores[number, town] = score
        on_scored(1)
    return scores


def figures(
    scores: LogProbabilities, truth: Numbers, countries: Numbers, towns: Numbers
) -> dict[str, float]:
    """Shares of pictures. truth: their towns. countries, towns: those of the written answers."""
    right_country = countries == COUNTRY_OF[truth]
    given = _best_of(scores, COUNTRY_OF[truth])
    tied = _best_of(scores, countries)
    return {
        "country": float(np.mean(right_country)),
        "town": float(np.mean(towns == truth)),
        "town, country given": float(np.mean(given == truth)),
        "town of the country that was written": float(np.mean(tied == truth)),
        "town where the country is right": float(np.mean((towns == truth)[right_country])),
    }


def _best_of(scores: LogProbabilities, countries: Numbers) -> Numbers:
    """The likeliest town of each picture's country; -1 without one."""
    inside = np.where(countries[:, None] == COUNTRY_OF, scores, -np.inf)
    best: Numbers = inside.argmax(axis=1)
    return np.where(countries < 0, -1, best)


def _written_elsewhere(rows: Sequence[dict[str, str | None]]) -> float:
    """Of the answers with a town of StreetWorld, the share that puts it in another country."""
    names = {town for _, town in TOWNS}
    known = [row for row in rows if row["city"] in names]
    return sum((row["country"], row["city"]) not in TOWNS for row in known) / max(1, len(known))


def _one_run(file: Path) -> dict[str, float]:
    """The figures of one predictions file of Table 2, whose adapters are asked again."""
    facts = json.loads(file.with_suffix(".json").read_text())
    recipe = PredictRecipe.model_validate(facts["recipe"])
    assert recipe.adapters is not None
    pictures = read_split(recipe.samples, recipe.split, recipe.stage, recipe.max_images)
    rows = pq.read_table(file).to_pylist()
    assert [row["image_id"] for row in rows] == [picture.image_id for picture in pictures]
    loaded = load_model(recipe.model, Path(recipe.adapters), recipe.active_adapters)
    with progress(f"{file.parent.name}, {file.stem}", len(pictures)) as meter:
        scores = score_towns(loaded.family, pictures, meter.advance)
    truth = [TOWNS.index((row["true_country"], row["true_city"])) for row in rows]
    countries = [_number(CODES, row["country"]) for row in rows]
    towns = [_number(TOWNS, (row["country"], row["city"])) for row in rows]
    found = figures(scores, np.array(truth), np.array(countries), np.array(towns))
    return found | {"known town, written in another country": _written_elsewhere(rows)}


def _number(names: Sequence[object], name: object) -> int:
    return names.index(name) if name in names else -1


def _spread(runs: Sequence[dict[str, float]]) -> dict[str, dict[str, Any]]:
    found = {name: [run[name] for run in runs] for name in runs[0]}
    return {
        name: {"mean": statistics.fmean(each), "sd": statistics.stdev(each), "values": each}
        for name, each in found.items()
    }


def _predictions(folder: Path, split: str) -> dict[str, list[Path]]:
    """Table 2's files of each row, one per seed. Raises ValueError without two seeds or more."""
    names = {label: f"seed-*/{split}-{label.replace(' ', '-')}.parquet" for label in ROWS}
    files = {label: sorted(folder.glob(name)) for label, name in names.items()}
    if few := [names[label] for label, found in files.items() if len(found) < 2]:
        raise ValueError(
            f"{folder / few[0]} is not there for two seeds or more: run benchmarks.mechanism "
            "--only table2 first"
        )
    return files


def main() -> None:
    """Scores the towns of every run, prints the figures and writes the record."""
    computing_commit()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path("runs/shipped"))
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    options = parser.parse_args()
    files = _predictions(options.folder / "table2", options.split)
    results = {label: _spread([_one_run(file) for file in found]) for label, found in files.items()}
    for label, cells in results.items():
        lines = [f"  {name}: {one['mean']:.1%} ± {one['sd']:.1%}" for name, one in cells.items()]
        print("\n".join([f"{label}:", *lines]))
    chance = {"country": 1 / len(CODES), "town": 1 / len(TOWNS)}
    chance |= {"town, country given": len(CODES) / len(TOWNS)}  # as many towns in each of them
    print("at random:", ", ".join(f"{name} {share:.1%}" for name, share in chance.items()))
    sources = {
        f"{file.parent.name}/{file.name}": file_sha256(file)
        for found in files.values()
        for file in found
    }
    config = {"split": options.split, "towns": len(TOWNS), "files": sources}
    write_record(f"mechanism_towns_{options.split}", config, results | {"at random": chance})


if __name__ == "__main__":
    main()
