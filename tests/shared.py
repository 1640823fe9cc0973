"""What the workers of pytest-xdist make once for all of them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Shared:
    """A folder that all workers of one test run share; no test may change what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def making(self, name: str) -> Iterator[bool]:
        """Yield whether `name` is still to be made; other workers wait meanwhile. Made only if nothing is raised."""
        done = self.folder / f"{name}.done"
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield not done.exists()
            done.touch()
