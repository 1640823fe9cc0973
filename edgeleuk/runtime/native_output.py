"""What native libraries write to stderr on their own, held back while they start."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.RLock()  # file descriptor 2 belongs to the whole process


@contextmanager
def hold_native_stderr() -> Iterator[None]:
    """Hold back what native code writes to stderr; shown again only if the body fails.

    TensorFlow tells of absent GPUs and LiteRT of its delegate as they start, before any setting of theirs can stop it.
    """
    with _lock:
        try:
            shown = os.dup(2)
        except OSError:  # started with stderr closed: nothing to hold
            yield
            return
        held = os.memfd_create("stderr")  # in memory: a device's disk may be full or read-only
        try:
            yield from _redirected(shown, held)
        finally:
            os.close(held)
            os.close(shown)


def _redirected(shown: int, held: int) -> Iterator[None]:
    if sys.stderr is not None:
        sys.stderr.flush()
    os.dup2(held, 2)
    try:
        yield
    except BaseException:
        os.lseek(held, 0, os.SEEK_SET)
        while block := os.read(held, 65536):
            os.write(shown, block)
        raise
    finally:
        os.dup2(shown, 2)
