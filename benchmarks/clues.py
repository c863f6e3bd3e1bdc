"""From sentences to clues: what is kept, how well places are told, what weights come of it.

    python -m benchmarks.clues --data ../shared/data/clues
    python -m benchmarks.clues --data ../shared/data/clues --memory 3000 30000 300000

Makes a table of clues of real files, measures the filter of places on the labelled rows
(tests/fixtures/clue_places.csv) and the class weights against the published ones. With --memory,
draws as many sentences, makes a table of them and watches the memory of all processes.
"""

import argparse
import csv
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.record import computing_commit, write_record
from georay.clues.places import PlaceFinder
from georay.clues.sources import Sentence, SentenceFile
from georay.clues.spacy_tagger import SpacyTagger
from georay.clues.summary import CluesSummary
from georay.config.clues import CluesRecipe
from georay.config.curate import WeightsRecipe
from georay.config.load import parse_recipe
from georay.core.entities import NoTagger, PlaceTagger
from georay.core.gazetteer import Gazetteer
from georay.curation.weighting import agreement_with_published, make_weights
from georay.flow.clues import make_clues

FILES = ("guidebook_clues.csv", "player_reasoning.jsonl", "country_facts.jsonl")
LABELS = Path("tests/fixtures/clue_places.csv")
ACTORS = 2


