"""A headless chromium for scripts that look at a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of playwright, with Debian's chromium. Raises SystemExit, which says how to mend it, without them."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("error: playwright is not installed: pip install 'edgeleuk[dev]'") from None
    if not CHROMIUM.exists():
        raise SystemExit(f"error: {CHROMIUM} is not there: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(_ARGUMENTS))
        yield opened
        opened.close()
