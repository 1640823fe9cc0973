"""Real servers in processes of their own, and one in this process."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import anyio.from_thread
import httpx
import pytest

from edgeleuk.web.address import HostNames
from edgeleuk.web.app import build_app
from edgeleuk.web.services import Services
from edgeleuk.web.settings import Limits, Settings

from .helpers import LocalClient, Server, picture, started, stopped

_PROGRAM = """
import json, sys
from pathlib import Path
from edgeleuk.classify.recorder import Keep
from edgeleuk.web.server import serve
from edgeleuk.web.settings import Limits, Settings
given = json.loads(sys.argv[1])
given["model"], given["store"] = Path(given["model"]), Path(given["store"])
given["allowed_hosts"], given["limits"] = tuple(given["allowed_hosts"]), Limits(**given["limits"])
given["keep"] = Keep(**given["keep"])
serve(Settings(**given), lambda text: print(text, file=sys.stderr, flush=True))
"""


Start = Callable[..., Server]


@pytest.fixture
def start(small_model: Path, tmp_path: Path) -> Iterator[Start]:
    """Start a server: Settings by name, `limits` as a dictionary, `environment` added."""
    with _starting(small_model, tmp_path) as begin:
        yield begin


@pytest.fixture(scope="module")
def start_once(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Like `start`, for a server that serves a whole module."""
    with _starting(small_model, tmp_path_factory.mktemp("server")) as begin:
        yield begin


@contextmanager
def _starting(model: Path, folder: Path) -> Iterator[Start]:
    with ExitStack() as running:

        def begin(
            limits: dict[str, Any] | None = None, environment: dict[str, str] | None = None, **settings: Any
        ) -> Server:
            made = Settings(model, folder / "results.db", port=0, threads=1)
            values = asdict(replace(made, limits=Limits(**(limits or {})))) | settings
            values |= {"model": str(values["model"]), "store": str(values["store"])}
            command = [sys.executable, "-W", "error", "-c", _PROGRAM, json.dumps(values)]
            server = started(command, Path(values["store"]), environment or {})
            running.callback(stopped, server)
            return server

        yield begin


@pytest.fixture
def settings(small_model: Path, tmp_path: Path) -> Settings:
    """A server on this machine that needs no token."""
    return Settings(small_model, tmp_path / "results.db", threads=1)


Local = Callable[..., LocalClient]


@pytest.fixture
def local(settings: Settings) -> Iterator[Local]:
    """A client of an application in this process: Settings by name, `limits` as a dictionary."""
    with anyio.from_thread.start_blocking_portal() as portal, ExitStack() as running:

        def begin(limits: dict[str, Any] | None = None, **changes: Any) -> LocalClient:
            made = replace(settings, limits=Limits(**(limits or {})), **changes)
            services = running.enter_context(Services(made, lambda text: None))
            transport = httpx.ASGITransport(build_app(services, HostNames(loopback=True)), raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
            running.callback(portal.call, client.aclose)
            return LocalClient(services, client, portal)

        yield begin


CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")  # while it is there, no other test can have an event loop in this thread
def browser() -> Iterator[Any]:
    """A real browser; a test that needs one says where it is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the page was NOT tested: playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"the page was NOT tested in a browser: {CHROMIUM} is not there (apt install chromium)")
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page of a server; whatever the browser complains of fails the test, `expected` statuses aside."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def go(server: Server, view: str = "", expected: tuple[int, ...] = (), context: Any = None, **options: Any) -> Any:
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
            context.set_default_timeout(PATIENCE_MS)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.expected = tuple(f"status of {status} " for status in expected)
        page.on("request", lambda request: complaints.append(request.url) if server.url not in request.url else None)
        page.goto(f"{server.url}/{view}")
        return page

    yield go
    expected = [text for context in contexts for page in context.pages for text in page.expected]
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(known in text for known in expected)] == []


@pytest.fixture
def cells(tmp_path: Path) -> list[Path]:
    """Three images with names of their own."""
    paths = [tmp_path / f"cell {number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    return paths
