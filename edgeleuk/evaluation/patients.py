"""What an evaluation says of subjects, not images: the share of a class in each, and how well they are told apart.

The error rates behind a subject's interval are those of the other held-out subjects: its own labels must not help.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeleuk.evaluation.evaluate import Evaluation, Prediction
from edgeleuk.runtime.decision import answer_set
from edgeleuk.statistics.patient_roc import PatientRoc, patient_roc
from edgeleuk.statistics.resampling import Bootstrap
from edgeleuk.subjects.cells import SubjectCells
from edgeleuk.subjects.errors_known import Confusion, KnownErrors, errors_of
from edgeleuk.subjects.text import SubjectRow

_SLACK = 1e-9


@dataclass(frozen=True)
class HeldOutSubject:
    """A subject, what may be said of its cells, the share that its labels say, and the mean probability of the class.

    The share is of the cells that count, those that the model is sure of. `label_share` and `score` are None if no
    class is the positive one.
    """

    row: SubjectRow
    label_share: float | None
    score: float | None

    @property
    def holds(self) -> bool | None:
        """Whether the interval holds the share that the labels say; None without a share that carries the errors."""
        if self.label_share is None or not self.row.shares or not self.row.shares[0].with_errors:
            return None
        share = self.row.shares[0].share
        return share.low - _SLACK <= self.label_share <= share.high + _SLACK

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return self.row.summary() | {"label_share": self.label_share, "score": self.score, "holds": self.holds}


@dataclass(frozen=True)
class PatientLevel:
    """Subjects of an evaluation by name; `mixed` have cells of the positive class and of others.

    `errors` are those of all of them, to be told beside the shares; None if no shares were asked for. `width`: how wide
    an interval may be, if that was asked.
    """

    subjects: tuple[HeldOutSubject, ...]
    errors: KnownErrors | None
    roc: PatientRoc | None
    mixed: int
    classes: tuple[str, ...] = ()
    width: float | None = None

    @property
    def judged(self) -> int:
        """How many have an interval that carries the model's errors."""
        return sum(found.holds is not None for found in self.subjects)

    @property
    def held(self) -> int:
        """How many of those intervals hold what the labels say."""
        return sum(found.holds is True for found in self.subjects)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the subjects only if their shares were asked for."""
        roc = {"roc": None if self.roc is None else vars(self.roc), "mixed_subjects": self.mixed}
        if self.errors is None:
            return roc
        return roc | {
            "subjects": [found.to_dict() for found in self.subjects],
            "errors": self.errors.sentence,
            "intervals_with_errors": self.judged,
            "intervals_that_hold": self.held,
        }


def patient_level(
    evaluation: Evaluation, shares: bool = False, width: float | None = None, how: Bootstrap | None = None
) -> PatientLevel:
    """Of the subjects that are known; images without one are left out. With `shares` what may be said of each."""
    own: dict[str, list[Prediction]] = {}
    for found in evaluation.predictions:
        if found.subject is not None:
            own.setdefault(found.subject, []).append(found)
    positive = evaluation.positive_class
    errors, without = _errors(own, evaluation) if shares else (None, {})
    subjects = tuple(_held_out(name, own[name], evaluation, without.get(name), width) for name in sorted(own))
    mixed = [found for found in subjects if found.label_share is not None and 0 < found.label_share < 1]
    return PatientLevel(subjects, errors, _roc(subjects, positive, how), len(mixed), evaluation.classes, width)


def _errors(
    own: Mapping[str, Sequence[Prediction]], evaluation: Evaluation
) -> tuple[KnownErrors, dict[str, KnownErrors]]:
    """Of all subjects, and for each one those of the others."""
    classes, positive = evaluation.classes, evaluation.positive_class
    sure = {name: [p for p in predictions if _is_sure(p, evaluation)] for name, predictions in own.items()}
    tables = {name: _confusion(predictions, classes) for name, predictions in sure.items()}
    source = f"this evaluation, for each subject without its own cells: {len(own) - 1:,} others"
    everyone = errors_of(classes, positive, list(tables.values()), source)
    without = {}
    for name in own:
        others = [table for other, table in tables.items() if other != name]
        without[name] = errors_of(classes, positive, others, f"{len(others):,} other subjects")
    return everyone, without


def _is_sure(found: Prediction, evaluation: Evaluation) -> bool:
    """Whether the conformal set of an answer holds the chosen class alone; true if the model has no such sets."""
    if evaluation.least_probability is None:
        return True
    chosen = evaluation.classes.index(found.predicted)
    return int(answer_set(np.array(found.probabilities, np.float32), chosen, evaluation.least_probability).sum()) == 1


def _confusion(predictions: Sequence[Prediction], classes: Sequence[str]) -> Confusion:
    table = np.zeros((len(classes), len(classes)), np.int64)
    for found in predictions:
        table[classes.index(found.label), classes.index(found.predicted)] += 1
    rows: Confusion = table.tolist()
    return rows


def _held_out(
    name: str,
    predictions: Sequence[Prediction],
    evaluation: Evaluation,
    errors: KnownErrors | None,
    width: float | None,
) -> HeldOutSubject:
    positive, classes = evaluation.positive_class, evaluation.classes
    sure = [found for found in predictions if _is_sure(found, evaluation)]
    answered = {label: sum(found.predicted == label for found in sure) for label in classes}
    cells = SubjectCells(
        name, {label: count for label, count in answered.items() if count}, abstained=len(predictions) - len(sure)
    )
    row = SubjectRow(cells, ()) if errors is None else SubjectRow.of(cells, classes, errors, width)
    if positive is None:
        return HeldOutSubject(row, None, None)
    number = classes.index(positive)
    counted = sure or predictions  # of no sure answer there is no share to compare with
    label_share = float(np.mean([found.label == positive for found in counted]))
    return HeldOutSubject(row, label_share, float(np.mean([found.probabilities[number] for found in predictions])))


def _roc(subjects: Sequence[HeldOutSubject], positive: str | None, how: Bootstrap | None) -> PatientRoc | None:
    """Of subjects all of whose cells are of the positive class, and of those of whom none is."""
    pure = [found for found in subjects if found.label_share in (0.0, 1.0)]
    if positive is None or not pure:
        return None
    labels = np.array([found.label_share == 1.0 for found in pure])
    scores = np.array([found.score for found in pure], np.float64)
    return patient_roc(labels, scores, f"mean probability of {positive} over a subject's images", how)
