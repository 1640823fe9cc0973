"""A site of `targets.litertjs` in Chromium, in a process of its own: its network's answers, and the page's to files."""

import base64
import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.apart import answer_for
from edgeleuk.export.target import Answers
from edgeleuk.spec import ModelSpec

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_PATIENCE_MS = 120_000
_TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}
_BATCH = 8
_OF_PIXELS = """async encoded => {
    const results = [];
    for (const each of encoded) {
        const pixels = Uint8Array.from(atob(each), letter => letter.charCodeAt(0)), started = performance.now();
        results.push([await edgeleuk.scoresOf(pixels), performance.now() - started]);
    }
    return results;
}"""
_OF_FILE = """async encoded => {
    const bytes = Uint8Array.from(atob(encoded), letter => letter.charCodeAt(0));
    const pixels = await edgeleuk.pixelsOf(new Blob([bytes]));
    const part = 8192, letters = [];
    for (let from = 0; from < pixels.length; from += part) {
        letters.push(String.fromCharCode(...pixels.subarray(from, from + part)));
    }
    return [await edgeleuk.scoresOf(pixels), btoa(letters.join(""))];
}"""


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | _TYPES

    def log_message(self, *_: Any) -> None:
        """Nothing: the log is the parent's."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """The page of a site, when its network is loaded. Raises ModelError with what it complains of.

    A request to another host is one such complaint.
    """
    from playwright.sync_api import Error, sync_playwright

    complaints: list[str] = []
    with served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _complains(message) else None)
        page.on("request", lambda asked: complaints.append(asked.url) if _foreign(asked.url, address) else None)
        try:
            page.goto(address)
            page.wait_for_selector("#state[data-done]")
            if not page.evaluate("Boolean(globalThis.edgeleuk)"):
                complaints.append(page.text_content("#problem") or "the network was not loaded")
            if complaints:
                raise ModelError(f"the page does not work in Chromium: {' | '.join(complaints)[:500]}")
            yield page
        except Error as error:
            raise ModelError(f"the page does not work in Chromium: {error.message[:300]}") from error
        finally:
            browser.close()
    if complaints:
        raise ModelError(f"the page complains in Chromium: {' | '.join(complaints)[:500]}")


def _complains(message: Any) -> bool:
    """LiteRT's own log goes where errors go."""
    return message.type == "error" and not message.text.startswith(("INFO:", "WARNING:", "VERBOSE:"))


def _foreign(url: str, address: str) -> bool:
    return not url.startswith((address, "blob:", "data:"))


def of_pixels(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """Scores of uint8 [n, height, width, channels]."""
    results: list[Any] = []
    with opened(place) as page:
        for start in range(0, len(pixels), _BATCH):
            encoded = [base64.b64encode(each.tobytes()).decode() for each in pixels[start : start + _BATCH]]
            results += page.evaluate(_OF_PIXELS, encoded)
        engine = _engine(page)
    return Answers(_scores([scores for scores, _ in results]), engine, float(np.median([ms for _, ms in results])))


def of_files(place: Path, spec: ModelSpec, paths: list[Path]) -> Answers:
    """Scores of files that the page reads, and the pixels that it made of them."""
    scores, pixels, times = [], [], []
    with opened(place) as page:
        for path in paths:
            started = time.perf_counter()
            try:
                found, made = page.evaluate(_OF_FILE, base64.b64encode(path.read_bytes()).decode())
            except OSError as error:
                raise ModelError(f"{path}: {error.strerror}") from error
            times.append(1000 * (time.perf_counter() - started))
            scores.append(found)
            pixels.append(np.frombuffer(base64.b64decode(made), np.uint8).reshape(spec.preprocessing.input_shape))
        engine = _engine(page)
    return Answers(_scores(scores), engine, float(np.median(times)), pixels=np.stack(pixels))


def _engine(page: Any) -> str:
    version = page.context.browser.version
    return f"{page.evaluate('edgeleuk.facts.engine')} in Chromium {version}"


def _scores(rows: list[list[float]]) -> NDArray[np.float32]:
    return np.asarray(rows, np.float32)


def main() -> None:
    """Answer one job of the parent."""
    answer_for(of_pixels, of_files)
