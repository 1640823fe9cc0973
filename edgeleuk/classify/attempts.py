"""Files in progress are noted in the store, so that a restart skips the one that kills the process each time.

Whatever bounds memory and time of decoding, some file may get past them: the kernel then ends the process without a
word, systemd restarts it, and it would meet the same file first.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edgeleuk.errors import StoreError

if TYPE_CHECKING:
    from edgeleuk.store import Store

MOST_TRIES = 3
PASSED_OVER = (
    f"skipped: the process was killed {MOST_TRIES} times while it worked on this image, perhaps for lack of "
    "memory; 'edgeleuk infer MODEL FILE --store DB' retries it on request, and a watch does if it is written again"
)


class Attempts:
    """What is in progress now, and what was when earlier processes died. Thread-safe.

    Keys are those of `file_key` and `upload_key`. A store that cannot be written is no reason not to try an image.
    """

    def __init__(self, store: "Store") -> None:
        """Raises StoreError if the store cannot be read."""
        self._store = store
        self._begun: set[str] = set()
        self._before = store.unfinished_attempts()
        for key in [key for key in self._before if _outdated(key)]:
            self._forget(key)
            del self._before[key]

    def tries(self, key: str) -> int:
        """How many processes died while this was in progress."""
        return self._before.get(key, 0)

    def passes_over(self, key: str) -> bool:
        """Whether those are too many."""
        return self.tries(key) >= MOST_TRIES

    def suspects(self, path: Path) -> bool:
        """Whether a file is to be tried alone, as it may be the one of several under way that ended the process."""
        return bool(self._before) and self.tries(file_key(path)) > 0

    def begin(self, key: str) -> None:
        """Note that this is under way; a second call before `end` does nothing."""
        if key not in self._begun:
            self._begun.add(key)
            with suppress(StoreError):
                self._store.begin_attempt(key)

    def end(self, key: str) -> None:
        """Note that it is done, however it went."""
        if key in self._begun and self._forget(key):
            self.ended(key)

    def ended(self, key: str) -> None:
        """It is done, and the store has noted that with the result."""
        self._begun.discard(key)
        self._before.pop(key, None)

    def close(self) -> None:
        """The process ends because it was asked to: nothing that is under way is to blame."""
        for key in list(self._begun):
            self.end(key)

    def _forget(self, key: str) -> bool:
        with suppress(StoreError):
            self._store.end_attempt(key)
            return True
        return False  # `close` tries again


def file_key(path: Path) -> str:
    """What identifies a file as it is now: written again, it counts as another one."""
    from edgeleuk.sources.watch.settling import Signature  # of a watch alone: other ways need not load it

    try:
        size, mtime_ns, inode = Signature.of(os.lstat(path))
    except OSError:
        return f"{path} [none]"
    return f"{path} [{size} {mtime_ns} {inode}]"


def upload_key(sha256: str) -> str:
    """The key of an uploaded content."""
    return f"upload {sha256}"


def _outdated(key: str) -> bool:
    """Whether it is of a file that is gone or another one now."""
    path, bracket, _ = key.rpartition(" [")
    return bool(bracket) and file_key(Path(path)) != key
