"""The README.md of an export: what it holds, how its tool loads it, and under which terms."""

from collections.abc import Mapping

from georay.core.licences import NOT_STATED, forbids_commerce
from georay.core.splits import SPLITS, Split
from georay.curation.exchange.forms import Form
from georay.curation.exchange.shards import DATA
from georay.curation.exchange.summary import LEFT_OUT_FILE, ExportSummary


def card(facts: ExportSummary) -> str:
    """The whole card, in Markdown; for `datasets` with the block that names its files."""
    head = _configs(facts.samples) if facts.form == "hf-datasets" else ""
    places = "packed" if facts.pictures == "packed" else "named where they lie"
    return f"""{head}# Street views and conversations about them, for {facts.form}

Exported by georay. No place is in two of train, validation and test. Stage `reasoning` asks for
country and reasons, stage `location` for country and town. The pictures are {places}.

{_table(facts.samples)}
{_left_out(facts.left_out)}{_turned(facts)}{_loading(facts)}
## Terms

{_terms(facts)}"""


def _loading(facts: ExportSummary) -> str:
    """How the tool loads the first of the stages that are here."""
    return _LOADING[facts.form].replace("STAGE", next(iter(facts.samples)))


def _table(samples: Mapping[str, Mapping[str, int]]) -> str:
    lines = ["| stage | " + " | ".join(SPLITS) + " |", "|---|" + "---:|" * len(SPLITS)]
    for stage, counts in samples.items():
        cells = " | ".join(f"{counts.get(split, 0):,}" for split in SPLITS)
        lines.append(f"| {stage} | {cells} |")
    return "\n".join([*lines, ""])


def _left_out(kinds: Mapping[str, int]) -> str:
    if not kinds:
        return ""
    named = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    return f"Samples that could not be exported: {named}; `{LEFT_OUT_FILE}` names each.\n\n"


def _turned(facts: ExportSummary) -> str:
    """What to know of pictures that lie on their side in the file; `datasets` turns them itself."""
    if facts.form == "hf-datasets" or (facts.pictures == "packed" and not facts.turned):
        return ""
    if facts.turned:
        which = f"The pictures of {facts.turned:,} samples are stored turned, as their EXIF says."
    else:
        which = "A picture may be stored turned, as its EXIF then says."
    return f"{which}\ngeoray turns them back; this tool reads the pixels as they are stored.\n\n"


def _terms(facts: ExportSummary) -> str:
    """Every licence of clues and pictures; each row has its own, with whom to name."""
    lines = ["Every row has the licence of its clue (`clue_source`, `clue_licence`) and of its"]
    lines += [
        "picture (`picture_source`, `picture_licence`, `picture_attribution`: whom to name).",
        "",
    ]
    for what, licences in (("Clues", facts.clue_licences), ("Pictures", facts.picture_licences)):
        lines += [f"- {what}: {licence} ({count:,})" for licence, count in licences.items()]
    if forbids_commerce([*facts.clue_licences, *facts.picture_licences]):
        lines.append("- **Not for commercial use**, as one of these sources demands.")
    if NOT_STATED in " ".join([*facts.clue_licences, *facts.picture_licences]):
        lines.append("- Where none is stated nothing may be assumed: ask the source.")
    return "\n".join([*lines, ""])


def _configs(samples: Mapping[str, Mapping[str, int]]) -> str:
    """The YAML by which `load_dataset` finds files: all stages together, and each by itself."""
    lines = ["---", "configs:"]
    together = {
        split: [stage for stage, counts in samples.items() if counts.get(split)] for split in SPLITS
    }
    lines += _config("default", together)
    for stage, counts in samples.items():
        lines += _config(stage, {split: [stage] for split in SPLITS if counts.get(split)})
    return "\n".join([*lines, "---", "", ""])


def _config(name: str, stages: Mapping[Split, list[str]]) -> list[str]:
    lines = [f"- config_name: {name}", "  data_files:"]
    for split, found in stages.items():
        if found:
            lines += [f"  - split: {split}", "    path:"]
            lines += [f"    - {DATA}/{stage}/{split}-*.parquet" for stage in found]
    return lines


_LOADING: Mapping[Form, str] = {
    "llama-factory": """## Loading

In a recipe of LLaMA-Factory:

    dataset_dir: THIS_FOLDER
    dataset: georay_STAGE_train
    eval_dataset: georay_STAGE_validation
""",
    "qwen-vl": """## Loading

    python finetune.py --data_path THIS_FOLDER/STAGE_train.json \\
      --eval_data_path THIS_FOLDER/STAGE_validation.json …

Paths of packed pictures are absolute: export again rather than move this folder.
""",
    "webdataset": """## Loading

    shards = "THIS_FOLDER/STAGE-train-000000.tar"
    webdataset.WebDataset(shards, shardshuffle=False).decode("pil")

A sample has a picture under the ending of its format (`jpg`, `png`, `webp` …) and `json`: its
`messages` and all that is known of it. Where pictures are only named, `image` says where they lie.
""",
    "hf-datasets": """## Loading

    datasets.load_dataset("THIS_FOLDER", split="train")
    datasets.load_dataset("THIS_FOLDER", "STAGE", split="train")
""",
}
