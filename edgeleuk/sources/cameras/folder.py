"""A camera made of files, for rehearsals and tests: what comes after it cannot tell the difference."""

import os
from datetime import UTC, datetime
from pathlib import Path

from edgeleuk.errors import DataError, UsageError
from edgeleuk.sources.cameras.frame import EndOfFrames, Frame
from edgeleuk.sources.names import is_image_name
from edgeleuk.sources.reading import read_regular


class FileCamera:
    """Gives the images of a folder, without its subfolders, once each, in the order of their names, as they are."""

    def __init__(self, folder: Path, size: tuple[int, int] | None = None) -> None:
        """Raises UsageError for a folder that cannot be listed, or a size; DataError for one without images."""
        if size is not None:
            raise UsageError("frames from files have the files' sizes; leave the size out")
        try:
            names = os.listdir(folder)  # noqa: PTH208 - names, not ten thousand Path objects
        except OSError as error:
            raise UsageError(f"file:{folder}: {error.strerror}; expected a folder of images") from error
        self._folder = folder
        self._names = sorted(filter(is_image_name, names), reverse=True)
        if not self._names:
            raise DataError(f"file:{folder}: holds no images")

    def capture(self) -> Frame:
        """The next file. Raises EndOfFrames after the last one, ImageError for one that cannot be read."""
        if not self._names:
            raise EndOfFrames
        name = self._names.pop()
        return Frame(read_regular(self._folder / name), name, datetime.now(UTC))

    def close(self) -> None:
        """No more frames."""
        self._names.clear()
