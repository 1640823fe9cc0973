"""Options of the commands that run on a device: how a model is run, and what is answered of it.

They stand apart from those of training, whose configurations take longer to import than an image takes to classify.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgeleuk.cli.commands import Choice, Number
from edgeleuk.cli.paths import Existing
from edgeleuk.runtime.gate_modes import GATES, WARN
from edgeleuk.runtime.picture_limits import MAX_PIXELS, MOST_PIXELS

Command = TypeVar("Command", bound=Callable[..., Any])


def gate_option(function: Command) -> Command:
    """Add --gate."""
    return click.option(
        "--gate",
        type=Choice(GATES),
        default=WARN,
        show_default=True,
        help="Of a picture unlike the training images: warn of it, refuse it, or look for none (off).",
    )(function)


def interpreter_options(
    threads_help: str = "Threads of the interpreter. Default: the cores, at most 4.",
    backend_help: str = "Interpreter; auto takes LiteRT if it is installed.",
) -> Callable[[Command], Command]:
    """Add --threads and --backend."""

    def add(function: Command) -> Command:
        backends = Choice(["auto", "litert", "tflite-runtime"])
        function = click.option("--backend", type=backends, default="auto", show_default=True, help=backend_help)(
            function
        )
        return click.option("--threads", type=click.IntRange(1), help=threads_help)(function)

    return add


def max_megapixels_option(function: Command) -> Command:
    """Add --max-megapixels, as `max_pixels`: pixels. A megapixel stands for 12 MB that decoding may take."""
    return click.option(
        "--max-megapixels",
        "max_pixels",
        type=Number(0.1, MOST_PIXELS / 1e6),
        default=MAX_PIXELS / 1e6,
        show_default=True,
        callback=lambda _, __, value: round(1e6 * value),
        help="Largest picture that is decoded; each megapixel may take 12 MB of memory.",
    )(function)


def cell_px_option(function: Command) -> Command:
    """Add --cell-px."""
    return click.option(
        "--cell-px",
        type=Number(8, 4000),
        metavar="PX",
        help="How wide a typical white cell is in the field, in pixels. Default: measured by its red cells.",
    )(function)


def error_rates_option(kind: Existing, source: str) -> Callable[[Command], Command]:
    """Add --error-rates, from which the share of a class gets an interval that carries the model's errors."""
    return click.option(
        "--error-rates",
        type=kind,
        metavar="SOURCE",
        help=f"How often the model errs on a new subject's cells, for the intervals of shares: {source}.",
    )


width_option = click.option(
    "--width",
    type=Number(0.02, 1),
    metavar="W",
    help="Say how many more cells a subject needs for an interval this wide: 0.1.",
)


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the result as one JSON object; progress goes to standard error.",
)
