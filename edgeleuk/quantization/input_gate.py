"""Fitting the input gate of a converted model: what its training images were like, by the model's own eyes.

The bounds of a distance are quantiles. How far a training image lies from those of other subjects, in a space made
without it, is what a new subject's is to be compared with; where held-out images lie farther off, their quantile is the
bound. Every other measure has a bound that lies well beyond all training images, so that hardly any picture is refused
for chance; of light, also as far as training changed it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.groups import group_ids
from edgeleuk.data.sampling import ImageSet, draw
from edgeleuk.errors import UsageError
from edgeleuk.keras.augmentation import PLAIN, Augmentation
from edgeleuk.quantization.answering import Answer, answer
from edgeleuk.quantization.other_light import look_in_other_light, vectors, widened
from edgeleuk.quantization.source import Source
from edgeleuk.reliability import FEATURE_DISTANCE, PICTURE_DISTANCE, InputGate, Interval, Measured
from edgeleuk.runtime.classifier import Classifier, default_threads
from edgeleuk.runtime.gate import OTHER_LIGHT, WORDS, Gate, Reference, is_other_light, pack_references, usual_light
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.runtime.measures import Measures, measure_picture
from edgeleuk.runtime.pipeline import mapped
from edgeleuk.runtime.preprocessing import constant_colours, cut_and_resize, in_rgb
from edgeleuk.statistics.few_subjects import jackknife_spread, share_bounds

FEWEST_IMAGES = 20
CONFIDENCE = "confidence"
# Of these shares of pictures like the training images each distance is to be within its bound.
_WITHIN = {PICTURE_DISTANCE: 0.96, FEATURE_DISTANCE: 0.99}
_FEATURE_DIMENSIONS, _LEAST_SPREAD = 24, {PICTURE_DISTANCE: 0.02, FEATURE_DISTANCE: 1e-6}
_SHARES = np.linspace(0, 1, 101)
_WITHIN_IN_OTHER_LIGHT = 0.95  # of pictures whose light is none that the images have as they are
_FOLDS = 5
_ONE_SIDED = {"focus": "low", "noise": "high"}
_SLACK = {"cell_pieces": 1.0, "cell_red_green": 0.05, "cell_blue_green": 0.05}
_LEAST_SLACK = 0.02
_SHARES_OF_ONE = ("brightness", "contrast", "clipped_dark", "clipped_bright", "cell_share", "cell_size", "cell_edge")

Numbers = NDArray[np.float64]
_NONE_YET: Mapping[Path, Answer] = {}


@dataclass(frozen=True)
class FittedGate:
    """An input gate: what goes into the spec, and the file beside it."""

    spec: InputGate
    references: bytes


@dataclass(frozen=True)
class _Seen:
    """Images as the model sees them: `named` [n] of each measure, `spaces` [n, numbers]; `groups`: of one subject."""

    named: dict[str, Numbers]
    spaces: dict[str, Numbers]
    groups: NDArray[np.int64]

    @property
    def count(self) -> int:
        return len(self.groups)

    def some(self, chosen: NDArray[np.bool_]) -> "_Seen":
        """Those of them."""
        named = {name: values[chosen] for name, values in self.named.items()}
        return _Seen(named, {name: rows[chosen] for name, rows in self.spaces.items()}, self.groups[chosen])


@dataclass(frozen=True)
class GateImages:
    """A sample of a model's training images, and of those that it was not trained on; their index by its hash.

    `augmentation`: how far training changed the former.
    """

    training: ImageSet
    held_out: ImageSet | None
    index_sha256: str
    augmentation: Augmentation = PLAIN


def gate_images(source: Source, count: int, seed: int) -> GateImages:
    """At most `count` of each. Raises UsageError if too few or none are known, DataError if they are not there."""
    index = source.index
    if index is None:
        raise UsageError("the images that it was trained on are not known")
    training = [image for image in index.images if not source.seen.isdisjoint(image.digests)]
    if min(len(training), count) < FEWEST_IMAGES:
        raise UsageError(f"it takes {FEWEST_IMAGES} training images, here are {min(len(training), count)}")
    held_out = source.held_out
    others = draw(index, held_out, count, seed) if held_out else None
    return GateImages(draw(index, training, count, seed), others, index.sha256, source.augmentation)


def fit_gate(
    classifier: Classifier, images: GateImages, network_sha256: str, answers: Mapping[Path, Answer] = _NONE_YET
) -> FittedGate:
    """The gate for a model; its `passing` is of held-out images if there are any.

    `answers`: what the model is known to say of some of the images, which it is not run on again.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    # For products of matrices as small as here more threads only wait, for long where other work goes on. Nor do the
    # last digits then depend on the number of cores.
    with threadpool_limits(1):
        return _fitted(classifier, images, network_sha256, answers)


