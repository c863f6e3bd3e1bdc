"""Run by a Python that has LLaMA-Factory: what its own loader makes of a folder, as JSON.

Usage: python load_with_llama_factory.py FOLDER_OF_DATASET_INFO
"""

import json
import sys
from pathlib import Path

from llamafactory.data.loader import _load_single_dataset
from llamafactory.data.mm_plugin import get_mm_plugin
from llamafactory.data.parser import get_dataset_list
from llamafactory.hparams import DataArguments, ModelArguments
from transformers import Seq2SeqTrainingArguments


def main(folder: str) -> None:
    names = list(json.loads(Path(folder, "dataset_info.json").read_text()))
    data = DataArguments(dataset=",".join(names), dataset_dir=folder)
    model = ModelArguments(model_name_or_path="none", cache_dir=f"{folder}/.cache")
    training = Seq2SeqTrainingArguments(output_dir=f"{folder}/.trained", use_cpu=True)
    plugin = get_mm_plugin("qwen2_vl", image_token="<|image_pad|>", video_token="<|video_pad|>")
    rows = []
    for name, chosen in zip(names, get_dataset_list(names, folder), strict=True):
        for row in _load_single_dataset(chosen, model, data, training):
            seen = plugin._regularize_images(
                row["_images"], image_max_pixels=768 * 768, image_min_pixels=1
            )
            told = {"asked": row["_prompt"], "answered": row["_response"], "images": row["_images"]}
            rows.append({"name": name, **told, "sizes": [one.size for one in seen["images"]]})
    sys.stdout.write("\n" + json.dumps(rows) + "\n")


main(sys.argv[1])
