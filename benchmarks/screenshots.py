"""Pictures for the documentation: of `edgeleuk report`'s page (light, dark, on a phone) and of `edgeleuk serve`'s.

Run it again whenever the pages or the records change: the pictures are never touched by hand. The report is made of
reference records; the page shows the synthetic cells that `make demo` left, classified by its int8 model.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.browser import chromium
from edgeleuk.errors import EdgeleukError
from edgeleuk.files import write_bytes, write_text
from edgeleuk.report.page.page import render_page
from edgeleuk.report.page.reading import read_material

FOLDER = Path(__file__).resolve().parent
RECORDS, PICTURES = FOLDER / "reference", FOLDER.parent / "docs" / "pictures"
LARGEST_BYTES = 200_000
_DESK = {"viewport": {"width": 1280, "height": 1500}}
_PHONE = {"viewport": {"width": 390, "height": 1200}, "is_mobile": True, "device_scale_factor": 2}
VIEWS: dict[str, dict[str, Any]] = {
    "report-light": {**_DESK, "color_scheme": "light"},
    "report-dark": {**_DESK, "color_scheme": "dark"},
    "report-phone": {**_PHONE, "color_scheme": "light"},
}
_PAGE_VIEW = {"viewport": {"width": 1000, "height": 1010}, "color_scheme": "light"}
_CELLS = 12


def main() -> int:
    """Take the pictures; returns the exit code."""
    given = _arguments()
    records = given.record or sorted(RECORDS.glob("*.json"))
    if not records:
        print(f"error: no record in {RECORDS}; name some, or make one: python -m benchmarks.reference", file=sys.stderr)
        return 1
    try:
        page = render_page(read_material(records))
    except EdgeleukError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        path = Path(scratch) / "report.html"
        write_text(path, page)
        for name, view in VIEWS.items():
            _keep(given.output / f"{name}.png", _taken(browser, path.as_uri(), view))
        if given.demo is not None:
            with _served(given.demo, Path(scratch)) as address:
                _keep(given.output / "page.png", _taken(browser, f"{address}#live", _PAGE_VIEW, "#view-live img"))
    return 0


def small_png(content: bytes, largest: int = LARGEST_BYTES) -> bytes:
    """The picture in as many colours as `largest` bytes allow, 256 at most; in fewer where it would be larger.

    Raises SystemExit where eight colours are still too many.
    """
    with Image.open(BytesIO(content)) as opened:
        picture = opened.convert("RGB")
    for colours in (256, 128, 64, 32, 16, 8):
        stream = BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
        if stream.tell() <= largest:
            return stream.getvalue()
    raise SystemExit(f"error: a picture of {picture.width}x{picture.height} px does not fit {largest:,} bytes")


def _arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    made.add_argument("record", nargs="*", type=Path, help="what the report is made of [all of benchmarks/reference]")
    made.add_argument(
        "--demo", type=Path, metavar="DIR", help="what `make demo` left; without it no picture of the page"
    )
    made.add_argument("-o", "--output", type=Path, default=PICTURES, help="folder of the pictures")
    return made.parse_args()


def _keep(path: Path, content: bytes) -> None:
    small = small_png(content)
    write_bytes(path, small)
    print(f"wrote {path}, {len(small) / 1000:.0f} kB")


@contextmanager
def _served(demo: Path, scratch: Path) -> Iterator[str]:
    """The address of the page, with a dozen of the demo's cells in its store."""
    model, store = demo / "int8-qat.tflite", scratch / "results.db"
    cells = sorted(demo.glob("cells/**/*.bmp"))
    if not (model.exists() and cells):
        raise SystemExit(f"error: {demo} is not what 'make demo' leaves; expected {model.name} and cells in it")
    chosen = [str(cell) for cell in cells[:: len(cells) // _CELLS][:_CELLS]]
    edgeleuk = [sys.executable, "-m", "edgeleuk"]
    subprocess.run([*edgeleuk, "infer", str(model), *chosen, "--store", str(store)], check=True, capture_output=True)
    serving = [*edgeleuk, "serve", str(model), "--store", str(store), "--port", "0"]
    with subprocess.Popen(serving, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stderr is not None
            yield next(found[0] for line in server.stderr if (found := re.search(r"http://[\d.]+:\d+/", line)))
        finally:
            server.terminate()


def _taken(browser: Any, address: str, view: dict[str, Any], wait_for: str | None = None) -> bytes:
    context = browser.new_context(**view)
    try:
        page = context.new_page()
        page.goto(address, wait_until="load")
        if wait_for is not None:
            page.wait_for_selector(wait_for)
            page.wait_for_timeout(1000)  # until all pictures are there
        content: bytes = page.screenshot()
        return content
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main())
