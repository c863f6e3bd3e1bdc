"""Each provider against a server that behaves as its published API description says."""

import asyncio
import base64
import hashlib
import hmac

import pytest
from loopback_web import PARIS, asked, provider_of

from benchmarks.loopback.coverage import shots_near
from benchmarks.loopback.server import Loopback, environment, serving
from georay.acquisition.providers import AccessRefused, NoPicture, Point, load_provider
from georay.acquisition.providers.base import box_around, metres
from georay.acquisition.providers.google import signature
from georay.acquisition.providers.paging import same_server
from georay.config.collect import FolderRecipe, GoogleRecipe, MapillaryRecipe
from georay.core.geo import distance_km

APIS = ("google", "mapillary", "panoramax", "kartaview")


def _places():
    """Places of each kind: with photographs, with a panorama, with nothing."""
    places = [Point(f"p{n}", round(48.8 + n / 1000, 5), 2.35) for n in range(60)]
    kinds = {}
    for place in places:
        shots = shots_near(place.latitude, place.longitude, 0.92)
        kind = "nothing" if not shots else "panorama" if shots[0].is_panorama else "photographs"
        kinds.setdefault(kind, place)
    return kinds


PLACES = _places()


@pytest.fixture(scope="module")
def loopback():
    loopback = Loopback()
    with serving(loopback) as base:
        yield loopback, base


def find(provider, place, radius=50.0):
    return asked(lambda web: provider.find(place, radius, web))


@pytest.mark.parametrize("api", APIS)
def test_what_is_found_is_where_and_when_the_provider_says(api, loopback):
    found = find(provider_of(api, loopback[1]), PLACES["photographs"])
    shots = shots_near(PLACES["photographs"].latitude, PLACES["photographs"].longitude, 0.92)
    wanted = shots[:1] if api == "google" else shots
    assert [(f.latitude, f.longitude) for f in found] == [(s.latitude, s.longitude) for s in wanted]
    assert {(f.captured_at.year, f.captured_at.month) for f in found} == {
        (shots[0].year, shots[0].month)
    }
    if api == "google":
        assert found[0].shape == "any view"
    else:
        assert [f.heading for f in found] == [s.heading for s in wanted]
        assert {f.shape for f in found} == {"photograph"}


@pytest.mark.parametrize("api", APIS)
def test_where_nothing_is_nothing_is_found(api, loopback):
    assert find(provider_of(api, loopback[1]), PLACES["nothing"]) == []


@pytest.mark.parametrize("api", APIS)
def test_pictures_come_with_licence_and_attribution(api, loopback):
    provider = provider_of(api, loopback[1])

    async def first(web):
        found = (await provider.find(PLACES["photographs"], 50.0, web))[0]
        return found, await provider.fetch(found, 120.0, web)

    found, picture = asked(first)
    assert picture.startswith(b"\xff\xd8\xff")
    assert found.licence and provider.terms.obligation
    named = {"google": "© Loopback", "mapillary": "walker", "panoramax": "town", "kartaview": "dr"}
    assert found.attribution.startswith(named[api])
    if api == "google":
        assert b"120.00" in picture, "the heading that was asked for"


@pytest.mark.parametrize("api", APIS[1:])
def test_panoramas_are_known_as_such(api, loopback):
    (found,) = find(provider_of(api, loopback[1]), PLACES["panorama"])
    assert found.shape == "panorama" and found.heading is not None


