"""What is said of a picture reaches it, however it is said; what reaches none is named."""

import shutil
import unicodedata

import pytest
from inputs_room import listed, remarks, rows, touch
from storage_server import AWKWARD, serving_bucket

from georay.curation.inputs import list_inputs

HEAD = "file,latitude,longitude,country,city\n"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    touch(folder / "a.jpg", folder / "b.jpg", folder / "deep" / "c.jpg")
    return folder


def labels(folder, *lines, name="labels.csv"):
    (folder / name).write_text(HEAD + "".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("order", [1, -1])
def test_a_list_labels_the_pictures_of_a_folder_in_whichever_order_they_are_given(photos, order):
    labels(photos.parent, "photos/a.jpg,1,2,FR,Paris", name="list.csv")
    sources = [photos, photos.parent / "list.csv"][::order]
    assert rows(listed(*sources), photos)["a.jpg"]["city"] == "Paris"
    assert listed(*sources).table.num_rows == 3


def test_what_one_list_leaves_open_another_fills(photos):
    (photos / "one.csv").write_text("file,city\na.jpg,Paris\n")
    (photos / "two.csv").write_text("file,country,city,lat,lon\na.jpg,FR,Paris,48.8,2.3\n")
    (row,) = listed(photos / "one.csv", photos / "two.csv").table.to_pylist()
    assert (row["city"], row["country"], row["latitude"]) == ("Paris", "FR", 48.8)


@pytest.mark.parametrize(
    "written", ["./a.jpg", "deep/../a.jpg", "A.JPG", "a.jpg ", ".\\a.jpg", '"a.jpg"']
)
def test_other_ways_to_write_a_name_mean_the_same_file(photos, written):
    labels(photos, f"{written},1.3,103.8,SG,Singapore")
    assert rows(listed(photos), photos)["a.jpg"]["city"] == "Singapore"


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("is_list", [True, False])
def test_composed_and_decomposed_letters_are_one_name(photos, on_disk, is_list):
    other = {"NFC": "NFD", "NFD": "NFC"}[on_disk]
    name = unicodedata.normalize(on_disk, "Zürich/Bahnhofstraße ü.jpg")
    touch(photos / name)
    labels(photos, f"{unicodedata.normalize(other, name)},47.37,8.54,CH,Zürich")
    listing = listed(photos / "labels.csv" if is_list else photos)
    assert rows(listing, photos)[name]["country"] == "CH"
    assert listing.remarks == ()


def test_a_name_in_other_letters_is_taken_only_if_it_means_one_file_and_is_said(photos):
    touch(photos / "Case.JPG", photos / "twin.jpg", photos / "TWIN.jpg")
    labels(photos, "case.jpg,1,1,JP,Tokyo", "Twin.jpg,1,1,JP,Tokyo", "twin.jpg,1,1,FR,Paris")
    listing = listed(photos)
    found = rows(listing, photos)
    assert found["Case.JPG"]["city"] == "Tokyo"
    assert (found["twin.jpg"]["city"], found["TWIN.jpg"]["city"]) == ("Paris", None)
    assert remarks(listing)["rows_spelt_otherwise"] == (
        1,
        f"{photos}/labels.csv, row 2: case.jpg is {photos}/Case.JPG",
    )
    assert remarks(listing)["label_rows_without_file"][0] == 1


def test_folders_of_another_system_are_understood_and_a_backslash_in_a_name_is_kept(photos):
    touch(photos / "back\\slash.jpg")
    labels(photos, "deep\\c.jpg,40,-3,ES,Madrid", "back\\slash.jpg,1,1,FR,Paris")
    found = rows(listed(photos), photos)
    assert found["deep/c.jpg"]["city"] == "Madrid"
    assert found["back\\slash.jpg"]["city"] == "Paris"


def test_rows_of_labels_that_match_no_file_are_counted_and_named(photos):
    labels(photos, "a.jpg,1,1,FR,Paris", "gone.jpg,1,1,FR,Nice", "/elsewhere/b.jpg,1,1,FR,Metz")
    count, named = remarks(listed(photos))["label_rows_without_file"]
    assert count == 2
    assert f"{photos}/labels.csv, row 3: gone.jpg" in named
    assert "row 4: /elsewhere/b.jpg" in named


def test_of_very_many_rows_without_a_file_all_are_counted_and_some_named(photos):
    labels(photos, *(f"{number}.jpg,,,FR," for number in range(60)))
    (remark,) = listed(photos).remarks
    assert (remark.count, len(remark.named)) == (60, 50)
    assert remark.lines()[-1] == "  … and 10 more"


def test_labels_lie_in_any_folder_and_count_from_there(photos):
    labels(photos / "deep", "c.jpg,1,1,FR,Lyon", "../a.jpg,1,1,FR,Paris")
    found = rows(listed(photos), photos)
    assert (found["deep/c.jpg"]["city"], found["a.jpg"]["city"]) == ("Lyon", "Paris")


def test_a_pattern_takes_the_labels_beside_its_pictures_and_no_others(photos):
    labels(photos, "a.jpg,1,1,FR,Paris", "b.jpg,1,1,FR,Nice", "gone.jpg,,,FR,")
    labels(photos / "deep", "c.jpg,1,1,FR,Lyon")
    listing = listed(f"{photos}/a*.jpg")
    assert rows(listing, photos)["a.jpg"]["city"] == "Paris"
    assert remarks(listing) == {
        "label_rows_without_file": (1, f"{photos}/labels.csv, row 4: gone.jpg")
    }


def test_labels_that_contradict_are_named_and_the_first_counts(photos):
    labels(photos, "a.jpg,48.85,2.35,FR,Paris", "a.jpg,48.85,2.35,France,Lyon")
    listing = listed(photos)
    assert rows(listing, photos)["a.jpg"]["city"] == "Paris"
    assert remarks(listing)["contradicting_labels"] == (
        1,
        f"{photos}/a.jpg: city Paris against Lyon "
        f"({photos}/labels.csv, row 2; {photos}/labels.csv, row 3)",
    )


@pytest.mark.parametrize(
    ("one", "other", "is_contradiction"),
    [
        ("48.857,2.352,FR,Paris", "48.8571,2.3522,France,PARIS", False),
        ("0,180,FJ,Suva", "0,-180,Fiji,", False),
        ("48.857,2.352,FR,Paris", "48.957,2.352,FR,Paris", True),
        (",,FR,", ",,Germany,", True),
        (",,Nowhere,", ",,Elsewhere,", True),
        (",,,Zürich", ",,,Zurich", False),
    ],
)
def test_two_ways_to_say_the_same_are_no_contradiction(photos, one, other, is_contradiction):
    labels(photos, f"a.jpg,{one}", f"a.jpg,{other}")
    assert ("contradicting_labels" in remarks(listed(photos))) == is_contradiction


def test_labels_beside_pictures_in_storage_are_read():
    content = {"views/a b.jpg": b"a", "views/Zu\u0308.jpg": b"z", "views/f%20g.jpg": b"f"}
    content["views/labels.csv"] = f"{HEAD}a b.jpg,,,FR,Paris\nZü.jpg,,,CH,Zürich\n".encode()
    content["views/labels.csv"] += b"f%20g.jpg,,,DE,Fulda\nf g.jpg,,,DE,Gera\n"
    with serving_bucket() as bucket:
        for key, raw in content.items():
            bucket.put(key, raw)
        listing = listed(bucket.uri("views"))
    found = {row["city"] for row in listing.table.to_pylist()}
    assert found == {"Paris", "Zürich", "Fulda"}
    assert remarks(listing)["label_rows_without_file"][1].endswith("row 5: f g.jpg")
    assert bucket.options not in remarks(listing)["label_rows_without_file"][1]


def test_a_list_in_storage_names_what_lies_beside_it_and_need_not_repeat_the_options():
    with serving_bucket() as bucket:
        for name in AWKWARD:
            bucket.put(f"views/{name}", name.encode())
        lines = "".join(f'"{name}",FR\n' for name in AWKWARD)
        bucket.put("views/list.csv", f"file,country\n{lines}s3://pictures/b.jpg,\n".encode())
        of_list = list_inputs([bucket.uri("views/list.csv")]).table
        of_folder = list_inputs([bucket.uri("views")]).table
        both = list_inputs([bucket.uri("views"), bucket.uri("views/list.csv")]).table
    assert set(of_list["uri"].to_pylist()) == {
        *of_folder["uri"].to_pylist(),
        bucket.uri("b.jpg"),
    }
    assert both.num_rows == len(AWKWARD) + 1
    assert both["country"].to_pylist().count("FR") == len(AWKWARD)


def test_the_labels_of_the_field_all_reach_their_pictures(shared, tmp_path):
    folder = shutil.copytree(shared("cases/labels"), tmp_path / "labels")
    listing = listed(folder)
    cities = {name: row["city"] for name, row in rows(listing, folder).items()}
    assert cities == {
        unicodedata.normalize("NFD", "Zürich.jpg"): "Zürich",
        "back/s.jpg": "Madrid",
        "case.JPG": "Tokyo",
        "dot.jpg": "Singapore",
        "one/same.jpg": None,
        "plain.jpg": "Berlin",
        "two/same.jpg": "Paris",
    }
    assert set(remarks(listing)) == {"rows_spelt_otherwise"}
