"""Files below a folder, their hashes, and which of them decode: the only part of the data layer that reads pixels."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layout import FileEntry
from edgeleuk.data.left_out import HIDDEN_FOLDER, OTHER_NAME
from edgeleuk.errors import ImageError
from edgeleuk.files import sha256_file
from edgeleuk.runtime.images import decode_image
from edgeleuk.sources.names import is_image_name

Progress = Callable[[int, int], None]
_BATCH = 512  # bounds the futures in flight on large folders and the wait after Ctrl-C


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be used, and why."""

    image: ImageRecord
    reason: str


@dataclass(frozen=True)
class Listing:
    """Image files below a root in order of path; other paths, each with the reason; folders that failed."""

    entries: tuple[FileEntry, ...]
    others: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]


def list_images(root: Path) -> Listing:
    """Image files below root, hidden folders left aside; links to folders are followed, but never in a circle."""
    entries: list[FileEntry] = []
    others: list[tuple[str, str]] = []
    problems: list[str] = []
    for folder, subfolders, names in _walk(root, problems):
        for name in names:
            path = Path(folder, name)
            place = path.relative_to(root).as_posix()
            if is_image_name(name):
                entries.append(FileEntry(place, "", _size(path)))
            else:
                others.append((place, OTHER_NAME))
        hidden = [name for name in subfolders if name.startswith(".")]
        others += [(f"{Path(folder, name).relative_to(root).as_posix()}/", HIDDEN_FOLDER) for name in hidden]
    return Listing(tuple(sorted(entries)), tuple(sorted(others)), tuple(problems))


def _walk(root: Path, problems: list[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each folder with the folders and the other names in it; hidden folders are named, but not walked."""

    def failed(error: OSError) -> None:
        problems.append(f"{error.filename} cannot be read ({error.strerror}); images in it are missing here")

    followed = {os.path.realpath(root)}
    for folder, subfolders, names in os.walk(root, onerror=failed, followlinks=True):
        yield folder, list(subfolders), names
        for name in list(subfolders):
            link = Path(folder, name)
            target = os.path.realpath(link) if link.is_symlink() else ""
            if name.startswith("."):
                subfolders.remove(name)
            elif target in followed or (target and os.path.realpath(folder).startswith(target + os.sep)):
                problems.append(f"{link} leads to a folder that is read already; not followed")
                subfolders.remove(name)
            elif target:
                followed.add(target)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # a link into nowhere: stays in the list, and is reported when it cannot be decoded


def read_images(
    root: Path, images: Sequence[ImageRecord], progress: Progress | None = None
) -> tuple[list[ImageRecord], list[Unreadable], dict[str, str]]:
    """Hash and decode each image: those that decode, those that do not, and 'WxH mode' by path of those that do."""
    usable: list[ImageRecord] = []
    unreadable: list[Unreadable] = []
    formats: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(images), _BATCH):
            for outcome in pool.map(lambda image: _read(root, image), images[start : start + _BATCH]):
                if isinstance(outcome, Unreadable):
                    unreadable.append(outcome)
                else:
                    image, formats[image.path] = outcome
                    usable.append(image)
            if progress is not None:
                progress(min(start + _BATCH, len(images)), len(images))
    return usable, unreadable, formats


def _read(root: Path, image: ImageRecord) -> tuple[ImageRecord, str] | Unreadable:
    path = root / image.path
    try:
        image.path.encode("utf-8")
        hashed = dataclasses.replace(image, sha256=sha256_file(path))
        decode_image(path)
        with Image.open(path) as original:
            return hashed, f"{original.width}x{original.height} {original.mode}"
    except UnicodeEncodeError:
        printable = image.path.encode("utf-8", "backslashreplace").decode()
        return Unreadable(dataclasses.replace(image, path=printable), "the file name is not UTF-8; rename it")
    except ImageError as error:
        if error.passing:
            raise  # to leave out an image for want of memory would be to make other data of the folder
        return Unreadable(image, str(error).removeprefix(f"{path}: "))
    except OSError as error:
        return Unreadable(image, error.strerror or str(error))
