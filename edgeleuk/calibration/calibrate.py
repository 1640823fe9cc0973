"""From a model file and an index to the same network with a temperature, a threshold and sets that were measured."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeleuk.calibration.answers import Answers, check_enough, collect_answers, default_split
from edgeleuk.calibration.operating_point import ChosenPoint, Goal, choose_point, kept_threshold
from edgeleuk.calibration.sets import ChosenSets, check_miss, choose_sets
from edgeleuk.data.index import Index
from edgeleuk.errors import UsageError
from edgeleuk.reliability import Calibration, Interval
from edgeleuk.runtime.bundle import Bundle, pack, read_bundle, with_references
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import decide
from edgeleuk.spec import Decision, ModelSpec
from edgeleuk.statistics.calibration import CalibrationScores, calibration_scores
from edgeleuk.statistics.metrics import Bootstrap, Estimate, confusion_matrix
from edgeleuk.statistics.resampling import scipy_stats
from edgeleuk.statistics.temperature import at_limit, fit_temperature

_MOST_GROUPS = 500  # whose confusion matrices are kept in the spec
Report = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """A model file, and what to choose on which split; `miss` is the share of sets that may lack the true class."""

    model: Path
    split: str | None = None
    goal: Goal | None = None
    miss: float | None = None


@dataclass(frozen=True)
class Calibrated:
    """A calibrated model's file, and what is known of it. `before` is at temperature 1, `after` cross-fitted."""

    content: bytes
    spec: ModelSpec
    split: str
    answers: Answers
    before: CalibrationScores
    after: CalibrationScores
    point: ChosenPoint | None
    sets: ChosenSets | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Fitted:
    """A temperature, and float32 [n, classes]: probabilities at temperatures of other groups. `why`: if it is 1."""

    temperature: float
    probabilities: NDArray[np.float32]
    why: str | None = None


def calibrate(request: Request, index: Index, report: Report = print) -> Calibrated:
    """Calibrate a model on held-out images of an index.

    Raises DataError, with the number that is needed, if too little was held out; UsageError for what the model cannot
    have, LeakError for images of subjects that it was trained on, ModelError or SpecError for a file of no use.
    """
    scipy_stats()  # before minutes of predictions, not after
    bundle = read_bundle(request.model)
    classifier, former = _uncalibrated(bundle, request)
    split = request.split or default_split(index, former.provenance.fold)
    answers = collect_answers(classifier, index, split)
    check_enough(answers)
    report(f"calibrate on {len(answers.images):,} images of split '{split}'")
    fitted = _fitted(answers)
    point = (
        None
        if request.goal is None
        else choose_point(request.goal, answers, fitted.temperature, fitted.probabilities, former)
    )
    threshold = kept_threshold(former.decision, fitted.temperature) if point is None else point.threshold
    chosen = _decided(fitted.probabilities, former, threshold) if point is None else point.chosen
    decision = Decision(fitted.temperature, threshold, f"{len(answers.images):,} {split} images of {_held(answers)}")
    sets = None
    if request.miss is not None:
        sets = choose_sets(answers, answers.at(fitted.temperature), chosen, request.miss)
    how = Bootstrap(answers.unit)
    before, after = (
        calibration_scores(answers.truth, rows, answers.groups, how) for rows in (answers.scores, fitted.probabilities)
    )
    made = Calibrated(b"", former, split, answers, before, after, point, sets, ())
    evidence = _evidence(made, chosen, bundle.network_sha256, index.sha256)
    spec = dataclasses.replace(former, decision=decision, calibration=evidence)
    digits = frozenset[str]().union(*(image.digests for image in answers.images))
    packed = pack(bundle.flatbuffer, spec, bundle.proof or {}, bundle.seen, calibrated=digits)
    content = with_references(packed, bundle.references)
    notes = tuple(_notes(made, fitted, classifier))
    return dataclasses.replace(made, content=content, spec=spec, notes=notes)


def _uncalibrated(bundle: Bundle, request: Request) -> tuple[Classifier, ModelSpec]:
    """The model at temperature 1, deciding by the most probable class; and its spec without an old calibration."""
    path, spec = request.model, bundle.require_spec(request.model)
    if bundle.cascade is not None:
        raise UsageError(
            f"{path} is a cascade, whose two models would need a temperature each; calibrate the large one, then make "
            "the cascade of it"
        )
    if request.goal is not None and (len(spec.classes) != 2 or spec.positive_class is None):
        raise UsageError(
            f"{path} knows {', '.join(spec.classes)}, positive class {spec.positive_class or 'none'}; an operating "
            "point needs two classes, one of them positive"
        )
    if request.miss is not None:
        check_miss(request.miss)
    former = dataclasses.replace(spec, calibration=None)
    plain = dataclasses.replace(former, decision=Decision())
    return Classifier(dataclasses.replace(bundle, spec=plain), path), former


