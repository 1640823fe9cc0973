"""What a camera, a stain or a file does to a picture, in five severities each: RGB Pillow images in and out.

Changes that act on each pixel alone are tables, uint8 [3, 256]: what every value of R, G and B becomes. Tables compose
(`table_after`) and cost one look-up a pixel. Nothing here knows labels or networks. The idea of kinds and severities
is that of Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations"; the amounts are chosen for a microscope, whose light and white balance move by tens of per cent.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageFilter

Table = NDArray[np.uint8]

_CLEAR_PERCENTILE = 95  # of each channel: clear glass, in a field that is not covered with cells
_BLACK = 2  # of 255: what is masked out, as around the cells of C-NMC
_ONE_COLOUR = 8.0  # levels: a border that varies less is background, and is continued by its own colour


def exposure_table(factor: float) -> Table:
    """Every channel times `factor`, clipped at 255: a sensor is linear until it is full."""
    return gains_table((factor, factor, factor))


def gains_table(gains: tuple[float, float, float]) -> Table:
    """R, G and B times a gain each, clipped at 255: what a camera's white balance does."""
    return _rounded(np.asarray(gains)[:, None] * np.arange(256.0))


def gamma_table(gamma: float) -> Table:
    """255 * (p / 255) ** gamma in every channel: above 1 darkens the middle tones, black and white stay."""
    return _rounded(np.tile(255 * (np.arange(256) / 255) ** gamma, (3, 1)))


def stain_table(gain: float, light: ArrayLike = (255.0, 255.0, 255.0)) -> Table:
    """Optical density times `gain`: light * (p / light) ** gain below `light`, the values of clear glass, float [3].

    Beer-Lambert: the density d = -ln(p / light) is proportional to the amount of stain (Ruifrok and Johnston 2001,
    "Quantification of histochemical staining by color deconvolution"). What is brighter than the glass stays.
    """
    glass = np.maximum(np.asarray(light, np.float64), 1)[:, None]
    values = np.tile(np.arange(256.0), (3, 1))
    return _rounded(np.where(values < glass, glass * (values / glass) ** gain, values))


def table_after(first: Table, second: Table) -> Table:
    """The table of `first`, then `second`."""
    return np.stack([second[channel][first[channel]] for channel in range(3)])


def look_up(image: Image.Image, table: Table) -> Image.Image:
    """The image with every value replaced as the table says."""
    return image.point(table.ravel().tolist())


def look_up_pixels(pixels: NDArray[np.uint8], table: Table) -> NDArray[np.uint8]:
    """The same of uint8 [height, width, 3]."""
    changed = np.empty(pixels.shape, np.uint8)
    for channel in range(3):
        np.take(table[channel], pixels[..., channel], out=changed[..., channel])
    return changed


def clear_light(image: Image.Image) -> NDArray[np.float64]:
    """Float64 [3]: the values of clear glass, the 95th percentile of R, G, B; 255 if the border is masked black."""
    if _border(image).max() <= _BLACK:
        return np.full(3, 255.0)
    pixels = np.asarray(image.reduce(2) if min(image.size) >= 64 else image).reshape(-1, 3)
    return np.asarray(np.maximum(np.percentile(pixels, _CLEAR_PERCENTILE, axis=0), 1.0), np.float64)


def exposure(image: Image.Image, factor: float) -> Image.Image:
    """See `exposure_table`."""
    return look_up(image, exposure_table(factor))


def white_balance(image: Image.Image, gains: tuple[float, float, float]) -> Image.Image:
    """See `gains_table`."""
    return look_up(image, gains_table(gains))


def gamma(image: Image.Image, exponent: float) -> Image.Image:
    """See `gamma_table`."""
    return look_up(image, gamma_table(exponent))


def stain(image: Image.Image, gain: float) -> Image.Image:
    """See `stain_table`; against the picture's own `clear_light`, so that the glass keeps its colour."""
    return look_up(image, stain_table(gain, clear_light(image)))


def blur(image: Image.Image, sigma_px: float) -> Image.Image:
    """Gaussian blur, as Pillow approximates it by three box filters."""
    return image.filter(ImageFilter.GaussianBlur(sigma_px))


