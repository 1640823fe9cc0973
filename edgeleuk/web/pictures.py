"""Small pictures of classified images: of uploads as kept in the store, of files as they lie on the disk."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from edgeleuk.classify.recorder import encode_preview, shrink
from edgeleuk.errors import ImageError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.sources.reading import read_regular
from edgeleuk.store import Result, Store
from edgeleuk.store.record import ON_DISK

_CACHE_BYTES = 4 << 20
_MOST_PLACES = 8  # that are looked at for one picture


class Pictures:
    """Finds the picture of a result; caches the latest in memory. Not thread-safe: one call at a time."""

    def __init__(self, store: Store, max_file_bytes: int, max_pixels: int = MAX_PIXELS) -> None:
        self._store, self._max_file_bytes, self._max_pixels = store, max_file_bytes, max_pixels
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def find(self, result: Result) -> bytes | None:
        """JPEG bytes; None if the image is gone, was changed, or is not for us to read. Raises StoreError."""
        if result.sha256 in self._kept:
            self._kept.move_to_end(result.sha256)
            return self._kept[result.sha256]
        jpeg = self._store.preview(result.sha256) or self._of_file(result)
        if jpeg is not None:
            self._keep(result.sha256, jpeg)
        return jpeg

    def whole(self, result: Result) -> bytes | None:
        """The image file itself, else the small JPEG that is kept; None as of `find`. Raises StoreError."""
        places = self._places(result) if result.source in ON_DISK else ()
        found = next(filter(None, (self._content(place, result.sha256) for place in places)), None)
        return found or self._store.preview(result.sha256)

    def forget(self) -> None:
        """Keep none in memory: a result was deleted."""
        self._kept.clear()

    def _of_file(self, result: Result) -> bytes | None:
        """Of the first file of any of its names that has this content still."""
        if result.source not in ON_DISK:
            return None
        return next(filter(None, (self._read(place, result.sha256) for place in self._places(result))), None)

    def _read(self, place: Path, sha256: str) -> bytes | None:
        try:
            content = self._content(place, sha256)
            return encode_preview(shrink(decode_image(content, self._max_pixels))) if content is not None else None
        except ImageError:
            return None

    def _content(self, place: Path, sha256: str) -> bytes | None:
        """The bytes of the file, if they are those that were classified."""
        try:
            content = read_regular(place, self._max_file_bytes)
        except ImageError:
            return None
        return content if sha256_bytes(content) == sha256 else None

    def _places(self, result: Result) -> Iterator[Path]:
        """Where its file may lie. An older edgeleuk stored names as they were given: from a folder it did not tell."""
        for name in dict.fromkeys([result.path, *self._store.names(result.sha256, ON_DISK)][:_MOST_PLACES]):
            if Path(name).is_absolute():
                yield Path(name)
            else:
                yield from (self._store.path.parent / name, Path(name).absolute())

    def _keep(self, sha256: str, jpeg: bytes) -> None:
        self._kept[sha256] = jpeg
        while sum(map(len, self._kept.values())) > _CACHE_BYTES:
            self._kept.popitem(last=False)
