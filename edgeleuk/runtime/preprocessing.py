"""The one preprocessing: training, calibration, evaluation and the device all call these functions."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.spec import NO_CONSTANCY, Preprocessing

_PLAIN_CODES = np.arange(-128, 128).astype(np.int8)  # pixel p becomes p - 128
_BACKGROUND = 240  # of 255: what is brighter than the background keeps some room
_BRIGHT_SHARE, _BLACK, _GAINS = 0.9, 8, (0.5, 4.0)
_COUNTED_PX = 80  # a side, at least: 6,400 pixels tell a percentile well enough
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def fit_to_input(image: Image.Image, spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)) -> NDArray[np.uint8]:
    """Return uint8 [size, size, 3]: `cut_and_resize`, then `constant_colours`; the pixels that the network is shown."""
    return constant_colours(cut_and_resize(image, spec, shift_px), spec)


def cut_and_resize(image: Image.Image, spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)) -> NDArray[np.uint8]:
    """Return uint8 [size, size, 3]: the centre square of `crop_px` source pixels, black-padded, resized.

    `image` is RGB; channels come out in the spec's colour order, with the colours of the picture. `shift_px` (x, y)
    moves the square in source pixels; only training uses it.
    """
    image = centre_square(image, spec, shift_px)
    if image.size != (spec.input_size_px, spec.input_size_px):
        image = image.resize((spec.input_size_px, spec.input_size_px), _FILTERS[spec.resample])
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[..., ::-1] if spec.colour_order == "BGR" else pixels


def centre_square(image: Image.Image, spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)) -> Image.Image:
    """The first step of `cut_and_resize`, and a fixed point of it: the square itself comes back as it is."""
    width, height = image.size
    left = (width - spec.crop_px) // 2 + shift_px[0]
    top = (height - spec.crop_px) // 2 + shift_px[1]
    box = (left, top, left + spec.crop_px, top + spec.crop_px)
    return image if box == (0, 0, width, height) else image.crop(box)  # Pillow fills what lies outside with black


def constant_colours(pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8]:
    """Return uint8 [size, size, 3]: each channel times one gain, so that its bright background is 240.

    Light and white balance multiply a channel, so they cancel, but for what a sensor clipped: von Kries' rule with the
    "white patch" taken as a percentile, as the brightest pixel may be noise (Ebner 2007, "Color Constancy", 6.1). The
    percentile is the 90th of what is not black, since black is padding or masked out; where the background is masked
    out, as in C-NMC, it is the brightest part of the cell. Gains stay within 0.5 to 4: a dark picture stays dark.
    """
    if spec.colour_constancy == NO_CONSTANCY:
        return pixels
    table = np.concatenate([_channel_table(level) for level in bright_levels(pixels)])
    return np.asarray(Image.fromarray(pixels).point(table.tolist()), np.uint8)


def in_rgb(
    shown: NDArray[np.uint8], came: NDArray[np.uint8], spec: Preprocessing
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What `constant_colours` and `cut_and_resize` return, with the channels as R, G, B; one array if they are."""
    if spec.colour_order != "BGR":
        return shown, came
    turned = came[..., ::-1]
    return (turned if shown is came else shown[..., ::-1]), turned


def bright_levels(pixels: NDArray[np.uint8]) -> tuple[int, int, int]:
    """The 90th percentile of each channel of uint8 [height, width, 3], black left out; 0 where all is black.

    Of large pictures every second, third ... pixel is counted.
    """
    step = max(1, min(pixels.shape[:2]) // _COUNTED_PX)
    counted = pixels[::step, ::step]
    red, green, blue = (_bright_level(counted[..., channel]) for channel in range(3))
    return red, green, blue


def _bright_level(channel: NDArray[np.uint8]) -> int:
    counts = np.bincount(channel.ravel(), minlength=256)
    counts[: _BLACK + 1] = 0
    sums = counts.cumsum()
    return int(np.searchsorted(sums, _BRIGHT_SHARE * sums[-1])) if sums[-1] else 0


def _channel_table(level: int) -> NDArray[np.uint8]:
    gain = min(max(_BACKGROUND / level, _GAINS[0]), _GAINS[1]) if level else 1.0
    table = np.rint(np.arange(256, dtype=np.float64) * gain)
    return np.minimum(table, 255, out=table).astype(np.uint8)


def scale_pixels(pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.float32]:
    """Return float32 of the same shape: p * pixel_scale + pixel_offset, x/127.5 - 1 by default."""
    scaled = pixels.astype(np.float32)
    scaled *= np.float32(spec.pixel_scale)
    scaled += np.float32(spec.pixel_offset)
    return scaled


def pixel_codes(scale: float, zero_point: int, spec: Preprocessing) -> NDArray[np.int8]:
    """Return int8 [256]: what each 8-bit pixel value becomes at an input quantized with (scale, zero_point).

    q = round(x / scale) + zero_point, clipped to [-128, 127] (Jacob et al. 2018, "Quantization and Training of Neural
    Networks for Efficient Integer-Arithmetic-Only Inference", eq. 1). Where that is p - 128 to within half a step, it
    is exactly p - 128: the float expression sits on a rounding tie there.
    """
    pixels = np.arange(256, dtype=np.float64)
    exact = (pixels * spec.pixel_scale + spec.pixel_offset) / scale + zero_point
    plain = pixels - 128
    # 1e-3 of a step: the file stores the scale as float32.
    codes = plain if np.all(np.abs(exact - plain) <= 0.5 + 1e-3) else np.rint(exact)
    return np.clip(codes, -128, 127).astype(np.int8)


def quantize_pixels(pixels: NDArray[np.uint8], codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return int8 of the same shape: each pixel's code from `pixel_codes`."""
    if np.array_equal(codes, _PLAIN_CODES):
        return (pixels ^ np.uint8(0x80)).view(np.int8)
    return codes[pixels]
