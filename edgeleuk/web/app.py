"""The application: every route in one place."""

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from edgeleuk.web.about import About
from edgeleuk.web.address import HostNames
from edgeleuk.web.assets import Assets
from edgeleuk.web.guard import Guard
from edgeleuk.web.history import History
from edgeleuk.web.problems import HANDLERS
from edgeleuk.web.services import Services
from edgeleuk.web.uploads import Uploads


def build_app(services: Services, names: HostNames) -> ASGIApp:
    """The ASGI application of these services, answering to these names."""
    application = Starlette(routes=routes(services), exception_handlers=dict(HANDLERS))
    return Guard(application, names, services.access, services.settings.limits, services.metrics)


def routes(services: Services) -> list[Route]:
    """Every endpoint; tests hold the API's description against this list."""
    about, assets, history, uploads = About(services), Assets(), History(services), Uploads(services)
    made = [
        Route("/", assets.page),
        Route("/static/{name}", assets.file),
        Route("/favicon.ico", assets.icon),
        Route("/healthz", about.healthz),
        Route("/metrics", about.metrics),
        Route("/api/openapi.json", about.openapi),
        Route("/api/model", about.model),
        Route("/api/device", about.device),
        Route("/api/images", uploads.post, methods=["POST"]),
        Route("/api/results", history.page),
        Route("/api/results.csv", history.csv),
        Route("/api/results/{id}", history.one),
        Route("/api/results/{id}/picture", history.picture),
        Route("/api/subjects", history.subjects),
        Route("/api/events", history.events),
        Route("/api/login", about.login, methods=["POST"]),
        Route("/api/logout", about.logout, methods=["POST"]),
    ]
    for route in made[4:]:
        (route.methods or set()).discard("HEAD")  # Starlette adds it to every GET, streams included
    return made
