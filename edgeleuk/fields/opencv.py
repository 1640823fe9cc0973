"""OpenCV, loaded when a field is searched: it takes longer to load than a small field to search."""

import importlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import MissingExtraError

Mask = NDArray[np.uint8]  # [height, width], 0 or 255


@cache
def opencv() -> Any:
    """The module cv2. Raises MissingExtraError."""
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise MissingExtraError("finding cells in a field", "field") from error


def disk(diameter_px: float) -> NDArray[np.uint8]:
    """A round structuring element of an odd diameter, at least 1."""
    cv2, side = opencv(), max(1, round(diameter_px)) | 1
    found: NDArray[np.uint8] = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return found


def opened(mask: Mask, diameter_px: float) -> Mask:
    """Without what a disk of that diameter does not fit into."""
    cv2 = opencv()
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disk(diameter_px)), np.uint8)


def closed(mask: Mask, diameter_px: float) -> Mask:
    """With the gaps that a disk of that diameter does not fit into."""
    cv2 = opencv()
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disk(diameter_px)), np.uint8)


def filled(mask: Mask) -> Mask:
    """Without holes."""
    cv2, whole = opencv(), np.zeros_like(mask)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(whole, outlines, -1, 255, -1)
    return whole


def depth_of(mask: Mask) -> NDArray[np.float32]:
    """Float32 [height, width]: how far each point of the mask is from outside of it, in px.

    Beyond the picture the mask is taken to go on, so that a cell cut off by the border is deep there.
    """
    cv2, rim = opencv(), 6
    wide = cv2.copyMakeBorder(mask, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    far: NDArray[np.float32] = cv2.distanceTransform(wide, cv2.DIST_L2, 5)[rim:-rim, rim:-rim]
    return np.minimum(far, np.float32(max(mask.shape)))  # where all is inside, OpenCV gives any large number


def peaks_of(depth: NDArray[np.float32], side_px: int, least: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of points that are the deepest within a square of that side, and at least that deep."""
    highest = opencv().dilate(depth, np.ones((side_px, side_px), np.uint8))
    rows, columns = np.nonzero((depth >= highest) & (depth >= least))
    return rows, columns
