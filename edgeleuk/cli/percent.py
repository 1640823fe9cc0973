"""Amounts on a command line: percentage points ("0.5pt"), shares ("0.5%"), and seconds.

A point is a difference of two shares: from 90 % to 89 % is a loss of one point, and of 1.1 %. Both are written with
their unit, for a bare 0.5 could be 0.5 points, 0.5 % or a half.
"""

import math

import click

from edgeleuk.text import counted

_LONGEST = 86_400.0


def points(value: str) -> float:
    """Percentage points, above 0 and below 100, from "0.5pt".

    Raises click.BadParameter, also for a bare number and for a share, with what to write instead.
    """
    number, unit = _split(value)
    if unit == "pt" and 0 < number < 100:
        return number
    if unit in ("", "%") and 0 < number < 100:
        meant = f"{counted(number, 'point')} write {number:g}pt"
        if unit == "" and number < 1:
            meant += f", for a share of {number:g} {_shown(100 * number)}pt"
        raise click.BadParameter(f"{value!r} is not a difference in percentage points; for {meant}")
    raise click.BadParameter(f"{value!r} is not a number of percentage points above 0 and below 100, such as 0.5pt")


def share(value: str) -> float:
    """A share of 0 to 1 from a percentage, "5%".

    Raises click.BadParameter, also for a bare number and for points, with what to write instead.
    """
    number, unit = _split(value)
    if unit == "%" and 0 <= number <= 100:
        return number / 100
    if unit == "pt" and 0 <= number <= 100:
        raise click.BadParameter(f"{value!r} is a difference in percentage points; for a share write {number:g}%")
    if unit == "" and 0 <= number <= 100:
        raise click.BadParameter(f"{value!r} has no unit; {_readings(number)}")
    raise click.BadParameter(f"{value!r} is not a share of 0% to 100%, such as 5%")


def amount(value: str | float) -> float:
    """A number from 0 to 86,400: seconds of a day."""
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not 0 <= found <= _LONGEST:
        raise click.BadParameter(f"{value!r} is not a number from 0 to {_LONGEST:,.0f}")
    return found


def _split(value: str) -> tuple[float, str]:
    """The number, NaN if it is none, and the unit: "pt", "%" or ""."""
    text = str(value).strip()
    unit = next((unit for unit in ("pt", "%") if text.endswith(unit)), "")
    try:
        return float(text.removesuffix(unit)), unit
    except ValueError:
        return math.nan, unit


def _readings(number: float) -> str:
    """What a bare number could have meant, as it is to be written."""
    if number > 1 or number == 0:
        return f"write {number:g}%"
    return f"write {_shown(100 * number)}% for the share {number:g}, or {number:g}% for that percentage"


def _shown(number: float) -> str:
    return f"{round(number, 9):g}"
