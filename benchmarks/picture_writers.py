"""BMP and PNG files of noise of every kind that their formats know, and pixels to fill files with."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 37, 53


def noise(shape: tuple[int, ...], dtype: str = "uint8", below: int | None = None) -> NDArray[Any]:
    """The same noise for the same shape, over all values of the type, or those below a limit."""
    generator = np.random.default_rng(sum(shape))
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return generator.random(shape).astype(kind)
    if kind.kind == "b":
        return generator.random(shape) > 0.5
    limits = np.iinfo(kind)
    return generator.integers(limits.min, below or int(limits.max) + 1, shape, dtype=kind)


def smooth(shape: tuple[int, ...]) -> Pixels:
    """Gradients: what JPEG keeps so well that two ways to enlarge its colours differ little."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    channels = shape[2] if len(shape) == 3 else 1
    planes = [120 + 100 * np.sin(rows / (17 + 3 * n) + columns / (23 - 2 * n) + n) for n in range(channels)]
    return np.stack(planes, -1).astype(np.uint8).reshape(shape)


_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(colour: int, depth: int, interlaced: bool) -> bytes:
    """A PNG of noise: colour type and bits a channel as in its header, perhaps in the seven passes of Adam7."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    samples = noise((HEIGHT, WIDTH, channels), "uint16", 1 << depth if depth < 16 else None)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    rows = b"".join(_png_rows(samples[y::down, x::across], depth) for x, y, across, down in passes)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, int(interlaced))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _png_rows(samples: NDArray[Any], depth: int) -> bytes:
    bits = ((samples.reshape(samples.shape[0], -1, 1) >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
    return b"".join(b"\0" + np.packbits(row.reshape(-1)).tobytes() for row in bits)


def bmp(bits: int, masks: tuple[int, ...] | None, header: int, top_down: bool) -> tuple[bytes, Pixels] | None:
    """A BMP of noise and its pixels; None where such a header cannot say that."""
    if (header in (12, 64) and (masks or top_down or bits in (16, 32))) or (masks and len(masks) == 4 and header < 56):
        return None
    palette = noise((1 << bits, 3)) if bits <= 8 else np.zeros((0, 3), np.uint8)
    codes, pixels = _bmp_pixels(bits, masks or ((0x7C00, 0x3E0, 0x1F) if bits == 16 else None), palette)
    rows = [_bmp_row(row, bits) for row in (codes if top_down else codes[::-1])]
    entries = palette[:, ::-1] if header == 12 else np.pad(palette[:, ::-1], ((0, 0), (0, 1)))
    extra = struct.pack(f"<{len(masks)}I", *masks) if masks else b""
    head = _bmp_header(bits, header, top_down, bool(masks))
    if masks and header >= 52:
        head, extra = head[:40] + extra + head[40 + len(extra) :], b""
    start = 14 + len(head) + len(extra) + entries.size
    body = b"".join(rows)
    return struct.pack("<2sIII", b"BM", start + len(body), 0, start) + head + extra + entries.tobytes() + body, pixels


def _bmp_header(bits: int, size: int, top_down: bool, masked: bool) -> bytes:
    if size == 12:
        return struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    height = -HEIGHT if top_down else HEIGHT
    return struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, 3 if masked else 0, 0, 0, 0, 0, 0).ljust(
        size, b"\0"
    )


def _bmp_pixels(bits: int, masks: tuple[int, ...] | None, palette: Pixels) -> tuple[NDArray[Any], Pixels]:
    """Codes [height, width] (of bytes [.., 3] for 24 bits) and the colours that they stand for."""
    if bits <= 8:
        codes = noise((HEIGHT, WIDTH), below=1 << bits)
        return codes, palette[codes]
    if masks is None:
        colours = noise((HEIGHT, WIDTH, bits // 8))
        return colours, np.ascontiguousarray(colours[..., 2::-1])
    codes = noise((HEIGHT, WIDTH), f"uint{bits}")
    planes = []
    for mask in masks[:3]:
        shift = (mask & -mask).bit_length() - 1
        planes.append(((codes & mask) >> shift).astype(np.int64) * 255 // (mask >> shift))
    shown = np.stack(planes, -1)
    if len(masks) == 4:
        shown = np.rint(shown * ((codes & masks[3]) >> 24)[..., None].astype(float) / 255)
    return codes, shown.astype(np.uint8)


def _bmp_row(row: NDArray[Any], bits: int) -> bytes:
    if bits < 8:
        places = ((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
        packed = np.packbits(places.reshape(-1)).tobytes()
    else:
        packed = row.tobytes()
    return packed + b"\0" * (-len(packed) % 4)
