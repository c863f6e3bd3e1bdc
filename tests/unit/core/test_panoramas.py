import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from georay.core.images import ImageLimits, decode
from georay.core.panoramas import Panorama, View, cut_views, named_panorama, parse_view
from georay.core.picture_files import PictureFile, file_id
from georay.errors import UnreadableImage

LIMITS = ImageLimits()
NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"


def sphere(width: int, panorama: Panorama = Panorama()) -> Image.Image:  # noqa: B008
    """Red and blue tell the longitude, green the latitude; smooth all around."""
    height = round(width * (panorama.top - panorama.bottom) / (panorama.east - panorama.west))
    step = (panorama.east - panorama.west) / width
    east = np.radians(panorama.west + step * (np.arange(width) + 0.5))
    north = panorama.top - step * (np.arange(height) + 0.5)
    pixels = np.empty((height, width, 3))
    pixels[..., 0], pixels[..., 2] = 128 + 120 * np.sin(east), 128 + 120 * np.cos(east)
    pixels[..., 1] = (128 + 1.3 * north)[:, None]
    return Image.fromarray(np.uint8(pixels.round()))


def direction(colour: np.ndarray) -> tuple[float, float]:
    """Longitude and latitude in degrees of a colour of `sphere`."""
    red, green, blue = (float(value) for value in colour)
    return np.degrees(np.arctan2(red - 128, blue - 128)) % 360, (green - 128) / 1.3


def encoded(image: Image.Image, xmp: str = "") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, xmp=xmp.encode() if xmp else None)
    return buffer.getvalue()


def gpano(**fields: object) -> str:
    written = " ".join(f'GPano:{name}="{value}"' for name, value in fields.items())
    return f'<rdf:Description xmlns:GPano="{NAMESPACE}" {written}/>'


def found(image: Image.Image, xmp: str = "") -> Panorama | None:
    return decode(encoded(image, xmp), LIMITS, 1024).panorama


# recognising


def test_a_large_picture_twice_as_wide_as_high_is_a_panorama():
    assert found(Image.new("RGB", (5_600, 2_800), "grey")) == Panorama()
    assert found(Image.new("RGB", (5_600, 2_100), "grey")) is None


def test_the_panorama_from_the_field_is_recognised(shared):
    file: Path = shared("cases/photos/panorama_5600x2800.jpg")
    assert decode(file.read_bytes(), LIMITS).panorama == Panorama()


def test_of_smaller_ones_only_those_whose_edges_meet():
    around = sphere(2_400)
    assert found(around) == Panorama()
    photograph = around.crop((0, 0, 1_200, 1_200)).resize((2_400, 1_200))
    assert found(photograph) is None, "a telephone's photograph of 2:1"
    assert found(around.resize((1_600, 800))) is None, "too small to be told by its shape"


@pytest.mark.parametrize(
    "xmp",
    [
        gpano(ProjectionType="equirectangular"),
        f"<x xmlns:GPano='{NAMESPACE}'><GPano:ProjectionType>equirectangular<",
        f'<x xmlns:pano="{NAMESPACE}" pano:ProjectionType = "Equirectangular"/>',
        gpano(FullPanoWidthPixels=800, FullPanoHeightPixels=400),
    ],
)
def test_metadata_names_a_panorama_of_any_size(xmp):
    assert found(sphere(800), xmp) == Panorama()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_read_in_every_format_that_has_it(kind):
    buffer, xmp = io.BytesIO(), gpano(ProjectionType="equirectangular", PoseHeadingDegrees=12.5)
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp)
        sphere(800).save(buffer, kind, pnginfo=info)
    else:
        sphere(800).save(buffer, kind, xmp=xmp.encode())
    assert decode(buffer.getvalue(), LIMITS).panorama == Panorama(heading=12.5)


@pytest.mark.parametrize(
    "xmp",
    ["", gpano(ProjectionType="cylindrical"), gpano(PoseHeadingDegrees=1), "GPano:ProjectionType"],
)
def test_metadata_of_something_else_names_none(xmp):
    assert named_panorama(xmp, 800, 400) is None


