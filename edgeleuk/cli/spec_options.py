"""The options that say how a picture becomes a network's input, of each command that may be told."""

import functools
from collections.abc import Callable
from typing import Any

import click

from edgeleuk.cli.commands import Choice
from edgeleuk.errors import UsageError
from edgeleuk.spec import COLOUR_CONSTANCIES, COLOUR_ORDERS, FITS, MAX_CROP_PX, MAX_INPUT_PX, RESAMPLING_FILTERS, SCORES
from edgeleuk.spec_presets import PRESETS

_PIXELS, _SOURCE_PIXELS = click.IntRange(1, MAX_INPUT_PX), click.IntRange(1, MAX_CROP_PX)


def names(value: str | None) -> tuple[str, ...] | None:
    """Class names between commas. Raises UsageError if one is empty."""
    if value is None:
        return None
    found = tuple(name.strip() for name in value.split(","))
    if not all(found):
        raise UsageError(f"--classes is {value!r:.80}; expected names between commas, in output order: blast,normal")
    return found


def numbers(value: str | None) -> float | tuple[float, ...] | None:
    """One number, or several between commas; each may be a fraction such as 1/255. Raises UsageError."""
    if value is None:
        return None
    try:
        found = tuple(_number(part) for part in value.split(","))
    except (ValueError, ZeroDivisionError):
        raise UsageError(
            f"{value!r:.80} is no number, nor one a channel between commas, such as 1/255 or 0.017,0.018,0.017"
        ) from None
    return found[0] if len(found) == 1 else found


def _number(text: str) -> float:
    above, bar, below = text.partition("/")
    return float(above) / float(below) if bar else float(text)


# By the key of the spec: the option, and what click is told of it.
_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "classes": ("--classes", {"metavar": "A,B,...", "help": "Class names in the order of the network's outputs."}),
    "positive_class": ("--positive", {"metavar": "CLASS", "help": "Class that a detection means."}),
    "scores": (
        "--scores",
        {
            "type": Choice(SCORES),
            "help": "What the network gives: probabilities that sum to 1, sigmoids, one sigmoid, or logits. "
            "[default: probabilities]",
        },
    ),
    "input_size_px": ("--input-size", {"type": _PIXELS, "help": "Height of the input in pixels."}),
    "input_width_px": ("--input-width", {"type": _PIXELS, "help": "Its width, if that is another."}),
    "fit": ("--fit", {"type": Choice(FITS), "help": "How a picture becomes the input's shape."}),
    "crop_px": (
        "--crop",
        {"type": _SOURCE_PIXELS, "help": "Side of the centre square that is cut out, in source pixels."},
    ),
    "shorter_side_px": (
        "--shorter-side",
        {
            "type": _SOURCE_PIXELS,
            "help": "Pixels that the shorter side is scaled to before the centre is cut out, as torchvision does.",
        },
    ),
    "resample": (
        "--resample",
        {
            "type": Choice(RESAMPLING_FILTERS),
            "help": "Resize filter; tf-bilinear is tf.image.resize's, reduce the fastest.",
        },
    ),
    "colour_order": ("--colour-order", {"type": Choice(COLOUR_ORDERS), "help": "Channels of the input."}),
    "pixel_scale": (
        "--pixel-scale",
        {"metavar": "N[,N,N]", "help": "What a pixel of 0 to 255 is multiplied by, such as 1/255."},
    ),
    "pixel_offset": ("--pixel-offset", {"metavar": "N[,N,N]", "help": "What is added then, such as -1."}),
    "colour_constancy": (
        "--colour-constancy",
        {"type": Choice(COLOUR_CONSTANCIES), "help": "What becomes of each channel's brightness."},
    ),
}
_OUTPUT = ("--classes", "--positive", "--scores")
GROUPS = {
    "Output of the network": _OUTPUT,
    "From picture to input": tuple(option for option, _ in _OPTIONS.values() if option not in _OUTPUT),
}


def spec_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add them; they arrive as `preset`, a name or None, and `given`, values by the keys of a ModelSpec, or None."""

    @functools.wraps(function)
    def command(**values: Any) -> None:
        given = {key: values.pop(key) for key in _OPTIONS}
        given |= {"classes": names(given["classes"])}
        given |= {key: numbers(given[key]) for key in ("pixel_scale", "pixel_offset")}
        function(given=given, **values)

    for key, (option, told) in reversed(_OPTIONS.items()):
        command = click.option(option, key, **told)(command)
    return click.option(
        "--preset",
        type=Choice(list(PRESETS)),
        metavar="NAME",
        help=f"What well-known training code does, and options change: {', '.join(PRESETS)}.",
    )(command)
