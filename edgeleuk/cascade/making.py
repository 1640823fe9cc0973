"""From two model files and an index to one cascade; validation images say how sure the first model has to be."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeleuk.cascade.latency import CascadeTimes, Measure, measure_times
from edgeleuk.cascade.threshold import choose_threshold
from edgeleuk.data.index import ImageRecord, Index, verify_files
from edgeleuk.errors import DataError, LeakError, ModelError, UsageError
from edgeleuk.evaluation.class_changes import class_changes
from edgeleuk.evaluation.comparison import Comparison, compare_answers
from edgeleuk.evaluation.selection import choose_images, seen_in_training
from edgeleuk.runtime.bundle import Bundle, CascadePart, pack, parse_bundle, read_bundle, with_references
from edgeleuk.runtime.cascade import Cascade, calibrated, is_sure
from edgeleuk.runtime.cascade_rule import CascadeRule
from edgeleuk.runtime.classifier import Classifier, decoded
from edgeleuk.runtime.decision import FLOAT_FLOOR, as_probabilities, decide
from edgeleuk.statistics.noninferiority import Gate
from edgeleuk.statistics.resampling import scipy_stats
from edgeleuk.statistics.temperature import at_limit, fit_temperature

_TIMED_IMAGES = 8
Report = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """Two model files, the share of accuracy that may be lost against the large one, and threads to time with."""

    small: Path
    large: Path
    max_drop: float = 0.003
    threads: int = 1


@dataclass(frozen=True)
class Part:
    """One of the two models."""

    path: Path
    bundle: Bundle
    classifier: Classifier


@dataclass(frozen=True)
class MadeCascade:
    """A cascade's file, and what is known of it. `notes` are what must be said beside the figures."""

    content: bytes
    first: Part
    large: Part
    rule: CascadeRule
    comparison: Comparison
    times: CascadeTimes
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Answers:
    """To n images: the first model's probabilities at temperature 1, float32 [n, classes], the large one's, truth."""

    first_scores: NDArray[np.float32]
    large_chosen: NDArray[np.int64]
    truth: NDArray[np.int64]


def make_cascade(
    request: Request, index: Index, report: Report = print, measure: Measure = measure_times
) -> MadeCascade:
    """Choose temperature and threshold, and measure what it takes.

    Raises UsageError for models that do not belong together, DataError or LeakError if the index has no images that
    neither was trained on, ModelError if the first model could never answer, or a file cannot be used.
    """
    scipy_stats()  # before minutes of predictions, not after
    first, second = _parts(request.small, request.large)
    images = _images(index, first, second)
    verify_files(index, images)
    report(f"run both models on {len(images):,} validation images")
    answers = _answers(first.classifier, second.classifier, index, images)
    rule, right = _rule(answers, first, second, index, request.max_drop)
    part = CascadePart(rule, first.bundle.content)
    seen = first.bundle.seen | second.bundle.seen
    # What the large model alone was found to do says nothing of the two together.
    spec = dataclasses.replace(second.classifier.spec, calibration=None)
    calibrated_on = second.bundle.calibrated
    packed = pack(second.bundle.flatbuffer, spec, second.bundle.proof or {}, seen, part, calibrated_on)
    content = with_references(packed, second.bundle.references)
    report("measure both models in turn")
    paths = [index.path_of(image) for image in images[:_TIMED_IMAGES]]
    shares_input = _opened(content, request.large).shares_input
    medians = measure(first.bundle.content, second.bundle.content, paths, request.threads)
    times = CascadeTimes(request.threads, *medians, shares_input)
    comparison = _comparison(answers, right, second, images, request.max_drop)
    return MadeCascade(content, first, second, rule, comparison, times, tuple(_notes(rule, first, second)))


def _parts(small: Path, large: Path) -> tuple[Part, Part]:
    first, second = _part(small), _part(large)
    if first.bundle.sha256 == second.bundle.sha256:
        raise UsageError(f"{small} and {large} are the same model; a cascade needs a small and a large one")
    one, other = first.classifier.spec, second.classifier.spec
    if one.classes != other.classes:
        raise UsageError(
            f"{small} knows {', '.join(one.classes)}, {large} knows {', '.join(other.classes)}; expected the same "
            "classes in the same order"
        )
    if one.provenance.fold != other.provenance.fold:
        raise UsageError(
            f"{small} was trained without fold {one.provenance.fold}, {large} without {other.provenance.fold}; neither "
            "fold is unseen by both: train both with the same --fold"
        )
    return first, second


def _part(path: Path) -> Part:
    bundle = read_bundle(path)
    if bundle.cascade is not None:
        raise UsageError(f"{path} is itself a cascade; give the two models to combine")
    classifier = Classifier(bundle, path)
    if classifier.spec.provenance.fold is None:
        raise UsageError(
            f"{path} does not say which fold was held out of its training; expected a model that 'edgeleuk convert' "
            "made from a run"
        )
    return Part(path, bundle, classifier)


def _opened(content: bytes, path: Path) -> Cascade:
    """The cascade, as it will be used: what does not fit together shows before it is written."""
    cascade = Cascade(parse_bundle(content, path), path)
    cascade.try_out()
    return cascade


