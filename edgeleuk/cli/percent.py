"""Shares on a command line."""

import click


def share(value: str | float) -> float:
    """From "5%" or "0.05"."""
    text = str(value).strip()
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found < 10:
        raise click.BadParameter(f"{value!r} is no share; expected such as 5% or 0.05")
    return found
