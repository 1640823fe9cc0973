"""Images as they are uploaded and results as another process stores them, for tests with and without a server."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from edgeleuk.store import Result


def picture(number: int = 0, size: tuple[int, int] = (64, 64), suffix: str = "png") -> bytes:
    """An image file of noise; another one for each number."""
    noise = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, suffix)
    return stream.getvalue()


def result(number: int, **changes: Any) -> Result:
    """A result as another process would store it."""
    made = Result(
        f"{number:064x}", "f" * 64, f"/images/{number}.bmp", "all", {"all": 0.9, "hem": 0.1}, 1.0, 2.0, 1, "pi",
        "2026-11-24T10:11:12.345Z", source="watch",
    )  # fmt: skip
    return replace(made, **changes)
