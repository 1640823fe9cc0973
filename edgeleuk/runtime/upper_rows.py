"""A part of a PNG or JPEG without the rows below it: both formats are decoded from the top, and Pillow may stop there.

Of a PNG only what the part depends on is unfiltered; a JPEG is decoded as if it had fewer rows. Whatever is unusual,
damaged or cut off is left to whoever decodes it whole, who also says what is wrong with it.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from edgeleuk.runtime.colour import differs_from_srgb, orientation_of
from edgeleuk.runtime.image_headers import JpegFrame, jpeg_frame
from edgeleuk.runtime.opening import open_as
from edgeleuk.runtime.stored_rows import Box

_LEAST_SKIPPED = 1 << 16  # pixels below the part from which on it pays
_CHANNELS = {"L": 1, "RGB": 3}
_WHOLE = frozenset({"interlace", "transparency"})  # what a PNG says of itself that takes all of it
_SEVERAL_PICTURES = (b"acTL", b"fcTL", b"fdAT")
_PNG_BITS = 24  # where a PNG tells how many a channel has
_LAST_OF_ITS_ROW, _LAST_FILTER = 1, 4  # filters 0 and 1 do not look at the row above
_DEFLATE, _METHOD_BITS, _DICTIONARY = 8, 0x8F, 0x20  # windows are of up to 32 KiB, so one bit of them is 0
_BLOCK_BYTES = 1 << 17
_HUFFMAN = (0xC0, 0xC1)  # sequential JPEGs of Huffman codes
_JPEG_END = b"\xff\xd9"
_MARKER = 0xFF  # begins one, unless a 0 follows
_BLOCK = 8


def upper_part(image: Image.Image, content: bytes, box: Box) -> Image.Image | None:
    """The part (left, top, right, bottom) of an opened, not yet decoded picture of `content`, RGB, nothing in `info`.

    None if all of it is to be decoded: the box ends too near its last row, or the format does not allow it.
    """
    width, height = image.size
    if width * (height - box[3]) < _LEAST_SKIPPED or image.mode not in _CHANNELS or not _is_as_stored(image):
        return None
    decode = {"PNG": _png_part, "JPEG": _jpeg_part}.get(image.format or "")
    try:
        part = decode(image, content, box) if decode else None
    except Exception:  # noqa: BLE001 - damaged; decoding it whole says how
        return None
    if part is None:
        return None
    result = part if part.mode == "RGB" else part.convert("RGB")
    result.info = {}
    return result


def _is_as_stored(image: Image.Image) -> bool:
    """Whether no pixel depends on others, is turned or changes its colour."""
    profile = image.info.get("icc_profile")
    return (
        orientation_of(image) == 1 and not _WHOLE & image.info.keys() and not (profile and differs_from_srgb(profile))
    )


def _jpeg_part(image: Image.Image, content: bytes, box: Box) -> Image.Image | None:
    frame = jpeg_frame(content)
    rows = _jpeg_rows(content, frame, box[3]) if frame is not None else None
    if frame is None or rows is None or rows >= image.height:
        return None
    height = frame.place + 5
    fewer = b"".join((content[:height], rows.to_bytes(2), content[height + 2 :]))
    with open_as(fewer, "JPEG") as upper:
        return upper.crop(box) if upper.size == (image.width, rows) else None


def _jpeg_rows(content: bytes, frame: JpegFrame, bottom: int) -> int | None:
    """How many rows a JPEG may have for the first `bottom` to be the same; None if its data are not just one scan."""
    if frame.marker not in _HUFFMAN or not frame.one_scan or not content.endswith(_JPEG_END):
        return None
    start = frame.scan + 2 + int.from_bytes(content[frame.scan + 2 : frame.scan + 4])
    codes = np.frombuffer(content, np.uint8, offset=start)
    if codes[1:-1][codes[:-2] == _MARKER].any():  # another one before the end
        return None
    first = frame.place + 11
    factors = {content[place] & 15 for place in range(first, first + 3 * frame.components, 3)}
    step = _BLOCK * max(factors)
    smoothed = max(factors) if len(factors) > 1 else 0  # rows below that colours of fewer rows are smoothed with
    return -(-(bottom + smoothed) // step) * step


def _png_part(image: Image.Image, content: bytes, box: Box) -> Image.Image | None:
    pieces = _png_pieces(content)
    if not pieces or content[_PNG_BITS] != 8:
        return None
    left, top, right, bottom = box
    found = _png_rows(pieces, image, box)
    if found is None:
        return None
    first, rows = found
    return rows.crop((left, top - first, right, bottom - first))


def _png_pieces(content: bytes) -> list[memoryview]:
    """What is in the chunks of pixels; nothing unless they and the end follow each other, all of it in the file."""
    place, name, view, pieces = 8, b"", memoryview(content), list[memoryview]()
    while name != b"IEND":
        if place + 12 > len(content):
            return []
        length, name = struct.unpack_from(">I4s", content, place)
        if (
            (name == b"IHDR") != (place == 8)
            or name in _SEVERAL_PICTURES
            or (pieces and name not in (b"IDAT", b"IEND"))
        ):
            return []
        if name == b"IDAT":
            pieces.append(view[place + 8 : place + 8 + length])
        place += 12 + length
    return pieces if place <= len(content) else []


def _png_rows(pieces: list[memoryview], image: Image.Image, box: Box) -> tuple[int, Image.Image] | None:
    """The number of the last row that the part's first one does not need those above of, and the picture from there on.

    It ends right and below with the part. Pillow takes rows with filters only deflated: they are, without compression.
    None for damaged pixels.
    """
    _, top, right, bottom = box
    pixel = _CHANNELS[image.mode]
    stride = 1 + image.width * pixel
    first, number, held, size, kept = 0, 0, list[bytes](), 0, list[bytes]()
    for block in _inflated(pieces, bottom * stride):
        held.append(block)
        size += len(block)
        if size < stride:
            continue
        content = b"".join(held)
        rows = np.frombuffer(content, np.uint8, size // stride * stride).reshape(-1, stride)
        held, size = [content[rows.size :]], size - rows.size
        if rows[:, 0].max() > _LAST_FILTER:
            return None
        fresh = np.flatnonzero(rows[: max(0, top + 1 - number), 0] <= _LAST_OF_ITS_ROW)
        begin = int(fresh[-1]) if fresh.size else 0
        if fresh.size:
            first, kept = number + begin, []
        kept.append(rows[begin:, : 1 + right * pixel].tobytes())
        number += len(rows)
    if number != bottom:
        return None
    return first, Image.frombytes(image.mode, (right, bottom - first), _stored(kept), "zip", image.mode, 0)


def _stored(blocks: list[bytes]) -> bytes:
    """Deflated without compression; the blocks are used up, as of a large picture each copy counts."""
    packer, packed = zlib.compressobj(0), list[bytes]()
    blocks.reverse()
    while blocks:
        packed.append(packer.compress(blocks.pop()))
    return b"".join((*packed, packer.flush()))


def _inflated(pieces: list[memoryview], count: int) -> Iterator[bytes]:
    """The first `count` bytes, block by block; fewer if there are no more. Raises zlib.error for damaged ones.

    No checksum is counted up: it comes after the last row, and Pillow does not look at it either.
    """
    method, flags = pieces[0][:2]
    if method & _METHOD_BITS != _DEFLATE or (method << 8 | flags) % 31 or flags & _DICTIONARY:
        return
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in (pieces[0][2:], *pieces[1:]):
        rest: bytes | memoryview = piece
        while count and (block := stream.decompress(rest, min(count, _BLOCK_BYTES))):
            yield block
            count -= len(block)
            rest = stream.unconsumed_tail
