"""Drawing one stained white blood cell on black, as C-NMC shows it: pure array maths, no files.

An outline is a radius for each angle, float32 [ANGLES], from Fourier harmonics and Gaussian notches. Colour follows
Beer-Lambert with two stains: pixel = light * exp(-(azure * OD_azure + eosin * OD_eosin)) (Ruifrok & Johnston 2001,
"Quantification of histochemical staining by color deconvolution").
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

IMAGE_SIZE_PX = 450
ANGLES = 1024

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class CellTraits:
    """Shape and texture of one cell.

    `nucleus_ratio` is the radius of the nucleus over that of the cell, `roughness` the relative amplitude of the
    outline's harmonics, `clump_px` the size of chromatin clumps and `contrast` the relative strength of their stain.
    """

    radius_px: float
    nucleus_ratio: float
    roughness: float
    notches: int
    clump_px: float
    contrast: float
    nucleoli: int


@dataclass(frozen=True)
class Slide:
    """Stain and light of one subject's slide.

    `azure` and `eosin` are optical densities at unit amount, `light` the pixel value of clear glass, each float64 [3]
    in RGB; `gradient` (x, y) is the relative change of light from the image's centre to its edge.
    """

    azure: NDArray[np.float64]
    eosin: NDArray[np.float64]
    light: NDArray[np.float64]
    gradient: tuple[float, float]
    blur_px: float


def draw_cell(traits: CellTraits, slide: Slide, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return uint8 [450, 450, 3] RGB: one cell in the middle, every channel at least 1 inside and 0 outside."""
    outline = traits.radius_px * random_outline(traits.roughness, traits.notches, rng)
    x, y, rows, columns = _window(outline)
    depth = _depth(outline, x, y)
    azure, eosin = _stain_amounts(traits, depth, _nucleus(traits, outline, x, y, rng), rng)
    pixels = _photograph(slide, azure, eosin, rng)
    image = np.zeros((IMAGE_SIZE_PX, IMAGE_SIZE_PX, 3), dtype=np.uint8)
    image[rows, columns] = np.where(depth[..., None] > 0, pixels, 0)
    return image


def random_outline(roughness: float, notches: int, rng: np.random.Generator) -> Plane:
    """Return float32 [ANGLES], radius relative to 1: 1 + sum_k a_k cos(k t + p_k), less a Gaussian for each notch."""
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False, dtype=np.float32)
    harmonics = np.arange(2, 31, dtype=np.float32)
    amplitude = roughness * rng.standard_normal(29) * (harmonics / 3) ** -1.5
    amplitude[0] = rng.normal(0, 0.06)  # how oval a cell is says nothing about how rough it is
    waves = np.cos(harmonics[:, None] * angle + rng.uniform(0, 2 * np.pi, (29, 1)))
    radius = 1 + amplitude @ waves
    for _ in range(notches):
        away = np.abs(angle - rng.uniform(0, 2 * np.pi))
        away = np.minimum(away, 2 * np.pi - away)
        radius -= rng.uniform(0.06, 0.2) * np.exp(-0.5 * (away / rng.uniform(0.05, 0.14)) ** 2)
    return np.clip(radius, 0.6, 1.35).astype(np.float32)


def smooth_noise(shape: tuple[int, int], scale_px: float, rng: np.random.Generator) -> Plane:
    """Return float32 [height, width] of mean 0 and deviation 1: white noise on a grid of `scale_px`, interpolated."""
    coarse = [int(side / scale_px) + 3 for side in shape]
    grid = Image.fromarray(rng.standard_normal(coarse, dtype=np.float32))
    box = (0.0, 0.0, shape[1] / scale_px, shape[0] / scale_px)
    fine = np.asarray(grid.resize((shape[1], shape[0]), Image.Resampling.BICUBIC, box=box))
    noise: Plane = (fine - fine.mean()) / (fine.std() + np.float32(1e-6))
    return noise


