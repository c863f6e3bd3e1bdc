"""Lists as people write them: their columns, their cells, and what is wrong with a row."""

import decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inputs_room import listed, remarks, rows, touch

from georay.core.tables import TERMS
from georay.curation.inputs import lists


@pytest.fixture
def folder(tmp_path):
    touch(tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "c.jpg")
    return tmp_path


def of_csv(folder, text, encoding="utf-8"):
    (folder / "list.csv").write_text(text, encoding=encoding)
    return listed(folder / "list.csv")


def of_parquet(folder, **columns):
    pq.write_table(pa.table(columns), folder / "list.parquet")
    return listed(folder / "list.parquet")


@pytest.mark.parametrize("name", ["uri", "file", "File Name", "file_name", "filename", "img",
                                  "image", "image_path", "Path", "filepath"])  # fmt: skip
@pytest.mark.parametrize("place", [("lat", "lng"), ("Latitude", "Long"), ("LAT", "lon"),
                                   ("gps_lat", "gps-lng")])  # fmt: skip
def test_common_names_of_columns_are_understood(folder, name, place):
    listing = of_csv(folder, f"{name},{','.join(place)}\na.jpg,1.5,2.5\n")
    (row,) = listing.table.to_pylist()
    assert (row["uri"], row["latitude"], row["longitude"]) == (f"{folder}/a.jpg", 1.5, 2.5)
    assert listing.remarks == ()


def test_blanks_after_commas_lose_nothing(folder):
    listing = of_csv(folder, 'file, latitude, longitude, city\na.jpg , 1.5, 2.5, "Paris, France"\n')
    (row,) = listing.table.to_pylist()
    assert (row["uri"], row["latitude"], row["city"]) == (f"{folder}/a.jpg", 1.5, "Paris, France")


def test_a_list_with_a_byte_order_mark_is_read(folder):
    assert of_csv(folder, "file,city\na.jpg,Paris\n", "utf-8-sig").table.num_rows == 1


def test_columns_that_are_not_used_are_named_in_one_line(folder):
    listing = of_csv(folder, "id,file,path,colour\n1,a.jpg,x,red\n")
    (remark,) = listing.remarks
    assert remark.lines() == [
        "3 columns are not used:",
        f"  {folder}/list.csv: id, path, colour",
    ]


@pytest.mark.parametrize(
    "head", ["file,country,country", "file,file,country", "file, country,country"]
)
def test_two_columns_of_one_name_are_a_sentence(folder, head):
    with pytest.raises(ValueError, match=r"list\.csv: two columns are called '\w+'; rename"):
        of_csv(folder, f"{head}\na.jpg,FR,France\n")


def test_two_parquet_columns_of_one_name_are_a_sentence(folder):
    table = pa.table([["a.jpg"], ["x"], ["y"]], names=["file", "city", "city"])
    pq.write_table(table, folder / "list.parquet")
    with pytest.raises(ValueError, match="two columns are called 'city'"):
        listed(folder / "list.parquet")


def test_two_unused_columns_of_one_name_disturb_no_one(folder):
    assert of_csv(folder, "file,note,note\na.jpg,x,y\n").table.num_rows == 1


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ("abc,2,", "latitude 'abc' is not a number"),
        ("48.5,2°,", "longitude '2°' is not a number"),
        ("95,2,", "latitude 95 is not within ±90 degrees"),
        ("1,-361,", "longitude -361 is not within ±360 degrees"),
        ("inf,2,", "latitude 'inf' is not a number"),
        ("1,2,north", "heading 'north' is not a number"),
        ("48,85,2,35", "has 5 cells under 4 columns"),
    ],
)
def test_a_bad_cell_costs_its_row_alone_and_is_named_by_row_and_column(folder, cells, fault):
    listing = of_csv(folder, f"file,lat,lon,heading\na.jpg,1,2,\n\nb.jpg,{cells}\nc.jpg,3,4,\n")
    found = rows(listing, folder)
    assert found["b.jpg"]["error"] == f"{folder}/list.csv, row 4: {fault}"
    assert [found[name]["error"] for name in ("a.jpg", "c.jpg")] == [None, None]
    assert (found["c.jpg"]["latitude"], found["b.jpg"]["heading"]) == (3.0, None)


