"""Image files to 8-bit RGB, with limits: a microscope folder holds truncated files, odd modes and worse."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image, UnidentifiedImageError

from edgeleuk.errors import ImageError
from edgeleuk.runtime.colour import is_plain, orientation_of, to_rgb
from edgeleuk.runtime.image_headers import check_header, image_format, other_format
from edgeleuk.runtime.opening import PLUGINS, open_as
from edgeleuk.runtime.picture_limits import BYTES_PER_PIXEL, MAX_PIXELS, MOST_PIXELS, SLACK_BYTES, max_file_bytes
from edgeleuk.runtime.stored_rows import HEADER_BYTES, Box, StoredRows, open_stored

_FORMATS = tuple(PLUGINS)  # never Pillow's forty others: one of them starts Ghostscript
_BITS_PER_SAMPLE = 258  # of a TIFF
_MOST_PACKED = 1 << 20  # pixels: of more, decoding is to fail here if memory is lacking
_OUT_OF_MEMORY = "out of memory error"  # how Pillow's OSError begins if a decoder got none

# What Pillow thinks of metadata and sizes would go to standard error. Set once, as `warnings.catch_warnings` is not
# safe in threads; sizes are refused far below those that Pillow warns of.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode_image(source: Path | bytes, max_pixels: int = MAX_PIXELS, page: int | None = None) -> Image.Image:
    """Decode a file or its bytes to a Pillow image of mode RGB, 8 bits a channel, upright, in sRGB, on black.

    See `to_rgb`. `page` is that of a TIFF, from 1; without it, one of several pages is refused. Raises ImageError for a
    file that is missing, unreadable, empty, truncated, no image, of several pictures, larger than `max_pixels` or what
    memory that stands for, or of more than 8 bits a channel (whose scale to 8 bits only its maker knows). The error is
    `passing` if only memory was lacking.
    """
    return decode_part(source, _all_of_it, max_pixels, page).image


class Part(NamedTuple):
    """An RGB picture, or what was asked for of it, and (width, height) of the whole one."""

    image: Image.Image
    size: tuple[int, int]


def decode_part(
    source: Path | bytes,
    wanted: Callable[[tuple[int, int]], Box],
    max_pixels: int = MAX_PIXELS,
    page: int | None = None,
    packed: bool = False,
) -> Part:
    """`decode_image`, if possible only of what is wanted: of (width, height) the box (left, top, right, bottom).

    The whole picture comes back unless the rest of it need not be decoded, as of a plain BMP, PNG or JPEG, and the box
    lies within it. Damage of the rest is not noticed then, unless the file is cut off. `packed`: what lies in the file
    as it is may come as `Packed`, for who resizes it.
    """
    with _reasons_named(source), _content(source, max_pixels) as file:
        if page is None and (stored := _stored(file, max_pixels)) is not None:
            size = stored.image.size
            found = stored.read(_within(wanted(size), size), file.read_at)
            is_small = found.width * found.height <= _MOST_PACKED
            return Part(found if packed and is_small else found.part((0, 0, *found.size)), size)
        content = file.all()
        with _opened(content, max_pixels, page) as (image, ignore_opacity):
            _check_memory(image, len(content), max_pixels)
            size = image.size
            if (part := _upper(image, content, _within(wanted(size), size))) is not None:
                return Part(part, size)
            result = to_rgb(image, ignore_opacity)
            _check_complaints(image)
            return Part(result, result.size)


def _all_of_it(size: tuple[int, int]) -> Box:
    return 0, 0, *size


def _within(box: Box, size: tuple[int, int]) -> Box:
    """The box, or all of a picture if some of the box is not in it."""
    left, top, right, bottom = box
    return box if min(left, top) >= 0 and right <= size[0] and bottom <= size[1] else (0, 0, *size)


def _upper(image: Image.Image, content: bytes, box: Box) -> Image.Image | None:
    """What is wanted of an opened PNG or JPEG, if the rows below it need not be decoded."""
    if image.format not in ("JPEG", "PNG") or box[3] == image.height:
        return None
    from edgeleuk.runtime.upper_rows import upper_part  # which a BMP need not load

    return upper_part(image, content, box)


def _stored(file: "_Content", max_pixels: int) -> StoredRows | None:
    """The rows of a plain BMP that may be decoded; None of anything else. Raises ImageError for too large a one."""
    header = bytes(file.read_at(HEADER_BYTES, 0))
    stored = open_stored(header, file.size) if image_format(header) == "BMP" else None
    if stored is not None:
        _check_size(stored.image.size, max_pixels)
        _check_memory(stored.image, file.size, max_pixels)
    return stored


def decode_indexed(path: Path) -> Image.Image:
    """`decode_image` of what an index or a folder that was looked through names: its size was judged there."""
    return decode_image(path, MOST_PIXELS)


def image_size(source: Path | bytes, max_pixels: int = MOST_PIXELS) -> tuple[int, int]:
    """Width and height in pixels from the file's header. Raises ImageError as `decode_image`, damaged pixels aside."""
    with (
        _reasons_named(source),
        _content(source, max_pixels) as file,
        _opened(file.all(), max_pixels, None) as (image, _),
    ):
        width, height = image.size
        return (height, width) if image.format != "TIFF" and orientation_of(image) > 4 else (width, height)


