"""Image files to 8-bit RGB, with limits: a microscope folder holds truncated files, odd modes and worse."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from edgeleuk.errors import ImageError

MAX_PIXELS = 25_000_000  # a 25-megapixel camera frame; Pillow itself only warns at 89 million
_FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")  # never Pillow's forty others: one of them starts Ghostscript
_EIGHT_BIT_MODES = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_SIXTEEN_BIT = re.compile(r";16[BLNS]")  # raw modes; "BGR;16" is 16 bits a pixel and harmless

# Pillow warns between one and two times its own pixel limit; ours is lower and refuses those images. Set once, as
# `warnings.catch_warnings` is not safe in threads.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def decode_image(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a file or its bytes to a Pillow image of mode RGB, 8 bits a channel.

    Grey, palette and CMYK images are converted; transparent pixels become black, which is the background of
    segmented cells. Raises ImageError for a file that is missing, unreadable, empty, truncated, no image, larger than
    `max_pixels`, or of 16 or 32 bits a channel (whose scale to 8 bits only its maker knows).
    """
    with _opened(source, max_pixels) as (image, name):
        _check_depth(image, name)
        return _to_rgb(image)


def image_size(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height in pixels from the file's header. Raises ImageError as `decode_image`, damaged pixels aside."""
    with _opened(source, max_pixels) as (image, _):
        width, height = image.size
        return width, height


@contextmanager
def _opened(source: Path | bytes, max_pixels: int) -> Iterator[tuple[Image.Image, str]]:
    """The image with its name for messages; whatever Pillow raises becomes ImageError."""
    name = "image" if isinstance(source, bytes) else str(source)
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_FORMATS) as image:
            _check_size(image, name, max_pixels)
            yield image, name
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such file") from error
    except UnidentifiedImageError as error:
        allowed = f"{', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}"
        raise ImageError(f"{name}: not an image of type {allowed} ({_size_of(source)})") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name}: more than the {max_pixels:,} pixels that are decoded at most") from error
    except Exception as error:  # damaged files send Pillow's decoders anywhere, SyntaxError included
        raise ImageError(f"{name}: cannot be decoded: {getattr(error, 'strerror', None) or error}") from error


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(f"{name}: {width}x{height} is {width * height:,} pixels; at most {max_pixels:,} are decoded")
    if min(width, height) < 1:
        raise ImageError(f"{name}: {width}x{height} holds no pixels")


def _check_depth(image: Image.Image, name: str) -> None:
    """Refuse what has more than 8 bits a channel, also where Pillow would drop the lower ones in silence."""
    raw_modes = str([tile[3] for tile in getattr(image, "tile", [])])
    if image.mode not in _EIGHT_BIT_MODES | _ALPHA_MODES or _SIXTEEN_BIT.search(raw_modes):
        raise ImageError(f"{name}: mode {image.mode} of more than 8 bits a channel; convert it to 8-bit RGB first")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image.copy() if getattr(image, "is_animated", False) else image
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, rgba).convert("RGB")
    return image.convert("RGB")


def _size_of(source: Path | bytes) -> str:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    return f"{size:,} bytes"
