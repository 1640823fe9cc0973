"""A picture of a known format opened by that format's plugin alone, in place of all those that `Image.open` loads."""

import importlib
import io
import struct

from PIL import Image, ImageFile, UnidentifiedImageError

PLUGINS = {
    "BMP": "BmpImagePlugin",
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "TIFF": "TiffImagePlugin",
    "WEBP": "WebPImagePlugin",
}
_NOT_OF_ITS_KIND = (SyntaxError, IndexError, TypeError, struct.error)  # by which plugins say so


def open_as(content: bytes, kind: str) -> ImageFile.ImageFile:
    """The same as `Image.open(io.BytesIO(content), formats=(kind,))`, where `kind` is one of `PLUGINS`.

    That loads the plugins of all usual formats for what has no file name, which takes longer than a small picture.
    Raises UnidentifiedImageError, DecompressionBombError and what a plugin raises of damaged files, as it does.
    """
    importlib.import_module(f"PIL.{PLUGINS[kind]}")
    factory, accept = Image.OPEN[kind]
    if accept is not None and accept(content[:16]) is not True:
        raise UnidentifiedImageError(f"not accepted as {kind}")
    try:
        image = factory(io.BytesIO(content), "")
    except _NOT_OF_ITS_KIND as error:
        raise UnidentifiedImageError(f"not readable as {kind}: {error}") from error
    if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > 2 * Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError(f"{image.width}x{image.height} is too large to be decoded")
    return image
