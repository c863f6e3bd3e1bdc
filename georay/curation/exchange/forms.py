"""The forms of other tools: their names, and how each words a question about one picture.

- "llama-factory": ShareGPT JSON with `<image>` in the question and a list `images`, described by
  dataset_info.json (LLaMA-Factory, data/README.md).
- "qwen-vl": what Qwen-VL's finetune.py reads; the picture's path stands in the question, and its
  tokenizer has 256 places for it.
- "webdataset": tar shards; of each sample a picture and a JSON object under one key.
- "hf-datasets": Parquet shards with a column of pictures, and a README.md by which `load_dataset`
  finds them.
"""

import re
from typing import Literal, get_args

Form = Literal["llama-factory", "qwen-vl", "webdataset", "hf-datasets"]
FORMS: tuple[Form, ...] = get_args(Form)

Pictures = Literal["packed", "uri"]
"""Whether pictures are copied into the export, or named where they lie."""

LLAMA_FACTORY_SLOT = "<image>"
_QWEN_PICTURE = re.compile(r"(?:Picture \d+:\s*)?<img>(?P<path>.*?)</img>\n?", re.DOTALL)
MAX_QWEN_PATH_BYTES = 255
"""Bytes of a path in `<img>`: of the 256 places for a picture at least one must stay empty."""


def llama_factory_question(question: str) -> str:
    return LLAMA_FACTORY_SLOT + question


def qwen_question(path: str, question: str) -> str:
    return f"Picture 1: <img>{path}</img>\n{question}"


def without_pictures(text: str) -> tuple[str, list[str]]:
    """A question without the marks that stand for its pictures, and the paths that they name."""
    paths = [found["path"] for found in _QWEN_PICTURE.finditer(text)]
    return _QWEN_PICTURE.sub("", text).replace(LLAMA_FACTORY_SLOT, ""), paths
