"""The verb `models`: what can answer, and what of it fits this machine."""

from typing import TYPE_CHECKING

from georay.cli.output import AsJson, say

if TYPE_CHECKING:
    from georay.models.registry import Machine, ModelSpec


def models(as_json: AsJson = False) -> None:
    """List the models that can answer, with what each needs and whether it fits here."""
    from georay.models.registry import REGISTRY, this_machine

    machine = this_machine()
    lines = [_line(spec, machine) for spec in REGISTRY.values()]
    gpus = ", ".join(f"{memory:.0f} GiB" for memory in machine.gpus_gib) or "none"
    header = f"This machine: {machine.memory_gib:.0f} GiB of memory, GPU: {gpus}\n"
    facts = [_facts(spec, machine) for spec in REGISTRY.values()]
    say("\n".join([header, *lines]), facts, as_json)


def _line(spec: "ModelSpec", machine: "Machine") -> str:
    from georay.models.registry import place_for

    place = place_for(spec, machine)
    number = spec.num_parameters
    size = f"{number / 1e9:.1f} B" if number > 1e8 else f"≤ {number / 1e6:.0f} M"
    needs = f"{size} parameters in {spec.precision}, {spec.memory_gib:g} GiB: "
    fits = {"GPU": "fits the GPU", "CPU": "fits, on the CPU only", None: "too large for here"}
    twin = f"; small twin: {spec.twin}" if spec.twin else ""
    return (
        f"{spec.id}\n  {spec.note}{twin}\n"
        f"  {needs}{fits[place]}\n  {spec.family}, {_origin(spec)}\n"
    )


def _origin(spec: "ModelSpec") -> str:
    if spec.folder is None:
        return f"from the hub at {spec.revision}"
    return "in the package" if spec.folder.is_dir() else "its weights are not in this installation"


def _facts(spec: "ModelSpec", machine: "Machine") -> dict[str, object]:
    from georay.models.registry import place_for

    facts = vars(spec) | {"memory_gib": spec.memory_gib, "fits": place_for(spec, machine)}
    return facts | {"present": spec.folder.is_dir() if spec.folder else None}
