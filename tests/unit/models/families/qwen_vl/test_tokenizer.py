"""Text to ids as the original does it, and back."""

import base64
import json
import random
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from georay.models.families.qwen_vl import QwenVLTokenizer
from georay.models.families.qwen_vl.tokenizer import SPECIAL_TOKENS, read_ranks

# Words whose order of merging matters: several make the same word, some cannot be reached.
WORDS = ["aa", "ab", "ba", "aaa", "aba", "aab", "abab", "aaaa", "bbb", "abcab", "é", "aaaaaaaa"]
RANKS = {bytes([byte]): byte for byte in range(256)} | {
    word.encode(): 256 + number for number, word in enumerate(WORDS)
}


def merged(word: bytes) -> list[int]:
    """Ids of one word by the definition: merge the leftmost pair of lowest rank until none is."""
    if word in RANKS:
        return [RANKS[word]]
    parts = [bytes([byte]) for byte in word]
    while True:
        pairs = [left + right for left, right in pairwise(parts)]
        known = [(RANKS[pair], place) for place, pair in enumerate(pairs) if pair in RANKS]
        if not known:
            return [RANKS[part] for part in parts]
        _, place = min(known)
        parts[place : place + 2] = [pairs[place]]


@pytest.fixture(scope="module")
def worded() -> QwenVLTokenizer:
    return QwenVLTokenizer.from_ranks(RANKS)


def test_ids_are_the_originals_also_after_saving(
    published: QwenVLTokenizer, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    cases = json.loads(shared("reference/qwen_vl/tokenizer_cases.json").read_text())
    published.save_pretrained(tmp_path)
    reloaded = QwenVLTokenizer.from_pretrained(tmp_path)
    assert len(cases) == 7
    for case in cases:
        assert published(case["text"])["input_ids"] == case["ids"]
        assert reloaded(case["text"])["input_ids"] == case["ids"]
        assert published.decode(case["ids"]) == unicodedata.normalize("NFC", case["text"])


def test_control_tokens_have_the_published_ids(published: QwenVLTokenizer) -> None:
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<ref>", "<img>", "</img>", "<imgpad>"]
    ids = [151643, 151644, 151645, 151851, 151857, 151858, 151859]
    assert published.convert_tokens_to_ids(tokens) == ids
    assert published.stop_token_ids == [151645, 151643]
    assert (published.pad_token_id, published.padding_side) == (151643, "left")


@given(st.text(alphabet="abcé", min_size=1, max_size=40))
@example("abcab")  # a word of the vocabulary that no order of merges makes
def test_words_merge_by_the_definition(worded: QwenVLTokenizer, text: str) -> None:
    assert worded(text)["input_ids"] == merged(text.encode())


@given(st.text(max_size=60))
def test_decoding_gives_back_any_text_in_normal_form(worded: QwenVLTokenizer, text: str) -> None:
    ids = worded(text)["input_ids"]
    assert worded.decode(ids) == worded.backend_tokenizer.normalizer.normalize_str(text)


def test_control_tokens_cut_words_and_count_once(worded: QwenVLTokenizer) -> None:
    first = len(RANKS)
    ids = worded("aa<|im_end|>aa <img>x</img>")["input_ids"]
    image = first + SPECIAL_TOKENS.index("<img>")
    assert ids == [256, first + 2, 256, 32, image, ord("x"), image + 1]
    assert worded.decode(ids, skip_special_tokens=True) == "aaaa x"


def test_the_order_of_lines_in_the_file_does_not_matter(
    worded: QwenVLTokenizer, tmp_path: Path
) -> None:
    lines = [b"%s %d" % (base64.b64encode(word), rank) for word, rank in RANKS.items()]
    random.Random(0).shuffle(lines)
    (tmp_path / "any.tiktoken").write_bytes(b"\n".join(lines))
    shuffled = QwenVLTokenizer.from_tiktoken(tmp_path / "any.tiktoken")
    text = "abababaabbb aaaaaaa"
    assert shuffled(text)["input_ids"] == worded(text)["input_ids"]


@pytest.mark.parametrize("line", ["YQ==", "YQ== x", "Y!Q= 3", "YQ== 1 2"])
def test_a_file_that_is_no_vocabulary_is_refused_with_its_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "bad.tiktoken").write_text(f"YQ== 0\n{line}\n")
    with pytest.raises(ValueError, match=r"bad\.tiktoken, line 2"):
        read_ranks(tmp_path / "bad.tiktoken")


def test_a_vocabulary_with_gaps_would_shift_the_control_tokens_and_is_refused() -> None:
    with pytest.raises(ValueError, match="without gaps"):
        QwenVLTokenizer.from_ranks(RANKS | {b"zz": 999})


def test_a_vocabulary_without_every_byte_is_refused() -> None:
    ranks = {bytes([byte]): byte for byte in range(255)} | {b"ab": 255}
    with pytest.raises(ValueError, match="lacks 1 single bytes, first 255"):
        QwenVLTokenizer.from_ranks(ranks)
