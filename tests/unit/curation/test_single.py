import pytest
from make_bad_images import FOLDER

from georay.config.curate import CurateRecipe
from georay.curation.single import Unscored, score_picture

RECIPE = CurateRecipe(inputs=("x",), output="x")


def test_a_picture_is_named_by_a_path_or_by_a_uri(tmp_path):
    (tmp_path / "f%20g.jpg").write_bytes((FOLDER / "cmyk.jpg").read_bytes())
    (by_path,) = score_picture(f"{tmp_path}/f%20g.jpg", RECIPE)
    (by_uri,) = score_picture(f"file://{tmp_path}/f%2520g.jpg", RECIPE)
    assert by_uri.locatability == pytest.approx(by_path.locatability, abs=1e-6)


@pytest.mark.parametrize("name", ["absent.jpg", "nosuch://bucket/a.jpg"])
def test_a_picture_that_cannot_be_read_is_named(name):
    (unscored,) = score_picture(name, RECIPE)
    assert isinstance(unscored, Unscored)
    assert unscored.title == name and unscored.error