@pytest.mark.parametrize("absent", ["", "nan", "NaN", "NA", "N/A", "null", "None", "-"])
def test_an_absent_number_is_absent_however_it_is_written(folder, absent):
    (row,) = of_csv(folder, f"file,lat,lon\na.jpg,{absent},{absent}\n").table.to_pylist()
    assert (row["latitude"], row["longitude"], row["error"]) == (None, None, None)


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.float16()])
def test_nan_is_an_absent_number(folder, kind):
    place = pa.array([float("nan"), 1.0], pa.float64()).cast(kind)
    listing = of_parquet(folder, file=["a.jpg", "b.jpg"], lat=place, lon=place, heading=place)
    assert [row["latitude"] for row in listing.table.to_pylist()] == [None, 1.0]
    assert [row["heading"] for row in listing.table.to_pylist()] == [None, 1.0]


@pytest.mark.parametrize(
    "given",
    [
        pa.array([12], pa.float32()),
        pa.array([12], pa.int32()),
        pa.array([decimal.Decimal("12.00")]),
        pa.array(["12"], pa.large_string()),
        pa.array(["12"], pa.string_view()),
        pa.array([" 12 "]).dictionary_encode(),
    ],
    ids=lambda given: str(given.type),
)
def test_numbers_of_any_type_are_read(folder, given):
    listing = of_parquet(folder, file=["a.jpg"], latitude=given, longitude=given)
    assert listing.table.to_pylist()[0]["latitude"] == 12.0


def test_an_infinite_number_of_a_parquet_list_is_named_by_its_row(folder):
    listing = of_parquet(folder, file=["a.jpg", "b.jpg"], lat=[1.0, float("inf")], lon=[1.0, 2.0])
    assert rows(listing, folder)["b.jpg"]["error"].endswith(
        "list.parquet, row 2: latitude inf is not within ±90 degrees"
    )


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.struct([("bytes", pa.binary()), ("path", pa.string())]), {"bytes": b"", "path": "x"}),
        (pa.binary(), b"\xff\xd8\xff"),
        (pa.large_binary(), b"abc"),
        (pa.list_(pa.string()), ["a.jpg"]),
        (pa.int64(), 1),
    ],
)  # fmt: skip
def test_pictures_in_a_table_are_refused_before_they_become_names(folder, kind, value):
    with pytest.raises(ValueError, match=r"the column 'image' holds .*, not names of files"):
        of_parquet(folder, image=pa.array([value], kind))


def test_names_beside_pictures_in_a_table_are_used(folder):
    listing = of_parquet(folder, image=pa.array([b"\xff\xd8"]), file_name=["a.jpg"])
    assert listing.table.to_pylist()[0]["uri"] == f"{folder}/a.jpg"
    assert remarks(listing)["unused_columns"] == (1, f"{folder}/list.parquet: image")


@pytest.mark.parametrize(
    ("column", "what"), [("city", "text"), ("country", "text"), ("lat", "numbers")]
)
def test_binary_is_neither_text_nor_a_number(folder, column, what):
    with pytest.raises(ValueError, match=f"'{column}' holds binary, not {what}"):
        of_parquet(folder, file=["a.jpg"], **{column: pa.array([b"Paris"])})


def test_rows_that_name_no_file_are_counted_and_named(folder):
    listing = of_csv(folder, "city,file\nParis,a.jpg\nRome,\nOslo,s3://me:pass@b/x.jpg\n")
    assert listing.table.num_rows == 1
    count, named = remarks(listing)["rows_without_name"]
    assert count == 2
    assert "row 3: the name is empty" in named and "row 4: this s3:// address holds" in named
    assert "pass" not in named


