"""The model `tiny`: Qwen-VL's architecture and tokenizer, small enough for two CPU cores."""

from collections.abc import Iterable, Iterator

import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from georay.config.tiny import TinyModelRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.prompts import LOCATION, PROMPTS, target_answer
from georay.locatability.labels import ADE20K_LABELS

from .config import QwenVLConfig
from .family import QwenVLFamily
from .model import QwenVLForConditionalGeneration
from .processor import QwenVLProcessor
from .tokenizer import IMAGE_START, QwenVLTokenizer, byte_letters, cut_as_qwen

PATCH_SIZE = 14


def build_tiny(recipe: TinyModelRecipe, texts: Iterable[str] = ()) -> QwenVLFamily:
    """The untrained tiny model; the same recipe and texts give the same weights.

    texts: what the vocabulary is learnt from beside prompts, places and class names: the captions
    and clues that the model is to be trained on.
    """
    ranks = learn_words([*place_texts(recipe.cities_per_country), *texts], recipe.num_words)
    tokenizer = QwenVLTokenizer.from_ranks(ranks)
    config = tiny_config(recipe, tokenizer)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        network = QwenVLForConditionalGeneration(config).eval()
    return QwenVLFamily(network, QwenVLProcessor.for_network(tokenizer, config.vision))


def tiny_config(recipe: TinyModelRecipe, tokenizer: QwenVLTokenizer) -> QwenVLConfig:
    """The network's configuration, for this vocabulary."""
    visual = recipe.visual.model_dump() | {
        "patch_size": PATCH_SIZE,
        "output_dim": recipe.hidden_size,
        "image_start_id": tokenizer.added_tokens_encoder[IMAGE_START],
    }
    return QwenVLConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden_size,
        num_hidden_layers=recipe.num_hidden_layers,
        num_attention_heads=recipe.num_attention_heads,
        kv_channels=recipe.hidden_size // recipe.num_attention_heads,
        intermediate_size=recipe.intermediate_size,
        visual=visual,
    )


def place_texts(cities_per_country: int) -> Iterator[str]:
    """Prompts, class names, and answers that name every country's largest cities."""
    yield from (prompt.question for prompt in PROMPTS.values())
    yield from ADE20K_LABELS
    gazetteer = Gazetteer.load()
    for code in sorted(gazetteer.countries()):
        country = gazetteer.country_name(code)
        cities = sorted(gazetteer.cities(code), key=lambda place: (-place.population, place.name))
        for city in cities[:cities_per_country]:
            yield target_answer(LOCATION, country=country, city=city.name)


def learn_words(texts: Iterable[str], num_words: int) -> dict[bytes, int]:
    """A vocabulary of at most `num_words` words and their ranks: every byte, then the merges that
    byte-pair encoding finds most often in the texts, cut as Qwen cuts them.
    """
    learner = Tokenizer(BPE())
    cut_as_qwen(learner)
    trainer = BpeTrainer(
        vocab_size=num_words, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    byte_of = {letter: byte for byte, letter in enumerate(byte_letters())}
    return {
        bytes(byte_of[letter] for letter in word): rank
        for word, rank in learner.get_vocab().items()
    }
