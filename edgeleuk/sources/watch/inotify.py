"""The kernel's inotify(7), called in the C library through ctypes."""

import ctypes
import errno
import os
import struct
from dataclasses import dataclass
from typing import Any

CLOSE_WRITE = 0x00000008
MOVED_FROM = 0x00000040
MOVED_TO = 0x00000080
CREATE = 0x00000100
DELETE_SELF = 0x00000400
MOVE_SELF = 0x00000800
UNMOUNT = 0x00002000
Q_OVERFLOW = 0x00004000
IGNORED = 0x00008000
ISDIR = 0x40000000
_ONLYDIR, _DONT_FOLLOW, _EXCL_UNLINK = 0x01000000, 0x02000000, 0x04000000
FOLLOWED = CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE_SELF | MOVE_SELF | _ONLYDIR | _EXCL_UNLINK

_HEAD = struct.Struct("=iIII")  # watch, mask, cookie, length of the name with its padding
_BUFFER_BYTES = 1 << 16  # some thousand events; one event is at most 16 + 256 bytes


@dataclass(frozen=True)
class Event:
    """What happened in a watched folder: its number, the mask's bits, the name there ("" for the folder itself)."""

    watch: int
    mask: int
    name: str


def parse_events(buffer: bytes) -> list[Event]:
    """The events of one read(2); names are decoded as Python decodes file names, whatever bytes they hold.

    Raises ValueError if the buffer ends inside an event, which the kernel never does.
    """
    events, position = [], 0
    while position < len(buffer):
        if position + _HEAD.size > len(buffer):
            raise ValueError(f"inotify event cut off at byte {position} of {len(buffer)}")
        watch, mask, _, length = _HEAD.unpack_from(buffer, position)
        end = position + _HEAD.size + length
        if end > len(buffer):
            raise ValueError(f"inotify event at byte {position} needs {end} bytes, there are {len(buffer)}")
        name = buffer[position + _HEAD.size : end].partition(b"\0")[0]
        events.append(Event(watch, mask, os.fsdecode(name)))
        position = end
    return events


class Inotify:
    """One inotify instance. Raises OSError: ENOSYS if there is no inotify, EMFILE if too many are open."""

    def __init__(self) -> None:
        self._library = _c_library()
        self._handle: int = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._handle < 0:
            raise _last_error()

    def fileno(self) -> int:
        """The file descriptor, to poll."""
        return self._handle

    def add(self, folder: str, follow_link: bool = False) -> int:
        """Watch a folder; its number, the same one if it is watched already, by whatever name.

        Raises OSError: ENOSPC at the limit of watches, ENOTDIR or ELOOP if it is not a folder or a link.
        """
        mask = FOLLOWED if follow_link else FOLLOWED | _DONT_FOLLOW
        number: int = self._library.inotify_add_watch(self._handle, os.fsencode(folder), mask)
        if number < 0:
            raise _last_error(folder)
        return number

    def remove(self, watch: int) -> None:
        """Stop watching; nothing happens if the kernel had done so."""
        self._library.inotify_rm_watch(self._handle, watch)

    def read(self) -> list[Event]:
        """The events that are there now, as many as one read takes; none is an empty list."""
        try:
            return parse_events(os.read(self._handle, _BUFFER_BYTES))
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Give the instance back; its watches go with it. May be called again."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def _c_library() -> Any:
    """The functions of the C library that Python itself runs on, glibc or musl."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        library.inotify_init1.argtypes = [ctypes.c_int]
        library.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
        library.inotify_rm_watch.argtypes = [ctypes.c_int, ctypes.c_int]
    except (OSError, AttributeError, TypeError) as error:  # a static Python, another system
        raise OSError(errno.ENOSYS, "no inotify in the C library") from error
    return library


def _last_error(path: str | None = None) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), path)
