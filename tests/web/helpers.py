"""What the tests of the page share: images, results, and a server in a process of its own or in this one."""

import os
import re
import subprocess
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio.from_thread
import httpx

from edgeleuk.store import Result, Store
from edgeleuk.web.services import Services
from tests.uploads import picture as picture
from tests.uploads import result as result

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "correct-horse-battery-staple"
_URL = re.compile(r"http://\S+:(\d+)/")


@dataclass
class Server:
    """A server in a process of its own. `lines` is what it has written to stderr so far."""

    process: "subprocess.Popen[str]"
    port: int
    store: Path
    lines: list[str]

    @property
    def url(self) -> str:
        """Its address, without the final slash."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> httpx.Client:
        """An HTTP client for it, to be closed."""
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def peak_mib(self) -> float:
        """Greatest resident memory so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def started(command: list[str], store: Path, environment: dict[str, str]) -> Server:
    """Start a server by a command and wait until it listens."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    first = process.stderr.readline()
    found = _URL.search(first)
    if found is None:
        text = first + process.stderr.read()
        process.stderr.close()
        process.wait(30)
        raise AssertionError(f"the server did not start: {text}")
    lines = [first]
    threading.Thread(target=_collect, args=(process, lines), daemon=True).start()
    return Server(process, int(found[1]), store, lines)


def stopped(server: Server) -> int:
    """End a server, kindly at first; its exit code."""
    server.process.terminate()
    try:
        return server.process.wait(30)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        raise


def _collect(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    with process.stderr as stream:
        lines.extend(stream)


@dataclass
class LocalClient:
    """A client of an application in this process; every request runs in the one event loop of `portal`."""

    services: Services
    client: httpx.AsyncClient
    portal: anyio.from_thread.BlockingPortal

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Like httpx.Client.request."""
        return self.portal.call(partial(self.client.request, method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Like httpx.Client.get."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Like httpx.Client.post."""
        return self.request("POST", path, **options)


def store_rows(path: Path, rows: list[Result]) -> list[Result]:
    """Write rows as another process would."""
    with Store.open(path) as store:
        return store.add(rows)


def expect(locator: Any) -> Any:
    """What a part of the page must come to be; waits for it."""
    from playwright.sync_api import expect as begin

    return begin(locator)
