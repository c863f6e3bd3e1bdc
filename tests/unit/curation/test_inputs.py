import fsspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from georay.core.tables import INPUTS, TERMS
from georay.curation.inputs import list_inputs

NO_TERMS = dict.fromkeys(TERMS)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for name in ("b.jpg", "a.png", "deep/c.jpg", ".hidden.jpg", "readme.md", "noextension"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def uris(*sources):
    return list_inputs([str(source) for source in sources]).table.column("uri").to_pylist()


def test_a_folder_gives_every_file_that_could_be_a_picture_in_order(photos):
    names = ["a.png", "b.jpg", "deep/c.jpg", "noextension"]
    assert uris(photos) == [f"{photos}/{name}" for name in names]
    assert list_inputs([str(photos)]).table.schema.equals(INPUTS)


def test_a_glob_gives_what_it_matches(photos):
    assert uris(f"{photos}/*.jpg") == [f"{photos}/b.jpg"]
    assert uris(f"{photos}/**/*.jpg") == [f"{photos}/b.jpg", f"{photos}/deep/c.jpg"]


def test_a_folder_whose_name_looks_like_a_glob_is_a_folder(tmp_path):
    folder = tmp_path / "rome [2020]"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"x")
    assert uris(folder) == [f"{folder}/a.jpg"]


def test_a_single_picture_is_a_source(photos):
    assert uris(photos / "b.jpg") == [f"{photos}/b.jpg"]


def test_a_file_named_by_several_sources_is_read_once(photos):
    assert uris(photos / "b.jpg", photos, f"{photos}/*.jpg").count(f"{photos}/b.jpg") == 1


def test_one_file_has_one_name_however_its_folder_is_written(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    expected = uris(photos)
    assert uris("photos") == uris("./photos/") == uris("photos/../photos") == expected


@pytest.mark.parametrize("column", ["uri", "file", "path", "image"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_list_gives_files_and_places_relative_to_itself(photos, kind, column):
    table = pa.table(
        {
            "id": [1, 2],
            column: ["b.jpg", str(photos / "deep/c.jpg")],
            "latitude": [48.5, None],
            "longitude": [2.25, None],
            "country": ["FR", "NA"],
            "city": ["Paris", None],
            "heading": [90, None],
        }
    )
    source = photos / f"list.{kind}"
    pa.csv.write_csv(table, source) if kind == "csv" else pq.write_table(table, source)
    assert list_inputs([str(source)]).table.to_pylist() == [
        {
            "uri": f"{photos}/b.jpg", "latitude": 48.5, "longitude": 2.25,
            "country": "FR", "city": "Paris", "heading": 90.0, "projection": None, "error": None,
            **NO_TERMS,
        },
        {
            "uri": f"{photos}/deep/c.jpg", "latitude": None, "longitude": None,
            "country": "NA", "city": None, "heading": None, "projection": None, "error": None,
            **NO_TERMS,
        },
    ]  # fmt: skip


def test_namibia_is_a_country_and_not_an_empty_entry(photos):
    (photos / "list.csv").write_text("file,country,latitude\nb.jpg,NA,\na.png,NA,-22.5\n")
    rows = list_inputs([str(photos / "list.csv")]).table.to_pylist()
    assert [(row["country"], row["latitude"]) for row in rows] == [("NA", None), ("NA", -22.5)]


def test_the_first_mention_in_a_list_counts(photos):
    (photos / "list.csv").write_text("file,city\nb.jpg,Paris\na.png,Rome\nb.jpg,Lyon\n")
    rows = list_inputs([str(photos / "list.csv")]).table.to_pylist()
    assert [(row["uri"].rpartition("/")[2], row["city"]) for row in rows] == [
        ("b.jpg", "Paris"),
        ("a.png", "Rome"),
    ]


def test_labels_beside_a_folder_say_where_its_pictures_are(photos):
    (photos / "labels.csv").write_text(
        "file,latitude,longitude,country,licence\ndeep/c.jpg,1.5,2.5,SG,CC0\nabsent.jpg,0,0,FR,\n"
    )
    rows = {
        row["uri"].removeprefix(f"{photos}/"): row
        for row in list_inputs([str(photos)]).table.to_pylist()
    }
    assert list(rows) == ["a.png", "b.jpg", "deep/c.jpg", "noextension"]
    assert (rows["deep/c.jpg"]["latitude"], rows["deep/c.jpg"]["country"]) == (1.5, "SG")
    assert rows["deep/c.jpg"]["licence"] == "CC0" and rows["b.jpg"]["licence"] is None
    assert rows["b.jpg"]["latitude"] is None


def test_labels_that_name_a_picture_twice_do_not_list_it_twice(photos):
    (photos / "labels.csv").write_text("file,city\nb.jpg,Paris\nb.jpg,Lyon\n")
    assert uris(photos).count(f"{photos}/b.jpg") == 1


def test_remote_folders_and_lists_are_read(photos):
    memory = fsspec.filesystem("memory")
    memory.pipe({"/pictures/a.jpg": b"x", "/pictures/list.csv": b"file,city\na.jpg,Paris\n"})
    try:
        assert uris("memory://pictures")[0].endswith("pictures/a.jpg")
        assert uris("memory://pictures/*.jpg") == uris("memory://pictures")
        memory.pipe({"/pictures/rome [2020]/b.jpg": b"x"})
        assert len(uris("memory://pictures/rome [2020]")) == 1
        (row,) = list_inputs(["memory://pictures/list.csv"]).table.to_pylist()
        assert (row["uri"], row["city"]) == ("memory://pictures/a.jpg", "Paris")
    finally:
        memory.rm("/pictures", recursive=True)
    assert uris(f"file://{photos}") == uris(photos)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent", "absent does not exist; give a folder"),
        ("absent.csv", r"cannot read the list .*absent\.csv"),
        ("absent.parquet", r"cannot read the list .*absent\.parquet"),
        ("*.gif", r"no file matches .*\*\.gif"),
        ("empty", "holds no files that could be pictures"),
        ("nofile.csv", "needs a column `uri` or `file`, found: name, city"),
        ("norows.csv", "lists no files"),
    ],
)
def test_a_source_without_pictures_says_what_is_wrong(photos, source, message):
    (photos / "empty").mkdir()
    (photos / "empty" / "notes.txt").write_text("x")
    (photos / "nofile.csv").write_text("name,city\na,b\n")
    (photos / "norows.csv").write_text("file,city\n")
    with pytest.raises(ValueError, match=message):
        list_inputs([str(photos / source)])


def test_a_source_whose_name_is_not_utf8_is_a_sentence_that_can_be_printed(photos):
    with pytest.raises(ValueError, match=r"caf%E9\.jpg: the name is not UTF-8") as refused:
        list_inputs([f"{photos}/caf\udce9.jpg"])
    str(refused.value).encode()
