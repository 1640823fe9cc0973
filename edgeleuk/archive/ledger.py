"""Which images and contents an archive has, asked ten million times in little memory: digests in a scratch SQLite file.

It is made anew of the archive's rows by each process that writes, and says nothing that they do not say.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from edgeleuk.errors import OutputError

_DIGEST = 16  # bytes: among 10^9 names two alike are less likely than a damaged disk
_CACHE_KIB = 32 << 10
_NAME = ".ledger"
_ASKED = 500  # at once


def image_key(image: str, version: str) -> bytes:
    """16 bytes that stand for an image as it was then. `image` is text as the archive has it."""
    return hashlib.blake2b(f"{image}\0{version}".encode(), digest_size=_DIGEST).digest()


def content_key(sha256: str) -> bytes:
    """16 bytes that stand for a content."""
    return bytes.fromhex(sha256)[:_DIGEST]


class Ledger:
    """The digests of one model's rows. For one thread, and one process at a time. What it does raises OutputError."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing, in a file below `folder` that is removed at once: it ends with the process."""
        path = folder / _NAME
        path.unlink(missing_ok=True)
        address = f"file:{quote(str(path.absolute()), errors='surrogateescape')}?vfs=unix-none"
        self._folder = folder
        with self._errors():
            self._file = sqlite3.connect(address, uri=True, isolation_level=None)
            for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
                self._file.execute(f"PRAGMA {setting}")
            for table in ("images", "contents"):
                self._file.execute(f"CREATE TABLE {table} (key BLOB PRIMARY KEY) WITHOUT ROWID")
        path.unlink()

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def add(self, images: Iterable[bytes], contents: Iterable[bytes]) -> None:
        """Take in digests of rows that the archive has."""
        for table, keys in (("images", images), ("contents", contents)):
            wanted = [(key,) for key in sorted(keys)]
            with self._errors():
                self._file.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?)", wanted)

    def takes_image(self, key: bytes) -> bool:
        """Whether the image is new; it no longer is then."""
        return self._takes("images", key)

    def takes_content(self, key: bytes) -> bool:
        """Whether the content is new; it no longer is then."""
        return self._takes("contents", key)

    def known(self, images: Sequence[bytes]) -> set[bytes]:
        """Those of the images that the archive has."""
        found: set[bytes] = set()
        for start in range(0, len(images), _ASKED):
            asked = images[start : start + _ASKED]
            places = ",".join("?" * len(asked))
            with self._errors():
                rows = self._file.execute(f"SELECT key FROM images WHERE key IN ({places})", asked)
                found.update(key for (key,) in rows)
        return found

    def _takes(self, table: str, key: bytes) -> bool:
        with self._errors():
            return self._file.execute(f"INSERT OR IGNORE INTO {table} VALUES (?)", (key,)).rowcount == 1

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What SQLite raises, on a full disk above all, as OutputError."""
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(f"cannot write {self._folder}: {error}; free space or choose another place") from error
