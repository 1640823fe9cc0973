"""Sums and lists beside the results: subjects, models, failures, and what people changed."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store.answers import Answered
from edgeleuk.store.asking import EVERY_MODEL, model_named
from edgeleuk.store.record import readable
from edgeleuk.store.values import SubjectSummary
from edgeleuk.subjects.errors_known import KnownErrors
from edgeleuk.subjects.text import SubjectRow
from edgeleuk.web.params import MAX_NAME, PAGING, any_text, query_values, source
from edgeleuk.web.problems import json_response
from edgeleuk.web.services import SERVED, Services

_PAGE = 50
ANOTHER_MODEL = KnownErrors(None, None, "this model does not serve, so its file is not at hand")


class Overview:
    """The endpoints /api/subjects, /api/models, /api/failures and /api/changes."""

    def __init__(self, services: Services) -> None:
        self._services, self._store = services, services.store

    async def subjects(self, request: Request) -> Response:
        """A summary of each subject, of one model: no cell counts twice."""
        model = query_values(request, {"model": any_text(MAX_NAME)}).get("model", SERVED)
        return json_response(await asyncio.to_thread(self._subjects, model))

    async def models(self, request: Request) -> Response:
        """The models of which there are results."""
        query_values(request, {})
        models = [_about(found) for found in await asyncio.to_thread(self._store.answered)]
        return json_response({"served": self._services.desk.model.identity.sha256, "models": models})

    async def failures(self, request: Request) -> Response:
        """Images that could not be classified, newest first."""
        values = query_values(request, {"source": source, **PAGING})
        return json_response(await asyncio.to_thread(self._failures, **values))

    async def changes(self, request: Request) -> Response:
        """What people corrected and deleted, newest first."""
        values = query_values(request, PAGING)
        limit = values.get("limit", _PAGE)
        found = await asyncio.to_thread(self._store.changes, limit, before_id=values.get("before_id"))
        more = found[-1].id if len(found) == limit else None
        return json_response({"changes": [change.to_dict() for change in found], "next_before_id": more})

    def _subjects(self, model: str) -> dict[str, Any]:
        served = self._services.desk.model.identity
        chosen, told = None, None
        if model != EVERY_MODEL:
            chosen = served.sha256 if model == SERVED else model_named(self._store, model)
            known = served if chosen == served.sha256 else self._store.models().get(chosen)
            told = {"sha256": chosen, "name": readable(known.name) if known else None}
        return {
            "model": told,
            "models": [_about(found) for found in self._store.answered()],
            "subjects": [self._subject(row) for row in self._store.subjects(chosen)],
            "research_use": RESEARCH_USE,
        }

    def _subject(self, found: SubjectSummary) -> dict[str, Any]:
        """Its sums and shares; the model that serves has its errors in the intervals, if its file says them."""
        served = self._services.desk.model
        errors = served.errors if found.model_sha256 == served.identity.sha256 else ANOTHER_MODEL
        classes = found.model.classes if found.model else list(found.labels)
        row = SubjectRow.of(found.cells, classes, errors)
        return found.to_dict() | row.to_dict() | {"errors": errors.sentence}

    def _failures(self, source: str | None = None, limit: int = _PAGE, before_id: int | None = None) -> dict[str, Any]:
        found = self._store.failures(limit, source=source, before_id=before_id)
        return {
            "failures": [failure.to_dict() for failure in found],
            "total": self._store.count_failures(source),
            "next_before_id": found[-1].id if len(found) == limit else None,
        }


def _about(found: Answered) -> dict[str, Any]:
    classes = list(found.model.classes) if found.model else []
    name = readable(found.model.name) if found.model else None
    return {"sha256": found.sha256, "name": name, "results": found.results, "classes": classes}
