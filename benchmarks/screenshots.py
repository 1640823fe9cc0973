"""Pictures of `edgeleuk report`'s page for the documentation, made of reference records: light, dark, and on a phone.

Run it again whenever the page or the records change: the pictures are never touched by hand.
"""

import argparse
import sys
import tempfile
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
RECORDS, PICTURES = FOLDER / "reference", FOLDER / "pictures"
LARGEST_BYTES = 250_000
_DESK = {"viewport": {"width": 1280, "height": 1500}}
_PHONE = {"viewport": {"width": 390, "height": 1200}, "is_mobile": True, "device_scale_factor": 2}
VIEWS: dict[str, dict[str, Any]] = {
    "report-light": {**_DESK, "color_scheme": "light"},
    "report-dark": {**_DESK, "color_scheme": "dark"},
    "report-phone": {**_PHONE, "color_scheme": "light"},
}


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
            content = small_png(_taken(browser, path, view))
            write_bytes(given.output / f"{name}.png", content)
            print(f"wrote {given.output / name}.png, {len(content) / 1000:.0f} kB")
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
    made.add_argument("record", nargs="*", type=Path, help="what the page is made of [all of benchmarks/reference]")
    made.add_argument("-o", "--output", type=Path, default=PICTURES, help="folder of the pictures")
    return made.parse_args()


def _taken(browser: Any, path: Path, view: dict[str, Any]) -> bytes:
    context = browser.new_context(**view)
    try:
        page = context.new_page()
        page.goto(path.as_uri(), wait_until="load")
        content: bytes = page.screenshot()
        return content
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main())