def _fitted(
    classifier: Classifier, images: GateImages, network_sha256: str, answers: Mapping[Path, Answer]
) -> FittedGate:
    held_out = images.held_out
    seen = _look(classifier, images.training, answers)
    references = {name: fit_reference(rows, name) for name, rows in seen.spaces.items()}
    tuning, judging = _halves(None if held_out is None else _look(classifier, held_out, answers))
    own = {name: as_if_new(rows, seen.groups, name) for name, rows in seen.spaces.items()}
    measures = {name: _bounded(name, values) for name, values in seen.named.items() if name != CONFIDENCE}
    compared = seen if tuning is None else tuning
    others = None if tuning is None else effective_groups(tuning.groups)
    measures[CONFIDENCE] = Measured(quantiles(compared.named[CONFIDENCE]), groups=others)
    lit = look_in_other_light(images.training, classifier.spec.preprocessing, images.augmentation)
    if lit:
        usual = usual_light(measures)
        references[OTHER_LIGHT] = fit_other_light(lit, seen.groups, usual, own[PICTURE_DISTANCE])
        measures |= widened(measures, lit)
    for name in seen.spaces:
        found = None if tuning is None else _from_references(name, references, measures, tuning)
        like = own[name] if found is None or name == PICTURE_DISTANCE else found
        bound = max(float(np.quantile(each, _WITHIN[name])) for each in (own[name], found) if each is not None)
        measures[name] = Measured(quantiles(like), high=_rounded(bound), groups=others if like is found else None)
    groups = len(np.unique(seen.groups)) if any(image.subject for image in images.training.images) else None
    effective = None if groups is None else effective_groups(seen.groups)
    gate = InputGate(
        network_sha256, images.index_sha256, seen.count, measures, groups=groups, effective_groups=effective
    )
    passing = None if judging is None else _passing(gate, references, judging)
    return FittedGate(dataclasses.replace(gate, passing=passing), pack_references(references))


