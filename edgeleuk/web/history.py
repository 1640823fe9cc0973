"""What the store holds: results, their pictures, the CSV, summaries of subjects, and the live list."""

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store import Filter, Result
from edgeleuk.store.export import csv_pages
from edgeleuk.web.params import FILTERS, MAX_ID, PAGING, filter_of, query_values, whole_number
from edgeleuk.web.problems import RefusalError, json_response
from edgeleuk.web.services import Services, shown

_PAGE = 50
_PICTURES_WAITING = 64
_NO_STORE = {"Cache-Control": "no-store"}


class History:
    """The endpoints below /api/results, and /api/subjects and /api/events."""

    def __init__(self, services: Services) -> None:
        self._services, self._store = services, services.store
        self._pictures_asked = 0

    async def page(self, request: Request) -> Response:
        """A page of results, newest first."""
        values = query_values(request, {**FILTERS, **PAGING})
        wanted, limit = filter_of(values), values.get("limit", _PAGE)
        rows, total = await asyncio.to_thread(self._page_of, wanted, values.get("before_id"), limit)
        more = rows[-1].id if len(rows) == limit else None
        listed = {"results": [shown(row) for row in rows], "total": total, "next_before_id": more}
        return json_response(listed | {"research_use": RESEARCH_USE})

    async def one(self, request: Request) -> Response:
        """One result."""
        query_values(request, {})
        return json_response(shown(await self._result(request)))

    async def picture(self, request: Request) -> Response:
        """A small JPEG of the image; one at a time is made, for that may mean to decode a large file."""
        query_values(request, {})
        result = await self._result(request)
        if self._pictures_asked >= _PICTURES_WAITING:
            raise RefusalError(503, "too many pictures are being made; try again in a second", retry_after_s=1)
        self._pictures_asked += 1
        try:
            async with self._services.picture_turn:
                jpeg = await asyncio.to_thread(self._services.pictures.find, result)
        finally:
            self._pictures_asked -= 1
        if jpeg is None:
            raise RefusalError(
                404, "there is no picture: the file is gone, was changed, or cannot be read by this server"
            )
        return Response(jpeg, headers=_NO_STORE, media_type="image/jpeg")

    async def csv(self, request: Request) -> Response:
        """All results of the filter as CSV."""
        wanted = filter_of(query_values(request, FILTERS))
        if self._services.downloads.locked():
            raise RefusalError(503, "other downloads are under way; try again later", retry_after_s=5)
        headers = {**_NO_STORE, "Content-Disposition": 'attachment; filename="edgeleuk-results.csv"'}
        return StreamingResponse(self._csv(wanted), headers=headers, media_type="text/csv; charset=utf-8")

    async def subjects(self, request: Request) -> Response:
        """A summary of each subject."""
        query_values(request, {})
        rows = await asyncio.to_thread(self._store.subjects)
        summaries = [
            {"subject": row.subject, "total": row.total, "labels": row.labels, "first": row.first, "last": row.last}
            for row in rows
        ]
        return json_response({"subjects": summaries, "research_use": RESEARCH_USE})

    async def events(self, request: Request) -> Response:
        """The live list as server-sent events."""
        query_values(request, {})
        text = request.headers.get("last-event-id")
        try:
            last = None if text is None else whole_number(0, MAX_ID)(text)
        except ValueError as error:
            raise RefusalError(422, f"Last-Event-ID is {text!r:.80}; expected {error}") from error
        return StreamingResponse(
            self._services.events.follow(last), headers=_NO_STORE, media_type="text/event-stream; charset=utf-8"
        )

    def _page_of(self, wanted: Filter, before_id: int | None, limit: int) -> tuple[list[Result], int]:
        rows = list(self._store.query(wanted, before_id=before_id, limit=limit, newest_first=True))
        return rows, self._store.count(wanted)

    async def _result(self, request: Request) -> Result:
        text = request.path_params["id"]
        try:
            rows = await asyncio.to_thread(self._by_id, whole_number(1, MAX_ID)(text))
        except ValueError:
            rows = []
        if not rows:
            raise RefusalError(404, f"there is no result {text[:40]!r}")
        return rows[0]

    def _by_id(self, number: int) -> list[Result]:
        return [row for row in self._store.query(after_id=number - 1, limit=1) if row.id == number]

    async def _csv(self, wanted: Filter) -> AsyncIterator[str]:
        classes = self._services.desk.model.identity.classes
        async with self._services.downloads:
            async for text in iterate_in_threadpool(csv_pages(self._store, wanted, classes)):
                yield text
