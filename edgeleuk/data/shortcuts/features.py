"""Some thirty numbers of an image that see neither shape nor texture of a cell, in named groups."""

import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgeleuk.data.index import ImageRecord
from edgeleuk.errors import DataError
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import MOST_PIXELS

COLOUR = "mean and deviation of colour"
TOGETHER = "all of these together"

_RGB = ("red", "green", "blue")
_MEANS, _DEVIATIONS = (tuple(f"{what} {name}" for name in _RGB) for what in ("mean", "deviation"))
_BRIGHTNESS = ("mean", "deviation", "5th percentile", "median", "95th percentile")
_BORDER = (*(f"border {name}" for name in _RGB), "border deviation")
_BACKGROUND = (*(f"background {name}" for name in _RGB), "black share")
_FILE = ("bytes", "bytes a pixel", "JPEG luminance steps", "JPEG colour steps")

# Of each group the names of its numbers; a number may belong to several groups.
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "mean colour": _MEANS,
        COLOUR: _MEANS + _DEVIATIONS,
        "brightness": tuple(f"brightness, {name}" for name in _BRIGHTNESS),
        "sharpness": ("edges", "edges against contrast"),
        "picture size": ("width", "height"),
        "file": _FILE,
        "border and background": _BORDER + _BACKGROUND,
    }
)
NAMES: tuple[str, ...] = tuple(dict.fromkeys(name for names in GROUPS.values() for name in names))

_LAPLACIAN = ImageFilter.Kernel((3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], scale=2, offset=128)  # halved, to clip less
_SHARPNESS_PX = 256  # a side of the middle that sharpness is taken of, at full resolution
_BLACK = 2  # of 255: masked out, as around the cells of C-NMC
_CLEAR = 0.95  # share of pixels that are no brighter than the background
_PARALLEL = 256  # images under way


def columns_of(group: str) -> list[int]:
    """Where the numbers of a group stand among `NAMES`; all of them for `TOGETHER`."""
    return [NAMES.index(name) for name in (NAMES if group == TOGETHER else GROUPS[group])]


def features_of(
    root: Path, images: Sequence[ImageRecord], progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float64]:
    """float64 [images, len(NAMES)], each image decoded once. Raises DataError for one that is not there or damaged."""
    rows: list[NDArray[np.float64]] = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for start in range(0, len(images), _PARALLEL):
            rows += pool.map(lambda image: _of_file(root / image.path), images[start : start + _PARALLEL])
            if progress is not None:
                progress(len(rows), len(images))
    return np.stack(rows) if rows else np.empty((0, len(NAMES)))


def _of_file(path: Path) -> NDArray[np.float64]:
    try:
        content = path.read_bytes()
    except OSError as error:
        where = "how far colour alone goes is read from the images; --data-root says where they lie"
        raise DataError(f"{path}: {error.strerror}; {where}") from error
    return features(decode_image(content, MOST_PIXELS), content)


def features(image: Image.Image, content: bytes) -> NDArray[np.float64]:
    """float64 [len(NAMES)] of an RGB image and the file that it was decoded from. 8-bit levels, pixels, bytes."""
    counts = np.array(image.histogram(), np.float64).reshape(3, 256)
    grey = image.convert("L")
    luma = np.array(grey.histogram(), np.float64)
    colour = [_moments(channel) for channel in counts]
    brightness = [*_moments(luma), *(_quantile(luma, share) for share in (0.05, 0.5, 0.95))]
    edges = _edges(grey)
    values = {
        **dict(zip(_MEANS, (mean for mean, _ in colour), strict=True)),
        **dict(zip(_DEVIATIONS, (deviation for _, deviation in colour), strict=True)),
        **dict(zip(GROUPS["brightness"], brightness, strict=True)),
        **dict(zip(GROUPS["sharpness"], (edges, edges / (1 + brightness[1])), strict=True)),
        **dict(zip(GROUPS["picture size"], image.size, strict=True)),
        **dict(zip(_FILE, _file(image, content), strict=True)),
        **dict(zip(_BORDER, _border(image), strict=True)),
        **dict(zip(_BACKGROUND, _background(counts, luma), strict=True)),
    }
    return np.array([values[name] for name in NAMES], np.float64)


def _moments(counts: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of a histogram, float64 [256]."""
    levels, total = np.arange(256.0), counts.sum()
    mean = float(counts @ levels / total)
    return mean, float(np.sqrt(max(counts @ levels**2 / total - mean**2, 0.0)))


def _quantile(counts: NDArray[np.float64], share: float) -> float:
    """The least level that this share of the pixels does not exceed."""
    return float(np.searchsorted(np.cumsum(counts), share * counts.sum()))


def _edges(grey: Image.Image) -> float:
    """Deviation of the Laplacian in the middle of the picture, at full resolution: it falls if focus is lost.

    Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy: a comparative study".
    """
    left, top = (max(0, (side - _SHARPNESS_PX) // 2) for side in grey.size)
    middle = grey.crop((left, top, min(left + _SHARPNESS_PX, grey.width), min(top + _SHARPNESS_PX, grey.height)))
    return 2 * _moments(np.array(middle.filter(_LAPLACIAN).histogram(), np.float64))[1]


def _file(image: Image.Image, content: bytes) -> Iterable[float]:
    """Bytes, bytes a pixel, and the mean step of a JPEG's first and last quantization table; 0 for other formats."""
    steps = (0.0, 0.0)
    if content[:2] == b"\xff\xd8":
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as header:
            tables = list(header.quantization.values())  # type: ignore[attr-defined]
        steps = (float(np.mean(tables[0])), float(np.mean(tables[-1]))) if tables else steps
    return len(content), len(content) / (image.width * image.height), *steps


def _border(image: Image.Image) -> Iterable[float]:
    """Mean R, G, B of the outermost pixels, and the deviation of their brightness."""
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.float64)
    return *border.mean(axis=0), border.mean(axis=1).std()


def _background(counts: NDArray[np.float64], luma: NDArray[np.float64]) -> Iterable[float]:
    """The 95th percentile of R, G and B, and the share of black: of a cell on black, how small it is."""
    return *(_quantile(channel, _CLEAR) for channel in counts), luma[: _BLACK + 1].sum() / luma.sum()
