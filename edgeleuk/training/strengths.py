"""How strongly training images are changed: a preset, or more where the subjects of the data set differ by more.

What two microscopes, two stainings or two days change shows between subjects. Where subjects are known, the standard
deviation between their mean colours, as logarithms, is taken apart into what all channels share (exposure) and the rest
(white balance); either is drawn within twice that, if the preset has less.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.codec import decode, parse_json
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import ImageError, ModelError
from edgeleuk.files import to_json
from edgeleuk.keras.augmentation import PLAIN, PRESETS, Augmentation
from edgeleuk.keras.choices import OFF
from edgeleuk.runtime.images import decode_indexed

_FEWEST_SUBJECTS = 5  # fewer say little about a deviation
_IMAGES_EACH, _MOST_SUBJECTS = 6, 60
_BLACK = 8
_DEVIATIONS = 2.0  # about 95 % of subjects
_MOST_EXPOSURE, _MOST_BALANCE = 0.7, 0.4


@dataclass(frozen=True)
class Spread:
    """Standard deviations between subjects, of logarithms: of what all channels share, and of each channel besides."""

    subjects: int
    exposure: float
    white_balance: float


@dataclass(frozen=True)
class Strengths:
    """What a run's images were changed by: the preset's name, the amounts, and the spread that raised them, if any."""

    robust: str = OFF
    augmentation: Augmentation = PLAIN
    between_subjects: Spread | None = None

    def to_json(self) -> str:
        """JSON text."""
        return to_json(dataclasses.asdict(self))


UNCHANGED = Strengths()  # of runs that say nothing: made before there was a choice


def read_strengths(text: str, name: str) -> Strengths:
    """Read what `to_json` wrote. Raises ModelError."""
    read: Strengths = decode(Strengths, parse_json(text, name, ModelError), name, ModelError)
    return read


def strengths_for(robust: str, index: Index, fold: int) -> Strengths:
    """The amounts of a preset, one of `PRESETS`, for the training images of a fold."""
    preset = PRESETS[robust]
    spread = None if robust == OFF else spread_between_subjects(index, index.training(fold))
    if spread is None:
        return Strengths(robust, preset)
    raised = dataclasses.replace(
        preset,
        exposure=_raised(preset.exposure, spread.exposure, _MOST_EXPOSURE),
        white_balance=_raised(preset.white_balance, spread.white_balance, _MOST_BALANCE),
    )
    return Strengths(robust, raised, spread)


def _raised(preset: float, deviation: float, most: float) -> float:
    return max(preset, min(_DEVIATIONS * deviation, most))


def spread_between_subjects(index: Index, images: Sequence[ImageRecord]) -> Spread | None:
    """How far the mean colours of subjects lie apart, of six images each; None for fewer than five known subjects."""
    by_subject: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in images:
        if image.subject is not None:
            by_subject[image.subject].append(image)
    if len(by_subject) < _FEWEST_SUBJECTS:
        return None
    chosen = [by_subject[name] for name in sorted(by_subject)[:_MOST_SUBJECTS]]
    found = [_mean_colour(index, some) for some in chosen]
    colours = np.array([colour for colour in found if colour is not None])
    if len(colours) < _FEWEST_SUBJECTS:
        return None
    shared = colours.mean(axis=1)
    rest = (colours - shared[:, None]).std(axis=0, ddof=1)
    balance = float(np.sqrt((rest**2).mean()))
    return Spread(len(colours), round(float(shared.std(ddof=1)), 4), round(balance, 4))


def _mean_colour(index: Index, images: Sequence[ImageRecord]) -> NDArray[np.float64] | None:
    """float64 [3]: the mean over images of the logarithm of the mean of what is not black; None if all is."""
    logs = []
    for image in images[:: max(1, len(images) // _IMAGES_EACH)][:_IMAGES_EACH]:
        try:
            pixels = np.asarray(decode_indexed(index.path_of(image)).reduce(4)).reshape(-1, 3)
        except ImageError:
            continue  # reported by name when it is trained on
        seen = pixels[pixels.max(axis=1) > _BLACK]
        if len(seen):
            logs.append(np.log(np.maximum(seen.mean(axis=0), 1.0)))
    return np.mean(logs, axis=0) if logs else None