def fit_reference(rows: Numbers, name: str) -> Reference:
    """The space of float64 [images, numbers] in which all directions vary alike, with the images as its points.

    Features are first reduced to their 24 principal components at most: the others say little, and cost time.
    """
    middle = rows.mean(axis=0)
    axes = np.eye(rows.shape[1])
    if name == FEATURE_DISTANCE:
        spread = np.linalg.svd(rows - middle, full_matrices=False)
        most = min(_FEATURE_DIMENSIONS, len(rows) // 4)
        kept = int(np.count_nonzero(spread.S[:most] > max(spread.S[0] * 1e-3, _LEAST_SPREAD[name])))
        axes = spread.Vh[: max(kept, 1)].T
    moved = (rows - middle) @ axes
    scales = np.maximum(moved.std(axis=0), _LEAST_SPREAD[name])
    whitened = axes / scales @ np.linalg.cholesky(np.linalg.inv(shrunk_covariance(moved / scales)))
    projection = np.vstack([whitened, -middle @ whitened]).astype(np.float32)
    points = Reference(projection, np.zeros((1, projection.shape[1]), np.float32)).place(rows)
    return Reference(projection, points)


def fit_other_light(
    lit: Sequence[Measures], groups: NDArray[np.int64], usual: Mapping[str, tuple[float, float]], own: Numbers
) -> Reference:
    """The space of images whose light was changed, in the unit in which one bound fits it and the others' space.

    `own`: how far the images as they are lie from each other as if they were new. `groups`: of them, taken in turn.
    """
    rows = vectors(lit)
    apart = as_if_new(rows, np.resize(groups, len(rows)), PICTURE_DISTANCE)
    other = np.array([is_other_light(each.named, usual) for each in lit])
    compared = float(np.quantile(apart[other] if other.any() else apart, _WITHIN_IN_OTHER_LIGHT))
    unit = np.float32(np.quantile(own, _WITHIN[PICTURE_DISTANCE]) / max(compared, 1e-6))
    reference = fit_reference(rows, PICTURE_DISTANCE)
    return Reference(reference.projection * unit, reference.points * unit)


def shrunk_covariance(rows: Numbers) -> Numbers:
    """float64 [numbers, numbers]: the covariance of [n, numbers], mixed with a multiple of the identity.

    Ledoit & Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices": as much as makes it
    nearest to the true one, which few rows tell badly.
    """
    count, size = rows.shape
    centred = rows - rows.mean(axis=0)
    sample = centred.T @ centred / count
    level = sample.trace() / size
    apart = float(((sample - level * np.eye(size)) ** 2).sum())
    fourth = float(((centred**2).sum(axis=1) ** 2).mean()) - float((sample**2).sum())
    share = min(fourth / count / apart, 1.0) if apart > 0 else 1.0
    mixed: Numbers = (1 - share) * sample + (share * level + 1e-9) * np.eye(size)
    return mixed


def as_if_new(rows: Numbers, groups: NDArray[np.int64], name: str) -> Numbers:
    """float64 [n]: how far each row would be from the rest if its group were new.

    A fifth of the groups at a time is left out, and the space made of the others: few rows look alike in their own.
    """
    numbers = np.unique(groups, return_inverse=True)[1]
    if numbers.max() == 0:  # one subject: no more can be said than of its images
        numbers = np.arange(len(rows))
    found = np.empty(len(rows))
    folds = [left_out for left_out in (numbers % _FOLDS == fold for fold in range(_FOLDS)) if left_out.any()]

    def apart(left_out: NDArray[np.bool_]) -> Numbers:
        return _distances(fit_reference(rows[~left_out], name), rows[left_out])

    for left_out, distances in zip(folds, mapped(folds, apart, default_threads()), strict=True):
        found[left_out] = distances
    return found


def effective_groups(groups: NDArray[np.int64]) -> int:
    """As many groups of equally many images each would tell as much (Kish 1965, "Survey Sampling"); int64 [images]."""
    counts = np.unique(groups, return_counts=True)[1]
    return max(1, round(float(counts.sum() ** 2 / (counts**2).sum())))


def quantiles(values: Sequence[float] | Numbers) -> tuple[float, ...]:
    """Of the values at 101 equally spaced shares, six digits each."""
    return tuple(_rounded(value) for value in np.quantile(values, _SHARES).tolist())


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _bounded(name: str, values: Numbers) -> Measured:
    """Bounds beyond all values by a tenth, and three times as far from the median as nine of ten images lie."""
    least, low, middle, high, most = np.quantile(values, (0, 0.1, 0.5, 0.9, 1)).tolist()
    slack = _SLACK.get(name, _LEAST_SLACK)
    below = min(least - 0.1 * (middle - least), middle - 3 * (middle - low)) - slack
    above = max(most + 0.1 * (most - middle), middle + 3 * (high - middle)) + slack
    side, is_ratio = _ONE_SIDED.get(name), name.endswith("_green")
    # A bound that no picture can be beyond is none.
    low = None if side == "high" or (below <= 0 and not is_ratio) else _rounded(below)
    high = None if side == "low" or (above >= 1 and name in _SHARES_OF_ONE) else _rounded(above)
    return Measured(quantiles(values), low, high)


def _look(classifier: Classifier, images: ImageSet, answers: Mapping[Path, Answer]) -> _Seen:
    """What model and measures make of each image. Raises ImageError for one that cannot be read."""

    def look(path: Path) -> tuple[Measures, Answer]:
        pixels = cut_and_resize(decode_indexed(path), classifier.spec.preprocessing)
        shown = constant_colours(pixels, classifier.spec.preprocessing)
        found = measure_picture(*in_rgb(shown, pixels, classifier.spec.preprocessing))
        return found, answers[path] if path in answers else answer(classifier, classifier.encode(shown))

    pairs = list(mapped(images.paths, look, default_threads()))
    spaces = {PICTURE_DISTANCE: np.array([found.vector for found, _ in pairs], np.float64)}
    features = [given.features.ravel() for _, given in pairs if given.features is not None]
    if features:
        spaces[FEATURE_DISTANCE] = np.array(features, np.float64)
    named = {name: np.array([found.named[name] for found, _ in pairs]) for name in pairs[0][0].named}
    named[CONFIDENCE] = np.array([float(classifier.softened(given.scores).max()) for _, given in pairs])
    return _Seen(named, spaces, np.array(group_ids(images.images), np.int64))


def _halves(seen: _Seen | None) -> tuple[_Seen | None, _Seen | None]:
    """Held-out images to set bounds with, and others to judge them by: whole subjects, taken in turn."""
    if seen is None:
        return None, None
    second = seen.groups % 2 == 1
    if min(second.sum(), (~second).sum()) < FEWEST_IMAGES:
        return None, seen  # too few to set anything by
    return seen.some(~second), seen.some(second)


def _distances(reference: Reference, rows: Numbers) -> Numbers:
    return np.array([reference.distance(row) for row in rows])


def _from_references(
    name: str, references: Mapping[str, Reference], measures: Mapping[str, Measured], seen: _Seen
) -> Numbers:
    """float64 [n]: the distance `name` as a device measures it."""
    found = _distances(references[name], seen.spaces[name])
    if name == PICTURE_DISTANCE and OTHER_LIGHT in references:
        usual = usual_light(measures)
        for place in range(seen.count):
            if is_other_light({key: float(seen.named[key][place]) for key in usual}, usual):
                found[place] = references[OTHER_LIGHT].distance(seen.spaces[name][place])
    return found


def _passing(gate: InputGate, references: Mapping[str, Reference], seen: _Seen) -> Interval:
    """The share of images that nothing is found in, with an interval over subjects if there are two."""
    measured = {name: values for name, values in seen.named.items() if name in WORDS}
    measured |= {name: _from_references(name, references, gate.measures, seen) for name in seen.spaces}
    judged = Gate(gate, references)
    passes = np.array(
        [
            not judged.findings({name: float(values[place]) for name, values in measured.items()})
            for place in range(seen.count)
        ]
    )
    value = float(passes.mean())
    groups = np.unique(seen.groups, return_inverse=True)[1]
    sizes, hits = np.bincount(groups), np.bincount(groups, weights=passes)
    if len(sizes) < 2:
        return Interval(value)
    spread = jackknife_spread((hits.sum() - hits) / (sizes.sum() - sizes))
    return Interval(value, *share_bounds(value, spread, len(sizes), seen.count))
