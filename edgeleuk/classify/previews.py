"""Small pictures of classified images, kept in the store."""

import io

from PIL import Image

SIDE_PX = 320


def shrink(image: Image.Image) -> Image.Image:
    """A copy of at most 320 px a side; the original, which may be large, is not copied on the way."""
    factor = min(1.0, SIDE_PX / max(image.size))
    width, height = (max(1, round(factor * side)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def encode_preview(image: Image.Image) -> bytes:
    """JPEG bytes, nothing but pixels in them: comments and EXIF may name people."""
    stream, bare = io.BytesIO(), image.copy()
    bare.info = {}
    bare.save(stream, "JPEG", quality=85)
    return stream.getvalue()
