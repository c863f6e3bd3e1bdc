"""Pages that georay writes for people: one HTML file each, which loads nothing from anywhere."""

from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_TEMPLATES = "templates"


def render_page(
    package: str, template: str, styles: tuple[str, ...] = ("style.css",), **values: object
) -> str:
    """A page by a template of a package, whose head and colours are those of every page.

    package: the one in whose folder `templates` the template and its styles lie. The template
    extends base.html and fills its blocks; values: what it speaks of.
    """
    sheets = [_text("georay.pages", "base.css"), *(_text(package, name) for name in styles)]
    style = Markup("\n".join(sheets))
    return _environment(package).get_template(template).render(style=style, **values)


@cache
def _environment(package: str) -> Environment:
    folders = [PackageLoader(name, _TEMPLATES) for name in (package, "georay.pages")]
    return Environment(
        loader=ChoiceLoader(folders),
        autoescape=True,  # names, errors and sentences come from strangers
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(package: str, name: str) -> str:
    root = Path(__file__).parents[2].joinpath(*package.split("."))
    return (root / _TEMPLATES / name).read_text(encoding="utf-8")
