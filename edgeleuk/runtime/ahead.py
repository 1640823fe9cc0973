"""A model file read and checked while what is to run it is still being loaded."""

import os
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from edgeleuk.runtime.bundle import Bundle, read_bundle

LEAST_BYTES = 16 << 20  # of fewer, reading and hashing take no longer than the thread is worth


class BundleAhead:
    """`read_bundle(path)`, begun at once in a thread if the file is large and there is a core for it."""

    def __init__(self, path: Path) -> None:
        """Nothing is raised of the file, not even if it is missing, before `read` is called."""
        self._path = path
        self._outcome: SimpleQueue[Bundle | BaseException] = SimpleQueue()
        self._is_begun = _is_worth_it(path)
        if self._is_begun:
            try:
                Thread(target=self._run, name="model", daemon=True).start()  # the end waits for no slow disk
            except RuntimeError:  # as many threads as there may be
                self._is_begun = False

    def read(self, path: Path) -> Bundle:
        """The same as `read_bundle`. What was begun is given out once; a file that is asked for again is read again."""
        if path != self._path or not self._is_begun:
            return read_bundle(path)
        self._is_begun = False
        found = self._outcome.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def _run(self) -> None:
        try:
            self._outcome.put(read_bundle(self._path))
        except BaseException as error:  # noqa: BLE001 - it is raised where the bundle is asked for
            self._outcome.put(error)


def _is_worth_it(path: Path) -> bool:
    try:
        return path.stat().st_size >= LEAST_BYTES and len(os.sched_getaffinity(0)) > 1
    except (OSError, ValueError):
        return False
