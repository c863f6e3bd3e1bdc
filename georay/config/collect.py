"""The recipe of street views: which points, from which provider, how fast, and how many of each."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from georay.config.cluster import ClusterRecipe
from georay.config.load import LocalPath, Location, Recipe

BaseUrl = Annotated[str, Field(pattern=r"^https?://[^/]+(/.*)?$")]


class GoogleRecipe(Recipe):
    """Google Street View Static.

    Key: GOOGLE_MAPS_API_KEY; signing secret: GOOGLE_MAPS_SIGNING_SECRET. width, height: pixels, at
    most 640. i_may_store_pictures: Google's terms forbid to store pictures, so say here that your
    agreement with Google allows it.
    """

    name: Literal["google"]
    base_url: BaseUrl = "https://maps.googleapis.com"
    width: int = Field(default=640, ge=16, le=640)
    height: int = Field(default=640, ge=16, le=640)
    field_of_view: int = Field(default=90, ge=10, le=120)
    pitch: int = Field(default=0, ge=-90, le=90)
    outdoor_only: bool = True
    i_may_store_pictures: bool = False


class MapillaryRecipe(Recipe):
    """Mapillary, API v4. Token: MAPILLARY_ACCESS_TOKEN. size: of the longer side, in pixels."""

    name: Literal["mapillary"]
    base_url: BaseUrl = "https://graph.mapillary.com"
    size: Literal[256, 1024, 2048] = 2048
    page_size: int = Field(default=100, ge=1, le=2000)


class PanoramaxRecipe(Recipe):
    """Panoramax: any of its servers, by default the catalogue of all. It needs no key."""

    name: Literal["panoramax"]
    base_url: BaseUrl = "https://api.panoramax.xyz"
    size: Literal["hd", "sd"] = "hd"
    page_size: int = Field(default=50, ge=1, le=1000)


class KartaViewRecipe(Recipe):
    """KartaView, API 2.0. A token, KARTAVIEW_ACCESS_TOKEN, is sent where there is one."""

    name: Literal["kartaview"]
    base_url: BaseUrl = "https://api.openstreetcam.org"
    size: Literal["proc", "lth"] = "proc"
    page_size: int = Field(default=50, ge=1, le=100)


class FolderRecipe(Recipe):
    """Pictures that lie here already, with a labels.csv of file, latitude, longitude and more."""

    name: Literal["folder"]
    folder: LocalPath
    licence: str
    attribution: str


ProviderRecipe = Annotated[
    GoogleRecipe | MapillaryRecipe | PanoramaxRecipe | KartaViewRecipe | FolderRecipe,
    Field(discriminator="name"),
]


class ViewsRecipe(Recipe):
    """Which views of a point are taken.

    keep: of the four that are offered (front, right, back and left of the road), chosen by `seed`.
    radius_m: how far from its point a picture may be. max_turn: degrees by which a picture that
    looks in one direction may look past the one that is asked for.
    """

    keep: int = Field(default=2, ge=1, le=4)
    seed: int = 0
    radius_m: float = Field(default=50.0, gt=0, le=500)
    max_turn: float = Field(default=45.0, gt=0, le=180)


class QuotaRecipe(Recipe):
    """Requests that are allowed, over all workers together, whatever the provider allows.

    None of these is ever exceeded. per_day counts what the provider counts, by the calendar days of
    `day_zone` (Google's begin at midnight in America/Los_Angeles).
    """

    per_second: PositiveFloat = 10.0
    per_minute: PositiveInt | None = None
    per_day: PositiveInt | None = None
    day_zone: str = "UTC"

    @model_validator(mode="after")
    def _know_the_zone(self) -> Self:
        if self.day_zone not in available_timezones():
            raise ValueError(f"{self.day_zone!r} is no time zone, such as America/Los_Angeles")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.day_zone)


class PriceStep(Recipe):
    """What a thousand pictures cost, up to so many in a month; without `up_to`, any more."""

    per_thousand: float = Field(ge=0)
    up_to: PositiveInt | None = None


class PricesRecipe(Recipe):
    """A price list, copied from the provider by you. It is only added up, never paid.

    name: of the list, with its date. Steps from few pictures to many.
    """

    name: str
    currency: str
    steps: tuple[PriceStep, ...] = Field(min_length=1)


class RequestsRecipe(Recipe):
    """How patient one request is, and what of an answer is taken.

    tries: of one request that fails for a moment. timeout_s: seconds until an answer is whole.
    backoff_s: before the second try; doubled for each more, and varied at random.
    """

    tries: PositiveInt = 4
    timeout_s: PositiveFloat = 30.0
    backoff_s: PositiveFloat = 1.0
    max_bytes: PositiveInt = 32 << 20
    max_pixels: PositiveInt = 134_000_000


class DetectorRecipe(Recipe):
    """A network that finds what is to be blurred.

    model: a hub id or a local folder of transformers' object detection, for number plates such as
    nickmuchi/yolos-small-finetuned-license-plate-detection. labels: which of its classes; all of
    them if none is named. threshold: from which certainty on.
    """

    model: str
    revision: str | None = None
    labels: tuple[str, ...] = ()
    threshold: float = Field(default=0.3, gt=0, lt=1)


class BlurRecipe(Recipe):
    """Faces and number plates made unreadable, where their provider has not done so.

    No detector finds all: look at the pictures before you pass them on.
    """

    detectors: tuple[DetectorRecipe, ...] = ()


class CollectorsRecipe(Recipe):
    """How collecting is spread: workers, points at once in each, and points in one piece of work.

    Workers wait for the network most of their time, so each asks for a fraction of a CPU.
    """

    num_workers: PositiveInt = 2
    points_at_once: PositiveInt = 32
    points_per_shard: PositiveInt = 128
    cpus_per_worker: PositiveFloat = 0.25


class CollectRecipe(Recipe):
    """Street views at sampling points (paper, section 3.1: four headings per point, two kept).

    points: a Parquet table that `georay points` wrote. expected_coverage: the share of points that
    have a picture, for the announced cost. max_error_share: the run fails at its end if a larger
    share of the views failed; a place without imagery is no failure.
    """

    points: Location
    output: Location
    title: str = ""
    provider: ProviderRecipe
    views: ViewsRecipe = ViewsRecipe()
    quota: QuotaRecipe = QuotaRecipe()
    prices: PricesRecipe | None = None
    expected_coverage: float = Field(default=1.0, gt=0, le=1)
    max_error_share: float = Field(default=0.5, ge=0, le=1)
    requests: RequestsRecipe = RequestsRecipe()
    blur: BlurRecipe = BlurRecipe()
    workers: CollectorsRecipe = CollectorsRecipe()
    cluster: ClusterRecipe = ClusterRecipe()
