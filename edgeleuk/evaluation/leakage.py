"""What leaking folds are worth: one cross-validation with images dealt at random, one by subject, side by side.

Everything else is the same: images, settings, number of folds, seeds. Each image is answered by the network of the fold
that held it out, so both sides are of the same images, and their difference is taken over subjects: the subjects'
images that one side gained and the other lost (`edgeleuk.statistics.few_subjects`).
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.crossings import Crossings, crossings
from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.random_folds import LEAKS, random_folds
from edgeleuk.errors import DataError, UsageError
from edgeleuk.evaluation.evaluate import Prediction, Request, evaluate
from edgeleuk.evaluation.predictors import open_predictor
from edgeleuk.files import refuse_taken
from edgeleuk.statistics.few_subjects import difference_bounds
from edgeleuk.statistics.metrics import Scores, score
from edgeleuk.statistics.resampling import Bootstrap
from edgeleuk.training.config import RANDOM, SUBJECT, TrainConfig, weights_facts

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Side:
    """One way of dealing folds: what crosses them, and the scores of all held-out images, over subjects."""

    split: str
    crossings: Crossings
    scores: Scores
    leaks: str | None


@dataclass(frozen=True)
class Leakage:
    """Both sides, and by how much the leaking one is better, in accuracy; bounds None with one subject."""

    random: Side
    subject: Side
    unit: str
    groups: int
    accuracy_difference: float
    low: float | None
    high: float | None
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"schema_version": SCHEMA_VERSION, "leaks": LEAKS, **dataclasses.asdict(self)}


def measure_leakage(index: Index, config: TrainConfig, out: Path, report: Callable[[str], None]) -> Leakage:
    """Train both cross-validations below `out`, what is complete there kept, and compare them.

    Raises DataError without subjects, UsageError without folds, OutputError if `out` holds something else, and what
    `cross_validate` and `evaluate` raise.
    """
    from edgeleuk.training.cross_validation import cross_validate

    if index.fold_count < 2:
        raise UsageError("the index has one held-out part and no folds; deal some with 'edgeleuk data split --redeal'")
    if not index.subjects_known:
        raise DataError("no subject is known, so nothing says what leaks; expected an index whose images have subjects")
    if not any((out / split).is_dir() for split in (RANDOM, SUBJECT)):
        refuse_taken(out)
    answers: dict[str, dict[str, Prediction]] = {}
    dealt = {RANDOM: random_folds(index, config.seed), SUBJECT: index}
    for split in dealt:
        own = dataclasses.replace(config, split=split)
        begun = (out / split).is_dir()
        report(cross_validate(index, own, out / split, begun, report))
        answers[split] = _held_out(out / split, dealt[split], report)
    images = [image for image in index.images if image.split == "train" and image.label is not None]
    settings = {name: value for name, value in dataclasses.asdict(config).items() if name not in ("split", "fold")}
    return compared(images, answers, dealt, settings | weights_facts(config.weights))


def _held_out(folder: Path, index: Index, report: Callable[[str], None]) -> dict[str, Prediction]:
    """The answer to each image by the network that did not learn from it, by path."""
    found: dict[str, Prediction] = {}
    for fold in range(index.fold_count):
        run = folder / f"fold_{fold}"
        report(f"evaluating {run} on the fold that it held out")
        # "allow": a byte-identical copy may be among the images that it learnt from, which is one of the leaks.
        evaluation = evaluate(open_predictor(run), index, run, Request("validation", "allow", resamples=100))
        found |= {each.path: each for each in evaluation.predictions}
    return found


def compared(
    images: Sequence[ImageRecord],
    answers: dict[str, dict[str, Prediction]],
    dealt: dict[str, Index],
    settings: dict[str, Any],
) -> Leakage:
    """From the held-out answers of both sides, by path, and the indexes by which the folds were dealt."""
    groups = np.unique(np.array(group_ids(images)), return_inverse=True)[1]
    right = {split: _right(images, found) for split, found in answers.items()}
    gained, lost, sizes = (
        np.bincount(groups, weights=each).astype(np.float64)
        for each in (right[RANDOM] & ~right[SUBJECT], right[SUBJECT] & ~right[RANDOM], np.ones(len(images)))
    )
    low, high = difference_bounds(gained, lost, sizes) if len(sizes) > 1 else (None, None)
    classes = dealt[SUBJECT].classes
    sides = {
        split: Side(split, crossings(index), _scores(images, answers[split], classes, groups), index.leaks)
        for split, index in dealt.items()
    }
    difference = float(right[RANDOM].mean() - right[SUBJECT].mean())
    return Leakage(sides[RANDOM], sides[SUBJECT], "subject", len(sizes), difference, low, high, settings)


def _right(images: Sequence[ImageRecord], answers: dict[str, Prediction]) -> NDArray[np.bool_]:
    return np.array([answers[image.path].predicted == image.label for image in images], np.bool_)


def _scores(
    images: Sequence[ImageRecord], answers: dict[str, Prediction], classes: tuple[str, ...], groups: NDArray[np.int64]
) -> Scores:
    own = [answers[image.path] for image in images]
    return score(
        np.array([classes.index(each.label) for each in own]),
        np.array([each.probabilities for each in own]),
        groups,
        predicted=np.array([classes.index(each.predicted) for each in own]),
        bootstrap=Bootstrap("subject"),
    )
