"""Shares and amounts on a command line."""

import math

import click

_LONGEST = 86_400.0


def share(value: str | float) -> float:
    """From "5%" or "0.05"."""
    text = str(value).strip()
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = math.nan
    if not 0 <= found < 10:
        raise click.BadParameter(f"{value!r} is no share; expected such as 5% or 0.05")
    return found


def points(value: str | float) -> float:
    """Percentage points, above 0 and below 100."""
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not 0 < found < 100:
        raise click.BadParameter(f"{value!r} is no number of percentage points above 0 and below 100")
    return found


def amount(value: str | float) -> float:
    """A number from 0 to 86,400: seconds of a day."""
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not 0 <= found <= _LONGEST:
        raise click.BadParameter(f"{value!r} is no number from 0 to {_LONGEST:,.0f}")
    return found
