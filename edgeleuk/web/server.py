"""One server process: sockets, signals, systemd, and uvicorn in the middle."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp

from edgeleuk.device.systemd import Notifier
from edgeleuk.errors import UsageError
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.web.address import BACKLOG, HostNames, bind, is_loopback, url
from edgeleuk.web.app import build_app
from edgeleuk.web.descriptors import SeldomHandler, allow_files
from edgeleuk.web.services import Services
from edgeleuk.web.settings import Limits, Settings

_ALIVE_S = 30.0  # an inference thread that does not answer in that time is taken for dead


def serve(settings: Settings, report: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. SIGHUP reloads the model. `report` gets a line for whatever happens.

    Raises UsageError without a token on an address that others reach, EdgeleukError if the port is taken, and what
    loading the model and opening the store raise.
    """
    loopback = check_exposure(settings)
    allow_files(settings.limits)
    # asyncio warns of each client that goes away while it is answered.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    for name in ("asyncio", "uvicorn.error"):
        logging.getLogger(name).addFilter(_is_no_fault_of_a_client)
    with (
        bind(settings.host, settings.port, settings.limits.write_s) as listening,
        Services(settings, report) as services,
    ):
        app = build_app(services, HostNames(loopback, settings.allowed_hosts))
        # uvicorn ends by raising the signal again that ended it, to whoever was there before.
        before = signal.signal(signal.SIGTERM, lambda number, frame: None)
        try:
            _Server(_configuration(app, settings.limits), services, listening).run([listening])
        finally:
            signal.signal(signal.SIGTERM, before)


def check_exposure(settings: Settings) -> bool:
    """Whether only this machine reaches the server. Raises UsageError if others do and no token keeps them out."""
    loopback = is_loopback(settings.host)
    if not loopback and settings.token is None:
        raise UsageError(
            f"--host {settings.host} admits other machines and needs a token: --token-file FILE, the variable "
            "EDGELEUK_TOKEN, or systemd's credential 'token'"
        )
    return loopback


def _is_no_fault_of_a_client(record: logging.LogRecord) -> bool:
    """h11 raises this if a client breaks HTTP while it is answered; uvicorn and asyncio log a traceback of it."""
    return record.exc_info is None or not isinstance(record.exc_info[1], h11.LocalProtocolError)


def _configuration(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    """uvicorn's, with all left out that this server has no use for. X-Forwarded-For is for `Guard` to judge."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=limits.connections,
        timeout_keep_alive=limits.keep_alive_s,
        timeout_graceful_shutdown=limits.stop_s,
    )


class _Server(uvicorn.Server):
    """uvicorn's server that also tells systemd how it is, reloads on SIGHUP and lets its listeners go at the end."""

    def __init__(self, config: uvicorn.Config, services: Services, listening: socket.socket) -> None:
        super().__init__(config)
        self._services, self._listening = services, listening
        self._notifier = Notifier()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(SeldomHandler())
        loop.add_signal_handler(signal.SIGHUP, self._background, self._reload)
        self._background(self._watch)
        settings = self._services.settings
        needs = "open to this machine only" if settings.token is None else "needs the token"
        self._services.report(f"serving {settings.model} at {url(self._listening)} ({needs}). {RESEARCH_USE}")
        self._notifier.ready(f"serving at {url(self._listening)}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let listeners go, finish what was accepted, end."""
        self._notifier.stopping()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        self._services.events.stop()
        await super().shutdown(sockets)
        await self._services.desk.finish(self._services.settings.limits.stop_s)
        for task in self._tasks:
            task.cancel()

    def _background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        async with self._reloading:
            self._notifier.reloading()
            try:
                await self._services.reload()
            finally:
                self._notifier.ready()  # without it systemd waits, and then takes the service for dead

    async def _watch(self) -> None:
        """Send heartbeats while all is well; systemd restarts a service that stops sending them."""
        if self._notifier.watchdog_s is None:
            return
        while True:
            trouble = await self._services.trouble(_ALIVE_S)
            if trouble is None:
                self._notifier.beat()
            else:
                self._services.report(f"{trouble}: this process has to be restarted")
            await asyncio.sleep(self._notifier.watchdog_s / 4)
