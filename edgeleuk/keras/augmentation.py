"""What a training image is changed by: as a microscopist, a stain and a camera would, and such that the label stays.

All of it works on 8-bit pixels of the picture, before colour constancy and scaling, so no value leaves the range that
the input quantizer is fixed to, and what constancy undoes on the device it undoes here. Light, white balance, gamma and
stain are one table look-up a pixel; blur, noise and JPEG change a share of the images each.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.degradation import blur, gains_table, gamma_table, jpeg, look_up_pixels, noise, scale, table_after
from edgeleuk.keras.choices import CAMERA, OFF, STRONG

_BEST_JPEG = 95


@dataclass(frozen=True)
class Augmentation:
    """How far each image is changed; every amount is drawn uniformly from minus to plus, or from nothing to, its limit.

    `shift` is a share of the crop. `stain_gain`, `stain_offset` and `brightness_gain` act on optical density.
    `exposure`, `white_balance`, `gamma` and `zoom` are natural logarithms of factors: of all channels, of each, of the
    exponent, of the size. `blur_px` (sigma in pixels of the source), `noise` (deviation, of 255) and `jpeg` (lowest
    quality; None for no JPEG) change a `share` of the images each.
    """

    shift: float = 0.04
    stain_gain: float = 0.08
    stain_offset: float = 0.03
    brightness_gain: float = 0.10
    exposure: float = 0.0
    white_balance: float = 0.0
    gamma: float = 0.0
    zoom: float = 0.0
    blur_px: float = 0.0
    noise: float = 0.0
    jpeg: int | None = None
    share: float = 0.0


PLAIN = Augmentation()
PRESETS: Mapping[str, Augmentation] = MappingProxyType(
    {
        OFF: PLAIN,
        CAMERA: Augmentation(
            exposure=0.3,
            white_balance=0.12,
            gamma=0.15,
            zoom=math.log(1.25),
            blur_px=2.5,
            noise=14,
            jpeg=20,
            share=0.3,
        ),
        STRONG: Augmentation(
            stain_gain=0.16,
            brightness_gain=0.2,
            exposure=0.5,
            white_balance=0.25,
            gamma=0.3,
            zoom=math.log(1.4),
            blur_px=4,
            noise=25,
            jpeg=10,
            share=0.4,
        ),
    }
)


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
    """Return pixels [height, width, 3] in one of the eight orientations of a square, the four of any other shape."""
    quarters = int(random.integers(4))
    turned = np.rot90(pixels, k=quarters if pixels.shape[0] == pixels.shape[1] else 2 * (quarters % 2))
    return turned[:, ::-1] if random.integers(2) else turned


def augment(
    pixels: NDArray[np.uint8], augmentation: Augmentation, random: np.random.Generator, scale_px: float = 1.0
) -> NDArray[np.uint8]:
    """Return uint8 [height, width, 3]: pixels of the picture changed, all but the shift, which is the caller's.

    `scale_px`: pixels of the input for one of the source, by which blur and noise shrink with the picture.
    """
    tables = stain_tables(augmentation, random)
    turned = turn_and_flip(pixels, random)
    camera = camera_table(augmentation, random)
    if augmentation.zoom:
        factor = math.exp(random.uniform(-augmentation.zoom, augmentation.zoom))
        turned = np.asarray(scale(Image.fromarray(np.ascontiguousarray(turned)), factor))
    seen = look_up_pixels(turned, tables if camera is None else table_after(tables, camera))
    return _spoilt(seen, augmentation, random, scale_px) if augmentation.share else seen


def camera_table(augmentation: Augmentation, random: np.random.Generator) -> NDArray[np.uint8] | None:
    """Return uint8 [3, 256]: exposure, white balance and gamma drawn anew; None if there is nothing to draw."""
    if not (augmentation.exposure or augmentation.white_balance or augmentation.gamma):
        return None
    exposure = random.uniform(-augmentation.exposure, augmentation.exposure)
    balance = random.uniform(-augmentation.white_balance, augmentation.white_balance, size=3)
    red, green, blue = np.exp(exposure + balance).tolist()
    exponent = math.exp(random.uniform(-augmentation.gamma, augmentation.gamma))
    return table_after(gamma_table(exponent), gains_table((red, green, blue)))


def _spoilt(
    pixels: NDArray[np.uint8], augmentation: Augmentation, random: np.random.Generator, scale_px: float
) -> NDArray[np.uint8]:
    """Blurred, noisy, written as JPEG: in the order of optics, sensor, file, each with the probability `share`."""
    image = Image.fromarray(pixels)
    blurred, noisy, written = random.random(3) < augmentation.share
    if blurred:
        image = blur(image, random.uniform(0, augmentation.blur_px) * scale_px)
    if noisy:
        deviation = random.uniform(0, augmentation.noise) * min(1.0, scale_px)
        image = noise(image, deviation, int(random.integers(2**31)))
    if written and augmentation.jpeg is not None:
        image = jpeg(image, int(random.integers(augmentation.jpeg, _BEST_JPEG + 1)))
    return np.asarray(image)