def rgb_image(image: Image.Image) -> Image.Image:
    """A Pillow image as `decode_image` gives it, opened from a file or made, and left as it is. Raises ImageError."""
    with _reasons_named(b""):
        if min(image.size) < 1:
            raise ImageError(f"{image.width}x{image.height} holds no pixels")
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
        if max(bits) > 8 or ";16" in str(getattr(image, "tile", "")):
            raise ImageError("more than 8 bits a channel; convert it to 8-bit RGB first")
        return image if is_plain(image) else to_rgb(image.copy())


@contextmanager
def _reasons_named(source: Path | bytes) -> Iterator[None]:
    """Whatever Pillow raises becomes ImageError, and each one names the file."""
    name = "image" if isinstance(source, bytes) else str(source)
    try:
        yield
    except Exception as error:  # damaged files send Pillow's decoders anywhere, SyntaxError included
        raise _image_error(name, error) from error


def _image_error(name: str, error: Exception) -> ImageError:
    if isinstance(error, ImageError):
        return ImageError(f"{name}: {error}", passing=error.passing)
    if isinstance(error, MemoryError) or str(error).startswith(_OUT_OF_MEMORY):
        return ImageError(f"{name}: not enough memory to decode it now", passing=True)
    if isinstance(error, FileNotFoundError):
        return ImageError(f"{name}: no such file")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return ImageError(f"{name}: more than the {MOST_PIXELS:,} pixels that are decoded at most")
    return ImageError(f"{name}: cannot be decoded: {getattr(error, 'strerror', None) or error}")


class _Content:
    """The bytes of a file, read as far as they are wanted; `size`: how many there are, 0 of what is no plain file."""

    def __init__(self, file: BinaryIO | None, content: bytes = b"") -> None:
        self._file, self._content = file, content
        self.size = len(content) if file is None else os.fstat(file.fileno()).st_size

    def read_at(self, count: int, start: int) -> bytes | memoryview:
        """At most so many bytes, from so many on."""
        if self._file is None:
            return memoryview(self._content)[start : start + count]
        return os.pread(self._file.fileno(), count, start) if self.size else b""

    def all(self) -> bytes:
        """The whole file, once."""
        return self._content if self._file is None else self._file.read()


@contextmanager
def _content(source: Path | bytes, max_pixels: int) -> Iterator[_Content]:
    if isinstance(source, bytes):
        yield _Content(None, source)
        return
    with source.open("rb") as file:
        content, most = _Content(file), max_file_bytes(max_pixels)
        if content.size > most:
            raise ImageError(f"{content.size:,} bytes; at most {most:,} are read")
        yield content