def _held(answers: Answers) -> str:
    count = answers.group_count
    return f"{count:,} {answers.unit}{'' if count == 1 else 's'}"


def _fitted(answers: Answers) -> _Fitted:
    """Temperature of all images, and of each image the probabilities at the one that its group had no part in."""
    right = answers.scores.argmax(axis=1) == answers.truth
    if right.all():
        return _Fitted(1.0, answers.scores, "not one of these images was answered wrong")
    rows = np.empty_like(answers.scores)
    for own, others in answers.others():
        temperature = fit_temperature(answers.scores[others], answers.truth[others], answers.floor)
        rows[own] = answers.at(temperature)[own]
    if _loss(rows, answers) >= _loss(answers.scores, answers):
        return _Fitted(1.0, answers.scores, "no other made the answers of held-out groups likelier")
    return _Fitted(float(np.float32(fit_temperature(answers.scores, answers.truth, answers.floor))), rows)


def _loss(probabilities: NDArray[np.float32], answers: Answers) -> float:
    own = probabilities[np.arange(len(answers.truth)), answers.truth].astype(np.float64)
    return -float(np.log(np.maximum(own, answers.floor)).mean())


def _decided(probabilities: NDArray[np.float32], spec: ModelSpec, threshold: float | None) -> NDArray[np.int64]:
    return decide(probabilities, dataclasses.replace(spec, decision=Decision(threshold=threshold)))


def _evidence(made: Calibrated, chosen: NDArray[np.int64], network: str, index: str) -> Calibration:
    answers, before, after = made.answers, made.before, made.after
    confusion, count = confusion_matrix(answers.truth, chosen, len(answers.classes)), len(answers.classes)
    own = answers.unit == "subject" and answers.group_count <= _MOST_GROUPS
    members = (answers.groups == group for group in range(answers.group_count if own else 0))
    return Calibration(
        network_sha256=network,
        index_sha256=index,
        images=len(answers.images),
        groups=answers.group_count,
        unit=answers.unit,
        ece_before=interval(before.ece),
        ece_after=interval(after.ece),
        brier_before=interval(before.brier),
        brier_after=interval(after.brier),
        confidence_before=interval(before.confidence),
        confidence_after=interval(after.confidence),
        accuracy=Interval(float(np.trace(confusion)) / len(answers.images)),
        chance_ece=after.chance_ece,
        split=made.split,
        operating_point=None if made.point is None else made.point.evidence,
        abstention=None if made.sets is None else made.sets.abstention,
        confusion=_rows(confusion),
        groups_confusion=tuple(_rows(confusion_matrix(answers.truth[each], chosen[each], count)) for each in members),
    )


def interval(estimate: Estimate) -> Interval:
    """An estimate as a spec keeps it; bounds hold the value even where a bootstrap's do not."""
    if estimate.low is None or estimate.high is None:
        return Interval(estimate.value)
    return Interval(estimate.value, min(estimate.low, estimate.value), max(estimate.high, estimate.value))


def _rows(matrix: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))


def _notes(made: Calibrated, fitted: _Fitted, classifier: Classifier) -> Iterator[str]:
    answers = made.answers
    if fitted.why is not None:
        yield f"the temperature stays 1: {fitted.why}"
    elif at_limit(fitted.temperature):
        yield f"the temperature {fitted.temperature:.3g} is at its limit: too few errors, or too many, to calibrate on"
    if not classifier.trained_on:
        yield "the model does not say which images it was trained on: overlap cannot be ruled out"
    if made.split == "validation":
        yield "the validation fold has steered training: judge the result by 'edgeleuk evaluate' on test images"
    unknown = sum(image.subject is None for image in answers.images)
    if unknown:
        yield (
            f"the subject of {unknown:,} of {len(answers.images):,} images is unknown: each is taken for a subject of "
            "its own, and no claim about new patients can be made"
        )
    unsure = None if made.sets is None else made.sets.abstention.uncertain
    if unsure is not None and unsure.value == 0:
        yield (
            "no answer is uncertain: the model errs less often than --abstain allows; ask for less, such as half of it"
        )
