"""What a command prints, safe for a terminal whatever names it holds; and its output paths, checked first."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgeleuk.errors import OutputError
from edgeleuk.files import is_stream, output_errors, to_json
from edgeleuk.text import printable_json, printable_lines, wrapped

MOST_COLUMNS = 120  # longer lines are hard to read
_MARKED = (
    (re.compile(r"^(not valid\b[^\n]*)", re.IGNORECASE | re.MULTILINE), {"fg": "red", "bold": True}),
    (re.compile(r"^(error: )", re.MULTILINE), {"fg": "red", "bold": True}),
    (re.compile(r"^(warning: )", re.MULTILINE), {"fg": "yellow", "bold": True}),
)


def show(text: str, err: bool = False) -> None:
    """Print text and a line break if it has none, without control characters; what is not valid in red.

    Colours are for terminals, unless the variable NO_COLOR is set (https://no-color.org).
    """
    clean = printable_lines(text.removesuffix("\n"))
    for pattern, style in _MARKED:
        clean = pattern.sub(lambda found, style=style: click.style(found[1], **style), clean)  # type: ignore[misc]
    click.echo(clean, err=err, color=False if os.environ.get("NO_COLOR") else None)


def show_facts(text: str, side: int = 14) -> None:
    """Show lines of a name and its text, which begins `side` characters from the left, as wide as the terminal is."""
    import shutil

    width = min(shutil.get_terminal_size((80, 24)).columns, MOST_COLUMNS)
    show(wrapped(text, max(width, 40), side))


def show_written(path: Path | None) -> None:
    """Show where a result was written, last; nothing without a path, or if a pipe or a device took it."""
    if path is not None and not is_stream(path):
        show(f"wrote {path}")


def say(text: str) -> None:
    """Print what is not the answer, such as progress and warnings, to standard error."""
    show(text, err=True)


def show_json(value: Any) -> None:
    """Print a value as JSON. Raises ValueError for NaN, which JSON does not have."""
    show_json_text(to_json(value))


def show_json_text(text: str) -> None:
    """Print text that is JSON; what is not printable in it is escaped."""
    click.echo(printable_json(text), nl=not text.endswith("\n"))


def progress_to(as_json: bool) -> Callable[[str], None]:
    """Where a command reports progress: standard output, or standard error if the answer is one JSON object."""
    return say if as_json else show


def refuse_unwritable(path: Path) -> None:
    """Raise OutputError if no file can be made at path; folders above it that are missing will be made."""
    import tempfile  # not loaded by what writes nothing

    if is_stream(path):
        return
    with output_errors(path):
        if path.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder; name a file")
        place = path.absolute().parent
        while not os.path.lexists(place):
            place = place.parent
        tempfile.TemporaryFile(dir=place).close()
