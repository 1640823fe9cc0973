"""The application: every route in one place, and the page's own files."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from edgeleuk.web.about import About
from edgeleuk.web.address import HostNames
from edgeleuk.web.changing import Changing
from edgeleuk.web.drift import DriftState
from edgeleuk.web.guard import Guard
from edgeleuk.web.history import History
from edgeleuk.web.overview import Overview
from edgeleuk.web.problems import HANDLERS
from edgeleuk.web.problems import PAGE as ERRORS_PAGE
from edgeleuk.web.services import Services
from edgeleuk.web.uploads import Uploads

Endpoint = Callable[[Request], Awaitable[Response]]


class _Assets(StaticFiles):
    """Requested again each time, and answered with 304 if the browser has it: an upgrade shows at once."""

    def __init__(self) -> None:
        super().__init__(packages=[("edgeleuk.web", "static")])

    async def page(self, request: Request) -> Response:
        """GET /"""
        return await self.get_response("index.html", request.scope)

    async def errors(self, request: Request) -> Response:
        """GET /errors: what each problem means and what to do about it."""
        return await self.get_response("errors.html", request.scope)

    async def icon(self, request: Request) -> Response:
        """GET /favicon.ico: what browsers ask for beside any answer that names no icon, such as a picture or JSON."""
        return await self.get_response("icon.svg", request.scope)

    async def file(self, request: Request) -> Response:
        """GET /static/{name}. Raises HTTPException (404)."""
        return await self.get_response(request.path_params["name"], request.scope)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """See StaticFiles."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def build_app(services: Services, names: HostNames) -> ASGIApp:
    """The ASGI application of these services, answering to these names."""
    application = Starlette(routes=routes(services), exception_handlers=dict(HANDLERS))
    return Guard(application, names, services)


def by_method(**endpoints: Endpoint) -> dict[str, Any]:
    """What a Route takes for one path: one route, so that a wrong method is told all that there are."""

    async def endpoint(request: Request) -> Response:
        return await endpoints[request.method](request)

    return {"endpoint": endpoint, "methods": list(endpoints)}


def routes(services: Services) -> list[Route]:
    """Every endpoint; tests hold the API's description against this list."""
    about, assets, history, uploads = About(services), _Assets(), History(services), Uploads(services)
    changing, overview = Changing(services, history), Overview(services)
    made = [
        Route("/", assets.page),
        Route(ERRORS_PAGE, assets.errors),
        Route("/static/{name}", assets.file),
        Route("/favicon.ico", assets.icon),
        Route("/healthz", about.healthz),
        Route("/metrics", about.metrics),
        Route("/api/openapi.json", about.openapi),
        Route("/api/model", about.model),
        Route("/api/device", about.device),
        Route("/api/drift", DriftState(services).get),
        Route("/api/images", uploads.post, methods=["POST"]),
        Route("/api/results", **by_method(GET=history.page, PATCH=changing.correct_many, DELETE=changing.delete_many)),
        Route("/api/results.csv", history.csv),
        Route(
            "/api/results/{id}", **by_method(GET=history.one, PATCH=changing.correct_one, DELETE=changing.delete_one)
        ),
        Route("/api/results/{id}/picture", history.picture),
        Route("/api/results/{id}/map", history.map),
        Route("/api/subjects", overview.subjects),
        Route("/api/models", overview.models),
        Route("/api/failures", overview.failures),
        Route("/api/changes", overview.changes),
        Route("/api/events", history.events),
        Route("/api/login", about.login, methods=["POST"]),
        Route("/api/logout", about.logout, methods=["POST"]),
    ]
    for route in made[5:]:
        (route.methods or set()).discard("HEAD")  # Starlette adds it to every GET, streams included
    return made
