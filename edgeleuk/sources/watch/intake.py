"""What becomes of a file that was found or written: offered at once, once it rests, or not at all."""

import enum
import hashlib
import os
import stat
import time
from collections import OrderedDict
from pathlib import Path

from edgeleuk.sources.watch.feed import Notices
from edgeleuk.sources.watch.settling import Settling, Signature

BATCH = 256
_MOST_READY = 4096
_MOST_WAITING = 8192
_REMEMBERED = 1 << 20  # more than a pass of polling meets, or it would offer them again each time; up to 152 MiB
_TRIED = 1 << 17  # far more than can wait between a file's two chances
_PASSING_S = 60.0
_CREATED_PATIENCE = 10  # times settle_s: a created file is announced once more when it is closed, a hard link is not
_AT_REST = b"."  # behind the key of a file that was offered some time after its last write
_COARSE_NS = 2_000_000_000  # FAT stores times in steps of two seconds, so what was written again may look the same


class _Why(enum.IntEnum):
    """Why a file is offered; the greater, the less keeps it back."""

    FOUND = 0  # by a scan: not if it was offered as it is
    WRITTEN = 1  # by the kernel's word: not if it was offered as it is, and long enough after its last write
    AGAIN = 2  # reading it failed: in any case


class Recent:
    """A set of at most 2 * limit members, which forgets what was neither added nor asked for longest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = set[bytes](), set[bytes]()

    def __contains__(self, member: bytes) -> bool:
        if member in self._old and member not in self._young:
            self.add(member)
        return member in self._young

    def add(self, member: bytes) -> None:
        """Remember this."""
        if len(self._young) >= self._limit:
            self.age()
        self._young.add(member)

    def age(self) -> None:
        """Make the younger generation the older one: what is not met until the next call is forgotten then."""
        self._young, self._old = set(), self._young


class Intake:
    """Files on their way to be offered. Memory is bounded: `hungry` and `full` say when to bring no more."""

    def __init__(self, settle_s: float, notices: Notices) -> None:
        self._settle_s, self._notices = settle_s, notices
        self._ready: OrderedDict[str, _Why] = OrderedDict()
        self._settling = Settling(self._look, _MOST_WAITING)
        self._offered = Recent(_REMEMBERED)
        self._tried_again = Recent(_TRIED)  # of no age: a pass of polling may be shorter than settle_s
        self.news = 0  # files that a scan found and were not known; grows

    @property
    def hungry(self) -> bool:
        """Whether a scan should go on: less than a batch is ready, and not too many wait."""
        return len(self._ready) < BATCH and not self._settling.full

    @property
    def full(self) -> bool:
        """Whether so much is ready that news should stay in the kernel's queue."""
        return len(self._ready) >= _MOST_READY

    def found(self, path: str, trust_age: bool = True) -> None:
        """A scan met a file. It is offered at once if its last write is older than settle_s, and that is trusted."""
        signature = self._look(path)
        if signature is None or path in self._ready or path in self._settling or self._is_known(path, signature):
            return
        self.news += 1
        if trust_age and time.time() - signature.mtime_ns / 1e9 >= self._settle_s:
            self._ready[path] = _Why.FOUND
        else:
            self._settling.add(path, signature, self._settle_s)

    def written(self, path: str) -> None:
        """A file was closed after writing, or renamed to this path: it is offered at once."""
        self._settling.discard(path)
        self._make_ready(path, _Why.WRITTEN)

    def created(self, path: str) -> bool:
        """A file appeared that may be a hard link, whole already, or is to be written; False if no more can wait."""
        if self._settling.full:
            return False
        signature = self._look(path)
        if signature is not None and path not in self._ready:
            self._settling.add(path, signature, self._patience_s(path))
        return True

    def again(self, path: str, passing: bool = False) -> bool:
        """Reading failed: offer the file when it changed, or once more after settle_s; False: that was done before.

        If the reason is `passing`, offer it again in a minute, whatever was done before.
        """
        signature = self._look(path)
        if signature is None:
            return False
        if passing:
            self._settling.add(path, signature, max(_PASSING_S, self._settle_s), again=True)
            return True
        key = _key(path, signature)
        if key in self._tried_again:
            return False
        self._tried_again.add(key)
        self._settling.add(path, signature, self._settle_s, again=True)
        return True

    def take(self) -> list[Path]:
        """At most a batch of files to offer now, in the order they came; they are remembered as offered."""
        for path, again in self._settling.settled():
            self._make_ready(path, _Why.AGAIN if again else _Why.FOUND)
        batch: list[Path] = []
        while self._ready and len(batch) < BATCH:
            path, why = self._ready.popitem(last=False)
            if self._is_new(path, why):
                batch.append(Path(path))
        return batch

    def due_in_s(self) -> float | None:
        """Seconds until a waiting file has to be looked at; None if none waits."""
        return self._settling.due_in_s()

    def forget_vanished(self) -> None:
        """A scan of everything is complete: what neither it nor the one before it met need not be remembered."""
        self._offered.age()

    def start_anew(self) -> None:
        """Forget everything: the folder is another one now."""
        self._ready.clear()
        self._settling.clear()
        self._offered.clear()
        self._tried_again.clear()

    def _make_ready(self, path: str, why: _Why) -> None:
        self._ready[path] = max(why, self._ready.get(path, why))

    def _is_new(self, path: str, why: _Why) -> bool:
        """Whether to offer the file as it is now; remembers that it was."""
        signature = self._look(path)
        if signature is None:
            return False
        seen = _key(path, signature)
        seen_at_rest = seen + _AT_REST
        known = seen_at_rest in self._offered or (why is _Why.FOUND and seen in self._offered)
        if known and why is not _Why.AGAIN:
            return False
        at_rest = time.time_ns() - signature.mtime_ns > _COARSE_NS
        self._offered.add(seen_at_rest if at_rest else seen)
        return True

    def _is_known(self, path: str, signature: Signature) -> bool:
        seen = _key(path, signature)
        return seen + _AT_REST in self._offered or seen in self._offered

    def _look(self, path: str) -> Signature | None:
        """The signature of a regular file; None for all else, reported if that may surprise."""
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._notices.once(path, f"cannot be read: {error.strerror}")
            return None
        if stat.S_ISREG(found.st_mode):
            return Signature.of(found)
        self._notices.once(path, what_else(found))
        return None

    def _patience_s(self, path: str) -> float:
        try:
            links = os.lstat(path).st_nlink
        except OSError:
            links = 1
        return self._settle_s if links > 1 else _CREATED_PATIENCE * self._settle_s


def what_else(found: os.stat_result) -> str:
    """What to say of a path that is not a regular file."""
    if stat.S_ISLNK(found.st_mode):
        return "skipped: a symbolic link, which is not followed"
    return "skipped: not a regular file"


def _key(path: str, signature: Signature) -> bytes:
    """What the memory keeps of a file as it is.

    64 bits on any machine: those of hash() are 32 on a 32-bit Pi, where some of 200,000 files would pass for others.
    """
    text = f"{path}\0{tuple(signature)}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=8).digest()