@contextmanager
def _opened(content: bytes, max_pixels: int, page: int | None) -> Iterator[tuple[Image.Image, bool]]:
    """The image, not yet decoded, of which header and size are fit; whether its opacity says nothing."""
    kind = image_format(content)
    if kind is None:
        allowed, what = f"{', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}", other_format(content)
        raise ImageError(f"not an image of type {allowed} ({what + ', ' if what else ''}{len(content):,} bytes)")
    if page is not None and kind != "TIFF":
        raise ImageError(f"a {kind}, which has no pages; a page is chosen from a TIFF")
    check_header(content, kind)
    ignore_opacity = kind == "TIFF" and _prepare_tiff(content, page, max_pixels)
    try:
        image = open_as(content, kind)
    except UnidentifiedImageError as error:
        raise ImageError(f"a damaged {kind} or one of a rare kind; save it as 8-bit RGB PNG or BMP first") from error
    with image:
        if page is not None:
            image.seek(page - 1)
        if kind == "WEBP" and getattr(image, "n_frames", 1) > 1:
            raise ImageError("a WebP of several pictures; save one of them")
        _check_size(image.size, max_pixels)
        if ignore_opacity:
            _keep_premultiplied(image)
        yield image, ignore_opacity


def _prepare_tiff(content: bytes, page: int | None, max_pixels: int) -> bool:
    """Check the page that counts; whether its opacity says nothing. Only a TIFF loads what this takes."""
    from edgeleuk.runtime import libtiff_messages
    from edgeleuk.runtime.tiff import choose_page, has_ignored_opacity

    chosen = choose_page(content, page)
    _check_size((chosen.width, chosen.height), max_pixels)
    libtiff_messages.begin()
    return has_ignored_opacity(chosen)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageError(
            f"{width}x{height} is {width * height:,} pixels; at most {max_pixels:,} are decoded (--max-megapixels)"
        )
    if min(width, height) < 1:
        raise ImageError(f"{width}x{height} holds no pixels")


def _check_memory(image: Image.Image, file_bytes: int, max_pixels: int) -> None:
    """Refuse what takes more memory than the bound on pixels stands for: some formats take thrice that of others."""
    needed = file_bytes + image.width * image.height * _bytes_per_pixel(image)
    most = BYTES_PER_PIXEL * max_pixels + SLACK_BYTES
    if needed > most:
        raise ImageError(
            f"{image.width}x{image.height} as {image.format} of mode {image.mode} takes {needed >> 20} MiB to decode; "
            f"at most {most >> 20} are used (--max-megapixels, or save it as RGB)"
        )


def _bytes_per_pixel(image: Image.Image) -> int:
    """What decoding, converting and turning takes at its peak, as measured: Pillow holds 4 bytes for any colour."""
    if image.format == "WEBP":
        return 17  # two canvases of the decoder, its bytes, and the image
    coefficients = (8 if image.mode == "CMYK" else 6) if image.format == "JPEG" else 0  # kept if scans are several
    copies = (image.mode != "RGB") + (orientation_of(image) != 1)
    return 4 + max(coefficients, 4 * copies)


def _keep_premultiplied(image: Image.Image) -> None:
    """Have the colours unpacked as they are stored, not divided by their opacity, which loses those of none."""
    for number, tile in enumerate(image.tile):  # type: ignore[attr-defined]
        codec, extents, offset, args = tile
        plain = (str(args[0]).replace("RGBa", "RGBA"), *args[1:]) if isinstance(args, tuple) else args
        changed = (codec, extents, offset, plain)
        image.tile[number] = tile._make(changed) if hasattr(tile, "_make") else changed  # type: ignore[attr-defined]


def _check_complaints(image: Image.Image) -> None:
    """Raise ImageError if libtiff found the file damaged and Pillow went on."""
    if image.format == "TIFF":
        from edgeleuk.runtime.libtiff_messages import complaint

        if (part := complaint()) is not None:
            raise ImageError(f"a damaged TIFF, as {part} of libtiff found")
