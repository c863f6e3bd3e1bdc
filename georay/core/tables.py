"""Arrow schemas of the tables that pass between the steps, and the check that holds them to it."""

from collections.abc import Sequence

import pyarrow as pa

from georay.core.paths import open_dataset, path_of
from georay.core.retries import with_retries
from georay.errors import TableMismatch

_PLACE = [
    pa.field("latitude", pa.float64()),
    pa.field("longitude", pa.float64()),
    pa.field("country", pa.string()),
    pa.field("city", pa.string()),
    pa.field("heading", pa.float64()),
]

_PROJECTION = pa.field("projection", pa.string())
"""Null for a photograph; "equirectangular" for a panorama that is whole, "view" for a perspective
view of one, whose uri is that of its file with #heading=DEGREES."""

TERMS = ("source", "licence", "attribution")
"""Who gives a picture, under which terms, and whom to name for it, in the source's own words."""

_TERMS = [pa.field(name, pa.string()) for name in TERMS]

INPUTS = pa.schema(
    [
        pa.field("uri", pa.string(), nullable=False),
        *_PLACE,
        _PROJECTION,
        *_TERMS,
        pa.field("error", pa.string()),
    ]
)
"""What a curation run reads: one row per file, before anything was opened. A uri is one of
`core.storage`; `error` says what is wrong with the row of a list that names the file."""

POINTS = pa.schema(
    [
        pa.field("point_id", pa.string(), nullable=False),
        pa.field("city", pa.string()),
        pa.field("country", pa.string()),
        pa.field("latitude", pa.float64(), nullable=False),
        pa.field("longitude", pa.float64(), nullable=False),
        pa.field("road_class", pa.string()),
        pa.field("heading_road", pa.float64()),
        pa.field("road_name", pa.string()),
        pa.field("way_id", pa.int64()),
        pa.field("road", pa.int64()),
        pa.field("offset_m", pa.float64()),
        pa.field("placed", pa.string()),
    ]
)
"""A place to take street views at. `point_id` is a hash of the coordinates, `country` an alpha-2
code. `heading_road`: degrees clockwise from north, in the direction of travel of a one-way road,
else as OpenStreetMap draws the way `way_id`. `road` numbers the roads of a city as joined for
sampling, `offset_m` is metres from that road's beginning; `placed` is "interval" for points at
regular distances and "gap" for those added where no other was near."""

IMAGES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("uri", pa.string()),
        *_PLACE,
        _PROJECTION,
        pa.field("captured_at", pa.timestamp("ms", tz="UTC")),
        *_TERMS,
    ]
)

