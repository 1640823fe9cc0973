"""What an image file says of itself, read without decoding: the format, and what Pillow drops or decodes slowly."""

import re
import struct
from typing import NamedTuple

from edgeleuk.errors import ImageError

_SIGNATURES = (
    (b"BM", "BMP"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_OTHERS = (  # regular expressions, compiled when something else than a picture comes
    (rb"GIF8[79]a", "a GIF"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
    (rb"(?s)....ftyp(?:avif|avis)", "AVIF"),
    (rb"(?s)....ftyp(?:hei|mif1|msf1|hev)", "HEIC"),
    (rb"(?s).{128}DICM", "DICOM"),
    (rb"%PDF", "PDF"),
    (rb"(?i)\s*<(?:!doctype|html)", "a web page"),
    (rb"\0\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)"),
)
IMAGE_FORMATS = frozenset({"a GIF", "JPEG 2000", "JPEG XL", "AVIF", "HEIC", "DICOM"})  # of these others
_MOST_CHUNKS = 1 << 16  # Pillow reads each in Python
_MOST_SCANS, _MOST_SCANNED = 64, 500_000_000  # of a JPEG; scans times pixels: some seconds on a Raspberry Pi
_MOST_RUN_LENGTHS = 4 << 20  # bytes of a run-length BMP, which Pillow decodes in Python
_ADOBE = b"\xff\xee\0\x0eAdobe"
_SEQUENTIAL = (0xC0, 0xC1, 0xC9)  # all else is progressive, and comes in several scans
_FRAME = struct.Struct(">BHHB")
_SCAN = b"\xff\xda"
_SAVE = "save it as 8-bit RGB PNG or BMP first"
_NOT_DECODED = {0xC3: "lossless", 0xC7: "lossless", 0xCB: "lossless", 0xCF: "lossless", 0xF7: "JPEG-LS"} | {
    0xC5: "hierarchical",
    0xC6: "hierarchical",
    0xCD: "hierarchical",
    0xCE: "hierarchical",
}
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # Huffman tables, an extension, arithmetic conditioning
_BMP_RUN_LENGTHS = (1, 2)


def image_format(content: bytes) -> str | None:
    """Pillow's name of the format that a file is of, by its first bytes; None for any other than the five."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return next((name for signature, name in _SIGNATURES if content.startswith(signature)), None)


def other_format(content: bytes) -> str:
    """What a file is that is none of the five, if its first bytes tell; else nothing."""
    return next((name for pattern, name in _OTHERS if re.match(pattern, content[:256])), "")


def check_header(content: bytes, kind: str) -> None:
    """Raise ImageError for a BMP, JPEG or PNG that would be decoded wrongly, or very slowly."""
    if kind == "PNG":
        _check_png(content)
    elif kind == "JPEG":
        _check_jpeg(content)
    elif kind == "BMP":
        _check_bmp(content)


def _check_png(content: bytes) -> None:
    if content[12:16] == b"IHDR" and content[24:25] == b"\x10":
        raise ImageError("more than 8 bits a channel (16); convert it to 8-bit RGB first")
    place, count = 8, 0
    while place + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        if name == b"acTL" and content[place + 8 : place + 12] > b"\0\0\0\1":
            raise ImageError(f"a PNG of several pictures (APNG); {_SAVE}")
        if name == b"IEND":
            return
        place, count = place + 12 + length, count + 1
        if count > _MOST_CHUNKS:
            raise ImageError(f"a PNG of more than {_MOST_CHUNKS} chunks; {_SAVE}")


class JpegFrame(NamedTuple):
    """What the first frame of a JPEG says, and where its marker is in the file. `one_scan`: the first scan, whose
    marker is at `scan`, holds all there is.
    """

    place: int
    marker: int
    bits: int
    height: int
    width: int
    components: int
    one_scan: bool = False
    scan: int = 0


def _check_jpeg(content: bytes) -> None:
    frame = jpeg_frame(content)
    if frame is None:
        return  # damaged; Pillow says how
    if frame.marker in _NOT_DECODED:
        raise ImageError(f"a JPEG of kind {_NOT_DECODED[frame.marker]}, which is not decoded; {_SAVE}")
    if frame.bits != 8:
        raise ImageError(f"more than 8 bits a channel ({frame.bits}); convert it to 8-bit RGB first")
    if frame.components not in (1, 3, 4):
        raise ImageError(f"a JPEG of {frame.components} channels; {_SAVE}")
    if frame.components == 4 and _ADOBE not in content:
        raise ImageError(f"a JPEG of CMYK without Adobe's mark, which may be inverted or not; {_SAVE}")
    scans = 1 if frame.one_scan else content.count(_SCAN)  # an embedded thumbnail's too, which has one
    if scans > _MOST_SCANS or (not frame.one_scan and scans * frame.width * frame.height > _MOST_SCANNED):
        raise ImageError(f"a JPEG of {scans} scans, which would take too long; {_SAVE}")


def jpeg_frame(content: bytes) -> JpegFrame | None:
    """None if no frame comes before the first scan. Raises ImageError for too many segments."""
    place, frame = 2, None
    try:
        for _ in range(_MOST_CHUNKS):
            if content[place] != 0xFF:
                return frame
            while (marker := content[place + 1]) == 0xFF:
                place += 1
            if marker == 0xDA:
                whole = frame is not None and frame.marker in _SEQUENTIAL and content[place + 4] >= frame.components
                return frame._replace(one_scan=True, scan=place) if frame is not None and whole else frame
            if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES):
                frame = frame or JpegFrame(place, marker, *_FRAME.unpack_from(content, place + 4))
            alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
            place += 2 if alone else 2 + max(2, content[place + 2] << 8 | content[place + 3])
    except (IndexError, struct.error):
        return frame  # cut off
    raise ImageError(f"a JPEG of more than {_MOST_CHUNKS} segments; {_SAVE}")


def _check_bmp(content: bytes) -> None:
    if len(content) < 34 or int.from_bytes(content[14:18], "little") < 40:
        return
    if int.from_bytes(content[30:34], "little") in _BMP_RUN_LENGTHS and len(content) > _MOST_RUN_LENGTHS:
        raise ImageError(f"a run-length BMP of {len(content):,} bytes, more than {_MOST_RUN_LENGTHS:,}; {_SAVE}")
