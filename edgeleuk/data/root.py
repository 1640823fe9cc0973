"""Where the images of an index are: as --data-root says, as EDGELEUK_DATA_ROOT says, or as the index itself does.

Which files are the right ones is for their hashes to say, not for the folder that they lie in.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.errors import UsageError

VARIABLE = "EDGELEUK_DATA_ROOT"
_LOOKED_FOR = 8


@dataclass(frozen=True)
class Place:
    """A root of images, and every folder that was tried before it was found."""

    root: Path
    tried: tuple[Path, ...]


def recorded_root(root: Path, folder: Path) -> str:
    """What a file in `folder` says of `root`: relative if both lie below one folder other than '/', else absolute.

    Both may then be moved together, and images on a mount of their own stay where they are.
    """
    root, folder = _real(root), _real(folder)
    if os.path.commonpath([root, folder]) == os.sep:
        return str(root)
    return Path(os.path.relpath(root, folder)).as_posix()


def find_root(recorded: str, file: Path, paths: Sequence[str], given: Path | None = None) -> Place:
    """Where the images `paths` lie, of which `file` says that it is `recorded`.

    `given` alone if there is one; else the first of EDGELEUK_DATA_ROOT and the recorded root below which any of some
    of the images lies, or the recorded one if none does. Raises UsageError if `given` is not a folder.
    """
    if given is not None:
        if not given.is_dir():
            raise UsageError(f"--data-root {given}: no such folder; expected the one that holds {_example(paths)}")
        return Place(_real(given), (_real(given),))
    told = os.environ.get(VARIABLE)
    own = _real(_real(file).parent / recorded)
    candidates = tuple(dict.fromkeys([_real(Path(told)), own] if told else [own]))
    return Place(next((root for root in candidates if _holds(root, paths)), own), candidates)


def hint(tried: Sequence[Path]) -> str:
    """What to do if the images of a file are not found, or are others; '' if nothing was looked for."""
    if not tried:
        return ""
    return (
        f"if they lie elsewhere (looked below {', '.join(map(str, tried))}), say where with --data-root DIR or "
        f"{VARIABLE}=DIR; else "
    )


def _holds(root: Path, paths: Sequence[str]) -> bool:
    step = max(1, len(paths) // _LOOKED_FOR)
    return any(os.path.exists(root / path) for path in paths[::step])  # noqa: PTH110 - no OSError for a long name


def _real(path: Path) -> Path:
    """Absolute and without links; a circle of links, at which Path.resolve raises, is left as it is."""
    return Path(os.path.realpath(path))


def _example(paths: Sequence[str]) -> str:
    return paths[0] if paths else "the images"
