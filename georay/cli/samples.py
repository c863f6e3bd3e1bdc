"""The verb `samples`: clues and curated pictures become conversations to learn from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from georay.cli.output import AsJson, path_or_uri, say
from georay.cli.recipes import Settings, given

if TYPE_CHECKING:
    from georay.config.samples import SamplesRecipe
    from georay.core.paths import AnyPath
    from georay.curation.exchange import ExportSummary, Form

FORMS = "llama-factory|qwen-vl|webdataset|hf-datasets"
Pictures = Literal["packed", "uri"]


def _form(text: str) -> str:
    """A form as `--export` takes it."""
    if text not in FORMS.split("|"):
        raise typer.BadParameter(f"{text!r} is none of {FORMS.replace('|', ', ')}")
    return text


Source = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE|SAMPLES",
        parser=path_or_uri,
        help="A recipe of samples, YAML; or, to --export them, a folder of finished samples.",
        show_default=False,
    ),
]
Curation = Annotated[
    str | None,
    typer.Option(parser=path_or_uri, help="Folder of a finished curation run: pictures to locate."),
]
Clues = Annotated[
    list[str] | None,
    typer.Option(
        parser=path_or_uri,
        help="Parquet file of clues: reasons to learn; may be given more than once.",
    ),
]
Images = Annotated[
    list[str] | None, typer.Option(help="More pictures that clues are about, as in `curate`.")
]
Conversations = Annotated[
    list[str] | None,
    typer.Option(
        parser=path_or_uri,
        help="Samples of another tool to take over: a file or folder of one of the forms of "
        "--export; may be given more than once.",
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        parser=path_or_uri,
        help="Folder of the samples; an export becomes a folder there, called by its form.",
    ),
]
Export = Annotated[
    list[str] | None,
    typer.Option(
        parser=_form,
        metavar=FORMS,
        help="Write the samples for another training tool too; may be given more than once. "
        "Samples that are finished are not made again: georay samples SAMPLES --export FORM.",
        show_default=False,
    ),
]
ExportPictures = Annotated[
    Pictures,
    typer.Option(
        "--pictures", help="In an export: `packed` copies pictures into it, `uri` names them."
    ),
]


def samples(
    source: Source = None,
    curation: Curation = None,
    clues: Clues = None,
    images: Images = None,
    conversations: Conversations = None,
    out: Out = None,
    export: Export = None,
    pictures: ExportPictures = "packed",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Make training conversations of clues and curated pictures, split by place.

    Stage 1 learns country and reasons from clues, stage 2 country and town from curated pictures.
    No place is in two of train, validation and test. What became no sample is kept with its reason.

    Example: georay samples --curation runs/photos --clues clues.parquet --out runs/samples

    Example: georay samples runs/samples --export llama-factory --export webdataset
    """
    from georay.core.paths import path_of

    options = given(
        {"curation": curation, "clues": clues, "images": images, "conversations": conversations}
    )
    texts: list[str] = []
    facts: dict[str, Any] = {}
    folder = None if source is None else path_of(source)
    if folder is not None and (folder.suffix == ".parquet" or folder.is_dir()):
        _refuse_making(folder, [*options, *(["set"] if settings else [])], export)
    else:
        from georay.curation.samples import make_samples

        options |= {} if out is None else {"output": out}
        made = make_samples(_recipe(source, options, settings or ()))
        texts, facts = [made.as_text()], made.to_json()
        folder = path_of(made.folder).parent
        out = str(folder)
    for done in _export(folder, export or [], out, pictures):
        texts.append(done.as_text())
        facts.setdefault("exports", []).append(done.to_json())
    say("\n".join(texts), facts, as_json)


def _recipe(path: str | None, options: dict[str, Any], settings: Sequence[str]) -> "SamplesRecipe":
    from georay.config.load import laid_over
    from georay.config.samples import SamplesRecipe

    if path is None and "output" not in options:
        raise ValueError("name the folder of the samples: --out")
    return laid_over(path, SamplesRecipe, options, settings)


def _refuse_making(folder: "AnyPath", names: list[str], export: list[str] | None) -> None:
    if not export:
        raise ValueError(f"{folder} is no recipe; to export the samples in it say --export FORM")
    if names:
        options = ", ".join(f"--{name}" for name in names)
        raise ValueError(f"the samples in {folder} are made already: leave out {options}")


def _export(
    folder: "AnyPath", forms: list[str], out: str | None, pictures: Pictures
) -> "list[ExportSummary]":
    """Exports the samples of a folder, beside them unless `out` says where."""
    from georay.core.paths import path_of
    from georay.curation.exchange import export_samples

    beside = folder if folder.is_dir() else folder.parent
    target = beside if out is None else path_of(out)
    chosen = [cast("Form", form) for form in dict.fromkeys(forms)]
    return [export_samples(folder, form, target, pictures) for form in chosen]
