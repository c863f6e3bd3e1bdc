"""BERT as a tagger of named entities (paper, section 3.1), from the hub or a local folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from georay.config.clues import BERT, MULTILINGUAL
from georay.core.entities import Entity, Kind
from georay.errors import ModelUnavailable

"""Commits of hub ids that were looked at; others are pinned when a run begins."""
REVISIONS = {BERT: "d1a3e8f13f8c3566299d95fcfc9a8d2382a9affc"}
_LANGUAGES: dict[str, frozenset[str]] = {
    BERT: frozenset({"en"}),
    MULTILINGUAL: frozenset({"ar", "de", "en", "es", "fr", "it", "lv", "nl", "pt", "zh"}),
}
_PLACES, _PEOPLE = {"LOC", "GPE", "FAC", "LOCATION"}, {"NORP"}
_LONGEST = 512


class BertPlaceTagger:
    """Token classification with B- and I- labels (LOC, PER, ORG, MISC, or OntoNotes' kinds).

    model: a hub id or a folder; revision: the commit of a hub id. Long texts are read in windows.
    Raises ModelUnavailable if it cannot be loaded, ValueError if none of its labels is a place.
    """

    def __init__(
        self, model: str, revision: str | None = None, device: str = "cpu", batch_size: int = 64
    ) -> None:
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
            self._model = AutoModelForTokenClassification.from_pretrained(
                model, revision=revision, use_safetensors=True
            )
        except (OSError, ValueError) as problem:
            cause = str(problem).strip().splitlines()[0]
            raise ModelUnavailable(
                f"cannot load the place tagger {model}: {cause}\nWithout network access, use the "
                "one that a package carries (--tagger spacy), or the folder of a downloaded model."
            ) from problem
        self._model.to(device).eval()
        self._labels = [self._model.config.id2label[at] for at in range(self._model.num_labels)]
        if not any(_kind(label) == "place" for label in self._labels):
            raise ValueError(f"{model} marks no places; its labels are {', '.join(self._labels)}")
        self._device, self._batch_size = device, batch_size
        self.name = f"{model}@{revision}" if revision else Path(model).name
        self.languages = _LANGUAGES.get(model)

    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in the order in which they stand."""
        found: list[list[Entity]] = []
        for start in range(0, len(texts), self._batch_size):
            found += self._tag(list(texts[start : start + self._batch_size]))
        return found

    @torch.inference_mode()
    def _tag(self, texts: list[str]) -> list[list[Entity]]:
        longest = min(_LONGEST, self._model.config.max_position_embeddings)
        encoded = self._tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=longest,
            stride=longest // 8,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        offsets = encoded.pop("offset_mapping").tolist()
        owners = encoded.pop("overflow_to_sample_mapping").tolist()
        logits = self._model(**encoded.to(self._device)).logits
        entities: list[list[Entity]] = [[] for _ in texts]
        for owner, spans, classes in zip(owners, offsets, logits.argmax(-1).tolist(), strict=True):
            labels = [self._labels[at] for at in classes]
            entities[owner] += _entities(texts[owner], spans, labels)
        return [_in_order(each) for each in entities]


def _entities(
    text: str, offsets: Sequence[Sequence[int]], labels: Sequence[str]
) -> Iterator[Entity]:
    """Joins tokens to entities; the label of a word's first token counts for the whole word."""
    start = end = 0
    name = "O"
    for (token_start, token_end), label in zip(offsets, labels, strict=True):
        if token_start == token_end:
            continue
        continues_word = name != "O" and token_start == end and text[end - 1 : end].isalnum()
        same = label.startswith("I-") and _bare(label) == _bare(name)
        if end and name != "O" and ((continues_word and text[token_start].isalnum()) or same):
            end = token_end
            continue
        if name != "O":
            yield Entity(start, end, _kind(name))
        start, end, name = token_start, token_end, label
    if name != "O":
        yield Entity(start, end, _kind(name))


def _in_order(found: list[Entity]) -> list[Entity]:
    """Without those that windows which overlap found twice."""
    kept: list[Entity] = []
    for one in sorted(set(found), key=lambda each: (each.start, -each.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _bare(label: str) -> str:
    return label.removeprefix("B-").removeprefix("I-")


def _kind(label: str) -> Kind:
    bare = _bare(label)
    return "place" if bare in _PLACES else "people" if bare in _PEOPLE else "other"
