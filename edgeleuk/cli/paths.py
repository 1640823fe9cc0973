"""Files and folders named on a command line, looked at before a command works for minutes.

What is to be read must be there, else the exit code is 2. What is to be written must be writable.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.output import refuse_unwritable
from edgeleuk.errors import UsageError
from edgeleuk.files import real_place, refuse_no_folder, refuse_taken
from edgeleuk.text import nearest

_MOST_NAMES = 1000


class Place(click.Path):
    """A path that arrives as a `Path`; `checked` looks at it when all options are known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(path_type=Path, **kwargs)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path as it is named; that it is a folder, or none, helps a shell to complete it."""
        if not str(value):
            self.fail("it is empty; expected a path", param, ctx)
        return Path(value)

    def checked(self, value: Any, parameter: click.Parameter, context: click.Context) -> Any:
        """The path, or each of several, as the command shall have it. Raises UsageError or OutputError."""
        if value is None or value == ():
            return value
        return tuple(map(self._check, value)) if isinstance(value, tuple) else self._check(value)

    def _check(self, path: Path) -> Path:
        return path


class Existing(Place):
    """What is to be read. `what`: such as "model"; `expected`: what it should be and where one comes from.

    dir_okay=False if a folder is none.
    """

    def __init__(self, what: str, expected: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.what, self.expected = what, expected

    def _check(self, path: Path) -> Path:
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UsageError(f"{path}: no such {self.what}{_hint(path)}; expected {self.expected}") from error
        except (OSError, ValueError) as error:  # not allowed, too long, a link in a circle: opening it says why
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"{path}: {reason}; expected {self.expected}") from error
        if not self.dir_okay and path.is_dir():
            raise UsageError(f"{path} is {_kind_of_folder(path)}; expected {self.expected}")
        return path


class StoreFile(Place):
    """A store of results, which is made if it is absent."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False)

    def _check(self, path: Path) -> Path:
        if path.exists() and not path.is_file():
            what = _kind_of_folder(path) if path.is_dir() else "a pipe or a device"
            raise UsageError(f"{path} is {what}; expected a file for the store, such as results.db")
        return path


class OutputFile(Place):
    """A file to write. `suffixes`: endings by which other commands know it, and `known_by` says so.

    `replaces`: what of the command's input it may be, such as "model"; else it may be none of it.
    """

    def __init__(self, *suffixes: str, known_by: str = "", replaces: str | None = None, **kwargs: Any) -> None:
        super().__init__(dir_okay=True, **kwargs)
        self.suffixes, self.known_by, self.replaces = suffixes, known_by, replaces

    def _check(self, path: Path) -> Path:
        if self.suffixes and path.suffix not in self.suffixes:
            ending = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
            raise UsageError(f"{path} {ending}; expected {', '.join(self.suffixes)}{self.known_by}")
        refuse_unwritable(path)
        return path


class OutputFolder(Place):
    """A new folder to write; links are followed, so that they stay."""

    def __init__(self, may_exist: bool = True, **kwargs: Any) -> None:
        super().__init__(file_okay=False, **kwargs)
        self.may_exist = may_exist

    def _check(self, path: Path) -> Path:
        place = real_place(path)
        refuse_no_folder(place)
        if not self.may_exist or not place.is_dir():
            refuse_taken(place)
        return place


def refuse_replacing(places: Sequence[tuple[Place, Any]]) -> None:
    """Raise UsageError if a file that is to be written is one that is read, which would be lost.

    `places` are kinds of a command's parameters with the paths, checked, that each has: one, several or None.
    """
    read = [(kind, path) for kind, value in places if isinstance(kind, Existing) for path in _paths(value)]
    written = [(kind, path) for kind, value in places if isinstance(kind, OutputFile) for path in _paths(value)]
    for (kind, output), (source, path) in itertools.product(written, read):
        if source.what != kind.replaces and output.is_file() and output.samefile(path):
            raise UsageError(f"{output} is the {source.what} that is read, and would be lost; write elsewhere")


def _paths(value: Path | tuple[Path, ...] | None) -> tuple[Path, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _kind_of_folder(path: Path) -> str:
    """What it is called where it is refused; edgeleuk.archive, which knows more of archives, needs an extra."""
    if (path / "_archive.json").is_file():
        return "a folder, an archive of 'edgeleuk score', which 'edgeleuk results' reads and no other command"
    return "a folder"


def _hint(path: Path) -> str:
    """The nearest name in its folder, if there is one."""
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError:
        return ""
    meant = nearest(path.name, names[:_MOST_NAMES])
    return f" (did you mean '{path.parent / meant}'?)" if meant else ""