@pytest.mark.parametrize(("api", "page_size"), [(api, size) for api in APIS[1:] for size in (2, 5)])
def test_all_pages_are_read(api, page_size, loopback):
    provider = provider_of(api, loopback[1], page_size=page_size)
    before = len(loopback[0].ledgers[api].arrivals)
    assert len(find(provider, PLACES["photographs"])) == 5
    assert len(loopback[0].ledgers[api].arrivals) - before == -(-5 // page_size)


@pytest.mark.parametrize("address", ["https://elsewhere.test/x", "http://api.test/x", "//b.test"])
def test_a_further_page_on_another_server_gets_no_key(address):
    with pytest.raises(NoPicture, match="another server"):
        same_server(address, "https://api.test")
    assert same_server("/images?after=2", "https://api.test") == "https://api.test/images?after=2"


def test_metadata_of_google_are_free_and_pictures_count(loopback):
    ledger, provider = loopback[0].ledgers["google"], provider_of("google", loopback[1])
    before = ledger.num_counted
    found = find(provider, PLACES["photographs"])
    assert ledger.num_counted == before
    asked(lambda web: provider.fetch(found[0], 0.0, web))
    assert ledger.num_counted == before + 1


def test_a_signature_is_that_of_path_and_query():
    secret = base64.urlsafe_b64decode("vNIXE0xscrmjlyV-12Nj_BvUPaw=")
    signed = signature("/maps/api/streetview?location=41,2&key=K", secret)
    expected = hmac.new(secret, b"/maps/api/streetview?location=41,2&key=K", hashlib.sha1)
    assert base64.urlsafe_b64decode(signed) == expected.digest()


def test_google_lets_no_wrong_signature_in(loopback):
    recipe = GoogleRecipe(
        name="google", base_url=f"{loopback[1]}/google", i_may_store_pictures=True
    )
    wrong = environment() | {"GOOGLE_MAPS_SIGNING_SECRET": "YW5vdGhlcg=="}
    with pytest.raises(AccessRefused, match="signature is not valid"):
        find(load_provider(recipe, wrong), PARIS)


def test_mapillary_lets_no_wrong_token_in(loopback):
    recipe = MapillaryRecipe(name="mapillary", base_url=f"{loopback[1]}/mapillary")
    with pytest.raises(AccessRefused, match="Invalid OAuth"):
        find(load_provider(recipe, {"MAPILLARY_ACCESS_TOKEN": "MLY|other"}), PARIS)


def test_google_is_refused_without_an_acknowledgement():
    with pytest.raises(ValueError, match="i_may_store_pictures: true"):
        load_provider(GoogleRecipe(name="google"), environment())


@pytest.mark.parametrize(
    ("recipe", "variable"),
    [
        (GoogleRecipe(name="google", i_may_store_pictures=True), "GOOGLE_MAPS_API_KEY"),
        (MapillaryRecipe(name="mapillary"), "MAPILLARY_ACCESS_TOKEN"),
    ],
)
def test_a_missing_key_is_named(recipe, variable):
    with pytest.raises(ValueError, match=f"set {variable}"):
        load_provider(recipe, {variable: " "})


def test_a_secret_that_is_none_is_said():
    recipe = GoogleRecipe(name="google", i_may_store_pictures=True)
    with pytest.raises(ValueError, match="URL-safe base64"):
        load_provider(recipe, environment() | {"GOOGLE_MAPS_SIGNING_SECRET": "abc"})


@pytest.mark.parametrize("latitude", [0.0, 60.0, -89.9])
def test_the_box_holds_the_circle(latitude):
    place = Point("p", latitude, 10.0)
    west, south, east, north = box_around(place, 50.0)
    edges = [(latitude, west), (latitude, east), (south, 10.0), (north, 10.0)]
    away = [float(distance_km(latitude, 10.0, *edge)) * 1000 for edge in edges if edge[0] > -90]
    assert min(away) >= 49.9
    if abs(latitude) < 80:
        assert (east - west) * (north - south) < 0.01, "more than Mapillary takes"


def test_a_folder_gives_what_its_labels_place(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"picture")
    (tmp_path / "labels.csv").write_text(
        "file,latitude,longitude,heading,captured_at,attribution\n"
        "a.jpg,48.86,2.35,90,2024-05-01T10:00:00+02:00,Ada\n"
        "b.jpg,48.87,2.35,,,\n"
        "c.jpg,,,,,\n"
    )
    recipe = FolderRecipe(name="folder", folder=str(tmp_path), licence="CC0", attribution="us")
    provider = load_provider(recipe, {})
    (found,) = find(provider, PARIS)
    assert (found.picture_id, found.heading, found.attribution) == ("a.jpg", 90.0, "Ada")
    assert found.captured_at.hour == 8 and metres(PARIS, found) == 0
    assert asked(lambda web: provider.fetch(found, 0.0, web)) == b"picture"
    (other,) = find(provider, Point("p", 48.87, 2.35))
    assert (other.heading, other.licence, other.attribution) == (None, "CC0", "us")
    with pytest.raises(NoPicture, match="cannot be read"):
        asked(lambda web: provider.fetch(other, 0.0, web))


def test_a_folder_without_labels_says_what_it_needs(tmp_path):
    recipe = FolderRecipe(name="folder", folder=str(tmp_path), licence="CC0", attribution="us")
    with pytest.raises(ValueError, match="the columns file, latitude and longitude"):
        load_provider(recipe, {})


class Says:
    """A web whose answers are all one; it remembers which were said to be free."""

    def __init__(self, answer):
        self._answer, self.free = answer, []

    async def json(self, url, params=None, headers=None, free=False):
        self.free.append(free)
        return self._answer


@pytest.mark.parametrize(
    ("code", "problem"), [(401, AccessRefused), (403, AccessRefused), (690, NoPicture)]
)
def test_kartaview_says_in_an_answer_that_is_fine_that_it_is_not(code, problem):
    answer = {"status": {"apiCode": code, "apiMessage": "You have to be authenticated"}}
    with pytest.raises(problem, match="authenticated"):
        asyncio.run(provider_of("kartaview", "http://x").find(PARIS, 50.0, Says(answer)))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("answer", [None, [], {}, {"data": 3}, {"features": None}, {"status": "?"}])
def test_answers_of_another_form_are_said_to_be_strange(api, answer):
    with pytest.raises(NoPicture) as problem:
        asyncio.run(provider_of(api, "http://x").find(PARIS, 50.0, Says(answer)))
    assert problem.value.kind == "strange answer"


@pytest.mark.parametrize(
    ("api", "answer"),
    [
        ("google", {"status": "OK", "location": None, "pano_id": "x"}),
        ("mapillary", {"data": [{"id": 1}, {"id": 2, "geometry": {"coordinates": ["a", 1]}}, 7]}),
        ("panoramax", {"features": [{"id": 1, "properties": None, "assets": None}]}),
        ("kartaview", {"status": {"apiCode": "600"}, "result": {"data": [{"lat": "nan"}]}}),
    ],
)
def test_pictures_without_a_place_are_passed_over(api, answer):
    web = Says(answer)
    assert asyncio.run(provider_of(api, "http://x").find(PARIS, 50.0, web)) == []
    assert web.free == [api == "google"]
