"""Names of pictures in tables: a file, or one view of the panorama in a file."""

from dataclasses import dataclass
from typing import Self

from georay.core.images import ImageLimits, Photograph, content_id, decode
from georay.core.panoramas import VIEW, VIEW_SIDE, View, cut_views, parse_view
from georay.core.storage import parse_address
from georay.errors import UnreadableImage


@dataclass(frozen=True)
class PictureFile:
    """Where a picture lies. heading: of the view that is meant; None for the whole picture."""

    file: str
    heading: float | None = None

    @classmethod
    def of_row(cls, uri: str, projection: str | None) -> Self:
        """The picture of a row: a view only where the row's `projection` says so.

        Raises ValueError for a view whose uri names none.
        """
        if projection != VIEW:
            return cls(uri)
        view = parse_view(uri)
        if view is None:
            raise ValueError(f"{uri} is called a view, and does not end in #heading=DEGREES")
        return cls(view.file, view.heading)

    @classmethod
    def find(cls, name: str) -> Self:
        """The picture that a person names: the file of that name, else the view, if its file is
        there.
        """
        view = parse_view(name)
        if view is None or _is_there(name) or not _is_there(view.file):
            return cls(name)
        return cls(view.file, view.heading)

    @property
    def uri(self) -> str:
        return self.file if self.heading is None else View(self.file, self.heading).uri

    @property
    def projection(self) -> str | None:
        """What a row says so that `of_row` reads the same picture."""
        return None if self.heading is None else VIEW

    def id_of(self, raw: bytes) -> str:
        """The picture's id, by the bytes of its file and the view that is meant."""
        return content_id(raw) if self.heading is None else view_id(content_id(raw), self.heading)

    def decode(
        self, raw: bytes, limits: ImageLimits, shortest_side: int | None = None
    ) -> Photograph:
        """As `core.images.decode`; of a view its pixels and size.

        Raises UnreadableImage, also for a view of what is no panorama (kind "no panorama").
        """
        if self.heading is None:
            return decode(raw, limits, shortest_side)
        (view,) = decoded_views(decode(raw, limits, VIEW_SIDE), [self.heading])
        return view


def _is_there(name: str) -> bool:
    return parse_address(name).exists()


def view_id(image_id: str, heading: float) -> str:
    """The id of a view of the file with this id."""
    return f"{image_id}-{heading:g}"


def file_id(image_id: str) -> str:
    """The id of the file that a picture is, or is a view of."""
    return image_id.partition("-")[0]


def decoded_views(whole: Photograph, headings: list[float]) -> list[Photograph]:
    """Views of a panorama that was decoded with a `shortest_side`, of at least VIEW_SIDE or so.

    Raises UnreadableImage of kind "no panorama" for any other picture.
    """
    if whole.panorama is None:
        raise UnreadableImage(
            "no panorama", "a view by its #heading is asked for, and the picture is no panorama"
        )
    images = cut_views(whole.image, whole.panorama, whole.width, headings)
    return [
        Photograph(image, image.width, image.height, whole.latitude, whole.longitude)
        for image in images
    ]
