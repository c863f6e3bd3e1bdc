import random

import pytest
import torch
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

from georay.core.entities import Entity
from georay.errors import ModelUnavailable
from georay.models.place_tagger import BertPlaceTagger

# The label set of dslim/bert-base-NER.
LABELS = ["O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
WORDS = "red soil in poland and new zealand near ##land is by anna google says of grey posts ."
MARKED = {
    "poland": "B-LOC",
    "new": "B-LOC",
    "zealand": "I-LOC",
    "anna": "B-PER",
    "google": "B-ORG",
}
PHRASES = ["poland", "new zealand", "anna", "google"]
PHRASES += ["red", "soil", "in", "near", "is", "by", "says", "grey", "."]


def sentences(number, words):
    """Random phrases in a row, so that no place in the sentence is special."""
    dice = random.Random(0)
    return [" ".join(dice.choices(PHRASES, k=dice.randint(1, words))) for _ in range(number)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny BERT with these labels, trained on a few hundred rows of words."""
    path = tmp_path_factory.mktemp("ner")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split()]
    (path / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = BertTokenizerFast(vocab={w: i for i, w in enumerate(vocabulary)})
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(LABELS)),
        label2id={label: at for at, label in enumerate(LABELS)},
    )
    model = BertForTokenClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    batch = tokenizer(
        sentences(200, 9), padding=True, truncation=True, max_length=16, return_tensors="pt"
    )
    targets = torch.tensor(
        [
            [LABELS.index(MARKED.get(token, "O")) for token in tokenizer.convert_ids_to_tokens(row)]
            for row in batch["input_ids"].tolist()
        ]
    )
    for _ in range(60):
        loss = model(**batch, labels=targets).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def test_places_are_told_from_people_and_companies(folder):
    tagger = BertPlaceTagger(str(folder))
    text = "anna says red soil in poland and new zealand"
    kinds = [(text[one.start : one.end], one.kind) for one in tagger.tag([text])[0]]
    assert kinds == [("anna", "other"), ("poland", "place"), ("new zealand", "place")]


def test_a_word_in_pieces_is_one_entity(folder):
    tagger = BertPlaceTagger(str(folder))
    (found,) = tagger.tag(["red soil in polandland ."])
    assert found == [Entity(12, 22, "place")]


def test_batches_keep_the_order_and_empty_texts_have_none(folder):
    tagger = BertPlaceTagger(str(folder), batch_size=2)
    found = tagger.tag(
        ["red posts", "", "red soil in poland .", "", "grey posts near new zealand ."]
    )
    assert [len(one) for one in found] == [0, 0, 1, 0, 1]


def test_what_stands_behind_the_models_window_is_found_once(folder):
    tagger = BertPlaceTagger(str(folder))
    text = " ".join(["red soil in poland ."] * 6)
    (found,) = tagger.tag([text])
    assert [text[one.start : one.end] for one in found] == ["poland"] * 6


def test_a_name_on_the_edge_of_a_window_is_whole(folder):
    """The first window ends behind "new", the second begins before it."""
    tagger = BertPlaceTagger(str(folder))
    text = "red " * 13 + "new zealand ."
    (found,) = tagger.tag([text])
    assert [text[one.start : one.end] for one in found] == ["new zealand"]


def test_an_absent_model_says_what_else_to_use(tmp_path):
    with pytest.raises(ModelUnavailable, match="--tagger spacy"):
        BertPlaceTagger(str(tmp_path / "absent"))
