"""`edgeleuk serve` and clients that are slow, idle, gone or too large: what each gets, and after how long.

Every probe ends after --patience-s at most; "never" means not within that. The browser is Chromium, through playwright.
"""

import argparse
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HEAD = b"Host: 127.0.0.1\r\n"
IDLE = 140  # connections, more than the server lets in at once
MIB = 1 << 20


def main() -> None:
    """Print a line for each probe."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("model", type=Path)
    made.add_argument("--patience-s", type=float, default=40)
    made.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = made.parse_args()
    probes: dict[str, Callable[[int, argparse.Namespace], str]] = {
        "a connection that says nothing": lambda port, given: _until_closed(port, b"", given.patience_s),
        "headers that drip, one a second": lambda port, given: _until_closed(
            port, b"GET / HTTP/1.1\r\n" + HEAD, given.patience_s, b"X: y\r\n"
        ),
        "a body that drips, one byte a second": lambda port, given: _until_closed(
            port, _post(10_000), given.patience_s, b"x"
        ),
        "an answer that is not read": lambda port, given: _unread(port, given.patience_s),
        f"another client beside {IDLE} idle connections": lambda port, given: _crowded(port),
        "30 MiB at once where 20 are accepted, a plain client": lambda port, given: _too_large(port),
        "30 MiB at once where 20 are accepted, a browser": lambda port, given: _in_browser(port, given.chromium),
    }
    for name, probe in probes.items():
        with tempfile.TemporaryDirectory() as scratch, _served(arguments.model, Path(scratch)) as port:
            print(f"{name:54} {probe(port, arguments)}", flush=True)


@contextmanager
def _served(model: Path, folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "edgeleuk", "serve", str(model), "--store", str(folder / "r.db"), "--port", "0"]
    process = subprocess.Popen([*command, "--max-upload-mb", "20"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = re.search(r":(\d+)/", process.stderr.readline())
        assert found is not None
        yield int(found[1])
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


def _connect(port: int, source: str = "127.0.0.1", patience_s: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), patience_s, source_address=(source, 0))


def _post(length: int) -> bytes:
    return b"POST /api/images HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (HEAD, length)


def _status(answer: bytes) -> str:
    return answer[9:12].decode() if answer else "no answer"


def _until_closed(port: int, first: bytes, patience_s: float, drip: bytes = b"") -> str:
    """What came until the server closed the connection, and when it did."""
    started, answer = time.monotonic(), b""
    with _connect(port, patience_s=1) as connection:
        connection.sendall(first)
        while time.monotonic() - started < patience_s:
            try:
                connection.sendall(drip)
                block = connection.recv(65536)
                answer += block
                if not block:
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            return f"{_status(answer)}, never closed"
    return f"{_status(answer)}, closed after {time.monotonic() - started:.0f} s"


def _unread(port: int, patience_s: float) -> str:
    """A picture of the page is asked for again and again in one connection, and nothing is read."""
    started = time.monotonic()
    with _connect(port, patience_s=1) as connection:
        while time.monotonic() - started < patience_s:
            try:
                connection.sendall((b"GET /static/app.css HTTP/1.1\r\n" + HEAD + b"\r\n") * 2000)
            except TimeoutError:
                continue
            except OSError:
                return f"closed after {time.monotonic() - started:.0f} s"
    return "never closed"


def _crowded(port: int) -> str:
    idle = []
    with suppress(OSError):
        idle = [_connect(port) for _ in range(IDLE)]
    try:
        with _connect(port, "127.0.0.9", 5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
            return _status(connection.recv(4096))
    except OSError as error:
        return f"{type(error).__name__}"
    finally:
        for connection in idle:
            connection.close()


def _too_large(port: int) -> str:
    import httpx

    try:
        with httpx.Client(trust_env=False, timeout=60) as client:
            return str(client.post(f"http://127.0.0.1:{port}/api/images", content=bytes(30 * MIB)).status_code)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"


def _in_browser(port: int, chromium: str) -> str:
    from playwright.sync_api import sync_playwright

    with tempfile.NamedTemporaryFile(suffix=".bmp") as file, sync_playwright() as playwright:
        file.write(bytes(30 * MIB))
        file.flush()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.set_input_files("#files", file.name)
        page.wait_for_selector("#uploads .card.failed", timeout=120_000)
        said = page.locator("#uploads .card.failed .problem").inner_text()
        browser.close()
        return f"the page says {said!r}"


if __name__ == "__main__":
    main()
