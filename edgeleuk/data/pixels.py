"""Files below a folder, their hashes, and which of them decode: the only part of the data layer that reads pixels."""

import dataclasses
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts.layout import FileEntry
from edgeleuk.data.layouts.left_out import HIDDEN_FOLDER, IMAGE_OF_OTHER_NAME, OTHER_FORMAT, OTHER_NAME
from edgeleuk.data.perceptual import fingerprint
from edgeleuk.errors import ImageError
from edgeleuk.files import sha256_bytes, sha256_file
from edgeleuk.runtime.colour import differs_from_srgb, exif_colour_space
from edgeleuk.runtime.content import FEWEST_PX, is_one_colour
from edgeleuk.runtime.image_headers import IMAGE_FORMATS, image_format, other_format
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.sources.names import is_image_name
from edgeleuk.text import counted, examples

Progress = Callable[[int, int], None]
_SRGB_GAMMA = 0.45455
_FIRST_BYTES = 256
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
    empty: list[str] = []
    for folder, subfolders, names in _walk(root, problems):
        if not subfolders and not names:
            empty.append(Path(folder).relative_to(root).as_posix())
        for name in names:
            path = Path(folder, name)
            place = path.relative_to(root).as_posix()
            if is_image_name(name):
                entries.append(FileEntry(place, "", _size(path)))
            else:
                others.append((place, _why_not(path)))
        hidden = [name for name in subfolders if name.startswith(".")]
        others += [(f"{Path(folder, name).relative_to(root).as_posix()}/", HIDDEN_FOLDER) for name in hidden]
    if empty and entries:
        problems.append(f"{counted(len(empty), 'folder')} with nothing in it: {examples(sorted(empty))}")
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


def _why_not(path: Path) -> str:
    """Why a file whose name is none of an image is left out, by its first bytes."""
    if path.name.startswith(".") or not path.is_file():
        return OTHER_NAME
    try:
        with path.open("rb") as stream:
            start = stream.read(_FIRST_BYTES)
    except OSError:
        return OTHER_NAME
    kind = image_format(start)
    if kind is not None and (kind != "BMP" or start[6:10] == bytes(4)):  # many a text begins with "BM"
        return IMAGE_OF_OTHER_NAME
    return OTHER_FORMAT if other_format(start) in IMAGE_FORMATS else OTHER_NAME


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # a link into nowhere: stays in the list, and is reported when it cannot be decoded


@dataclass(frozen=True)
class Pictures:
    """Images that decode, and those that do not; 'WxH mode' by path, and the paths of which something is to be said.

    `fingerprints`: perceptual hashes by path; a picture without any detail has none.
    """

    usable: list[ImageRecord] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    fingerprints: dict[str, bytes] = field(default_factory=dict)

    def without(self, paths: Collection[str]) -> "Pictures":
        """All but the usable ones of these paths."""
        remarks = {text: [path for path in of if path not in paths] for text, of in self.remarks.items()}
        return Pictures(
            [image for image in self.usable if image.path not in paths],
            self.unreadable,
            {path: kind for path, kind in self.formats.items() if path not in paths},
            {text: of for text, of in remarks.items() if of},
            {path: found for path, found in self.fingerprints.items() if path not in paths},
        )


def read_images(
    root: Path, images: Sequence[ImageRecord], progress: Progress | None = None, max_pixels: int = MAX_PIXELS
) -> Pictures:
    """Hash and decode each image. Raises ImageError if memory was lacking."""
    found = Pictures()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(images), _BATCH):
            for outcome in pool.map(lambda image: _read(root, image, max_pixels), images[start : start + _BATCH]):
                if isinstance(outcome, Unreadable):
                    found.unreadable.append(outcome)
                    continue
                image = outcome.image
                found.usable.append(image)
                found.formats[image.path] = outcome.kind
                if outcome.fingerprint is not None:
                    found.fingerprints[image.path] = outcome.fingerprint
                for remark in outcome.remarks:
                    found.remarks.setdefault(remark, []).append(image.path)
            if progress is not None:
                progress(min(start + _BATCH, len(images)), len(images))
    return found


class _Read(NamedTuple):
    """An image that decodes: 'WxH mode', what is to be said of it, and its perceptual hash."""

    image: ImageRecord
    kind: str
    remarks: list[str]
    fingerprint: bytes | None


def _read(root: Path, image: ImageRecord, max_pixels: int) -> _Read | Unreadable:
    path = root / image.path
    try:
        image.path.encode("utf-8")
        sha256 = sha256_file(path)
        decoded = decode_image(path, max_pixels)
        hashed = dataclasses.replace(image, sha256=sha256, pixels_sha256=pixels_sha256(decoded))
        with Image.open(path) as original:
            kind = f"{original.width}x{original.height} {original.mode}"
            return _Read(hashed, kind, _remarks(decoded, original), fingerprint(decoded))
    except UnicodeEncodeError:
        printable = image.path.encode("utf-8", "backslashreplace").decode()
        return Unreadable(dataclasses.replace(image, path=printable), "the file name is not UTF-8; rename it")
    except ImageError as error:
        if error.passing:
            raise  # leaving out an image for lack of memory would make other data of the folder
        return Unreadable(image, str(error).removeprefix(f"{path}: "))
    except OSError as error:
        return Unreadable(image, error.strerror or str(error))


def pixels_sha256(decoded: Image.Image) -> str:
    """SHA-256 of width, height and pixels as the runtime decodes them: upright, 8-bit RGB, in sRGB.

    Two files have the same if no network can tell them apart, be they PNG and TIFF or of other metadata.
    """
    return sha256_bytes(f"{decoded.width}x{decoded.height}\n".encode() + decoded.tobytes())


def _remarks(decoded: Image.Image, original: Image.Image) -> list[str]:
    """What is to be said of a picture that decodes, each with how to mend it."""
    found = []
    if is_one_colour(decoded):
        found.append("of one colour: no cell to learn from; remove or replace")
    if min(decoded.size) < FEWEST_PX:
        found.append(f"of fewer than {FEWEST_PX} px a side: 'infer' keeps answers about such pictures apart")
    profile = original.info.get("icc_profile")
    if isinstance(profile, bytes) and differs_from_srgb(profile):
        found.append("with an ICC profile other than sRGB: the colours are converted to sRGB")
    elif _says_other_colours(original):
        found.append("whose file says other colours than sRGB without an ICC profile: taken for sRGB")
    return found


def _says_other_colours(original: Image.Image) -> bool:
    """EXIF's "uncalibrated" (Adobe RGB of cameras), or a PNG's gamma that is not sRGB's."""
    gamma = original.info.get("gamma")
    if isinstance(gamma, float) and abs(gamma - _SRGB_GAMMA) > 0.01 and "srgb" not in original.info:
        return True
    return "exif" in original.info and exif_colour_space(original) in (2, 0xFFFF)
