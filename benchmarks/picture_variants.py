"""Every kind of TIFF, BMP, PNG and JPEG that tifffile, imagecodecs and Pillow write, decoded and compared.

`python -m benchmarks.picture_variants` writes each in memory, decodes it as edgeleuk does, and compares with what
tifffile (imagecodecs for JPEG and PNG, the pixels written for BMP) reads: the same pixels, or a refusal. It prints how
many of each family were the same, refused, or other pixels, and ends with 1 where any were other ones or anything but
ImageError was raised. Development only: it needs the extra `dev`.
"""

import io
import itertools
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from benchmarks.picture_writers import HEIGHT, WIDTH, Pixels, bmp, noise, png, smooth
from edgeleuk.errors import ImageError
from edgeleuk.runtime.images import decode_image

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
    size = (HEIGHT, WIDTH)
    grey: list[tuple[str, NDArray[Any]]] = [(kind, noise(size, kind)) for kind in _TYPES]
    for kind, pixels in [*grey, ("smooth", smooth(size))]:
        for photometric in ("minisblack", "miniswhite"):
            yield f"grey {kind} {photometric}", pixels, {"photometric": photometric}
    for bits in (1, 2, 4, 5, 6, 7):
        for photometric in ("minisblack", "miniswhite"):
            pixels = noise(size, below=1 << bits)
            yield f"grey {bits} bits {photometric}", pixels, {"photometric": photometric, "bitspersample": bits}
    for bits in (1, 2, 4, 8):
        colours = noise((3, 1 << bits), "uint16")
        palette = {"photometric": "palette", "colormap": colours, "bitspersample": bits}
        yield f"palette {bits} bits", noise(size, below=1 << bits), palette
    yield from _colours(size)


_TYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64")


def _colours(size: tuple[int, int]) -> Iterator[tuple[str, NDArray[Any], dict[str, Any]]]:
    for channels, kind in itertools.product((3, 4, 5, 6), ("uint8", "int8", "uint16", "float32", "smooth")):
        chunky = smooth((*size, channels)) if kind == "smooth" else noise((*size, channels), kind)
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
            chunky = smooth((*size, channels))
            pixels = chunky if planar == "contig" else np.ascontiguousarray(np.moveaxis(chunky, -1, 0))
            yield f"other {name} {channels} {planar}", pixels, {"photometric": name, "planarconfig": planar}
    for extra in ("unspecified", "assocalpha", "unassalpha"):
        options = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": [extra]}
        yield f"other grey+{extra}", noise((*size, 2)), options
    for sampling in ((1, 1), (2, 1), (2, 2)):
        options = {"photometric": "ycbcr", "compression": "jpeg", "subsampling": sampling}
        yield f"jpeg ycbcr {sampling}", smooth((*size, 3)), options


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
        return Image.fromarray(noise((HEIGHT, WIDTH), "<u2" if mode == "I;16" else ">u2"))
    picture = Image.fromarray(smooth((HEIGHT, WIDTH, 4)), "RGBA")
    return (
        picture
        if mode == "RGBA"
        else picture.convert("RGB").convert("L").convert(mode)
        if mode in "IFPA"
        else (picture.convert("RGB").convert(mode))
    )


def _jpegs() -> Iterator[Variant]:
    size = (HEIGHT, WIDTH)
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
        pixels = smooth(shape) if kind == "smooth" else noise(shape, "uint16", 1 << 12)
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
    size = (HEIGHT, WIDTH)
    for shape, kind in itertools.product([size, (*size, 2), (*size, 3), (*size, 4)], ("uint8", "uint16")):
        content = bytes(imagecodecs.png_encode(noise(shape, kind)))
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


def _read_png(content: bytes) -> Pixels:
    values = imagecodecs.png_decode(content)
    if values.dtype != np.uint8:
        raise ValueError(f"{values.dtype} has no 8-bit meaning")
    values = values.astype(int).reshape(HEIGHT, WIDTH, -1)
    grey = values.shape[-1] < 3
    alpha = [2] if values.shape[-1] in (2, 4) else []
    return _as_rgb(values, 1 if grey else 2, 8, alpha)


def _always(pixels: Pixels) -> Callable[[bytes], Pixels]:
    return lambda _: pixels


def _bmps() -> Iterator[Variant]:
    for (bits, masks), header, top_down in itertools.product(_BMP_KINDS, (12, 40, 52, 56, 64, 108, 124), (False, True)):
        made = bmp(bits, masks, header, top_down)
        if made is not None:
            content, pixels = made
            name = f"{bits} bits {masks} header {header} {'top down' if top_down else ''}"
            yield Variant("BMP", name, content, _always(pixels), 4 if bits == 16 else 0)


_BMP_KINDS: list[tuple[int, tuple[int, ...] | None]] = [(1, None), (4, None), (8, None), (16, None), (24, None)]
_BMP_KINDS += [(32, None), (16, (0xF800, 0x7E0, 0x1F)), (16, (0x7C00, 0x3E0, 0x1F))]
_BMP_KINDS += [(32, (0xFF0000, 0xFF00, 0xFF)), (32, (0xFF, 0xFF00, 0xFF0000)), (32, (0xFF000000, 0xFF0000, 0xFF00))]
_BMP_KINDS += [(32, (0x3FF00000, 0xFFC00, 0x3FF)), (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000))]


if __name__ == "__main__":
    sys.exit(main())