STREET_VIEWS = pa.schema(
    [
        *IMAGES,
        pa.field("point_id", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("picture_id", pa.string()),
        pa.field("distance_m", pa.float64()),
        pa.field("terms", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
    ]
)
"""Pictures taken at points, one per point and side. `side` is "front", "right", "back" or "left" of
the road, `distance_m` how far the picture is from its point, whose town and country it has. The
place is where the provider says that the picture was taken, `terms` where its terms stand."""

MISSING_VIEWS = pa.schema(
    [
        pa.field("point_id", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        *_PLACE,
        pa.field("source", pa.string()),
        pa.field("error", pa.string(), nullable=False),
        pa.field("error_kind", pa.string(), nullable=False),
    ]
)
"""Views of points that could not be had, each with a slug to count by and a sentence to read."""

_SPAN = pa.struct(
    [
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("name", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("country", pa.string()),
    ]
)

CLUES = pa.schema(
    [
        pa.field("clue_id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("country", pa.string()),
        pa.field("city", pa.string()),
        pa.field("places", pa.list_(pa.string())),
        pa.field("image_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("country_from", pa.string()),
        pa.field("unknown_country", pa.string()),
        pa.field("language", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("spans", pa.list_(_SPAN)),
        pa.field("label", pa.string()),
        pa.field("label_similarity", pa.float32()),
        pa.field("pairing", pa.string()),
    ]
)
"""Sentences about places. `row` counts in the source's file, from 1; `country` is what
`country_from` says: "source", "coordinates" or "text"; `unknown_country` is the source's word for
a country that the gazetteer does not have. `rule` is what proves a place ("entity", "gazetteer",
"wording" or "people" in the sentence, else "source"), `spans` where in the text, in characters.
`label` is the segmentation class that the sentence speaks of, `pairing` what chose its picture:
"source", "class" or "clip"."""

CLUES_DROPPED = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("clue_id", pa.string()),
        pa.field("text", pa.string()),
        pa.field("country", pa.string()),
        pa.field("language", pa.string()),
        pa.field("source", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("row", pa.int64()),
    ]
)
"""Sentences that became no clue, each with a slug to count by and a sentence to read."""

SCORES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("copies", pa.int64(), nullable=False),
        pa.field("duplicate_uris", pa.list_(pa.string())),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        *_PLACE,
        _PROJECTION,
        *_TERMS,
        pa.field("area_ratio", pa.list_(pa.float32())),
        pa.field("unknown_share", pa.float64()),
        pa.field("outside_segmenter", pa.bool_()),
        pa.field("locatability", pa.float64()),
        pa.field("segmenter", pa.string()),
        pa.field("weights_id", pa.string()),
        pa.field("error", pa.string()),
        pa.field("error_kind", pa.string()),
    ]
)
"""Every image of a run, scored or failed. `area_ratio` has 150 entries in ADE20K order; they add up
to 1 less `unknown_share`, which the segmenter does not know. `outside_segmenter`: that share is too
large for the score to mean anything. A panorama is a row per view; all views of one file are
written together."""


SAMPLES = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("place", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("question", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("clue_id", pa.string()),
        pa.field("country", pa.string(), nullable=False),
        pa.field("city", pa.string()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("locatability", pa.float64()),
        _PROJECTION,
        pa.field("clue_source", pa.string()),
        pa.field("clue_licence", pa.string()),
        *(pa.field(f"picture_{name}", pa.string()) for name in TERMS),
    ]
)
"""Conversations to learn from. `stage` is the name of its prompt, "reasoning" or "location";
`split` is "train", "validation" or "test", and no `place` is in two of them."""

LEFT_OUT = pa.schema(
    [
        pa.field("stage", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("clue_id", pa.string()),
        pa.field("image_id", pa.string()),
        pa.field("uri", pa.string()),
    ]
)
"""Clues and images that became no sample, each with a slug to count by and a sentence to read."""

_TOWN_CANDIDATE = pa.struct(
    [
        pa.field("city", pa.string()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("probability", pa.float64()),
    ]
)
_CANDIDATE = pa.struct(
    [
        pa.field("country", pa.string()),
        pa.field("country_name", pa.string()),
        pa.field("probability", pa.float64()),
        pa.field("towns", pa.list_(_TOWN_CANDIDATE)),
    ]
)

USAGE = ("num_attempts", "num_prompt_tokens", "num_answer_tokens", "cost")
"""Columns that say what a remote model's answer took."""

PREDICTIONS = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("adapter", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("country", pa.string()),
        pa.field("city", pa.string()),
        pa.field("reasons", pa.string()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("sureness", pa.string()),
        pa.field("candidates", pa.list_(_CANDIDATE)),
        pa.field("raw", pa.string()),
        pa.field("error", pa.string()),
        pa.field("latency_ms", pa.float64()),
        pa.field("true_country", pa.string()),
        pa.field("true_city", pa.string()),
        pa.field("true_latitude", pa.float64()),
        pa.field("true_longitude", pa.float64()),
        pa.field("num_attempts", pa.int64()),
        pa.field("num_prompt_tokens", pa.int64()),
        pa.field("num_answer_tokens", pa.int64()),
        pa.field("cost", pa.float64()),
    ]
)
"""One answer per image beside what is true of it. Countries are alpha-2 codes, towns as written;
`status`, `sureness` and `candidates` are those of the location. The last four are what a remote
model's answer took."""

LOCATED = pa.schema(
    [
        pa.field("uri", pa.string(), nullable=False),
        _PROJECTION,
        pa.field("image_id", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("country", pa.string()),
        pa.field("country_name", pa.string()),
        pa.field("city", pa.string()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("confidence", pa.float64()),
        pa.field("sureness", pa.string()),
        pa.field("expected_distance_km", pa.float64()),
        pa.field("candidates", pa.list_(_CANDIDATE)),
        pa.field("reasons", pa.string()),
        pa.field("locatability", pa.float64()),
        pa.field("is_locatable", pa.bool_()),
        pa.field("error", pa.string()),
        pa.field("raw", pa.string()),
        pa.field("model", pa.string()),
        pa.field("adapter", pa.string()),
        pa.field("latency_ms", pa.float64()),
        *(PREDICTIONS.field(name) for name in PREDICTIONS.names if name.startswith("true_")),
        *(PREDICTIONS.field(name) for name in USAGE),
    ]
)
"""Where the pictures of a collection were taken, a row for each. `status` is that of the location,
or "skipped" where the locatability was too low to ask; `is_locatable` is null where none was asked
for. What lists say of the pictures' places is carried as `true_…`."""

JUDGED = pa.schema(
    [
        *PREDICTIONS,
        pa.field("confidence", pa.float64()),
        pa.field("kind", pa.string()),
        pa.field("locatability", pa.float64()),
        pa.field("clues", pa.list_(pa.string())),
    ]
)
"""Predictions with what figures are broken down by: what a picture shows ("street", "tunnel" …)
and how locatable it is; and how sure the model is, of whichever program it is. `clues`: the things
in the picture that speak of a place, in words; null where nobody wrote them down."""


def conform(table: pa.Table, schema: pa.Schema, name: str) -> pa.Table:
    """The table with exactly the columns of `schema`, in its order and types.

    Raises TableMismatch naming the column that is missing or cannot be cast.
    """
    columns = [_column(table, field, name) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def read_samples(locations: Sequence[str]) -> pa.Table:
    """All rows of Parquet files, or folders of them, of schema SAMPLES, one behind the other.

    What `georay samples` wrote may be named as a whole.

    Raises ValueError if a location is absent or cannot be read.
    """
    return pa.concat_tables([_read_samples(location) for location in locations])


def _read_samples(location: str) -> pa.Table:
    path = path_of(location)
    try:
        if not path.exists():
            raise ValueError(f"no samples at {location}: give a Parquet file or a folder of them")
        if (path / "samples.json").exists():
            path = path / "samples"
        table = with_retries(lambda: open_dataset(path).to_table())
    except (pa.ArrowInvalid, OSError) as problem:
        raise ValueError(f"cannot read samples from {location}: {problem}") from problem
    return conform(table, SAMPLES, location)


def rows_to_table(rows: Sequence[dict[str, object]], schema: pa.Schema) -> pa.Table:
    """A table of `schema` from row dictionaries; absent keys become null."""
    return pa.Table.from_pylist(list(rows), schema=schema)


def _column(table: pa.Table, field: pa.Field, name: str) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        if field.nullable:
            return pa.chunked_array([pa.nulls(table.num_rows, field.type)])
        raise TableMismatch(f"table {name!r} has no column {field.name!r}, which it needs")
    try:
        column = table.column(field.name).cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise TableMismatch(
            f"column {field.name!r} of table {name!r} cannot be read as {field.type}: {problem}"
        ) from problem
    if not field.nullable and column.null_count:
        raise TableMismatch(f"column {field.name!r} of table {name!r} has empty entries")
    return column
