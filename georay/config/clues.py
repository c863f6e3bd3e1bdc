"""The recipe of a table of clues: where sentences come from, and what is kept of them."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from georay.config.cluster import ClusterRecipe
from georay.config.load import Location, Recipe
from georay.config.samples import SplitRecipe

SPACY, NONE = "spacy", "none"
BERT = "dslim/bert-base-NER"
MULTILINGUAL = "Davlan/bert-base-multilingual-cased-ner-hrl"


class ClueSource(Recipe):
    """A file of sentences. name, licence: for rows that do not say theirs; the licence is carried
    as written ("CC BY-NC 4.0", "not for commercial use") into samples and the cards of adapters.
    """

    path: Location
    name: str | None = None
    licence: str | None = None


class TaggerRecipe(Recipe):
    """Which model finds named entities: "spacy" (a package carries it), "none" (the gazetteer
    alone decides), "bert" (the paper's kind), "multilingual", a hub id, or a local folder.
    """

    model: str = SPACY
    revision: str | None = None
    device: str = "cpu"
    batch_size: PositiveInt = 64


class LabelRecipe(Recipe):
    """Which of the 150 classes a sentence speaks of, by a sentence encoder; "none" leaves it out.

    min_similarity: cosine similarity below which it speaks of none.
    """

    encoder: str = "sentence-transformers/all-MiniLM-L6-v2"
    revision: str | None = None
    min_similarity: float = Field(default=0.3, ge=-1, le=1)


class PairingRecipe(Recipe):
    """Which pictures clues without one get: those of a curation run, of training places only.

    min_area: share of a picture that the clue's class must fill. most_pictures: per country and
    class, the fullest ones; a clue takes one of them. clip: a CLIP model (hub id or folder) for
    clues without such a picture; it sees clip_pictures of each country. splits: as for `samples`.
    """

    curation: Location
    min_area: float = Field(default=0.01, gt=0, le=1)
    most_pictures: PositiveInt = 32
    clip: str | None = None
    clip_revision: str | None = None
    clip_pictures: PositiveInt = 64
    splits: SplitRecipe = SplitRecipe()


class ClueWorkersRecipe(Recipe):
    """How the work is spread; a part is the unit of retry, resume and memory."""

    num_actors: PositiveInt | None = None
    cpus_per_actor: PositiveFloat = 0.5
    gpus_per_actor: float = Field(default=0, ge=0)
    rows_per_part: PositiveInt = 2_000


class CluesRecipe(Recipe):
    """One table of clues (paper, section 3.1).

    languages: ISO 639 codes to keep; by default all are kept, each row flagged with its own.
    near_duplicate: similarity of word triples from which on a sentence repeats an earlier one.
    require: "text" keeps sentences that themselves name a place, as the paper does; "any" those
    too whose source names it.
    """

    sources: tuple[ClueSource, ...] = Field(min_length=1)
    output: Location
    title: str = ""
    tagger: TaggerRecipe = TaggerRecipe()
    languages: tuple[str, ...] = ()
    require: Literal["any", "text"] = "any"
    near_duplicate: float = Field(default=0.8, gt=0, le=1)
    label: LabelRecipe = LabelRecipe()
    pairing: PairingRecipe | None = None
    workers: ClueWorkersRecipe = ClueWorkersRecipe()
    cluster: ClusterRecipe = ClusterRecipe()

    @model_validator(mode="after")
    def _pair_by_something(self) -> "CluesRecipe":
        if self.pairing is not None and self.label.encoder == NONE and self.pairing.clip is None:
            raise ValueError(
                "pairing needs to know what clues speak of: give label.encoder or pairing.clip"
            )
        return self