def main() -> None:
    """Runs what was asked for and prints the record's results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of the three files")
    parser.add_argument("--memory", type=int, nargs="*", help="numbers of drawn sentences")
    options = parser.parse_args()
    computing_commit()
    if options.memory:
        results: dict[str, object] = {}
        for number in options.memory:
            results[f"{number:,}"] = memory(number)
            print(f"{number:,}: {results[f'{number:,}']}", flush=True)  # the next may take hours
        path = write_record("clues_memory", {"actors": ACTORS, "tagger": "none"}, results)
    else:
        results = study(options.data)
        path = write_record("clues", {"files": FILES, "tagger": "spacy"}, results)
    print(json.dumps(results, indent=1, ensure_ascii=False), f"→ {path}", sep="\n")


def study(data: Path) -> dict[str, object]:
    """Kept and dropped, precision and recall, agreement of the weights."""
    places = {tagger.name: places_told(data, tagger) for tagger in (SpacyTagger(), NoTagger())}
    results: dict[str, object] = {"places_on_labelled_rows": places}
    with TemporaryDirectory() as folder:
        for name, files, require in (
            ("all_files", FILES, "any"),
            ("guidebook", FILES[:1], "any"),
            ("guidebook_naming_a_place_themselves", FILES[:1], "text"),
            ("player_reasoning", FILES[1:2], "any"),
            ("country_facts", FILES[2:], "any"),
        ):
            table = Path(folder) / f"{name}.parquet"
            results[name] = _made(data, files, require, table)
    return results


def _made(data: Path, files: tuple[str, ...], require: str, table: Path) -> dict[str, object]:
    start = time.perf_counter()
    summary = make_clues(_recipe([data / name for name in files], table, require=require))
    seconds = round(time.perf_counter() - start, 1)
    weights = make_weights(WeightsRecipe(clues=str(table)))
    agreement = agreement_with_published(weights)
    return {
        **_counts(summary),
        "seconds": seconds,
        "clues_in_weights": weights.num_clues,
        "spearman_with_published_weights": round(agreement.spearman, 4),
        "pearson_with_published_weights": round(agreement.pearson, 4),
    }


def _recipe(files: list[Path], table: Path, **more: object) -> CluesRecipe:
    content = {
        "sources": [{"path": str(path)} for path in files],
        "output": str(table),
        "label": {"encoder": "none"},
        "workers": {"num_actors": ACTORS},
        **more,
    }
    return parse_recipe(content, CluesRecipe, "benchmark")


def _counts(summary: CluesSummary) -> dict[str, object]:
    counts = summary.counts
    return {
        "read": counts.num_read,
        "kept": counts.num_kept,
        "kept_by_rule": dict(counts.rules.most_common()),
        "dropped": dict(counts.dropped.most_common()),
        "languages": dict(counts.languages.most_common()),
        "countries": len(set(counts.countries) - {""}),
        "kept_by_country": {code or "none": n for code, n in counts.countries.most_common()},
        "dropped_by_country": {
            code or "none": n for code, n in counts.countries_dropped.most_common()
        },
    }


def places_told(data: Path, tagger: PlaceTagger) -> dict[str, dict[str, float]]:
    """Precision and recall of "the sentence names a place" on either half of the labelled rows."""
    labels = list(csv.DictReader(LABELS.open(encoding="utf-8")))
    sentences = {(name, one.row): one for name in FILES for one in SentenceFile(data / name)}
    finder, gazetteer = PlaceFinder(Gazetteer.load()), Gazetteer.load()
    halves: dict[str, Counter[str]] = {"tune": Counter(), "report": Counter()}
    for row in labels:
        one = sentences[row["file"], int(row["row"])]
        found = _names_place(one, finder, gazetteer, tagger)
        halves[row["half"]]["TF"[found != (row["names_place"] == "1")] + "NP"[found]] += 1
    return {half: _measures(counts) for half, counts in halves.items()}


def _names_place(
    one: Sentence, finder: PlaceFinder, gazetteer: Gazetteer, tagger: PlaceTagger
) -> bool:
    return bool(finder.find(one.text, tagger.tag([one.text])[0], gazetteer.country(one.country)))


def _measures(counts: Counter[str]) -> dict[str, float]:
    found, true = counts["TP"] + counts["FP"], counts["TP"] + counts["FN"]
    return {
        "rows": counts.total(),
        "precision": round(counts["TP"] / found, 4),
        "recall": round(counts["TP"] / true, 4),
    }


def memory(number: int) -> dict[str, float]:
    """Makes a table of drawn sentences; seconds, and peaks of memory in MiB.

    driver: this process above what it held before; workers: the largest of each one's own.
    """
    with TemporaryDirectory() as folder:
        source = Path(folder) / "drawn.csv"
        draw(number, source)
        recipe = _recipe([source], Path(folder) / "clues.parquet", tagger={"model": "none"})
        before, start = psutil.Process().memory_info().rss, time.perf_counter()
        with watched() as peaks:
            summary = make_clues(recipe)
        seconds = time.perf_counter() - start
    return {
        "kept": summary.counts.num_kept,
        "dropped": summary.counts.num_dropped,
        "seconds": round(seconds, 1),
        "driver_growth_mib": round((peaks.driver - before) / 2**20, 1),
        "largest_worker_mib": round(peaks.worker / 2**20, 1),
    }


def draw(number: int, path: Path) -> None:
    """Sentences of random words about random countries; a tenth repeats an earlier one."""
    dice, gazetteer = random.Random(number), Gazetteer.load()
    countries = [gazetteer.country_name(code) for code in gazetteer.countries()]
    words = [f"{a}{b}{c}" for a in "bdklmprst" for b in "aeiou" for c in ("n", "ral", "to", "sk")]
    recent: list[tuple[str, str]] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["text", "country"])
        for _ in range(number):
            if recent and dice.random() < 0.1:
                out.writerow(dice.choice(recent))
                continue
            country = dice.choice(countries)
            row = (f"In {country} the {' '.join(dice.choices(words, k=16))} is red.", country)
            recent = [*recent[-999:], row]
            out.writerow(row)


@dataclass
class Peaks:
    """Largest resident memory seen so far, in bytes."""

    driver: int = 0
    worker: int = 0


@contextmanager
def watched() -> Iterator[Peaks]:
    """Looks at this process, and at the unshared memory of Ray's workers, twice a second."""
    peaks, done = Peaks(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(peaks, done), daemon=True)
    watcher.start()
    yield peaks
    done.set()
    watcher.join()


def _watch(peaks: Peaks, done: threading.Event) -> None:
    me = psutil.Process()
    while not done.wait(0.5):
        peaks.driver = max(peaks.driver, me.memory_info().rss)
        for child in me.children(recursive=True):
            try:
                if "ray::" in " ".join(child.cmdline()[:1]):
                    used = child.memory_info()
                    peaks.worker = max(peaks.worker, used.rss - used.shared)
            except psutil.Error:
                continue  # it ended meanwhile


if __name__ == "__main__":
    main()
