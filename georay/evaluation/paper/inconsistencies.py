"""What in the paper's figures does not fit together, found by computing and not by reading."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor

from georay.evaluation.intervals import f1
from georay.evaluation.paper.quoted import Claim, Paper, QuotedTable

_LEVELS = ("country", "city")
_DECIMALS, _RECALL_DECIMALS = 4, 2
_LARGEST_TEST_SET = 2_000
_CLAIM_DECIMALS = 2


@dataclass(frozen=True)
class Inconsistency:
    """kind: a slug. told: one sentence with the figures that do not fit."""

    kind: str
    told: str


def inconsistencies(paper: Paper, floors: Mapping[int, float] | None = None) -> list[Inconsistency]:
    """All that is found in the quotations.

    floors: by the number of a table, the share of its test set's images within 1 km of a town's
    centre, where that was computed.
    """
    found = [*_f1_apart(paper), *_named_twice(paper), *_bases(paper), *_denominators(paper)]
    return [*found, *_centroids(paper, floors or {}), *_parameters(paper)]


def _f1_apart(paper: Paper) -> Iterator[Inconsistency]:
    """F1 that the printed accuracy and recall do not give."""
    for table, row, level in _scored_rows(paper):
        accuracy, recall, printed = (
            table.number_in(row, f"{level}_{what}") for what in ("accuracy", "recall", "f1")
        )
        computed = round(f1(accuracy, recall), _DECIMALS)
        if computed == printed:
            continue
        low, high = _f1_range(accuracy, recall)
        fits = (
            "another recall that is printed alike would give it"
            if low <= printed <= high
            else "no accuracy and recall that are printed alike give it"
        )
        yield Inconsistency(
            "F1",
            f"Table {table.number}, {row}, {level}: accuracy {accuracy:.4f} and recall "
            f"{recall:.2f} give an F1 of {computed:.4f}; {printed:.4f} is printed ({fits}).",
        )


def _scored_rows(paper: Paper) -> Iterator[tuple[QuotedTable, str, str]]:
    for number in (1, 2):
        table = paper.tables[number]
        yield from ((table, row, level) for row in table.rows for level in _LEVELS)


def _f1_range(accuracy: float, recall: float) -> tuple[float, float]:
    """The F1 that figures may have which are rounded to these, rounded itself."""
    half, half_recall = 0.5 * 10**-_DECIMALS, 0.5 * 10**-_RECALL_DECIMALS
    ends = [
        f1(min(1, accuracy + sign * half), min(1, recall + sign * half_recall)) for sign in (-1, 1)
    ]
    return round(ends[0], _DECIMALS), round(ends[1], _DECIMALS)


def _named_twice(paper: Paper) -> Iterator[Inconsistency]:
    """One model with two figures."""
    first, second = paper.tables[1], paper.tables[2]
    for row, other in paper.same_rows:
        for column in first.columns:
            values = first.number_in(row, column), second.number_in(other, column)
            if values[0] != values[1]:
                yield Inconsistency(
                    "two figures",
                    f"{row}, {column.replace('_', ' ')}: {values[0]:.4f} in Table 1 and "
                    f"{values[1]:.4f} in Table 2.",
                )


_BASES: Mapping[str, Callable[[float, float], float]] = {
    "of the other's figure": lambda own, other: 100 * (own - other) / other,
    "of its own figure": lambda own, other: 100 * (own - other) / own,
    "points": lambda own, other: 100 * (own - other),
}
"""What "x % better" may mean."""


def _bases(paper: Paper) -> Iterator[Inconsistency]:
    """Claims of one sentence whose percentages are of different things."""
    bases = {claim.column: _basis(paper.tables[1], claim) for claim in paper.claims}
    if len(set(bases.values())) > 1:
        told = "; ".join(_in_words(paper.tables[1], claim) for claim in paper.claims)
        yield Inconsistency("bases", f"Improvements are on different bases: {told}.")


def _basis(table: QuotedTable, claim: Claim) -> str:
    """The name of what the percentage is of, or "nothing that fits"."""
    own, other = (table.number_in(r, claim.column) for r in (claim.subject, claim.other))
    off = {name: abs(basis(own, other) - claim.percent) for name, basis in _BASES.items()}
    closest = min(off, key=off.__getitem__)
    return closest if off[closest] <= 2 * 10**-_CLAIM_DECIMALS else "nothing that fits"


def _in_words(table: QuotedTable, claim: Claim) -> str:
    own, other = (table.number_in(r, claim.column) for r in (claim.subject, claim.other))
    all_bases = ", ".join(f"{basis(own, other):.2f} {name}" for name, basis in _BASES.items())
    return (
        f"{claim.percent:g} % in {claim.column.replace('_', ' ')} is {_basis(table, claim)} "
        f"({other:.4f} to {own:.4f} is {all_bases})"
    )


def _denominators(paper: Paper) -> Iterator[Inconsistency]:
    """Accuracies that are no share of the answers that their recall leaves of the test set."""
    table = paper.tables[1]
    size = _test_set_size(table)
    if size is None:
        return
    for row in table.rows:
        for level in _LEVELS:
            accuracy = table.number_in(row, f"{level}_accuracy")
            recall = table.number_in(row, f"{level}_recall")
            counts = _effective_counts(size, recall)
            if any(_is_share(accuracy, count) for count in counts):
                continue
            whole = "one of all images" if _is_share(accuracy, size) else "none of all either"
            answers = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
            yield Inconsistency(
                "denominator",
                f"Table 1, {row}, {level}: of {size} images, the fewest that half of the rows with "
                f"full recall fit, recall {recall:.2f} leaves {answers} answers, and accuracy "
                f"{accuracy:.4f} is no share of so many; it is {whole}.",
            )


def _test_set_size(table: QuotedTable) -> int | None:
    """The smallest number of images of which half of the full-recall accuracies are shares."""
    full = [
        table.number_in(row, f"{level}_accuracy")
        for row in table.rows
        for level in _LEVELS
        if table.number_in(row, f"{level}_recall") == 1
    ]
    needed = (len(full) + 1) // 2
    sizes = range(50, _LARGEST_TEST_SET)
    return next((n for n in sizes if sum(_is_share(one, n) for one in full) >= needed), None)


def _effective_counts(size: int, recall: float) -> range:
    half = 0.5 * 10**-_RECALL_DECIMALS
    low, high = ceil(size * (recall - half) - 1e-9), floor(size * (recall + half) + 1e-9)
    return range(low, min(size, high) + 1)


def _is_share(figure: float, count: int) -> bool:
    return count > 0 and round(round(figure * count) / count, _DECIMALS) == figure


def _centroids(paper: Paper, floors: Mapping[int, float]) -> Iterator[Inconsistency]:
    """The 1 km column, which no answer by name can fill."""
    for number in (3, 4):
        table = paper.tables[number]
        ours = [row for row in table.rows if row.startswith("GeoReasoner")]
        best = max(table.number_in(row, "1 km") for row in ours)
        told = (
            f"Table {number}: answers by town's name are scored at the town's centre, so 1 km "
            f"measures where centres lie; GeoReasoner has at most {best:.2f}, others, which answer "
            f"with coordinates, up to {max(table.number_in(r, '1 km') for r in table.rows):.2f}."
        )
        if number in floors:
            told += f" Within 1 km of any town's centre lie {floors[number]:.4f} of the images."
        yield Inconsistency("centroids", told)


def _parameters(paper: Paper) -> Iterator[Inconsistency]:
    """Counts that are cut and not rounded."""
    table = paper.tables[6]
    for column, exact in paper.exact_parameters.items():
        position = list(table.columns).index(column)
        for printed in sorted({str(values[position]) for values in table.rows.values()}):
            number, unit = float(printed[:-1]), {"M": 1e6, "B": 1e9}[printed[-1]]
            decimals = len(printed[:-1].partition(".")[2])
            if round(exact / unit, decimals) != number:
                yield Inconsistency(
                    "parameters",
                    f"Table 6: {exact:,} {column} are printed as {printed}; rounded they are "
                    f"{exact / unit:.{decimals}f}{printed[-1]}.",
                )
