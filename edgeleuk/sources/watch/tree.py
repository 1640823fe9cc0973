"""Walk a folder's images in order, one folder's names in memory at a time for each level."""

import os
from collections.abc import Iterator
from typing import Protocol

from edgeleuk.sources.names import is_image_name
from edgeleuk.sources.watch.feed import Notices


class Visitor(Protocol):
    """Who walks: is asked before a folder is listed, and told if it cannot be."""

    def enter(self, folder: str) -> bool:
        """Whether to list the folder."""

    def unreadable(self, folder: str, error: OSError) -> None:
        """A folder could not be listed; the walk goes on."""


def walk_images(root: str, visitor: Visitor, notices: Notices) -> Iterator[str]:
    """Yield the paths below root that have an image's name, in the order of sorted(Path); hidden ones are left out.

    Symbolic links are reported, not followed. What a path is must be looked at when it is used.
    """
    levels = [_Level(root, visitor, notices)]
    while levels:
        level = levels[-1]
        if not level.names:
            levels.pop()
            continue
        name = level.names.pop()
        path = os.path.join(level.folder, name)  # noqa: PTH118 - Path objects take four times the memory and time
        if name in level.folders:
            levels.append(_Level(path, visitor, notices))
        else:
            yield path


class _Level:
    """Names of one folder that matter, the first one last; which of them are folders."""

    def __init__(self, folder: str, visitor: Visitor, notices: Notices) -> None:
        self.folder, self.names, self.folders = folder, list[str](), set[str]()
        if not visitor.enter(folder):
            return
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._add(entry, notices)
        except OSError as error:
            visitor.unreadable(folder, error)
        self.names.sort(reverse=True)

    def _add(self, entry: "os.DirEntry[str]", notices: Notices) -> None:
        if entry.name.startswith("."):
            return
        if entry.is_symlink():
            report_link(entry.path, notices)
        elif entry.is_dir(follow_symlinks=False):
            self.folders.add(entry.name)
            self.names.append(entry.name)
        elif is_image_name(entry.name):
            self.names.append(entry.name)


def report_link(path: str, notices: Notices) -> None:
    """Say once that a symbolic link to a folder, or with an image's name, is skipped."""
    if is_image_name(os.path.basename(path)) or os.path.isdir(path):  # noqa: PTH119, PTH112
        notices.once(path, "skipped: a symbolic link, which is not followed")
