"""Image files to 8-bit RGB, with limits: a microscope folder holds truncated files, odd modes and worse."""

import io
import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from edgeleuk.errors import ImageError

MAX_PIXELS = 25_000_000  # a 25-megapixel camera frame; Pillow itself only warns at 89 million
IMAGE_SUFFIXES = frozenset({".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
_EIGHT_BIT_MODES = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


def decode_image(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a file or its bytes to a Pillow image of mode RGB, 8 bits a channel.

    Grey, palette and CMYK images are converted; transparent pixels become black, which is the background of
    segmented cells. Raises ImageError for a file that is missing, unreadable, empty, truncated, no image, larger than
    `max_pixels`, or of 16 or 32 bits a channel (whose scale to 8 bits only its maker knows).
    """
    name = "image" if isinstance(source, bytes) else str(source)
    try:
        with warnings.catch_warnings():
            # Pillow warns between one and two times its own pixel limit; ours is lower and checked before decoding.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                _check_size(image, name, max_pixels)
                return _to_rgb(image, name)
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such file") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: not an image that Pillow can read ({_size_of(source)})") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: {error}") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError) as error:
        # Pillow's decoders raise these for damaged files.
        raise ImageError(f"{name}: cannot be decoded: {getattr(error, 'strerror', None) or error}") from error


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(f"{name}: {width}x{height} is {width * height:,} pixels; at most {max_pixels:,} are decoded")
    if min(width, height) < 1:
        raise ImageError(f"{name}: {width}x{height} holds no pixels")


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "RGB":
        image.load()
        return image.copy() if getattr(image, "is_animated", False) else image
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, rgba).convert("RGB")
    if image.mode in _EIGHT_BIT_MODES:
        return image.convert("RGB")
    raise ImageError(f"{name}: mode {image.mode} has more than 8 bits a channel; convert it to 8-bit RGB first")


def _size_of(source: Path | bytes) -> str:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    return f"{size:,} bytes"
