"""The application: every route in one place."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edgeleuk.web.about import About
from edgeleuk.web.address import HostNames
from edgeleuk.web.assets import Assets
from edgeleuk.web.changing import Changing
from edgeleuk.web.guard import Guard
from edgeleuk.web.history import History
from edgeleuk.web.kinds import PAGE as ERRORS_PAGE
from edgeleuk.web.overview import Overview
from edgeleuk.web.problems import HANDLERS
from edgeleuk.web.services import Services
from edgeleuk.web.uploads import Uploads

Endpoint = Callable[[Request], Awaitable[Response]]


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
    about, assets, history, uploads = About(services), Assets(), History(services), Uploads(services)
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
        Route("/api/images", uploads.post, methods=["POST"]),
        Route("/api/results", **by_method(GET=history.page, PATCH=changing.correct_many, DELETE=changing.delete_many)),
        Route("/api/results.csv", history.csv),
        Route(
            "/api/results/{id}", **by_method(GET=history.one, PATCH=changing.correct_one, DELETE=changing.delete_one)
        ),
        Route("/api/results/{id}/picture", history.picture),
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
