"""The one preprocessing: training, calibration, evaluation and the device all call these functions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.errors import ImageError, SpecError
from edgeleuk.runtime import on_black
from edgeleuk.spec import CROP, GREY, NO_CONSTANCY, REDUCE, SHORTER_SIDE, TF_BILINEAR, Preprocessing

MOST_TIMES_AS_LONG = 20  # a strip of a picture would become one of any length

_PLAIN_CODES = np.arange(-128, 128).astype(np.int8).tobytes()  # pixel p becomes p - 128
_PIXELS = np.arange(256).astype(np.uint8).tobytes()
_BACKGROUND = 240  # of 255: what is brighter than the background keeps some room
_BRIGHT_SHARE, _BLACK, _GAINS = 0.9, 8, (0.5, 4.0)
_COUNTED_PX = 80  # a side, at least: 6,400 pixels tell a percentile well enough
# Each axis by as large a whole factor as keeps it no shorter than what it becomes, then bilinear from there.
_WHOLE_BLOCKS = 1.0
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def fit_to_input(image: Image.Image, spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)) -> NDArray[np.uint8]:
    """Return uint8 [height, width, channels]: `cut_and_resize`, then `constant_colours`; what the network is shown."""
    return constant_colours(cut_and_resize(image, spec, shift_px), spec)


def cut_and_resize(image: Image.Image, spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)) -> NDArray[np.uint8]:
    """Return uint8 [height, width, channels] of the network's input, as the spec's `fit` says.

    `image` is RGB; channels come out in the spec's colour order, with the colours of the picture. `shift_px` (x, y)
    moves what is cut out in source pixels; only training uses it.
    """
    return in_colour_order(np.asarray(fitted(image, spec, shift_px), dtype=np.uint8), spec)


def in_colour_order(pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8]:
    """Return uint8 [height, width, channels] in the spec's colour order, of pixels [height, width, 3] of R, G, B."""
    if spec.colour_order == GREY:
        return np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.uint8)[..., np.newaxis]
    return pixels[..., ::-1] if spec.colour_order == "BGR" else pixels


def fitted(image: Image.Image, spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)) -> Image.Image:
    """An RGB picture of the size of the network's input."""
    image = seen_part(image, spec, shift_px)
    size = spec.width_px, spec.input_size_px
    if spec.fit == SHORTER_SIDE:
        return _centre(_with_shorter_side(image, spec), size)
    return _resized(image, size, spec)


def _resized(image: Image.Image, size: tuple[int, int], spec: Preprocessing) -> Image.Image:
    """Of width and height `size`."""
    if image.size == size:
        return image
    if spec.resample == TF_BILINEAR:
        return Image.fromarray(interpolated(np.asarray(image, np.uint8), size))
    if spec.resample == REDUCE:
        return _reduced(image, size)
    return on_black.resize(image, size, _FILTERS[spec.resample])


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    (across, more), (down, further) = map(divmod, image.size, size)
    if not more and not further and across and down:  # then nothing is left to interpolate, and no copy to be made
        return image.reduce((across, down))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=_WHOLE_BLOCKS)