def _images(index: Index, first: Part, second: Part) -> tuple[ImageRecord, ...]:
    """The labelled images of the fold that was held out of both trainings."""
    fold = second.classifier.spec.provenance.fold
    if fold is None or not any(image.label is not None for image in index.validation(fold)):
        raise DataError(
            f"the index has no labelled image of fold {fold}, which was held out of both trainings; give the "
            "index that they were trained with"
        )
    images = choose_images(index, second.classifier, "validation", "allow")
    for part in (first, second):
        seen = seen_in_training(index, part.classifier).intersection(images)
        if seen:
            raise LeakError(
                f"{part.path} was trained or calibrated on {len(seen):,} of the {len(images):,} validation images of "
                f"fold {fold}, on which it is overconfident; give the index that it was trained with"
            )
    return images


def _answers(first: Classifier, second: Classifier, index: Index, images: Sequence[ImageRecord]) -> _Answers:
    scores, probabilities = [], []
    for record in images:
        image = decoded(index.path_of(record))
        scores.append(as_probabilities(first.network.scores(first.prepare(image)), first.spec))
        probabilities.append(second.softened(second.network.scores(second.prepare(image))))
    truth = np.array([second.spec.classes.index(str(record.label)) for record in images])
    if not (np.isfinite(scores).all() and np.isfinite(probabilities).all()):
        raise ModelError("a model's answers to some images are not finite; it cannot be part of a cascade")
    return _Answers(np.stack(scores), decide(np.stack(probabilities), second.spec), truth)


def _rule(
    answers: _Answers, first: Part, second: Part, index: Index, max_drop: float
) -> tuple[CascadeRule, NDArray[np.bool_]]:
    """The rule, and bool [n]: what the cascade gets right."""
    spec, truth = second.classifier.spec, answers.truth
    scale = first.classifier.network.output["quantization"][0]
    temperature = fit_temperature(answers.first_scores, truth, scale / 2 or FLOAT_FLOOR)
    # One by one, as at run time: what is chosen here has to be what is compared there, to the last bit.
    rows = [calibrated(scores, temperature) for scores in answers.first_scores]
    first_right = decide(np.stack(rows), spec) == truth
    large_right = answers.large_chosen == truth
    threshold = choose_threshold(np.array([row.max() for row in rows]), first_right, large_right, max_drop)
    if threshold is None:
        raise ModelError(
            f"nothing is gained: wherever {first.path} is surest, it loses more than the {100 * max_drop:g} points "
            f"allowed against {second.path} on {len(truth):,} validation images. Allow more with --max-drop, or take a "
            "better small model"
        )
    early = np.array([is_sure(row, threshold) for row in rows])
    right = np.where(early, first_right, large_right)
    rule = CascadeRule(
        threshold=threshold,
        temperature=temperature,
        max_drop_points=round(100 * max_drop, 9),
        first_sha256=first.bundle.sha256,
        large_sha256=second.bundle.sha256,
        index_sha256=index.sha256,
        fold=int(spec.provenance.fold or 0),
        images=len(truth),
        answered_first=int(early.sum()),
        right_first=int(first_right.sum()),
        right_large=int(large_right.sum()),
        right_cascade=int(right.sum()),
    )
    return rule, right


def _comparison(
    answers: _Answers, right: NDArray[np.bool_], second: Part, images: Sequence[ImageRecord], max_drop: float
) -> Comparison:
    paths = [image.path for image in images]
    reference = dict(zip(paths, (answers.large_chosen == answers.truth).tolist(), strict=True))
    candidate = dict(zip(paths, right.tolist(), strict=True))
    result = compare_answers(images, reference, candidate, Gate(margin=max_drop))
    classes = class_changes(images, reference, candidate, second.classifier.spec.positive_class)
    return Comparison(str(second.path), second.bundle.sha256, result, classes)


def _notes(rule: CascadeRule, first: Part, second: Part) -> Iterator[str]:
    yield (
        "these are the images that the threshold was chosen on, and that steered training: expect to lose more on "
        "others, and judge it on a test split by 'edgeleuk evaluate CASCADE INDEX --split test --against LARGE'"
    )
    for part in (first, second):
        if not part.bundle.seen:
            yield f"{part.path} does not say which images it was trained on: overlap cannot be ruled out"
    if second.classifier.spec.calibration is not None:
        yield (
            "the large model keeps its temperature and threshold; the evidence of its calibration and its conformal "
            "sets are of it alone, and are left out"
        )
    if 100 / rule.images > rule.max_drop_points:
        yield f"one of {rule.images:,} images is more than {rule.max_drop_points:g} points: not one may be lost"
    if rule.right_first > rule.right_large:
        yield "the first model is the more accurate one here: alone it is faster and no worse"
    elif rule.answered_first == rule.images:
        yield "the first model answers every one of these images: alone it would do the same, and is smaller"
    if at_limit(rule.temperature):
        yield f"the temperature {rule.temperature:.3g} is at its limit: too few errors, or too many, to calibrate on"
    if first.classifier.spec.decision.threshold != second.classifier.spec.decision.threshold:
        yield "the two models decide by different thresholds; the large one's holds for both"
