"""Conversations as LLaMA-Factory and Qwen-VL's finetune.py read them: JSON, beside it pictures."""

import json

from georay.core.manifest import write_json
from georay.core.paths import AnyPath, write_text
from georay.curation.exchange.credits import CreditTable
from georay.curation.exchange.forms import llama_factory_question, qwen_question
from georay.curation.exchange.outgoing import Outgoing, refuse_qwen_path

IMAGES = "images"
DATASET_INFO = "dataset_info.json"


class _JsonList:
    """A file that holds one JSON list, written entry by entry; ASCII, which every locale reads."""

    def __init__(self, path: AnyPath) -> None:
        self._file = write_text(path)
        self._before = "[\n"

    def add(self, entry: dict[str, object]) -> None:
        self._file.write(self._before + json.dumps(entry, allow_nan=False))
        self._before = ",\n"

    def close(self) -> None:
        self._file.write("\n]\n")
        self._file.close()


class _JsonWriter:
    """A JSON list per stage and split, and the folder of pictures that they share."""

    def __init__(self, folder: AnyPath) -> None:
        self._folder = folder
        self._lists: dict[tuple[str, str], _JsonList] = {}
        self._credits = CreditTable(folder / IMAGES)

    def close(self) -> None:
        for one in self._lists.values():
            one.close()
        self._credits.close()

    def _add(self, sample: Outgoing, entry: dict[str, object]) -> None:
        key = sample.stage, sample.split
        if key not in self._lists:
            self._lists[key] = _JsonList(self._folder / f"{'_'.join(key)}.json")
        self._lists[key].add({"id": sample.sample_id} | entry | sample.facts)

    def _store(self, sample: Outgoing) -> None:
        if sample.picture is not None:
            file = self._folder / IMAGES / sample.file_name
            if not file.exists():  # other samples are about the same picture
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(sample.picture)
                self._credits.add(sample.file_name, sample.credit)


class LlamaFactoryWriter(_JsonWriter):
    """ShareGPT JSON and the dataset_info.json that names its files, columns and roles.

    The paths of packed pictures count from the folder, as LLaMA-Factory's `dataset_dir` has it.
    """

    def add(self, sample: Outgoing) -> None:
        packed = sample.picture is not None
        location = f"{IMAGES}/{sample.file_name}" if packed else sample.location
        turns = _turns("human", llama_factory_question(sample.question), "gpt", sample.answer)
        self._add(sample, {"conversations": turns, "images": [location]})
        self._store(sample)

    def close(self) -> None:
        super().close()
        write_json(self._folder / DATASET_INFO, {_dataset(key): _entry(key) for key in self._lists})


class QwenVLWriter(_JsonWriter):
    """The list that finetune.py takes as --data_path or --eval_data_path.

    Paths are absolute, below `final`: the script opens them from whatever folder it runs in.
    """

    def __init__(self, folder: AnyPath, final: AnyPath) -> None:
        super().__init__(folder)
        self._final = final

    def add(self, sample: Outgoing) -> None:
        location = sample.location
        if sample.picture is not None:
            location = str(self._final / IMAGES / sample.file_name)
            refuse_qwen_path(location)
        turns = _turns("user", qwen_question(location, sample.question), "assistant", sample.answer)
        self._add(sample, {"conversations": turns})
        self._store(sample)


def _turns(asker: str, question: str, answerer: str, answer: str) -> list[dict[str, str]]:
    return [{"from": asker, "value": question}, {"from": answerer, "value": answer}]


def _dataset(key: tuple[str, str]) -> str:
    return "_".join(("georay", *key))


def _entry(key: tuple[str, str]) -> dict[str, object]:
    return {
        "file_name": f"{'_'.join(key)}.json",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
        },
    }