def interpolated(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return uint8 [size[1], size[0], c]: linear between the four pixels around each point of [height, width, c].

    What `tf.image.resize` does by default, rounded: other pixels do not count, however many lie between two points, so
    a picture that is made smaller is not smoothed. Training code of Keras shows networks such pictures.
    """
    found = pixels.astype(np.float32)
    for axis, length in ((0, size[1]), (1, size[0])):
        points = (np.arange(length, dtype=np.float32) + 0.5) * (found.shape[axis] / length) - 0.5
        first = np.floor(points)
        along = [1, 1, 1]
        along[axis] = length
        share = (points - first).reshape(along)
        last = found.shape[axis] - 1
        before, behind = (np.clip(first + step, 0, last).astype(np.intp) for step in (0, 1))
        low = found.take(before, axis)
        found = low + share * (found.take(behind, axis) - low)
    return np.asarray(np.rint(found), np.uint8)


def seen_part(image: Image.Image, spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)) -> Image.Image:
    """What of a picture the network sees, in source pixels: a fixed point of it, the part itself comes back as it is.

    The whole picture, unless the spec crops. `shift_px` moves the whole picture, too.
    """
    box = seen_box(image.size, spec, shift_px)
    return image if box == (0, 0, *image.size) else image.crop(box)  # Pillow fills what lies outside with black


def seen_box(
    size: tuple[int, int], spec: Preprocessing, shift_px: tuple[int, int] = (0, 0)
) -> tuple[int, int, int, int]:
    """Where `seen_part` of a picture of this (width, height) lies: (left, top, right, bottom), also outside of it."""
    width, height = size
    cut_width, cut_height = crop_size(spec) if spec.fit == CROP else size
    left = (width - cut_width) // 2 + shift_px[0]
    top = (height - cut_height) // 2 + shift_px[1]
    return left, top, left + cut_width, top + cut_height


def crop_size(spec: Preprocessing) -> tuple[int, int]:
    """Width and height in source pixels of what `fit` "crop" cuts out: of the input's shape, `crop_px` the shorter."""
    if spec.crop_px is None:
        raise SpecError(f"fit is {spec.fit}: nothing is cut out in source pixels")
    shorter = min(spec.width_px, spec.input_size_px)
    return round(spec.crop_px * spec.width_px / shorter), round(spec.crop_px * spec.input_size_px / shorter)


def input_scale(size: tuple[int, int], spec: Preprocessing) -> float:
    """Pixels of the input for one source pixel of a picture of this (width, height); the less where axes differ."""
    if spec.fit == CROP:
        return min(spec.width_px, spec.input_size_px) / (spec.crop_px or 1)
    if spec.fit == SHORTER_SIDE:
        return (spec.shorter_side_px or 1) / min(size)
    return min(spec.width_px / size[0], spec.input_size_px / size[1])


def _with_shorter_side(image: Image.Image, spec: Preprocessing) -> Image.Image:
    """As torchvision's Resize(n) does: the longer side is cut to whole pixels."""
    short, (width, height) = spec.shorter_side_px or 1, image.size
    size = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    longest = MOST_TIMES_AS_LONG * max(short, spec.width_px, spec.input_size_px)
    if max(size) > longest:
        raise ImageError(
            f"a picture of {width}x{height} px is too narrow to be scaled to {short} px on its shorter side"
        )
    return _resized(image, size, spec)


def _centre(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """As torchvision's CenterCrop does, black where the picture is smaller; halves are rounded to even."""
    left, top = (round((had - wanted) / 2.0) for had, wanted in zip(image.size, size, strict=True))
    return image if image.size == size else image.crop((left, top, left + size[0], top + size[1]))


def constant_colours(pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8]:
    """Return uint8 [height, width, 3] as it came: each channel times one gain, so that its bright background is 240.

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
    """What `constant_colours` and `cut_and_resize` return, with the channels as R, G, B; one array if they are.

    A grey channel stands three times.
    """
    if spec.colour_order == "RGB":
        return shown, came
    if spec.colour_order == GREY:
        grey = np.repeat(came, 3, axis=-1)
        return (grey if shown is came else np.repeat(shown, 3, axis=-1)), grey
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
    """Return float32 of the same shape [..., channels]: p * pixel_scale + pixel_offset, x/127.5 - 1 by default."""
    scaled = pixels.astype(np.float32)
    scaled *= np.asarray(spec.pixel_scale, np.float32)
    scaled += np.asarray(spec.pixel_offset, np.float32)
    return scaled


def pixel_codes(scale: float, zero_point: int, spec: Preprocessing, dtype: type = np.int8) -> NDArray[Any]:
    """Return [256] of `dtype`, int8 or uint8: what each 8-bit pixel becomes at an input quantized with (scale, zero).

    Of a spec that scales channels apart, [256, channels]. q = round(x / scale) + zero_point, clipped to what the type
    holds (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference", eq. 1). Where that is p - 128 (uint8: p) to within half a step, it is exactly that: the float expression
    sits on a rounding tie there.
    """
    pixels, limits = np.arange(256, dtype=np.float64)[:, np.newaxis], np.iinfo(dtype)
    exact = (pixels * np.array(spec.channel_scales) + np.array(spec.channel_offsets)) / scale + zero_point
    plain = np.broadcast_to(pixels + limits.min, exact.shape)
    # 1e-3 of a step: the file stores the scale as float32.
    codes = plain if np.all(np.abs(exact - plain) <= 0.5 + 1e-3) else np.rint(exact)
    held: NDArray[Any] = np.clip(codes, limits.min, limits.max).astype(dtype)
    return held[:, 0] if spec.is_uniform else held


def quantize_pixels(pixels: NDArray[np.uint8], codes: NDArray[Any]) -> NDArray[Any]:
    """Return the codes' type, of the same shape [..., channels]: each pixel's code from `pixel_codes`."""
    if codes.ndim == 2:
        return codes[pixels, np.arange(codes.shape[1])]
    if codes.dtype == np.uint8:
        return pixels if codes.tobytes() == _PIXELS else codes[pixels]
    if codes.tobytes() == _PLAIN_CODES:
        return (pixels ^ np.uint8(0x80)).view(np.int8)
    return codes[pixels]
