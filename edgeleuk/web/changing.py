"""Correcting and deleting results: one by its number, or all of a filter whose number was seen before."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from edgeleuk.store import Filter
from edgeleuk.store.editing import ChangedMeanwhileError, Correction
from edgeleuk.web.body import read_json_object
from edgeleuk.web.history import History
from edgeleuk.web.news import shown
from edgeleuk.web.params import FILTERS, MAX_LABEL, MAX_SUBJECT, MAX_WHO, Parse, plain_text, query_values, whole_number
from edgeleuk.web.problems import RefusalError, json_response
from edgeleuk.web.rates import client_of
from edgeleuk.web.services import Services

_EXPECTED = '{"subject": "..." or null, "label": "a class" or null, "by": "who"}, at least one of the first two'
_FIELDS: Mapping[str, Parse] = {"subject": plain_text(MAX_SUBJECT), "label": plain_text(MAX_LABEL)}
_WHO = plain_text(MAX_WHO)
_MOST = 10**9


class Changing:
    """PATCH and DELETE of /api/results and /api/results/{id}."""

    def __init__(self, services: Services, history: History) -> None:
        self._services, self._history = services, history

    async def correct_one(self, request: Request) -> Response:
        """Set the subject or a person's label of one result; answers with the result as it is then."""
        query_values(request, {})
        result = await self._history.result(request)
        correction = await self._correction(request)
        numbers = [result.id or 0]
        await asyncio.to_thread(self._services.writer.correct, numbers, correction)
        return json_response(shown(await self._history.result(request)))

    async def delete_one(self, request: Request) -> Response:
        """Delete one result with its preview."""
        values = query_values(request, {"by": _WHO})
        result = await self._history.result(request)
        by = values.get("by") or _unnamed(request)
        await asyncio.to_thread(self._services.writer.delete, [result.id or 0], by)
        self._services.pictures.forget()
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def correct_many(self, request: Request) -> Response:
        """The same for all results of a filter."""
        values = query_values(request, {**FILTERS, "expected": whole_number(0, _MOST)})
        wanted, expected = await self._chosen(values)
        correction = await self._correction(request)
        changed = await self._counted(self._services.writer.correct, wanted, correction, expected)
        return json_response({"changed": changed})

    async def delete_many(self, request: Request) -> Response:
        """Delete all results of a filter."""
        values = query_values(request, {**FILTERS, "expected": whole_number(0, _MOST), "by": _WHO})
        wanted, expected = await self._chosen(values)
        by = values.get("by") or _unnamed(request)
        deleted = await self._counted(self._services.writer.delete, wanted, by, expected)
        self._services.pictures.forget()
        return json_response({"deleted": deleted})

    async def _chosen(self, values: dict[str, Any]) -> tuple[Filter, int]:
        wanted = await asyncio.to_thread(self._services.filter, values)
        if "expected" not in values:
            raise RefusalError("invalid", "the parameter 'expected' is missing: how many results are meant")
        if wanted == Filter():
            raise RefusalError("invalid", f"this would change every result; expected one of {', '.join(FILTERS)}")
        return wanted, values["expected"]

    async def _correction(self, request: Request) -> Correction:
        sent = await read_json_object(request, self._services.settings.limits, _EXPECTED)
        if not set(sent) & set(_FIELDS) or set(sent) - {*_FIELDS, "by"}:
            raise RefusalError("invalid", f"expected {_EXPECTED}")
        values = {name: _text(name, sent[name], parse) for name, parse in _FIELDS.items() if name in sent}
        by = _text("by", sent.get("by"), _WHO) or _unnamed(request)
        return Correction(
            by, values.get("subject"), values.get("label"), sets_subject="subject" in sent, sets_label="label" in sent
        )

    @staticmethod
    async def _counted(change: Any, *arguments: object) -> int:
        try:
            return int(await asyncio.to_thread(change, *arguments))
        except ChangedMeanwhileError as error:
            raise RefusalError("changed-meanwhile", str(error)) from error


def _text(name: str, value: object, parse: Parse) -> str | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return str(parse(value))
    except ValueError as error:
        raise RefusalError("invalid", f"{name} is {str(value)[:80]!r}; expected {error}") from error
    raise RefusalError("invalid", f"{name} is {str(value)[:80]!r}; expected text or null")


def _unnamed(request: Request) -> str:
    return f"web {client_of(request)}"
