"""A figure and the bar that it has to meet."""

from collections.abc import Iterable
from dataclasses import dataclass

_MARKS = {True: "pass", False: "FAIL", None: ""}


@dataclass(frozen=True)
class Row:
    """One line of the table. `bar` in words; `met` is None for what is reported without a bar, or could not be run."""

    section: str
    what: str
    value: str
    bar: str = ""
    met: bool | None = None

    @property
    def line(self) -> str:
        """What, value, bar, pass or FAIL."""
        bar = f"  bar {self.bar}" if self.bar else ""
        return f"  {self.what:<64} {self.value}{bar}  {_MARKS[self.met]}".rstrip()


def show(rows: Iterable[Row]) -> int:
    """Print the rows, sections with a title each, as they come; returns the exit code: 1 where a bar is missed."""
    section, missed = "", False
    for row in rows:
        if row.section != section:
            section = row.section
            print(section, flush=True)
        print(row.line, flush=True)
        missed |= row.met is False
    return int(missed)
