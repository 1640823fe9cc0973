"""What the server says of itself: model card, device, health, metrics, its API; and login."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from edgeleuk import __version__
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store.times import device_zone
from edgeleuk.web.body import read_json_object
from edgeleuk.web.guard import removal_cookie, session_of
from edgeleuk.web.metrics import CONTENT_TYPE
from edgeleuk.web.params import query_values
from edgeleuk.web.problems import RefusalError, json_response
from edgeleuk.web.rates import client_of
from edgeleuk.web.services import Services
from edgeleuk.web.settings import Limits

OPENAPI = Path(__file__).with_name("openapi.json")
_LOGIN = '{"token": "..."}'


class About:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def healthz(self, request: Request) -> Response:
        """That the server answers and its inference thread does; no secret in it."""
        query_values(request, {})
        trouble = await self._services.trouble(10.0)
        return json_response({"status": trouble or "ok"}, 503 if trouble else 200)

    async def model(self, request: Request) -> Response:
        """The model card."""
        query_values(request, {})
        return json_response(dict(self._services.desk.model.card))

    async def device(self, request: Request) -> Response:
        """Health of the device, and the queue."""
        query_values(request, {})
        services = self._services
        health, limits = await services.health(), services.settings.limits
        queue = {"waiting": services.admission.waiting, "reading": services.admission.reading, "bound": limits.queue}
        stored = await asyncio.to_thread(self._stored)
        about = {"health": health.to_dict(), "queue": queue, "listeners": len(services.events)}
        uptime_s = round(time.monotonic() - services.started_s, 1)
        return json_response(
            {
                **about,
                **stored,
                "uptime_s": uptime_s,
                "needs_token": not services.access.open,
                "time_zone": device_zone(),
                "version": __version__,
                "research_use": RESEARCH_USE,
            }
        )

    def _stored(self) -> dict[str, object]:
        services = self._services
        store = services.store
        return {"store_id": store.id, "failures": store.count_failures(), "damaged": services.damaged}

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        query_values(request, {})
        services = self._services
        gauges = {
            "queue_waiting": services.admission.waiting,
            "queue_reading": services.admission.reading,
            "queue_bound": services.settings.limits.queue,
            "listeners": len(services.events),
            "uptime_seconds": time.monotonic() - services.started_s,
        }
        text = services.metrics.text(gauges, await services.health())
        return Response(text, headers={"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE})

    async def openapi(self, request: Request) -> Response:
        """The description of all this."""
        query_values(request, {})
        return json_response(description(self._services.settings.limits))

    async def login(self, request: Request) -> Response:
        """A session for whoever knows the token."""
        query_values(request, {})
        access = self._services.access
        if access.open:
            raise RefusalError("no-token", "this server needs no token")
        sent = await read_json_object(request, self._services.settings.limits, _LOGIN)
        if set(sent) != {"token"} or not isinstance(sent["token"], str):
            raise RefusalError("invalid", f"expected {_LOGIN}")
        access.check_token(sent["token"], client_of(request))
        cookie = access.sessions.cookie(access.sessions.create(), request.url.scheme == "https")
        return Response(status_code=204, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})

    async def logout(self, request: Request) -> Response:
        """The end of the session."""
        query_values(request, {})
        self._services.access.sessions.remove(session_of(request.headers))
        cookie = removal_cookie(request.url.scheme == "https")
        return Response(status_code=204, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})


def description(limits: Limits) -> dict[str, Any]:
    """The API's description: the file that docs/openapi.py makes, with what this server says of itself."""
    document: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="ascii"))
    document["info"]["version"] = __version__
    image = document["paths"]["/api/images"]["post"]["requestBody"]["content"]["application/octet-stream"]
    image["schema"]["maxLength"] = limits.max_upload_bytes
    return document