def test_a_half_position_is_named(folder):
    listing = of_csv(folder, "file,lat,lon\na.jpg,1,2\nb.jpg,1,\n")
    assert remarks(listing)["half_positions"] == (1, f"{folder}/list.csv, row 3: b.jpg")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_list_that_is_not_utf8_is_a_sentence(folder, encoding):
    with pytest.raises(ValueError, match=r"list\.csv"):
        of_csv(folder, "file,city\na.jpg,Zürich\n", encoding)


def test_a_quote_that_never_ends_is_a_sentence(folder):
    with pytest.raises(ValueError, match=r"cannot read the list .*unexpected end of data"):
        of_csv(folder, 'file,city\na.jpg,"Paris\nb.jpg,Rome\n')


@pytest.mark.parametrize("name", ["nan.parquet", "space.csv"])
def test_the_lists_of_the_field_are_understood(shared, name):
    listing = listed(shared(f"cases/lists/{name}"))
    assert listing.remarks == ()
    places = {(row["latitude"], row["longitude"]) for row in listing.table.to_pylist()}
    assert places == {"nan.parquet": {(None, None), (1.0, 2.0)}, "space.csv": {(1.5, 2.5)}}[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [("dupc.csv", "two columns are called 'country'"), ("hf_image_struct.parquet", "not names of")],
)
def test_the_lists_of_the_field_that_cannot_be_meant_are_refused(shared, name, message):
    with pytest.raises(ValueError, match=message):
        listed(shared(f"cases/lists/{name}"))


def test_terms_of_a_picture_come_whole_from_the_first_list_that_has_some(folder):
    (folder / "labels.csv").write_text("file,licence,attribution\na.jpg,CC0,\n")
    (folder / "list.csv").write_text("file,provider,license,credit\na.jpg,panoramax,,Jo\n")
    (row,) = listed(folder / "list.csv", folder / "labels.csv").table.to_pylist()
    assert [row[name] for name in TERMS] == ["panoramax", None, "Jo"]
    (folder / "list.csv").write_text("file,source\na.jpg,\n")
    (row,) = listed(folder / "list.csv", folder / "labels.csv").table.to_pylist()
    assert [row[name] for name in TERMS] == [None, "CC0", None]


def test_a_column_of_numbers_called_source_is_not_used_and_not_refused(folder):
    pq.write_table(pa.table({"file": ["a.jpg"], "source": [3]}), folder / "list.parquet")
    listing = listed(folder / "list.parquet")
    assert listing.table.to_pylist()[0]["source"] is None
    assert "source" in listing.remarks[0].lines()[1]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_long_list_reads_as_a_short_one_does_with_the_numbers_of_its_rows(
    folder, monkeypatch, suffix
):
    names = [f"{number}.jpg" for number in range(10)]
    latitudes = ["1.5"] * 6 + ["north"] + ["91"] + ["1.5", ""]
    longitudes = ["2.5"] * 10
    source = folder / f"list.{suffix}"
    if suffix == "csv":
        lines = map(",".join, zip(names, latitudes, longitudes, strict=True))
        source.write_text("\n".join(["file,lat,lon,who", *lines]) + "\n")
    else:
        columns = {"file": names, "lat": latitudes, "lon": longitudes, "who": names}
        pq.write_table(pa.table(columns), source)
    whole = listed(source)
    monkeypatch.setattr(lists, "_ROWS_AT_ONCE", 4)
    assert listed(source) == whole
    first = 2 if suffix == "csv" else 1
    errors = [row["error"] for row in whole.table.to_pylist()]
    assert f"row {first + 6}: latitude 'north'" in errors[6]
    assert f"row {first + 7}: latitude 91" in errors[7]
    assert [error for error in errors if error] == errors[6:8]
