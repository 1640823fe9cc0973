"""Every kind of TIFF, BMP, PNG and JPEG that tifffile, imagecodecs and Pillow write, decoded and compared.

`python -m benchmarks.picture_variants` writes each in memory, decodes it as edgeleuk does, and compares with what
tifffile (imagecodecs for JPEG and PNG, the pixels written for BMP) reads: the same pixels, or a refusal. It prints how
many of each family were the same, refused, or other pixels, and ends with 1 where any were other ones or anything but
ImageError was raised. Development only: it needs the extra `dev`.
"""

import io
import itertools
import logging
import struct
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.runtime.images import decode_image

Pixels = NDArray[np.uint8]
_HEIGHT, _WIDTH = 37, 53
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}


@dataclass(frozen=True)
class Variant:
    """One file: its family and name, its bytes, and a function that reads it another way, [height, width, 3]."""

    family: str
    name: str
    content: bytes
    read: Callable[[bytes], Pixels]
    tolerance: int = 0


def variants(every: int = 1) -> Iterator[Variant]:
    """One of so many, each made when it is asked for."""
    parts = (_tifffile_variants(every), *(part() for part in (_pillow_tiffs, _jpegs, _pngs, _bmps)))
    yield from itertools.chain.from_iterable(
        itertools.islice(part, 0, None, step) for part, step in zip(parts, (1, *[every] * 4), strict=True)
    )


def judge(variant: Variant) -> str:
    """ "same", "refused: ..." or what is wrong."""
    try:
        found = np.asarray(decode_image(variant.content))
    except ImageError as error:
        return f"refused: {error}"
    except Exception as error:  # noqa: BLE001 - what must not happen is what is looked for
        return f"raised {type(error).__name__}: {error}"
    try:
        expected = variant.read(variant.content)
    except Exception as error:  # noqa: BLE001 - the other reader's
        return f"not comparable: {type(error).__name__}: {error}"
    if found.shape != expected.shape:
        return f"other size: {found.shape}, not {expected.shape}"
    difference = int(np.abs(found.astype(int) - expected).max())
    return "same" if difference <= variant.tolerance else f"other pixels, up to {difference}"


def main() -> int:
    """Print the table; 1 where a variant is neither the same nor refused."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    counts: dict[str, Counter[str]] = {}
    wrong = 0
    for variant in variants():
        verdict = judge(variant)
        kind = verdict.partition(":")[0].partition(",")[0].split(" ")[0]
        counts.setdefault(variant.family, Counter())[kind] += 1
        if kind not in ("same", "refused", "not"):
            wrong += 1
            print(f"{variant.family} {variant.name}: {verdict}")
        elif "-v" in sys.argv and kind != "same":
            print(f"{variant.family} {variant.name}: {verdict}")
    print(f"{'family':28}{'same':>8}{'refused':>9}{'not comparable':>16}{'wrong':>7}")
    for family, count in counts.items():
        other = sum(count.values()) - count["same"] - count["refused"] - count["not"]
        print(f"{family:28}{count['same']:>8}{count['refused']:>9}{count['not']:>16}{other:>7}")
    return 1 if wrong else 0


def _noise(shape: tuple[int, ...], dtype: str = "uint8", below: int | None = None) -> NDArray[Any]:
    generator = np.random.default_rng(sum(shape))
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return generator.random(shape).astype(kind)
    if kind.kind == "b":
        return generator.random(shape) > 0.5
    limits = np.iinfo(kind)
    return generator.integers(limits.min, below or int(limits.max) + 1, shape, dtype=kind)


def _smooth(shape: tuple[int, ...]) -> Pixels:
    """Gradients: what JPEG keeps so well that two ways to enlarge its colours differ little."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    channels = shape[2] if len(shape) == 3 else 1
    planes = [120 + 100 * np.sin(rows / (17 + 3 * n) + columns / (23 - 2 * n) + n) for n in range(channels)]
    return np.stack(planes, -1).astype(np.uint8).reshape(shape)


def _tifffile_variants(every: int = 1) -> Iterator[Variant]:
    layouts: list[tuple[str, dict[str, Any]]] = [("<", {}), (">", {}), ("<", {"bigtiff": True})]
    organised: list[dict[str, Any]] = [{}, {"rowsperstrip": 1}, {"rowsperstrip": 7}, {"tile": (16, 16)}]
    organised += [{"tile": (48, 64)}, {"tile": (32, 16)}]
    compressions: list[dict[str, Any]] = [{}] + [{"compression": name} for name in _COMPRESSIONS]
    compressions += [{"compression": name, "predictor": True} for name in ("lzw", "zlib", "zstd")]
    chosen = itertools.product(_arrays(), layouts, organised, compressions)
    for (name, pixels, options), (order, big), parts, packed in itertools.islice(chosen, 0, None, every):
        stream = io.BytesIO()
        given = {**options, **parts, **packed}
        try:
            with tifffile.TiffWriter(stream, byteorder=order, **big) as writer:
                writer.write(pixels, **given)
        except Exception:  # noqa: BLE001 - tifffile does not write every combination
            continue
        lossy = "jpeg" in (given.get("compression"), packed.get("compression")) or "webp" in packed.values()
        label = f"{name} {order} {big} {parts} {packed}"
        yield Variant(
            f"tifffile {name.split()[0]}", label, stream.getvalue(), read_tiff, 6 if lossy else _rounding(name)
        )


