"""Pictures that an input gate is to refuse, made of held-out cells, of a set of other smears, or of nothing.

No other picture than a fair one: of the size, and where cells are cut out on black also of the background, of the set
that the model knows.

crops of red cells and platelets   a VOC box of BCCD. For a set of whole fields the square around it with a fifth more,
    resized to the picture. For a set of cells cut out on black the ellipse in the box, 1.25 times as large (as many
    pixels a micrometre, judged by red cells of 7.5 micrometres), on black.
half the scale    the cell on black at half its size; of a field, which has no border, four mirror images
twice the scale   the centre, resized to the whole picture
"""

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

BLUR_PX = 6.0
_MARGIN, _CNMC_BY_BCCD, _LEAST_BOX = 1.2, 1.25, 15
Picture = Image.Image


def is_cut_out(picture: Picture) -> bool:
    """Whether the corners are black: a cell that was cut out."""
    right, bottom = picture.width - 1, picture.height - 1
    corners = itertools.product((0, right), (0, bottom))
    return all(max(picture.getpixel(corner)) <= 4 for corner in corners)  # type: ignore[arg-type]


def blurred(picture: Picture) -> Picture:
    """By a Gaussian of sigma 6 px."""
    return picture.filter(ImageFilter.GaussianBlur(BLUR_PX))


def swapped(picture: Picture) -> list[Picture]:
    """With its channels in each other order."""
    pixels = np.asarray(picture)
    orders = [order for order in itertools.permutations(range(3)) if order != (0, 1, 2)]
    return [Image.fromarray(np.ascontiguousarray(pixels[..., list(order)])) for order in orders]


def doubled(picture: Picture) -> Picture:
    """At twice the scale."""
    width, height = picture.size
    box = (width // 4, height // 4, width // 4 + width // 2, height // 4 + height // 2)
    return picture.crop(box).resize((width, height), Image.Resampling.BICUBIC)


def halved(picture: Picture) -> Picture:
    """At half the scale."""
    width, height = picture.size
    small = picture.resize((width // 2, height // 2), Image.Resampling.LANCZOS)
    above, left = (height - height // 2) // 2, (width - width // 2) // 2
    mode = "constant" if is_cut_out(picture) else "reflect"
    around = ((above, height - height // 2 - above), (left, width - width // 2 - left), (0, 0))
    return Image.fromarray(np.pad(np.asarray(small), around, mode=mode))  # type: ignore[call-overload]


def crops(bccd: Path, kind: str, like: Picture, count: int, seed: int = 0) -> Iterator[Picture]:
    """At most `count` crops of "RBC" or "Platelets", at most three of a smear, as pictures like that one."""
    random = np.random.default_rng(seed)
    for annotation in sorted((bccd / "annotations").rglob("*.xml")):
        found = list((bccd / "images").glob(f"{annotation.stem}.*"))
        if not found or count <= 0:
            continue
        with Image.open(found[0]) as opened:
            smear = opened.convert("RGB")
        boxes = _boxes(annotation, kind)
        for place in random.permutation(len(boxes))[: min(3, count)]:
            count -= 1
            yield _crop(smear, boxes[place], like)


def _boxes(annotation: Path, kind: str) -> list[tuple[int, int, int, int]]:
    tree = ET.parse(annotation)
    found = []
    for thing in tree.getroot().iter("object"):
        left, top, right, bottom = (
            int(float(thing.findtext(f"bndbox/{n}", "0"))) for n in ("xmin", "ymin", "xmax", "ymax")
        )
        if thing.findtext("name") == kind and min(right - left, bottom - top) >= _LEAST_BOX:
            found.append((left, top, right, bottom))
    return found


def _crop(smear: Picture, box: tuple[int, int, int, int], like: Picture) -> Picture:
    left, top, right, bottom = box
    if not is_cut_out(like):
        side, middle = max(right - left, bottom - top) * _MARGIN / 2, ((left + right) / 2, (top + bottom) / 2)
        square = tuple(round(at) for at in (middle[0] - side, middle[1] - side, middle[0] + side, middle[1] + side))
        return smear.crop(square).resize(like.size, Image.Resampling.BICUBIC)  # type: ignore[arg-type]
    size = round((right - left) * _CNMC_BY_BCCD), round((bottom - top) * _CNMC_BY_BCCD)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((0, 0, size[0] - 1, size[1] - 1), fill=255)
    made = Image.new("RGB", like.size)
    cell = smear.crop(box).resize(size, Image.Resampling.BICUBIC)
    made.paste(cell, ((like.width - size[0]) // 2, (like.height - size[1]) // 2), mask)
    return made


def noises(side: int, count: int, seed: int = 0) -> Iterator[Picture]:
    """Uniform, Gaussian in colour, and Gaussian in grey, of differing mean and deviation."""
    random = np.random.default_rng(seed)
    for number in range(count):
        mean, deviation = random.uniform(60, 200), random.uniform(8, 60)
        drawn = random.normal(mean, deviation, (side, side, 3 if number % 3 else 1))
        drawn = random.uniform(0, 256, (side, side, 3)) if number % 3 == 2 else drawn
        yield Image.fromarray(np.broadcast_to(drawn.clip(0, 255).astype(np.uint8), (side, side, 3)).copy())


def plains(side: int, count: int, seed: int = 0) -> Iterator[Picture]:
    """Black, white, then any one colour."""
    random = np.random.default_rng(seed)
    drawn = [(0, 0, 0), (255, 255, 255), *random.integers(0, 256, (count, 3)).tolist()]
    for colour in drawn[:count]:
        yield Image.new("RGB", (side, side), tuple(colour))


def scenes(side: int, count: int, seed: int = 0) -> Iterator[Picture]:
    """Like photographs: a gradient, texture whose spectrum falls as in photographs, and shapes of any colour.

    Field 1987, "Relations between the statistics of natural images and the response properties of cortical cells".
    """
    random = np.random.default_rng(seed)
    for _ in range(count):
        picture = _shaped(Image.fromarray(_textured(side, random)), random)
        yield picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.5)))


def _textured(side: int, random: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side] / side
    angle = random.uniform(0, 2 * np.pi)
    along = np.cos(angle) * columns + np.sin(angle) * rows
    along = ((along - along.min()) / np.ptp(along))[..., np.newaxis]
    first, second = random.uniform(0, 255, (2, 3))
    frequency = np.hypot(np.fft.fftfreq(side)[:, np.newaxis], np.fft.fftfreq(side))
    frequency[0, 0] = 1
    fall = frequency ** -random.uniform(0.8, 1.6)
    texture = np.fft.ifft2(np.fft.fft2(random.normal(size=(3, side, side))) * fall).real
    texture *= random.uniform(5, 35) / texture.std()
    return (first * (1 - along) + second * along + texture.transpose(1, 2, 0)).clip(0, 255).astype(np.uint8)


def _shaped(picture: Picture, random: np.random.Generator) -> Picture:
    draw, side = ImageDraw.Draw(picture), picture.width
    for _ in range(random.integers(2, 14)):
        colour = tuple(random.integers(0, 256, 3).tolist())
        points = random.integers(0, side, (4, 2))
        low, high = points[:2].min(axis=0), points[:2].max(axis=0) + 2
        box = (*low.tolist(), *high.tolist())
        kind = random.integers(0, 4)
        if kind == 0:
            draw.rectangle(box, fill=colour)
        elif kind == 1:
            draw.ellipse(box, fill=colour)
        elif kind == 2:
            draw.polygon([tuple(point) for point in points.tolist()], fill=colour)
        else:
            draw.line(box, fill=colour, width=int(random.integers(1, 12)))
    return picture
