"""Whether pictures are still like those that the model was trained on: asked for by a page, and seldom worked out."""

import asyncio
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from edgeleuk.classify.model import Model
from edgeleuk.runtime.cascade import Cascade
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store.times import now
from edgeleuk.store.values import Filter
from edgeleuk.web.params import query_values
from edgeleuk.web.problems import json_response
from edgeleuk.web.services import Services

_LEAST_S = 60.0  # between two comparisons
_SHARE = 100  # of the time that one takes: a large store is compared less often


class DriftState:
    """The endpoint /api/drift. At most one comparison at a time, in a thread of its own; others get the last one."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turn = asyncio.Lock()
        self._known: dict[str, Any] = {}
        self._next_s = 0.0

    async def get(self, request: Request) -> Response:
        """The state and the sentences of `edgeleuk drift`, of the model that serves; at most a minute old."""
        query_values(request, {})
        async with self._turn:
            model = self._services.desk.model
            same = self._known.get("model_sha256") == model.identity.sha256
            if not same or time.monotonic() >= self._next_s:
                started = time.monotonic()
                self._known = await asyncio.to_thread(self._compared, model)
                took_s = time.monotonic() - started
                self._next_s = time.monotonic() + max(_LEAST_S, _SHARE * took_s)
            return json_response(self._known)

    def _compared(self, model: Model) -> dict[str, Any]:
        from edgeleuk.drift.judging import (
            Asked,
            of_cascade,
            reference_of,
        )  # here, for a server that nobody asks need not load it
        from edgeleuk.drift.reading import NO_REFERENCE, compared
        from edgeleuk.drift.words import sentences

        spec, identity = model.classifier.spec, model.identity
        if isinstance(model.classifier, Cascade):
            spec = of_cascade(spec, model.classifier.first.spec)
        told = {"model_sha256": identity.sha256, "as_of": now(), "research_use": RESEARCH_USE}
        if reference_of(spec) is None:
            return told | {"state": "unknown", "sentences": [NO_REFERENCE]}
        asked = Asked(identity.sha256, identity.name)
        found = compared(self._services.store, spec, Filter(model_sha256=identity.sha256), asked)
        return told | {"state": found.state, "sentences": sentences(found, spec)}