def _rounding(name: str) -> int:
    """Levels by which two ways to multiply by an opacity, or out of CMYK and YCbCr, differ; else none."""
    return int("unassalpha" in name or "None contig" in name or "ycbcr" in name or name.startswith("other"))


_COMPRESSIONS = ("lzw", "zlib", "packbits", "zstd", "lzma", "jpeg", "webp", "jpeg2000", "jpegxl", "lerc", "png")


def _arrays() -> Iterator[tuple[str, NDArray[Any], dict[str, Any]]]:
    size = (_HEIGHT, _WIDTH)
    grey: list[tuple[str, NDArray[Any]]] = [(kind, _noise(size, kind)) for kind in _TYPES]
    for kind, pixels in [*grey, ("smooth", _smooth(size))]:
        for photometric in ("minisblack", "miniswhite"):
            yield f"grey {kind} {photometric}", pixels, {"photometric": photometric}
    for bits in (1, 2, 4, 5, 6, 7):
        for photometric in ("minisblack", "miniswhite"):
            pixels = _noise(size, below=1 << bits)
            yield f"grey {bits} bits {photometric}", pixels, {"photometric": photometric, "bitspersample": bits}
    for bits in (1, 2, 4, 8):
        colours = _noise((3, 1 << bits), "uint16")
        palette = {"photometric": "palette", "colormap": colours, "bitspersample": bits}
        yield f"palette {bits} bits", _noise(size, below=1 << bits), palette
    yield from _colours(size)


_TYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64")


def _colours(size: tuple[int, int]) -> Iterator[tuple[str, NDArray[Any], dict[str, Any]]]:
    for channels, kind in itertools.product((3, 4, 5, 6), ("uint8", "int8", "uint16", "float32", "smooth")):
        chunky = _smooth((*size, channels)) if kind == "smooth" else _noise((*size, channels), kind)
        extras: list[Any] = [None]
        if channels > 3:
            extras = [None, *(("unspecified", "assocalpha", "unassalpha")[n] for n in range(3))]
        for extra, planar in itertools.product(extras, ("contig", "separate")):
            pixels = chunky if planar == "contig" else np.ascontiguousarray(np.moveaxis(chunky, -1, 0))
            options: dict[str, Any] = {"photometric": "rgb", "planarconfig": planar}
            if extra:
                options["extrasamples"] = [extra] + ["unspecified"] * (channels - 4)
            yield f"rgb {channels} {kind} {extra} {planar}", pixels, options
    for name, channels in (("separated", 4), ("ycbcr", 3), ("cielab", 3), ("minisblack", 2), ("minisblack", 4)):
        for planar in ("contig", "separate"):
            chunky = _smooth((*size, channels))
            pixels = chunky if planar == "contig" else np.ascontiguousarray(np.moveaxis(chunky, -1, 0))
            yield f"other {name} {channels} {planar}", pixels, {"photometric": name, "planarconfig": planar}
    for extra in ("unspecified", "assocalpha", "unassalpha"):
        options = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": [extra]}
        yield f"other grey+{extra}", _noise((*size, 2)), options
    for sampling in ((1, 1), (2, 1), (2, 2)):
        options = {"photometric": "ycbcr", "compression": "jpeg", "subsampling": sampling}
        yield f"jpeg ycbcr {sampling}", _smooth((*size, 3)), options


