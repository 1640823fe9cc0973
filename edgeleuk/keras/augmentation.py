"""Augmentation that keeps the label: flips, quarter turns, shift, stain and brightness. Never scale.

A cell's size is diagnostic (blasts are larger), so nothing here changes it. Everything works on 8-bit pixels, so no
value leaves the range that the input quantizer is fixed to.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Augmentation:
    """How far each image is changed. `shift` is a share of the crop; stain and brightness act on optical density."""

    shift: float = 0.04
    stain_gain: float = 0.08
    stain_offset: float = 0.03
    brightness_gain: float = 0.10


def draw_shift(crop_px: int, augmentation: Augmentation, random: np.random.Generator) -> tuple[int, int]:
    """Return (x, y) in source pixels, uniform within +-shift * crop_px."""
    reach = int(augmentation.shift * crop_px)
    x, y = random.integers(-reach, reach + 1, size=2)
    return int(x), int(y)


def stain_tables(augmentation: Augmentation, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return uint8 [3, 256]: for each channel, what every pixel value becomes.

    Optical density d = -ln(p / 255) (Beer-Lambert; Ruifrok and Johnston 2001, "Quantification of histochemical staining
    by color deconvolution"), changed to gain * d + offset for each channel. Black stays black: it is the background.
    """
    density = -np.log(np.maximum(np.arange(256), 1) / 255.0)
    common = 1 + random.uniform(-augmentation.brightness_gain, augmentation.brightness_gain)
    gain = common * (1 + random.uniform(-augmentation.stain_gain, augmentation.stain_gain, size=(3, 1)))
    offset = random.uniform(-augmentation.stain_offset, augmentation.stain_offset, size=(3, 1))
    tables = np.rint(255 * np.exp(-(gain * density + offset))).clip(0, 255).astype(np.uint8)
    tables[:, 0] = 0
    return tables


def turn_and_flip(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return pixels [size, size, 3] in one of the eight orientations of a square."""
    turned = np.rot90(pixels, k=int(random.integers(4)))
    return turned[:, ::-1] if random.integers(2) else turned


def augment(pixels: NDArray[np.uint8], augmentation: Augmentation, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return uint8 [size, size, 3]: pixels (RGB) turned, flipped, and restained. The shift is the caller's."""
    tables = stain_tables(augmentation, random)
    turned = turn_and_flip(pixels, random)
    stained = np.empty(turned.shape, np.uint8)
    for channel in range(3):
        np.take(tables[channel], turned[..., channel], out=stained[..., channel])
    return stained
