"""Pictures and lists for the tests of what a run reads."""

from pathlib import Path

from georay.curation.inputs import Listing, list_inputs


def touch(*paths: Path) -> None:
    """Files that are different from each other."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(str(path).encode())


def rows(listing: Listing, folder: Path) -> dict[str, dict[str, object]]:
    """The rows by the names of their files below a folder."""
    return {row["uri"].removeprefix(f"{folder}/"): row for row in listing.table.to_pylist()}


def listed(*sources: object, output: Path | None = None) -> Listing:
    return list_inputs([str(source) for source in sources], output)


def remarks(listing: Listing) -> dict[str, tuple[int, str]]:
    """How many things of each kind, and their names as one text."""
    return {one.kind: (one.count, "\n".join(one.named)) for one in listing.remarks}