def read_tiff(content: bytes) -> Pixels:
    """The first page as tifffile reads it, made RGB by the plainest rules."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page: Any = file.pages[0]
        values = page.asarray()
        photometric, bits = int(page.photometric), page.bitspersample
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            values = np.moveaxis(values, 0, -1)
        if values.dtype != np.uint8 and values.dtype != bool:
            raise ValueError(f"{values.dtype} has no 8-bit meaning")
        values = values.astype(int).reshape(page.imagelength, page.imagewidth, -1)
        is_rgb = int(page.compression) == 7 and photometric == 6
        extra = [int(code) for code in page.extrasamples]
        if photometric == 3:
            return (page.colormap[:, values[..., 0]] >> 8).transpose(1, 2, 0).astype(np.uint8)
        return _as_rgb(values, 2 if is_rgb else photometric, bits, extra)


def _as_rgb(values: NDArray[Any], photometric: int, bits: int, extra: list[int]) -> Pixels:
    colours = _COLOURS[photometric]
    shown = values[..., :colours]
    if photometric in (0, 1):
        shown = shown * 255 // ((1 << bits) - 1)
        shown = np.repeat(255 - shown if photometric == 0 else shown, 3, -1)
    elif photometric == 5:
        shown = (255 - shown[..., :3]) * (255 - shown[..., 3:4]) / 255
    elif photometric == 6:
        shown = np.asarray(Image.fromarray(shown.astype(np.uint8), "YCbCr").convert("RGB")).astype(int)
    if values.shape[-1] > colours and extra[:1] == [2] and values[..., colours].max() > 1:
        shown = shown * values[..., colours : colours + 1] / 255
    return np.rint(shown).astype(np.uint8)


def _pillow_tiffs() -> Iterator[Variant]:
    packings = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma", "group3", "group4", "tiff_ccitt")
    for mode, packing, big in itertools.product(_MODES, (*packings, "jpeg", "webp"), (False, True)):
        stream = io.BytesIO()
        try:
            _picture(mode).save(stream, "TIFF", compression=packing, big_tiff=big)
        except (OSError, ValueError, KeyError):
            continue
        tolerance = 8 if packing in ("jpeg", "webp") else 1
        yield Variant("Pillow TIFF", f"{mode} {packing} {big}", stream.getvalue(), read_tiff, tolerance)


_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I;16", "I;16B", "I", "F")


def _picture(mode: str) -> Image.Image:
    if mode.startswith("I;16"):
        return Image.fromarray(_noise((_HEIGHT, _WIDTH), "<u2" if mode == "I;16" else ">u2"))
    picture = Image.fromarray(_smooth((_HEIGHT, _WIDTH, 4)), "RGBA")
    return (
        picture
        if mode == "RGBA"
        else picture.convert("RGB").convert("L").convert(mode)
        if mode in "IFPA"
        else (picture.convert("RGB").convert(mode))
    )


def _jpegs() -> Iterator[Variant]:
    size = (_HEIGHT, _WIDTH)
    for mode, sampling, progressive, quality in itertools.product(
        ("L", "RGB", "CMYK", "YCbCr"), (0, 1, 2), (False, True), (30, 75, 100)
    ):
        stream = io.BytesIO()
        _picture(mode).save(stream, "JPEG", subsampling=sampling, progressive=progressive, quality=quality)
        label = f"Pillow {mode} {sampling} {progressive} {quality}"
        yield Variant("JPEG", label, stream.getvalue(), _read_jpeg, 1)
    coders: dict[str, Callable[..., bytes]] = {
        name: getattr(imagecodecs, f"{name}_encode")
        for name in ("jpeg8", "mozjpeg", "ljpeg", "jpegls", "jpegsof3", "jpegxl", "jpeg2k", "jpegxr")
        if hasattr(imagecodecs, f"{name}_encode")
    }
    shapes = [size, (*size, 3), (*size, 4)]
    options: list[dict[str, Any]] = [{}] + [{"subsampling": text} for text in ("444", "422", "420", "411", "440")]
    options += [{"bitspersample": bits} for bits in (8, 12, 16)] + [{"lossless": True}, {"progressive": True}]
    for (name, encode), shape, kind, given in itertools.product(coders.items(), shapes, ("smooth", "u2"), options):
        pixels = _smooth(shape) if kind == "smooth" else _noise(shape, "uint16", 1 << 12)
        try:
            content = bytes(encode(pixels, **given))
        except Exception:  # noqa: BLE001 - not every combination is written
            continue
        yield Variant("JPEG by imagecodecs", f"{name} {shape} {kind} {given}", content, _read_jpeg, 1)


def _read_jpeg(content: bytes) -> Pixels:
    values = imagecodecs.jpeg8_decode(content)
    if values.dtype != np.uint8:
        raise ValueError(f"{values.dtype} has no 8-bit meaning")
    if values.ndim == 3 and values.shape[2] == 4:  # Adobe's CMYK is stored inverted, which imagecodecs leaves
        return _as_rgb(255 - values.astype(int) if b"Adobe" in content else values.astype(int), 5, 8, [])
    return np.repeat(values[..., None], 3, -1) if values.ndim == 2 else values


def _pngs() -> Iterator[Variant]:
    size = (_HEIGHT, _WIDTH)
    for shape, kind in itertools.product([size, (*size, 2), (*size, 3), (*size, 4)], ("uint8", "uint16")):
        content = bytes(imagecodecs.png_encode(_noise(shape, kind)))
        yield Variant("PNG", f"imagecodecs {shape} {kind}", content, _read_png, 1)
    for mode, bits in (
        ("P", 1),
        ("P", 2),
        ("P", 4),
        ("P", 8),
        ("1", 1),
        ("L", 8),
        ("LA", 8),
        ("RGBA", 8),
        ("I;16", 16),
    ):
        stream = io.BytesIO()
        picture = _picture(mode) if mode != "P" else _picture("RGB").quantize(1 << bits)
        picture.save(stream, "PNG", bits=bits)
        yield Variant("PNG", f"Pillow {mode} {bits}", stream.getvalue(), _read_png, 1)
    for (colour, depth), interlaced in itertools.product(_PNG_KINDS, (False, True)):
        yield Variant("PNG", f"own {colour} {depth} {interlaced}", png(colour, depth, interlaced), _read_png, 1)


_PNG_KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)]
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(colour: int, depth: int, interlaced: bool) -> bytes:
    """A PNG of noise: colour type and bits a channel as in its header, perhaps in the seven passes of Adam7."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    samples = _noise((_HEIGHT, _WIDTH, channels), "uint16", 1 << depth if depth < 16 else None)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    rows = b"".join(_png_rows(samples[y::down, x::across], depth) for x, y, across, down in passes)
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, depth, colour, 0, 0, int(interlaced))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _png_rows(samples: NDArray[Any], depth: int) -> bytes:
    bits = ((samples.reshape(samples.shape[0], -1, 1) >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
    return b"".join(b"\0" + np.packbits(row.reshape(-1)).tobytes() for row in bits)


def _read_png(content: bytes) -> Pixels:
    values = imagecodecs.png_decode(content)
    if values.dtype != np.uint8:
        raise ValueError(f"{values.dtype} has no 8-bit meaning")
    values = values.astype(int).reshape(_HEIGHT, _WIDTH, -1)
    grey = values.shape[-1] < 3
    alpha = [2] if values.shape[-1] in (2, 4) else []
    return _as_rgb(values, 1 if grey else 2, 8, alpha)


def _bmps() -> Iterator[Variant]:
    for (bits, masks), header, top_down in itertools.product(_BMP_KINDS, (12, 40, 52, 56, 64, 108, 124), (False, True)):
        made = bmp(bits, masks, header, top_down)
        if made is not None:
            content, pixels = made
            name = f"{bits} bits {masks} header {header} {'top down' if top_down else ''}"
            yield Variant("BMP", name, content, lambda _, pixels=pixels: pixels, 4 if bits == 16 else 0)


_BMP_KINDS: list[tuple[int, tuple[int, ...] | None]] = [(1, None), (4, None), (8, None), (16, None), (24, None)]
_BMP_KINDS += [(32, None), (16, (0xF800, 0x7E0, 0x1F)), (16, (0x7C00, 0x3E0, 0x1F))]
_BMP_KINDS += [(32, (0xFF0000, 0xFF00, 0xFF)), (32, (0xFF, 0xFF00, 0xFF0000)), (32, (0xFF000000, 0xFF0000, 0xFF00))]
_BMP_KINDS += [(32, (0x3FF00000, 0xFFC00, 0x3FF)), (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000))]


def bmp(bits: int, masks: tuple[int, ...] | None, header: int, top_down: bool) -> tuple[bytes, Pixels] | None:
    """A BMP of noise and its pixels; None where such a header cannot say that."""
    if (header in (12, 64) and (masks or top_down or bits in (16, 32))) or (masks and len(masks) == 4 and header < 56):
        return None
    palette = _noise((1 << bits, 3)) if bits <= 8 else np.zeros((0, 3), np.uint8)
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
        return struct.pack("<IHHHH", 12, _WIDTH, _HEIGHT, 1, bits)
    height = -_HEIGHT if top_down else _HEIGHT
    return struct.pack("<IiiHHIIiiII", size, _WIDTH, height, 1, bits, 3 if masked else 0, 0, 0, 0, 0, 0).ljust(
        size, b"\0"
    )


def _bmp_pixels(bits: int, masks: tuple[int, ...] | None, palette: Pixels) -> tuple[NDArray[Any], Pixels]:
    """Codes [height, width] (of bytes [.., 3] for 24 bits) and the colours that they stand for."""
    if bits <= 8:
        codes = _noise((_HEIGHT, _WIDTH), below=1 << bits)
        return codes, palette[codes]
    if masks is None:
        colours = _noise((_HEIGHT, _WIDTH, bits // 8))
        return colours, np.ascontiguousarray(colours[..., 2::-1])
    codes = _noise((_HEIGHT, _WIDTH), f"uint{bits}")
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


if __name__ == "__main__":
    sys.exit(main())
