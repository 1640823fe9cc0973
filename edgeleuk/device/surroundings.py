"""Where results go and what time it is: folder, disk, clock, user."""

import ctypes
import grp
import os
import pwd
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

_TIMEX_BYTES = 512  # more than any architecture's struct timex
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized


@dataclass(frozen=True)
class Place:
    """A folder for results. `error` says why it cannot be looked at."""

    path: str
    writable: bool
    free_mib: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Clock:
    """The system's clock; `synchronized` is None if the kernel does not say."""

    year: int
    synchronized: bool | None = None


@dataclass(frozen=True)
class User:
    """Who runs this."""

    name: str
    groups: tuple[str, ...] = ()
    root: bool = False


def this_place(folder: Path) -> Place:
    """The folder, or the nearest one above it that exists, in which it would be made."""
    path = folder.absolute()
    while not os.path.isdir(path) and path != path.parent:  # noqa: PTH112 - Path's raises if one may not look
        path = path.parent
    try:
        free_mib = shutil.disk_usage(path).free / 2**20
    except OSError as error:
        return Place(str(folder), False, None, error.strerror)
    return Place(str(folder), os.access(path, os.W_OK | os.X_OK), free_mib)


def this_clock() -> Clock:
    """Year now, and what the kernel says of the clock, whichever program sets it."""
    return Clock(time.gmtime().tm_year, _synchronized())


def this_user() -> User:
    """Name and groups; numbers if the system has no names for them."""
    number = os.geteuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    return User(name, tuple(sorted({_group_name(group) for group in [os.getegid(), *os.getgroups()]})), number == 0)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _synchronized() -> bool | None:
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # zeros: change nothing, only tell
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