def test_a_cut_panorama_shows_the_part_that_its_metadata_says():
    xmp = gpano(
        ProjectionType="equirectangular", FullPanoWidthPixels=3600, FullPanoHeightPixels=1800,
        CroppedAreaLeftPixels=900, CroppedAreaTopPixels=600, CroppedAreaImageWidthPixels=2000,
        CroppedAreaImageHeightPixels=700, PoseHeadingDegrees=350,
    )  # fmt: skip
    for scale in (1, 2):  # sizes may be those from before it was reduced
        panorama = named_panorama(xmp, 2000 // scale, 700 // scale)
        assert panorama == Panorama(west=-90, east=110, bottom=-40, top=30, heading=350)
    assert panorama.view_headings() == [315.0, 45.0]


@pytest.mark.parametrize("field", ["FullPanoWidthPixels", "CroppedAreaLeftPixels"])
def test_a_cut_that_cannot_be_true_is_not_believed(field):
    fields = {"FullPanoWidthPixels": 1000, "FullPanoHeightPixels": 500, field: 3}
    if field == "CroppedAreaLeftPixels":
        fields[field] = 900
    xmp = gpano(ProjectionType="equirectangular", CroppedAreaImageWidthPixels=800, **fields)
    assert named_panorama(xmp, 800, 400) == Panorama()


# views


@pytest.mark.parametrize("heading", [0.0, 90.0, 180.0, 270.0, 37.5])
@pytest.mark.parametrize("pose", [None, 120.0])
def test_a_view_shows_what_lies_in_its_direction(heading, pose):
    panorama = Panorama(heading=pose)
    (view,) = cut_views(sphere(2_048), panorama, 2_048, [heading])
    pixels = np.asarray(view, dtype=float)
    assert pixels.shape == (512, 512, 3)
    for column, row in ((256, 256), (40, 256), (480, 256), (256, 30), (500, 500), (10, 400)):
        x, y = (column + 0.5) / 256 - 1, (row + 0.5) / 256 - 1
        east = (heading - (pose or 0) + np.degrees(np.arctan(x))) % 360
        north = -np.degrees(np.arctan2(y, np.hypot(1, x)))
        seen = direction(pixels[row, column])
        assert abs((seen[0] - east + 180) % 360 - 180) < 1.5
        assert abs(seen[1] - north) < 1.5


def test_straight_lines_stay_straight():
    """A wall's upper edge is a curve in the panorama and a line in the view."""
    side = 512
    width, height = 2_048, 1_024
    east = np.radians((np.arange(width) + 0.5) / width * 360 - 180)
    north = np.radians(90 - (np.arange(height) + 0.5) / height * 180)[:, None]
    wall = (np.cos(east) > 0) & (np.tan(north) < 0.5 * np.cos(east)) & (north > 0)
    panorama = Image.fromarray(np.uint8(wall * 255)).convert("RGB")
    (view,) = cut_views(panorama, Panorama(), width, [0.0])
    edges = (np.asarray(view)[:, :, 0] > 127).argmax(axis=0)
    assert edges.min() >= side // 4 - 2
    assert edges.max() <= side // 4 + 2


def test_neighbouring_views_meet_without_a_seam():
    views = list(cut_views(sphere(2_048), Panorama(), 2_048, [0.0, 90.0, 180.0, 270.0]))
    edges = [np.asarray(view, dtype=float) for view in views]
    for here, there in zip(edges, edges[1:] + edges[:1], strict=True):
        assert np.abs(here[:, -1] - there[:, 0]).max() <= 3


def test_a_cut_panorama_gives_views_of_what_it_shows_alone():
    panorama = Panorama(west=-90, east=110, bottom=-30, top=40)
    image = sphere(2_000, panorama)
    views = list(cut_views(image, panorama, 2_000, panorama.view_headings()))
    assert [view.size for view in views] == [(900, 638)] * 2
    for view, heading in zip(views, panorama.view_headings(), strict=True):
        top = np.asarray(view, dtype=float)[0, 450]
        assert direction(top)[1] == pytest.approx(40, abs=2)
        assert abs((direction(top)[0] - heading + 180) % 360 - 180) < 2


@pytest.mark.parametrize(
    "panorama",
    [Panorama(west=-40, east=40), Panorama(bottom=20), Panorama(top=5)],
    ids=["too narrow", "sky alone", "ground alone"],
)
def test_where_no_view_fits_there_is_none(panorama):
    assert panorama.view_headings() == []


def test_headings_are_those_of_the_compass_where_the_file_says_them():
    assert Panorama().view_headings() == [0, 90, 180, 270]
    assert Panorama(heading=300.25).view_headings() == [300.25, 30.25, 120.25, 210.25]


# names


@pytest.mark.parametrize("heading", [0.0, 90.0, 270.0, 12.5, 359.99])
@pytest.mark.parametrize("file", ["pano.jpg", "s3://bucket/a #b%20ü.jpg", "a#heading=90"])
def test_the_name_of_a_view_reads_back(file, heading):
    view = View(file, heading)
    assert parse_view(view.uri) == view
    assert PictureFile.of_row(view.uri, "view") == PictureFile(file, heading)
    assert PictureFile(file, heading).uri == view.uri


@pytest.mark.parametrize(
    "uri", ["pano.jpg", "pano.jpg#heading=", "#heading=9", "p.jpg#heading=400"]
)
def test_other_names_name_no_view(uri):
    assert parse_view(uri) is None
    with pytest.raises(ValueError, match="#heading=DEGREES"):
        PictureFile.of_row(uri, "view")


def test_a_file_that_is_called_like_a_view_is_that_file(tmp_path):
    named = tmp_path / "pano.jpg#heading=90"
    (tmp_path / "pano.jpg").write_bytes(b"")
    assert PictureFile.find(str(named)) == PictureFile(str(tmp_path / "pano.jpg"), 90.0)
    named.write_bytes(b"")
    assert PictureFile.find(str(named)) == PictureFile(str(named))
    assert PictureFile.of_row(str(named), None) == PictureFile(str(named))


def test_a_view_is_decoded_from_its_file_and_has_an_id_of_its_own():
    raw = encoded(sphere(2_048), gpano(ProjectionType="equirectangular", PoseHeadingDegrees=90))
    north, east = PictureFile("a.jpg", 0.0), PictureFile("a.jpg", 90.0)
    seen = [direction(np.asarray(one.decode(raw, LIMITS).image)[256, 256]) for one in (north, east)]
    assert seen[0][0] == pytest.approx(270, abs=2)
    assert min(seen[1][0], 360 - seen[1][0]) < 2
    assert len({north.id_of(raw), east.id_of(raw), PictureFile("a.jpg").id_of(raw)}) == 3
    assert file_id(north.id_of(raw)) == PictureFile("a.jpg").id_of(raw)


def test_a_view_of_what_is_no_panorama_is_refused():
    with pytest.raises(UnreadableImage) as caught:
        PictureFile("a.jpg", 90.0).decode(encoded(sphere(800)), LIMITS)
    assert caught.value.kind == "no panorama"
