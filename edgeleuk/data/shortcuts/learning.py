"""Features learned by a random forest and a logistic regression: fitted on some images and asked about others."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import DataError, MissingExtraError
from edgeleuk.statistics.resampling import weighted_auroc

_STEPS = 2000  # of the logistic regression's solver
_MOST_FOLDS = 5

Rows = NDArray[np.float64]
Labels = NDArray[np.int64]
Parts = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]


def scikit_learn() -> Any:
    """The package sklearn. Raises MissingExtraError if it is not installed."""
    try:
        import sklearn
    except ImportError as error:
        raise MissingExtraError("how far colour alone goes", "train") from error
    return sklearn


@dataclass(frozen=True)
class Answered:
    """What the forest answered about each image that was held out, int64 [n], and the logistic regression, int64 [n].

    `auroc` of the forest: the mean of the parts in which every class was asked about; None if there is none.
    """

    forest: Labels
    logistic: Labels
    auroc: float | None


def cross_validation_parts(truth: Labels, groups: Labels, seed: int) -> Parts:
    """Positions to fit on and to ask about, for each of 5 parts or as many as the rarest class has groups.

    No group is on two sides, and classes are spread evenly. Raises DataError if a class has one group.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(np.unique(groups[truth == name])) for name in np.unique(truth))
    if fewest < 2:
        raise DataError(
            "a class has images of one group only (one subject, or copies of one image); how far colour alone goes "
            "takes two groups of each class: one to learn from, one to ask about"
        )
    folds = StratifiedGroupKFold(min(_MOST_FOLDS, fewest), shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(truth)), truth, groups))


def learn(rows: Rows, truth: Labels, parts: Parts, seed: int) -> Answered:
    """Fit both to float64 [n, features] and classes int64 [n] of each part in turn. scikit-learn's defaults, 100 trees.

    Breiman 2001, "Random Forests"; features of the logistic regression have mean 0 and deviation 1. Images come back in
    the order of the parts.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    forests, logistics, areas = [], [], []
    for known, asked in parts:
        forest = RandomForestClassifier(random_state=seed).fit(rows[known], truth[known])
        probabilities = forest.predict_proba(rows[asked])
        forests.append(forest.classes_[probabilities.argmax(axis=1)])
        areas.append(_auroc(truth[asked], probabilities, forest.classes_))
        logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_STEPS))
        with threadpool_limits(1), warnings.catch_warnings():  # of so few numbers, more threads only wait
            warnings.simplefilter("ignore")  # that it stopped before its optimum, for classes that are told apart fully
            logistics.append(logistic.fit(rows[known], truth[known]).predict(rows[asked]))
    found = [area for area in areas if area is not None]
    return Answered(np.concatenate(forests), np.concatenate(logistics), float(np.mean(found)) if found else None)


def _auroc(truth: Labels, probabilities: Rows, classes: Labels) -> float | None:
    """Of two classes that of one, of more the mean of each against the rest; None if one was not asked about."""
    if len(classes) < 2 or set(np.unique(truth)) != set(classes):
        return None
    chosen = range(1, 2) if len(classes) == 2 else range(len(classes))
    one = np.ones((1, len(truth)))
    return float(np.mean([weighted_auroc(truth == classes[k], probabilities[:, k], one)[0] for k in chosen]))


def most_frequent(truth: Labels, parts: Parts) -> Labels:
    """int64 [n]: of each part the most frequent class among the images to fit on, for each image asked about."""
    return np.concatenate([np.full(len(asked), np.bincount(truth[known]).argmax()) for known, asked in parts])


def by_subject(truth: Labels, subjects: Labels, parts: Parts) -> tuple[Labels, int]:
    """The same of the image's own subject, int64 [n]; of a subject that is not among them, of all.

    And how many images have a subject that is. A subject of -1 is unknown.
    """
    answers, known_images = [], 0
    for known, asked in parts:
        usual = int(np.bincount(truth[known]).argmax())
        own = {int(name): int(np.bincount(truth[known][subjects[known] == name]).argmax()) for name in subjects[known]}
        own.pop(-1, None)
        answers.append(np.array([own.get(int(name), usual) for name in subjects[asked]], np.int64))
        known_images += sum(int(name) in own for name in subjects[asked])
    return np.concatenate(answers), known_images
