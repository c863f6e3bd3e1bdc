"""Reads one conversation from a row of another tool's file: question, answer, picture, facts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from georay.core.paths import AnyPath, address_of
from georay.core.splits import Unusable
from georay.core.storage import LocalAddress, is_uri
from georay.curation.exchange.forms import without_pictures

Row = Mapping[str, object]
Turn = tuple[str, str]

_TURNS = ("conversations", "messages")
_PICTURES = ("images", "image", "file_name")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}
_SILENT_SYSTEM = "You are a helpful assistant."  # what Qwen-VL hears anyway
_READ = frozenset({*_TURNS, *_PICTURES, "question", "answer"})


@dataclass(frozen=True)
class Columns:
    """What a row calls its turns, its pictures, and who speaks, where a file says so itself."""

    turns: tuple[str, ...] = _TURNS
    pictures: tuple[str, ...] = _PICTURES
    role: tuple[str, ...] = ("from", "role")
    content: tuple[str, ...] = ("value", "content")
    roles: Mapping[str, str] = field(default_factory=lambda: dict(_ROLES))


@dataclass(frozen=True)
class ExternalRow:
    """A question about one picture, and its answer.

    where: which row of which file, for a person. picture: a uri of the tables, or encoded bytes.
    facts: what else the row says. split: as the file's name has it.
    """

    where: str
    question: str
    answer: str
    picture: str | bytes
    facts: Row
    split: str | None


@dataclass(frozen=True)
class Unreadable:
    """A row, or what is left of a file, that cannot be read."""

    where: str
    problem: Unusable
    facts: Row = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A file of conversations. folder: what relative names of pictures count from."""

    file: AnyPath
    folder: AnyPath
    columns: Columns = Columns()
    split: str | None = None

    def where(self, number: int) -> str:
        return f"row {number:,} of {self.file}"


def external_row(
    row: object, where: str, source: Source, picture: bytes | None = None
) -> ExternalRow | Unreadable:
    """What a row says. picture: its bytes, where the file holds them beside the row."""
    if not isinstance(row, dict):
        return Unreadable(where, Unusable("no conversation", "it is no object with names"))
    facts = {name: value for name, value in row.items() if name not in _READ}
    try:
        question, answer, in_text = _spoken(row, source.columns)
        given = [picture] if picture is not None else list(_given(row, source.columns))
        found = _one_picture(given, in_text, source.folder)
    except Unusable as problem:
        return Unreadable(where, problem, facts)
    if "image_id" not in facts:  # not ours, so the blanks were between the picture and the text
        question = question.strip()
    return ExternalRow(where, question, answer, found, facts, source.split)


def legible(text: str) -> str:
    """The text as it is. Raises Unusable for half a surrogate pair, which JSON can say."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unusable("no Unicode", f"{text!r} holds half a letter") from None
    return text


def _spoken(row: Row, columns: Columns) -> tuple[str, str, list[str | bytes]]:
    """Question, answer, and the pictures that stand in the turns. Raises Unusable."""
    turns, pictures = _turns(row, columns)
    if turns and turns[0][0] == "system" and turns[0][1].strip() in {"", _SILENT_SYSTEM}:
        turns = turns[1:]
    if [role for role, _ in turns] != ["user", "assistant"]:
        spoken = ", ".join(role for role, _ in turns) or "no one"
        reason = f"a sample is one question and one answer, and here speak: {spoken}"
        raise Unusable("other turns", reason)
    question, paths = without_pictures(legible(turns[0][1]))
    return question, legible(turns[1][1]), [*pictures, *paths]


def _turns(row: Row, columns: Columns) -> tuple[list[Turn], list[str | bytes]]:
    told = next((row[name] for name in columns.turns if row.get(name) is not None), None)
    if told is None and {"question", "answer"} <= row.keys():
        told = [
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": row["answer"]},
        ]
        columns = Columns()
    if not isinstance(told, list) or not told:
        names = " or ".join(columns.turns)
        raise Unusable("no conversation", f"it has no list of turns called {names}")
    turns: list[Turn] = []
    pictures: list[str | bytes] = []
    for turn in told:
        role, content = _turn(turn, columns)
        text, seen = _text_and_pictures(content)
        turns.append((columns.roles.get(role, role), text))
        pictures += seen
    return turns, pictures


def _turn(turn: object, columns: Columns) -> tuple[str, object]:
    if not isinstance(turn, dict):
        raise Unusable("other turns", "a turn is no object with names")
    role = next((turn[name] for name in columns.role if name in turn), None)
    content = next((turn[name] for name in columns.content if name in turn), None)
    if not isinstance(role, str) or content is None:
        raise Unusable("other turns", "a turn does not say who speaks, or says nothing")
    return role, content


def _text_and_pictures(content: object) -> tuple[str, list[str | bytes]]:
    """The text of a turn; one in parts may hold pictures between its texts."""
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise Unusable("other turns", "what a turn says is neither a text nor a list of parts")
    texts = [part.get("text") for part in content if part.get("type") == "text"]
    pictures = [part.get("image") for part in content if part.get("type") == "image"]
    if len(texts) + len(pictures) < len(content) or not all(isinstance(one, str) for one in texts):
        raise Unusable("other turns", "a turn has a part that is neither a text nor a picture")
    named = [one for one in pictures if isinstance(one, str | bytes)]
    return "".join(str(one) for one in texts), named


def _given(row: Row, columns: Columns) -> Iterator[str | bytes]:
    """The pictures that a row names or holds. Raises Unusable for what is none."""
    told = next((row[name] for name in columns.pictures if row.get(name)), [])
    for one in told if isinstance(told, list) else [told]:
        if isinstance(one, dict):
            one = one.get("bytes") or one.get("path")
        if not isinstance(one, str | bytes):
            raise Unusable("no picture", "what it calls its picture is neither a path nor bytes")
        yield one


def _one_picture(
    given: Sequence[str | bytes], in_text: Sequence[str | bytes], folder: AnyPath
) -> str | bytes:
    pictures = list(dict.fromkeys([*given, *in_text]))
    if len(pictures) != 1:
        kind = "several pictures" if pictures else "no picture"
        raise Unusable(kind, f"a sample is about one picture, and it has {len(pictures)}")
    picture = pictures[0]
    if isinstance(picture, bytes) or is_uri(legible(picture)):
        return picture
    if Path(picture).is_absolute():
        return LocalAddress(picture).uri
    return address_of(folder.absolute()).child(picture).uri  # a name is no uri
