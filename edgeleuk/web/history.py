"""What the store holds: results, their pictures, the CSV, and the live list."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from edgeleuk.classify.maps import check_same_model
from edgeleuk.errors import ImageError, ModelError
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store import Filter, Result
from edgeleuk.store.asking import empty_because
from edgeleuk.store.listing import BYTE_ORDER_MARK, csv_pages
from edgeleuk.store.record import readable
from edgeleuk.web.events import Place
from edgeleuk.web.news import shown
from edgeleuk.web.params import FILTERS, MAX_ID, PAGING, flag, query_values, whole_number
from edgeleuk.web.problems import RefusalError, json_response
from edgeleuk.web.rates import client_of
from edgeleuk.web.services import Services

_PAGE = 50
_PICTURES_WAITING = 64
_NO_STORE = {"Cache-Control": "no-store"}
_GONE = "the file is gone, was changed, or cannot be read by this server"


class History:
    """The endpoints below /api/results that read, and /api/events."""

    def __init__(self, services: Services) -> None:
        self._services, self._store = services, services.store
        self._pictures_asked = 0

    async def page(self, request: Request) -> Response:
        """A page of results, newest first."""
        values = query_values(request, {**FILTERS, **PAGING})
        return json_response(await asyncio.to_thread(self._page_of, values))

    async def one(self, request: Request) -> Response:
        """One result, the other names of its content, and what people changed of it."""
        query_values(request, {})
        return json_response(await asyncio.to_thread(self._details, await self.result(request)))

    async def picture(self, request: Request) -> Response:
        """A small JPEG of the image; one at a time is made, for that may mean to decode a large file."""
        query_values(request, {})
        result = await self.result(request)
        if self._pictures_asked >= _PICTURES_WAITING:
            raise RefusalError("busy", "too many pictures are being made; try again in a second", retry_after_s=1)
        self._pictures_asked += 1
        try:
            async with self._services.picture_turn:
                jpeg = await asyncio.to_thread(self._services.pictures.find, result)
        finally:
            self._pictures_asked -= 1
        if jpeg is None:
            raise RefusalError("not-found", f"there is no picture: {_GONE}")
        return Response(jpeg, headers=_NO_STORE, media_type="image/jpeg")

    async def map(self, request: Request) -> Response:
        """A PNG of where the network looked, made anew each time: it takes a turn of inference, as an upload does."""
        query_values(request, {})
        result = await self.result(request)
        services, client = self._services, client_of(request)
        with services.admission.ticket(client, 0) as ticket, _as_not_found():
            check_same_model(services.desk.model, result)
            services.take_upload(client)
            services.admission.arrived(ticket)
            async with services.picture_turn:
                content = await asyncio.to_thread(services.pictures.whole, result)
            if content is None:
                raise RefusalError("not-found", f"there is no map, since {_GONE}")
            png = await services.desk.map_of(result, content)
        return Response(png, headers=_NO_STORE, media_type="image/png")

    async def csv(self, request: Request) -> Response:
        """All results of the filter as CSV."""
        values = query_values(request, {**FILTERS, "bom": flag})
        if self._services.downloads.locked():
            raise RefusalError("busy", "other downloads are under way; try again later", retry_after_s=5)
        wanted = await asyncio.to_thread(self._services.filter, values)
        headers = {**_NO_STORE, "Content-Disposition": 'attachment; filename="edgeleuk-results.csv"'}
        return StreamingResponse(
            self._csv(wanted, values.get("bom", False)), headers=headers, media_type="text/csv; charset=utf-8"
        )

    async def events(self, request: Request) -> Response:
        """The live list as server-sent events."""
        query_values(request, {})
        text = request.headers.get("last-event-id")
        try:
            last = None if text is None else Place.parse(text)
        except ValueError as error:
            raise RefusalError("invalid", f"Last-Event-ID is {text!r:.80}; expected {error}") from error
        return StreamingResponse(
            self._services.events.follow(last, client_of(request)),
            headers=_NO_STORE,
            media_type="text/event-stream; charset=utf-8",
        )

    def _page_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        store, limit = self._store, values.get("limit", _PAGE)
        wanted = self._services.filter(values)
        page = store.page(wanted, before_id=values.get("before_id"), limit=limit)
        total = store.count(wanted)
        return {
            "results": [shown(row) for row in page.results],
            "total": total,
            "next_before_id": page.last_id if page.rows == limit else None,
            "hint": None if total else empty_because(store, wanted),
            "damaged": page.rows - len(page.results),
            "research_use": RESEARCH_USE,
        }

    def _details(self, result: Result) -> dict[str, Any]:
        names = [name for name in self._store.names(result.sha256) if name != result.path]
        changes = self._store.changes(result_id=result.id)[::-1]
        told = {"names": [readable(name) for name in names], "changes": [change.to_dict() for change in changes]}
        return shown(result) | told

    async def result(self, request: Request) -> Result:
        """The result that the path names. Raises RefusalError (404)."""
        text = request.path_params["id"]
        try:
            found = await asyncio.to_thread(self._store.by_id, whole_number(1, MAX_ID)(text))
        except ValueError:
            found = None
        if found is None:
            raise RefusalError("not-found", f"there is no result {text[:40]!r}")
        return found

    async def _csv(self, wanted: Filter, byte_order_mark: bool) -> AsyncIterator[str]:
        classes = self._services.desk.model.identity.classes
        async with self._services.downloads:
            if byte_order_mark:
                yield BYTE_ORDER_MARK
            async for text in iterate_in_threadpool(csv_pages(self._store.query(wanted), classes)):
                yield text


@contextmanager
def _as_not_found() -> Iterator[None]:
    """What can have no map is told as 404: nothing failed."""
    try:
        yield
    except (ModelError, ImageError) as error:
        if isinstance(error, ImageError) and error.passing:
            raise
        raise RefusalError("not-found", str(error)) from error
