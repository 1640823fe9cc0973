"""Options about how pictures are decoded; for commands of the base install."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgeleuk.runtime.picture_limits import MAX_PIXELS, MOST_PIXELS

Command = TypeVar("Command", bound=Callable[..., Any])


def max_megapixels_option(function: Command) -> Command:
    """Add --max-megapixels, as `max_pixels`: pixels. A megapixel stands for 12 MB that decoding may take."""
    return click.option(
        "--max-megapixels",
        "max_pixels",
        type=click.FloatRange(0.1, MOST_PIXELS / 1e6),
        default=MAX_PIXELS / 1e6,
        show_default=True,
        callback=lambda _, __, value: round(1e6 * value),
        help="Largest picture that is decoded; each megapixel may take 12 MB of memory.",
    )(function)
