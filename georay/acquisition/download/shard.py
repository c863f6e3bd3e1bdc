"""Collects the views of a shard of points, and notes each as soon as it is done."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from georay.acquisition.download.blur import load_blur
from georay.acquisition.download.limiter import Gate
from georay.acquisition.download.pixels import Picture, picture_of
from georay.acquisition.download.run_files import CollectFolder, Journal, Row
from georay.acquisition.download.sides import PlannedView, choose_views
from georay.acquisition.download.web import NO_IMAGERY, HttpWeb, http_client
from georay.acquisition.providers import (
    FoundPicture,
    NoPicture,
    Point,
    QuotaUsedUp,
    Web,
    load_provider,
)
from georay.acquisition.providers.base import metres
from georay.acquisition.providers.google import is_busy
from georay.config.collect import CollectRecipe
from georay.core.images import content_id
from georay.core.manifest import write_atomic
from georay.core.paths import AnyPath, address_of


class CollectPoints:
    """Takes the views of a table of points and writes them into the folder of a run.

    Returns one row that counts what was done. Raises ValueError if the provider cannot be used,
    AccessRefused if it lets nobody in. A view that cannot be had is a row with an error; views for
    which the quota of the day has no request are left for a later run.
    """

    reads = ("point_id", "latitude", "longitude", "city", "country", "heading_road", "done")

    def __init__(self, recipe: CollectRecipe, root: AnyPath, gate: Gate) -> None:
        self._recipe, self._folder, self._gate = recipe, CollectFolder(root), gate
        self._provider = load_provider(recipe.provider, os.environ)
        self._blur = load_blur(recipe.blur)
        self._is_used_up = False
        self._loop = asyncio.new_event_loop()
        self._client = http_client(recipe.requests, recipe.workers.points_at_once)

    def __call__(self, table: pa.Table) -> pa.Table:
        with self._folder.working():
            journal = Journal(self._folder)
            web = HttpWeb(self._client, self._gate, self._recipe.requests, is_busy)
            try:
                self._loop.run_until_complete(self._collect(table.to_pylist(), journal, web))
            finally:
                journal.close()
        return pa.Table.from_pylist([_counts(journal.rows) | asdict(web.sent)])

    async def _collect(self, rows: list[Row], journal: Journal, web: HttpWeb) -> None:
        waiting = iter(rows)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._recipe.workers.points_at_once):
                    group.create_task(self._take_all(waiting, journal, web))
        except ExceptionGroup as problems:
            raise problems.exceptions[0] from problems

    async def _take_all(self, waiting: Iterator[Row], journal: Journal, web: HttpWeb) -> None:
        """Takes points one after the other until there are no more, or no more requests.

        What others have on its way is not cut off then: it is paid for.
        """
        while not self._is_used_up and (row := next(waiting, None)) is not None:
            try:
                await self._take(_point(row), row["done"] or [], journal, web)
            except QuotaUsedUp:
                self._is_used_up = True

    async def _take(self, point: Point, done: list[str], journal: Journal, web: Web) -> None:
        try:
            found = await self._provider.find(point, self._recipe.views.radius_m, web)
            problem = NoPicture(NO_IMAGERY, "nothing is near, or nothing that looks this way")
        except NoPicture as unknown:
            found, problem = [], unknown
        panorama: dict[str, bytes] = {}
        for wanted in choose_views(point, found, self._recipe.views, done):
            try:
                if wanted.found is None:
                    raise problem
                raw = await self._file(wanted.found, wanted.heading, web, panorama)
                row = await self._taken(point, wanted, wanted.found, raw)
            except NoPicture as missing:
                row = self._missing(point, wanted, missing)
            journal.note(row)

    async def _file(
        self, found: FoundPicture, heading: float, web: Web, known: dict[str, bytes]
    ) -> bytes:
        """The file of a view; that of a panorama is asked for once per point."""
        raw = known.get(found.picture_id)
        if raw is None:
            raw = await self._provider.fetch(found, heading, web)
        if found.shape == "panorama":
            known[found.picture_id] = raw
        return raw

    async def _taken(
        self, point: Point, wanted: PlannedView, found: FoundPicture, raw: bytes
    ) -> Row:
        picture: Picture = await asyncio.to_thread(
            picture_of, raw, found, wanted.heading, self._recipe.requests, self._blur
        )
        name = f"{point.point_id}_{wanted.side}{picture.suffix}"
        path = self._folder.pictures / point.point_id[:2] / name
        write_atomic(path, picture.content)
        return {
            **_place(point, found.latitude, found.longitude, wanted.true_heading),
            "image_id": content_id(picture.content),
            "uri": address_of(path).uri,
            "captured_at": found.captured_at,
            "source": self._provider.terms.source,
            "licence": found.licence,
            "attribution": found.attribution,
            "side": wanted.side,
            "picture_id": found.picture_id,
            "distance_m": round(metres(point, found), 2),
            "terms": self._provider.terms.url,
            "width": picture.width,
            "height": picture.height,
        }

    def _missing(self, point: Point, wanted: PlannedView, problem: NoPicture) -> Row:
        return {
            **_place(point, point.latitude, point.longitude, wanted.heading),
            "side": wanted.side,
            "source": self._provider.terms.source,
            "error": str(problem),
            "error_kind": problem.kind,
        }


def _point(row: Row) -> Point:
    return Point(**{name: row[name] for name in CollectPoints.reads if name != "done"})


def _place(point: Point, latitude: float, longitude: float, heading: float | None) -> Row:
    return {
        "point_id": point.point_id,
        "latitude": latitude,
        "longitude": longitude,
        "country": point.country,
        "city": point.city,
        "heading": heading,
    }


def _counts(rows: list[Row]) -> dict[str, Any]:
    missing = [row["error_kind"] for row in rows if row.get("error")]
    return {
        "num_views": len(rows),
        "num_absent": missing.count(NO_IMAGERY),
        "num_failed": len(missing) - missing.count(NO_IMAGERY),
    }
