"""Procedural cells in the C-NMC layout: something learnable and not trivial when the data set is not at hand.

Each trait of a cell is mean + deviation * z. z is normal with deviation 1, partly the subject's and partly the cell's
own, and its mean is +d/2 for blasts and -d/2 for healthy cells: d (the effect size d', Green & Swets 1966) shrinks
linearly from difficulty 0 to none at 1. Stain and light belong to the subject and know nothing of the class: one
blast and one healthy subject share a staining batch, so that no colour tells a class by chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.synthetic.cells import CellTraits, Slide, draw_cell
from edgeleuk.errors import UsageError, expect
from edgeleuk.files import whole_folder

CLASSES = ("all", "hem")
CELLS_PER_FIELD = 3
SUBJECT_SHARE = 0.1  # of a trait's variance, what cells of one subject have in common

# d' at difficulty 0 of radius, nucleus ratio, roughness and notches, fineness of chromatin, nucleoli.
SEPARATION_AT_ZERO = np.array([2.8, 3.6, 2.8, 5.0, 4.0])

# Optical densities (RGB) of Giemsa's stains, from G. Landini's "Colour Deconvolution" for ImageJ.
_AZURE = np.array([0.835, 0.514, 0.196])
_EOSIN = np.array([0.093, 0.954, 0.283])
_LIGHT = np.array([210.0, 195.0, 156.0])  # a warm lamp, chosen so that a nucleus comes out near (68, 30, 78)


_expect = partial(expect, UsageError)


@dataclass(frozen=True)
class Subject:
    """One subject: `number` names it (H before it if healthy), `shift` float64 [5] is what its cells share."""

    number: int
    label: str
    fold: int
    slide: Slide
    shift: NDArray[np.float64]

    @property
    def name(self) -> str:
        """The subject as file names have it: 3, or H3 if healthy."""
        return f"H{self.number}" if self.label == "hem" else str(self.number)


def write_cells(
    out: Path,
    *,
    subjects: int = 12,
    images_per_subject: int = 30,
    folds: int = 3,
    seed: int = 0,
    difficulty: float = 0.5,
) -> int:
    """Write `subjects` x `images_per_subject` BMPs below out/training_data; return how many.

    Half of the subjects are ALL, each lies in one fold. Difficulty 0: the classes hardly overlap; 1: no difference.
    The same arguments give the same bytes. Raises UsageError for a value out of range, OutputError if `out` is
    taken or cannot be written.
    """
    _check(subjects, images_per_subject, folds, seed, difficulty)
    with whole_folder(out) as partial:
        for fold in range(folds):
            for label in CLASSES:
                (partial / "training_data" / f"fold_{fold}" / label).mkdir(parents=True)
        for ordinal, subject in enumerate(random_subjects(subjects, folds, seed)):
            for image in range(images_per_subject):
                rng = np.random.default_rng([seed, 2, ordinal, image])
                pixels = draw_cell(random_traits(subject, difficulty, rng), subject.slide, rng)
                Image.fromarray(pixels).save(partial / _place(subject, image))
    return subjects * images_per_subject


def random_subjects(count: int, folds: int, seed: int) -> Iterator[Subject]:
    """Yield `count` subjects, ALL and healthy in turn, dealt to the folds one after the other within a class."""
    for ordinal in range(count):
        place, which = divmod(ordinal, len(CLASSES))
        rng = np.random.default_rng([seed, 0, ordinal])
        slide = random_slide(np.random.default_rng([seed, 1, place]), rng)
        shift = np.sqrt(SUBJECT_SHARE) * rng.standard_normal(len(SEPARATION_AT_ZERO))
        yield Subject(place + 1, CLASSES[which], place % folds, slide, shift)


def random_slide(batch: np.random.Generator, own: np.random.Generator) -> Slide:
    """A slide whose stain, lamp and focus are mostly (80 % of the variance) its batch's and partly its own."""
    vary = np.sqrt(0.8) * batch.standard_normal(14) + np.sqrt(0.2) * own.standard_normal(14)
    return Slide(
        azure=_AZURE * np.exp(0.07 * vary[0] + 0.03 * vary[1:4]),
        eosin=_EOSIN * np.exp(0.07 * vary[4] + 0.03 * vary[5:8]),
        light=_LIGHT * np.exp(0.06 * vary[8] + 0.03 * vary[9:12]),
        gradient=(float(0.08 * vary[12]), float(0.08 * vary[13])),
        blur_px=own.uniform(0.9, 1.7),
    )


def random_traits(subject: Subject, difficulty: float, rng: np.random.Generator) -> CellTraits:
    """Traits of one cell of the subject; the classes' means differ by (1 - difficulty) * SEPARATION_AT_ZERO."""
    side = 0.5 if subject.label == "all" else -0.5
    own = np.sqrt(1 - SUBJECT_SHARE) * rng.standard_normal(len(SEPARATION_AT_ZERO))
    size, ratio, rough, fine, nucleoli = side * (1 - difficulty) * SEPARATION_AT_ZERO + subject.shift + own
    return CellTraits(
        radius_px=float(np.clip(101 + 10 * size, 76, 126)),
        nucleus_ratio=float(np.clip(0.91 + 0.04 * ratio, 0.76, 0.985)),
        roughness=float(np.clip(0.02 * np.exp(0.35 * rough), 0.006, 0.06)),
        notches=int(np.clip(np.rint(0.6 + 0.9 * rough), 0, 4)),
        clump_px=float(np.clip(13 * np.exp(-0.3 * fine), 6, 28)),
        contrast=float(np.clip(np.exp(-0.15 * fine), 0.6, 1.6)),
        nucleoli=int(np.clip(np.rint(1.3 + 1.1 * nucleoli), 0, 5)),
    )


def _place(subject: Subject, image: int) -> Path:
    field, cell = divmod(image, CELLS_PER_FIELD)
    name = f"UID_{subject.name}_{field + 1}_{cell + 1}_{subject.label}.bmp"
    return Path("training_data") / f"fold_{subject.fold}" / subject.label / name


def _check(subjects: int, images_per_subject: int, folds: int, seed: int, difficulty: float) -> None:
    _expect(folds >= 2, "folds", folds, "2 or more")
    needed = 2 * len(CLASSES) * folds
    _expect(subjects >= needed, "subjects", subjects, f"{needed} or more, 2 of each class in each of {folds} folds")
    _expect(images_per_subject >= 1, "images_per_subject", images_per_subject, "1 or more")
    _expect(seed >= 0, "seed", seed, "0 or more")
    _expect(0 <= difficulty <= 1, "difficulty", difficulty, "0 to 1")