def _window(outline: Plane) -> tuple[Plane, Plane, slice, slice]:
    """Coordinates float32 [1, width] and [height, 1] from the cell's origin, and where its bounding box goes."""
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    axes, places = [], []
    for along in (outline * np.cos(angle), outline * np.sin(angle)):
        half = min(int(np.ptp(along) / 2) + 2, IMAGE_SIZE_PX // 2)
        middle = (along.min() + along.max()) / 2
        axes.append((np.arange(-half, half) + 0.5 + middle).astype(np.float32))
        places.append(slice(IMAGE_SIZE_PX // 2 - half, IMAGE_SIZE_PX // 2 + half))
    return axes[0][None, :], axes[1][:, None], places[1], places[0]


def _depth(outline: Plane, x: Plane, y: Plane) -> Plane:
    """Pixels from each point out to the outline along its radius, negative outside."""
    turn = np.arctan2(y, x) * np.float32(ANGLES / (2 * np.pi))
    return outline[turn.astype(np.int32) % ANGLES] - np.hypot(x, y)


def _nucleus(traits: CellTraits, cell: Plane, x: Plane, y: Plane, rng: np.random.Generator) -> Plane:
    """Share of nucleus at each point, 0 to 1; it lies off the centre, so the cytoplasm is a crescent."""
    own = random_outline(traits.roughness, traits.notches // 2, rng)
    outline = traits.nucleus_ratio * cell * (0.5 + 0.5 * own)
    shift = rng.uniform(0.2, 0.9) * (1 - traits.nucleus_ratio) * traits.radius_px
    towards = rng.uniform(0, 2 * np.pi)
    moved = np.float32(shift * np.cos(towards)), np.float32(shift * np.sin(towards))
    return np.clip(_depth(outline, x - moved[0], y - moved[1]) / 9 + 0.5, 0, 1)


def _stain_amounts(traits: CellTraits, depth: Plane, nucleus: Plane, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Amounts of azure and eosin at each point; chromatin binds both, nucleoli and cytoplasm less."""
    shape = depth.shape[0], depth.shape[1]
    clumps = 0.9 * smooth_noise(shape, traits.clump_px, rng) + 0.3 * smooth_noise(shape, traits.clump_px / 2, rng)
    clumps *= np.float32(traits.contrast)
    uneven = smooth_noise(shape, 70, rng)
    pale = _nucleoli(traits, shape, rng)
    azure = nucleus * (1.2 + 0.14 * clumps + 0.05 * uneven - 0.36 * pale)
    azure += (1 - nucleus) * (1.0 + 0.04 * clumps + 0.06 * uneven)
    eosin = nucleus * (1.44 + 0.09 * clumps + 0.07 * uneven - 0.18 * pale)
    eosin += (1 - nucleus) * (0.93 + 0.03 * clumps + 0.12 * uneven)
    rim = np.exp(-np.maximum(depth, 0) / 8)
    return azure * (1 + 0.2 * rim), eosin * (1 - 0.08 * rim)


def _nucleoli(traits: CellTraits, shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Soft spots, 1 at their middle, float32 [height, width]."""
    spots = np.zeros(shape, dtype=np.float32)
    for _ in range(traits.nucleoli):
        far, towards = 0.6 * traits.radius_px * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        width = rng.uniform(7, 12)
        y = np.arange(shape[0], dtype=np.float32) - np.float32(shape[0] / 2 + far * np.sin(towards))
        x = np.arange(shape[1], dtype=np.float32) - np.float32(shape[1] / 2 + far * np.cos(towards))
        spot = np.exp(-0.5 * (y / width) ** 2)[:, None] * np.exp(-0.5 * (x / width) ** 2)
        np.maximum(spots, spot, out=spots)
    return spots


def _photograph(slide: Slide, azure: Plane, eosin: Plane, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return uint8 [height, width, 3], 1 to 255: Beer-Lambert, uneven light, blur, sensor noise."""
    height, width = azure.shape
    across = slide.gradient[0] * np.linspace(-1, 1, width)[None, :] * (width / IMAGE_SIZE_PX)
    down = slide.gradient[1] * np.linspace(-1, 1, height)[:, None] * (height / IMAGE_SIZE_PX)
    shade = (1 + across + down).astype(np.float32)
    planes = []
    for channel in range(3):
        density = azure * np.float32(slide.azure[channel]) + eosin * np.float32(slide.eosin[channel])
        planes.append(np.float32(slide.light[channel]) * shade * np.exp(-density))
    sharp = Image.fromarray(np.clip(np.stack(planes, axis=-1) + 0.5, 0, 255).astype(np.uint8))
    blurred = np.asarray(sharp.filter(ImageFilter.GaussianBlur(slide.blur_px)), dtype=np.float32)
    noisy = blurred + rng.standard_normal(blurred.shape, dtype=np.float32)
    pixels: NDArray[np.uint8] = np.clip(noisy + 0.5, 1, 255).astype(np.uint8)
    return pixels
