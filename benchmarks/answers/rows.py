"""A figure and the bar that it has to meet."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table. `bar` in words; `met` is None for what is reported without a bar, or could not be run."""

    section: str
    what: str
    value: str
    bar: str = ""
    met: bool | None = None
