"""Qwen-VL's tokenizer: byte-level BPE over published ranks, ChatML and image tokens."""

import base64
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import TokenizersBackend

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
IMAGE_START, IMAGE_END, IMAGE_PAD = "<img>", "</img>", "<imgpad>"

SPECIAL_TOKENS: tuple[str, ...] = (
    END_OF_TEXT,
    TURN_START,
    TURN_END,
    *(f"<|extra_{number}|>" for number in range(205)),
    *("<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"),
    *(IMAGE_START, IMAGE_END, IMAGE_PAD),
)
"""Control tokens, in the order of their ids, which follow the words'."""

# How text is cut before bytes are merged: words with a leading mark, single digits, runs of
# punctuation, line ends, spaces.
WORD_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class QwenVLTokenizer(TokenizersBackend):
    """Text to Qwen-VL's token ids and back, padded on the left.

    `from_pretrained` takes a folder or a hub id that holds `qwen.tiktoken`, as published, or
    `tokenizer.json`, as `save_pretrained` writes it.
    """

    vocab_files_names = {  # noqa: RUF012
        "ranks_file": "qwen.tiktoken",
        "tokenizer_file": "tokenizer.json",
    }
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012
    padding_side = "left"

    @classmethod
    def from_ranks(cls, ranks: dict[bytes, int]) -> "QwenVLTokenizer":
        """The tokenizer of a vocabulary: its words' bytes and ids, which say what merges first."""
        return cls(tokenizer_object=build(ranks), **_roles())

    @classmethod
    def from_tiktoken(cls, path: Path) -> "QwenVLTokenizer":
        """The tokenizer of a vocabulary file in tiktoken's form."""
        return cls.from_ranks(read_ranks(path))

    @classmethod
    def convert_to_native_format(
        cls, trust_remote_code: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        """Called by `from_pretrained`: build from the published ranks where nothing else is."""
        ranks_file = kwargs.pop("ranks_file", None)
        if kwargs.get("tokenizer_file") is None and ranks_file is not None:
            return _roles() | kwargs | {"tokenizer_object": build(read_ranks(Path(ranks_file)))}
        return super().convert_to_native_format(trust_remote_code=trust_remote_code, **kwargs)

    @property
    def stop_token_ids(self) -> list[int]:
        """Ids that end an answer: the turn's end, and the text's."""
        return [self.added_tokens_encoder[token] for token in (TURN_END, END_OF_TEXT)]


def read_ranks(path: Path) -> dict[bytes, int]:
    """Words and ids of a tiktoken file: base64 and rank on each line.

    Raises ValueError where the file is something else.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            word, rank = line.split()
            ranks[base64.b64decode(word, validate=True)] = int(rank)
        except ValueError as problem:
            raise ValueError(f"{path.name}, line {number}: not a tiktoken entry") from problem
    return ranks


def build(ranks: dict[bytes, int]) -> Tokenizer:
    """The tokenizer that merges as tiktoken does, special tokens after the words.

    Raises ValueError if a byte is missing or if the ids have gaps: special tokens would shift.
    """
    if sorted(ranks.values()) != list(range(len(ranks))):
        raise ValueError("the vocabulary's ids must count up from 0 without gaps")
    if missing := [byte for byte in range(256) if bytes([byte]) not in ranks]:
        raise ValueError(f"the vocabulary lacks {len(missing)} single bytes, first {missing[0]}")
    letters = byte_letters()
    spelt = {word: "".join(letters[byte] for byte in word) for word in ranks}
    vocab = {spelt[word]: rank for word, rank in ranks.items()}
    merges = [(spelt[left], spelt[right]) for left, right in merge_order(ranks)]
    # A word of the vocabulary stays whole even where no order of merges would make it.
    tokenizer = Tokenizer(BPE(vocab=vocab, merges=merges, ignore_merges=True))
    cut_as_qwen(tokenizer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS]
    )
    return tokenizer


def cut_as_qwen(tokenizer: Tokenizer) -> None:
    """Make it normalise text (NFC) and cut it into words of bytes as Qwen does."""
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="isolated"),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def merge_order(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Every pair of words that makes a word, first the pairs that make the lowest rank."""
    pairs: list[tuple[bytes, bytes]] = []
    for word in sorted(ranks, key=ranks.__getitem__):
        splits = ((word[:cut], word[cut:]) for cut in range(1, len(word)))
        known = [pair for pair in splits if pair[0] in ranks and pair[1] in ranks]
        pairs += sorted(known, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
    return pairs


def _roles() -> dict[str, str]:
    return {"eos_token": TURN_END, "pad_token": END_OF_TEXT}


def byte_letters() -> list[str]:
    """The printable letter that stands for each byte in byte-level BPE.

    A byte that is a visible Latin-1 character stands for itself, the others for what follows
    Latin-1 in Unicode.
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in visible]
    stand_in = {byte: chr(256 + place) for place, byte in enumerate(hidden)}
    return [stand_in.get(byte, chr(byte)) for byte in range(256)]
