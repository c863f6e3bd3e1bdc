"""One clue about a picture, or one located picture, as a row of the samples table.

Prompts and answers are those of `core.prompts`; whatever cannot become a sample raises Unusable.
"""

from georay.config.samples import SplitRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.manifest import digest
from georay.core.prompts import LOCATION, REASONING, Conversation, Prompt, target_answer
from georay.core.splits import Unusable, split_of
from georay.core.tables import TERMS
from georay.curation.samples.pictures import Picture, PictureIndex, refuse_unreadable
from georay.curation.samples.whereabouts import Clue, Whereabouts

Row = dict[str, object]


class Conversations:
    """Makes samples of clues and of pictures, each by itself."""

    def __init__(
        self,
        index: PictureIndex,
        whereabouts: Whereabouts,
        splits: SplitRecipe,
        gazetteer: Gazetteer,
    ) -> None:
        self._index = index
        self._whereabouts = whereabouts
        self._splits = splits
        self._name_of = gazetteer.country_name

    def reasoning(self, clue: Clue) -> Row:
        """Stage 1: which country is it, and why (paper, section 3.2). Raises Unusable."""
        picture = self._picture_of(clue)
        country, text = clue["country"], clue["text"]
        if not country:
            raise Unusable("no country", "the clue names no country")
        code = self._whereabouts.code_of(country)
        if code != (lies_in := self._whereabouts.country(picture)):
            raise Unusable(
                "countries disagree", f"the clue is about {code}, and the picture lies in {lies_in}"
            )
        if not text or not text.strip():
            raise Unusable("no text", "the clue says nothing")
        answer = target_answer(REASONING, country=self._name_of(code), reasons=text)
        row = self._row(REASONING, picture, answer)
        terms = {"clue_source": clue.get("source"), "clue_licence": clue.get("licence")}
        return row | {"clue_id": clue["clue_id"], "country": code} | terms

    def location(self, picture: Picture) -> Row:
        """Stage 2: which country and town is it (paper, section 3.2). Raises Unusable."""
        refuse_unreadable(picture)
        code, town = self._whereabouts.country(picture), self._whereabouts.town(picture)
        answer = target_answer(LOCATION, country=self._name_of(code), city=town.name)
        row = self._row(LOCATION, picture, answer)
        return row | {"country": code, "city": town.name}

    def _picture_of(self, clue: Clue) -> Picture:
        if not clue["image_id"]:
            raise Unusable("no picture", "the clue is about no picture")
        picture = self._index.find(clue["image_id"])
        refuse_unreadable(picture)
        return picture

    def _row(self, prompt: Prompt, picture: Picture, answer: str) -> Row:
        try:
            Conversation(prompt.question, answer=answer)
        except ValueError as problem:
            raise Unusable("control token", str(problem)) from problem
        place = self._whereabouts.place(picture)
        return {
            "sample_id": digest(prompt.name, picture.image_id, prompt.question, answer),
            "stage": prompt.name,
            "split": split_of(place, self._splits),
            "place": place,
            "image_id": picture.image_id,
            "uri": picture.uri,
            "question": prompt.question,
            "answer": answer,
            "clue_id": None,
            "latitude": picture.latitude,
            "longitude": picture.longitude,
            "locatability": picture.locatability,
            "projection": picture.projection,
            **{f"picture_{name}": getattr(picture, name) for name in TERMS},
        }
