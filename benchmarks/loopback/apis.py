"""The four APIs as their published descriptions have them, over drawn coverage.

Google: developers.google.com/maps/documentation/streetview (metadata, request-streetview,
digital-signature). Mapillary: mapillary.com/developer/api-documentation (images by bbox, fields,
limit; OAuth header). Panoramax: docs.panoramax.fr/api and the API's openapi.json (STAC search,
links of rel next). KartaView: api.openstreetcam.org/api/doc.html and answers of /2.0/photo/
(apiCode, hasMoreData, sizeprefix).
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from benchmarks.loopback.coverage import Shot, shot_named, shots_near
from benchmarks.loopback.pictures import Streets, no_imagery

KEY, SECRET, TOKEN = "a-google-key", "bG9vcGJhY2stc2VjcmV0LTIx", "MLY|1|a-token"
COVERED = 0.92
Answer = Callable[[Request], Awaitable[Response]]


async def google_metadata(request: Request) -> Response:
    if problem := _unsigned(request):
        return JSONResponse({"status": "REQUEST_DENIED", "error_message": problem})
    place = request.query_params.get("location", "").split(",")
    if len(place) != 2:
        return JSONResponse({"status": "INVALID_REQUEST"})
    latitude, longitude = map(float, place)
    shots = shots_near(latitude, longitude, COVERED)
    if not shots:
        return JSONResponse({"status": "ZERO_RESULTS"})
    shot = shots[0]
    return JSONResponse(
        {
            "copyright": "© Loopback",
            "date": f"{shot.year}-{shot.month:02}",
            "location": {"lat": shot.latitude, "lng": shot.longitude},
            "pano_id": shot.name,
            "status": "OK",
        }
    )


async def google_picture(request: Request) -> Response:
    query = request.query_params
    if problem := _unsigned(request):
        return PlainTextResponse(problem, 403)
    if "pano" not in query or not 0 <= float(query.get("heading", "0")) <= 360:
        return PlainTextResponse("invalid", 400)
    try:
        shot = shot_named(query["pano"])
    except ValueError:
        if query.get("return_error_code") == "true":
            return PlainTextResponse("not found", 404)
        return _picture(no_imagery())
    side, note = int(float(query["heading"]) // 90), f"{shot.name} {query['heading']}"
    streets: Streets = request.app.state.streets
    return _picture(streets.photograph(shot.latitude, shot.longitude, side, note))


async def mapillary_images(request: Request) -> Response:
    if request.headers.get("authorization") != f"OAuth {TOKEN}":
        return JSONResponse({"error": {"message": "Invalid OAuth access token", "code": 190}}, 401)
    query = request.query_params
    west, south, east, north = map(float, query["bbox"].split(","))
    if (east - west) * (north - south) > 0.01:
        return JSONResponse({"error": {"message": "bbox is too large", "code": 100}}, 400)
    shots = shots_near((south + north) / 2, (west + east) / 2, COVERED)
    start, limit = int(query.get("after", 0)), min(int(query.get("limit", 2000)), 2000)
    fields = query["fields"].split(",")
    rows = [_mapillary_row(request, shot) for shot in shots[start : start + limit]]
    asked = [{name: row[name] for name in ("id", *fields) if name in row} for row in rows]
    answer: dict[str, object] = {"data": asked}
    if start + limit < len(shots):
        following = request.url.include_query_params(after=start + limit)
        answer["paging"] = {"cursors": {"after": str(start + limit)}, "next": str(following)}
    return JSONResponse(answer)


def _mapillary_row(request: Request, shot: Shot) -> dict[str, object]:
    url = _file_url(request, shot)
    point = {"type": "Point", "coordinates": [shot.longitude, shot.latitude]}
    return {
        "id": shot.name,
        "captured_at": int(_taken(shot).timestamp() * 1000),
        "compass_angle": shot.heading,
        "computed_compass_angle": shot.heading,
        "geometry": point,
        "computed_geometry": point,
        "is_pano": shot.is_panorama,
        "creator": {"username": f"walker{shot.month}", "id": str(shot.month)},
        **{f"thumb_{size}_url": url for size in (256, 1024, 2048)},
    }


async def panoramax_search(request: Request) -> Response:
    query = request.query_params
    west, south, east, north = map(float, query["bbox"].split(","))
    shots = shots_near((south + north) / 2, (west + east) / 2, COVERED)
    start, limit = int(query.get("page", 0)), int(query.get("limit", 10))
    links = [{"rel": "self", "href": str(request.url)}]
    if start + limit < len(shots):
        following = request.url.include_query_params(page=start + limit)
        links.append({"rel": "next", "href": str(following)})
    features = [_panoramax_item(request, shot) for shot in shots[start : start + limit]]
    return JSONResponse({"type": "FeatureCollection", "features": features, "links": links})


def _panoramax_item(request: Request, shot: Shot) -> dict[str, object]:
    url = _file_url(request, shot)
    assets = {
        size: {"href": url, "type": "image/jpeg", "roles": [role]}
        for size, role in (("hd", "data"), ("sd", "visual"), ("thumb", "thumbnail"))
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": shot.name,
        "geometry": {"type": "Point", "coordinates": [shot.longitude, shot.latitude]},
        "properties": {
            "datetime": _taken(shot).isoformat(),
            "view:azimuth": shot.heading,
            "license": "etalab-2.0" if shot.month % 2 else "CC-BY-SA-4.0",
            "geovisio:producer": f"town {shot.month}",
            "pers:interior_orientation": {"field_of_view": 360 if shot.is_panorama else 80},
        },
        "assets": assets,
        "providers": [{"name": f"town {shot.month}", "roles": ["producer"]}],
        "links": [],
    }


async def kartaview_photos(request: Request) -> Response:
    query = request.query_params
    per_page = int(query.get("itemsPerPage", 40))
    if per_page > 100:
        return Response(status_code=400)
    shots = shots_near(float(query["lat"]), float(query["lng"]), COVERED)
    start = (int(query.get("page", 1)) - 1) * per_page
    rows = [_kartaview_row(request, shot) for shot in shots[start : start + per_page]]
    result = {"data": rows, "hasMoreData": start + per_page < len(shots)}
    status = {"apiCode": 600, "apiMessage": "The request has been processed", "httpCode": 200}
    return JSONResponse({"status": status, "result": result})


def _kartaview_row(request: Request, shot: Shot) -> dict[str, object]:
    return {
        "id": shot.name,
        "lat": str(shot.latitude),
        "lng": str(shot.longitude),
        "heading": str(shot.heading),
        "shotDate": f"{_taken(shot):%Y-%m-%d %H:%M:%S}",
        "projection": "SPHERE" if shot.is_panorama else "PLANE",
        "fileurl": _file_url(request, shot, "{{sizeprefix}}"),
        "user": {"username": f"driver{shot.month}"},
    }


async def file(request: Request) -> Response:
    """A picture of any API that gives addresses of files."""
    try:
        shot = shot_named(request.path_params["name"])
    except ValueError:
        return PlainTextResponse("not found", 404)
    streets: Streets = request.app.state.streets
    draw = streets.panorama if shot.is_panorama else streets.photograph
    return _picture(draw(shot.latitude, shot.longitude, shot.month, shot.name))


def _file_url(request: Request, shot: Shot, size: str = "proc") -> str:
    api = request.url.path.strip("/").partition("/")[0]
    return f"{request.base_url}{api}/files/{size}/{shot.name}.jpg"


def _picture(content: bytes) -> Response:
    return Response(content, media_type="image/jpeg")


def _taken(shot: Shot) -> datetime:
    return datetime(shot.year, shot.month, 15, 12, tzinfo=UTC)


def _unsigned(request: Request) -> str | None:
    """What is wrong with the key or the signature of a request to Google; None if nothing is."""
    if request.query_params.get("key") != KEY:
        return "The provided API key is invalid."
    query, _, given = request.url.query.rpartition("&signature=")
    path = request.url.path.removeprefix("/google")
    expected = hmac.digest(
        base64.urlsafe_b64decode(SECRET), f"{path}?{query}".encode(), hashlib.sha1
    )
    if given != base64.urlsafe_b64encode(expected).decode():
        return "The provided signature is not valid."
    return None
