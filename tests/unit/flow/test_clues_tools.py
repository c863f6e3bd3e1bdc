import pytest

from georay.clues.spacy_tagger import SpacyTagger
from georay.config.clues import BERT, CluesRecipe
from georay.config.load import parse_recipe
from georay.core.entities import NoTagger
from georay.errors import ModelUnavailable
from georay.flow.clues import _pinned, tools_of

DSLIM_COMMIT = "d1a3e8f13f8c3566299d95fcfc9a8d2382a9affc"


def recipe(**more):
    content = {"sources": [{"path": "a.csv"}], "output": "o.parquet", **more}
    return parse_recipe(content, CluesRecipe, "test")


def test_bert_is_the_papers_kind_at_a_commit_that_was_looked_at():
    tagger = _pinned(recipe(tagger={"model": "bert"})).tagger
    assert (tagger.model, tagger.revision) == (BERT, DSLIM_COMMIT)


def test_a_commit_in_the_recipe_is_held_to(tmp_path):
    asked = {"model": "someone/ner", "revision": "f" * 40}
    assert _pinned(recipe(tagger=asked)).tagger.revision == "f" * 40
    assert _pinned(recipe(tagger={"model": str(tmp_path)})).tagger.revision is None


def test_without_the_hub_a_model_that_no_commit_names_says_what_to_do(monkeypatch):
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match="--tagger spacy"):
        _pinned(recipe(tagger={"model": "someone/ner"}))
    with pytest.raises(ModelUnavailable, match=r"pairing\.clip_revision"):
        _pinned(recipe(pairing={"curation": "run", "clip": "someone/clip"}))


def test_a_recipe_names_its_models_and_may_leave_them_out():
    tools = tools_of(recipe(tagger={"model": "none"}, label={"encoder": "none"}))
    assert isinstance(tools.tagger(), NoTagger)
    assert tools.encoder is None and tools.clip is None
    tools = tools_of(recipe(pairing={"curation": "run", "clip": "someone/clip"}))
    assert isinstance(tools.tagger(), SpacyTagger)
    assert tools.encoder is not None and tools.clip is not None
