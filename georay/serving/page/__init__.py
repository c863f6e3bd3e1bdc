"""What browsers show: the page's files, the documentation of the routes, and example scenes."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"