def noise(image: Image.Image, deviation: float, seed: int = 0) -> Image.Image:
    """Normal noise of this deviation, of 255, drawn for each pixel and channel from the seed; clipped to 0 to 255."""
    drawn = np.random.default_rng(seed).standard_normal((image.height, image.width, 3), np.float32)
    drawn *= np.float32(deviation)
    drawn += np.asarray(image, np.float32)
    return Image.fromarray(np.rint(drawn, out=drawn).clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Written as JPEG of this quality (libjpeg's scale, colour at half the resolution) and read again."""
    with io.BytesIO() as stream:
        image.save(stream, "JPEG", quality=quality)
        with Image.open(stream, formats=("JPEG",)) as again:
            return again.convert("RGB")


def scale(image: Image.Image, factor: float) -> Image.Image:
    """Zoomed by `factor` about the centre; the picture keeps its size.

    Below 1 the margin is filled by the border's colour if the border is of one colour, else by reflection.
    """
    width, height = image.size
    if factor >= 1:
        margin = (1 - 1 / factor) / 2
        box = (margin * width, margin * height, (1 - margin) * width, (1 - margin) * height)
        return image.resize((width, height), Image.Resampling.BICUBIC, box=box)
    inner = max(1, round(factor * width)), max(1, round(factor * height))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    small = image.resize(inner, Image.Resampling.BICUBIC)
    border = _border(image).astype(np.float64)
    if border.std(axis=0).max() <= _ONE_COLOUR:
        red, green, blue = np.median(border, axis=0).astype(int).tolist()
        canvas = Image.new("RGB", (width, height), (red, green, blue))
        canvas.paste(small, (left, top))
        return canvas
    margins = ((top, height - inner[1] - top), (left, width - inner[0] - left), (0, 0))
    return Image.fromarray(np.pad(np.asarray(small), margins, "symmetric"))


def _border(image: Image.Image) -> NDArray[np.uint8]:
    """uint8 [n, 3]: the outermost pixels."""
    pixels = np.asarray(image)
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _rounded(table: NDArray[np.float64]) -> Table:
    return np.rint(table).clip(0, 255).astype(np.uint8)


_Change = Callable[[Image.Image, float, int], Image.Image]


@dataclass(frozen=True)
class Kind:
    """One kind of change: amounts of severity 1 to 5, how an amount is shown, and what it does to an image."""

    name: str
    amounts: tuple[float, float, float, float, float]
    shown: str
    change: _Change

    def told(self, severity: int) -> str:
        """ "x 0.8" or "sigma 2 px" of severity 1 to 5."""
        return self.shown.format(self.amounts[severity - 1])


def _warmer(image: Image.Image, share: float, _seed: int) -> Image.Image:
    return white_balance(image, (1 + share, 1.0, 1 - share))


def _colder(image: Image.Image, share: float, _seed: int) -> Image.Image:
    return white_balance(image, (1 - share, 1.0, 1 + share))


def _unseeded(function: Callable[[Image.Image, float], Image.Image]) -> _Change:
    return lambda image, amount, _seed: function(image, amount)


_KINDS = (
    Kind("darker", (0.9, 0.8, 0.7, 0.6, 0.5), "exposure x {:g}", _unseeded(exposure)),
    Kind("brighter", (1.1, 1.2, 1.3, 1.45, 1.6), "exposure x {:g}", _unseeded(exposure)),
    Kind("warmer", (0.05, 0.1, 0.15, 0.2, 0.3), "R +{0:.0%}, B -{0:.0%}", _warmer),
    Kind("colder", (0.05, 0.1, 0.15, 0.2, 0.3), "R -{0:.0%}, B +{0:.0%}", _colder),
    Kind("gamma below 1", (0.9, 0.8, 0.7, 0.6, 0.5), "gamma {:g}", _unseeded(gamma)),
    Kind("gamma above 1", (1.1, 1.25, 1.4, 1.7, 2.0), "gamma {:g}", _unseeded(gamma)),
    Kind("paler stain", (0.9, 0.8, 0.7, 0.6, 0.5), "density x {:g}", _unseeded(stain)),
    Kind("deeper stain", (1.1, 1.25, 1.4, 1.7, 2.0), "density x {:g}", _unseeded(stain)),
    Kind("blur", (1.0, 2.0, 3.0, 4.0, 6.0), "sigma {:g} px", _unseeded(blur)),
    Kind("noise", (5.0, 10.0, 20.0, 30.0, 40.0), "sd {:g}", noise),
    Kind("JPEG", (50, 30, 20, 10, 5), "quality {:g}", lambda image, quality, _seed: jpeg(image, int(quality))),
    Kind("larger", (1.1, 1.25, 1.5, 1.75, 2.0), "scale x {:g}", _unseeded(scale)),
    Kind("smaller", (0.9, 0.8, 0.7, 0.6, 0.5), "scale x {:g}", _unseeded(scale)),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _KINDS})
SEVERITIES: Mapping[str, tuple[float, ...]] = MappingProxyType({kind.name: kind.amounts for kind in _KINDS})

# Ten changes of a size that a camera or a file makes every day, as (kind, severity); those that every model is told by.
NAMED_CHANGES: tuple[tuple[str, int], ...] = (
    ("darker", 2),
    ("brighter", 2),
    ("warmer", 2),
    ("colder", 2),
    ("blur", 1),
    ("blur", 2),
    ("noise", 2),
    ("JPEG", 2),
    ("larger", 2),
    ("smaller", 2),
)


def degrade(image: Image.Image, kind: str, severity: int, seed: int = 0) -> Image.Image:
    """An RGB image changed by a kind of `KINDS` in severity 1 to 5; the seed is that of noise. KeyError, IndexError."""
    chosen = KINDS[kind]
    if not 1 <= severity <= len(chosen.amounts):
        raise IndexError(f"severity {severity}; expected 1 to {len(chosen.amounts)}")
    return chosen.change(image, chosen.amounts[severity - 1], seed)
