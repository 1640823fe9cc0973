"""Probabilities that mean something: coverage of conformal sets and of intervals, simulated; ECE of synthetic cells.

    python -m benchmarks.answers.calibration
    python -m benchmarks.answers.calibration INT8.tflite FLOAT32.tflite INDEX.json

The second form also calibrates two files of one network on the fold that was held out of its training, and evaluates
them on the test split of the index.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.answers.rows import Row, show
from edgeleuk.calibration.calibrate import Request, calibrate
from edgeleuk.data.index import Index
from edgeleuk.evaluation.evaluate import Request as Evaluating
from edgeleuk.evaluation.evaluate import evaluate_files
from edgeleuk.statistics.calibration import calibration_scores
from edgeleuk.statistics.conformal import one_of_each, set_scores, set_threshold
from edgeleuk.statistics.metrics import Bootstrap
from edgeleuk.statistics.operating_point import share_interval, threshold_for_sensitivity
from edgeleuk.statistics.temperature import deal_groups

SECTION = "probabilities"
SPLITS = 1000
TRIALS = 400
_NEW = 100  # subjects that a split is judged on
_ECE_BAR, _INT8_BAR = 0.03, 0.01
Drawn = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def rows(
    int8: Path | None = None, float32: Path | None = None, index: Path | None = None, splits: int = SPLITS
) -> list[Row]:
    """All figures; those of synthetic cells need two files of a network and the index that it was trained with."""
    found = [*sets_rows(splits), *interval_rows(min(splits, TRIALS)), *threshold_rows(min(splits, TRIALS))]
    if int8 is None or float32 is None or index is None:
        return [*found, Row(SECTION, "ECE of synthetic cells", "not run: no model was given", "at most 0.03")]
    return [*found, *cells_rows(int8, float32, index)]


def draw(random: np.random.Generator, subjects: int, each: int, effect: float, classes: int = 3) -> Drawn:
    """Probabilities in steps of 1/256 float32 [n, classes], truth and subjects; `effect` is how far subjects differ."""
    truth = random.integers(0, classes, (subjects, each))
    logits = random.normal(0, 1, (subjects, each, classes)) + 1.5 * np.eye(classes)[truth]
    logits += random.normal(0, 1, (subjects, 1, classes)) * effect
    powers = np.exp(logits)
    probabilities = np.round(256 * powers / powers.sum(axis=-1, keepdims=True)) / 256
    groups = np.repeat(np.arange(subjects), each)
    return probabilities.reshape(-1, classes).astype(np.float32), truth.ravel(), groups


def coverage_of_sets(subjects: int, each: int, effect: float, miss: float, splits: int) -> tuple[float, float]:
    """Over splits: the mean share of new subjects' images whose set holds the truth, and what was said of it."""
    random, covered, said = np.random.default_rng(subjects), [], 0.0
    for _ in range(splits):
        probabilities, truth, groups = draw(random, subjects, each, effect)
        kept = one_of_each(groups, random.permutation(len(groups)))
        found = set_threshold(probabilities[kept, truth[kept]], miss)
        if found is None:
            raise ValueError(f"{subjects} subjects are too few for {miss}")
        new, new_truth, _ = draw(random, _NEW, 4, effect)
        covered.append(float(set_scores(new, new.argmax(axis=1), new_truth, found.least).covered.mean()))
        said = found.coverage
    return float(np.mean(covered)), said


def sets_rows(splits: int = SPLITS) -> Iterator[Row]:
    """Coverage of conformal sets for new subjects."""
    for subjects, each, effect, miss in (
        *((subjects, 10, effect, 0.1) for subjects in (20, 40, 100) for effect in (0.0, 1.5)),
        (40, 1, 1.5, 0.05),
        (40, 40, 1.5, 0.05),
    ):
        mean, said = coverage_of_sets(subjects, each, effect, miss, splits)
        what = f"sets of {1 - miss:.0%}, {subjects} subjects of {each} images, spread {effect:g}, {splits:,} splits"
        value = f"{mean:.4f} covered; {said:.4f} is said"
        yield Row(SECTION, what, value, "within 0.01 of what was asked", abs(mean - (1 - miss)) <= 0.01)


def interval_rows(trials: int = TRIALS) -> Iterator[Row]:
    """How often 95 % intervals hold what is true: of a share at an operating point, and of calibration scores."""
    for subjects, each in ((40, 1), (40, 10), (12, 10)):
        random, held = np.random.default_rng(each), 0
        for trial in range(trials):
            right = random.uniform(size=(subjects, each)) < random.beta(9, 1, (subjects, 1))
            how = Bootstrap(resamples=1000, seed=trial)
            found, _ = share_interval(right.ravel(), np.repeat(np.arange(subjects), each), how)
            held += _holds(found, 0.9)
        what = f"interval of a sensitivity of 0.9, {subjects} subjects of {each} images"
        yield Row(SECTION, what, f"holds it in {held / trials:.3f}", "at least 0.90", held / trials >= 0.9)
    for subjects, each, sharpness in ((12, 20, 1.0), (40, 20, 1.6), (200, 10, 1.0)):
        yield from _score_rows(subjects, each, sharpness, trials)


def _score_rows(subjects: int, each: int, sharpness: float, trials: int) -> Iterator[Row]:
    random, names = np.random.default_rng(subjects), ("ece", "brier", "confidence", "overconfidence")
    everyone = calibration_scores(*_sharpened(random, 20_000, 5, sharpness), Bootstrap(resamples=2))
    held = np.zeros(len(names))
    for trial in range(trials):
        how = Bootstrap(resamples=400, seed=trial)
        found = calibration_scores(*_sharpened(random, subjects, each, sharpness), how)
        held += [_holds(getattr(found, name), getattr(everyone, name).value) for name in names]
    kind = "right probabilities" if sharpness == 1 else "overconfident ones"
    for name, count in zip(names, held, strict=True):
        what = f"interval of {name}, {subjects} subjects of {each} images, {kind}"
        yield Row(SECTION, what, f"holds it in {count / trials:.3f}", "at least 0.85", bool(count / trials >= 0.85))


def _sharpened(
    random: np.random.Generator, subjects: int, each: int, sharpness: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Truth, probabilities of two classes that were right before they were sharpened, and subjects, who differ."""
    logits = random.normal(1.5, 2, (subjects, each))
    own = logits + random.normal(0, 0.5, (subjects, 1))
    truth = (random.uniform(size=own.shape) < 1 / (1 + np.exp(-own))).astype(np.int64).ravel()
    positive = 1 / (1 + np.exp(-sharpness * logits)).ravel()
    return truth, np.stack([1 - positive, positive], axis=1), np.repeat(np.arange(subjects), each)


def _holds(found: object, value: float) -> bool:
    low, high = getattr(found, "low", None), getattr(found, "high", None)
    return low is not None and high is not None and low <= value <= high


def threshold_rows(trials: int = TRIALS) -> Iterator[Row]:
    """What is shown of an operating point, cross-fitted, and what the threshold gives on new subjects."""
    for subjects, each in ((40, 1), (40, 10)):
        random, held = np.random.default_rng(subjects + each), 0
        shown: list[float] = []
        true: list[float] = []
        for trial in range(trials):
            probabilities, truth, groups = draw(random, 2 * subjects, each, 1.0, classes=2)
            positive, ranking = truth == 1, probabilities[:, 1]
            folds, taken = deal_groups(groups, truth), np.zeros(len(truth), np.bool_)
            for fold in range(int(folds.max()) + 1):
                own = folds == fold
                taken[own] = ranking[own] >= threshold_for_sensitivity(ranking[~own], positive[~own], 0.95)
            found, _ = share_interval(taken[positive], groups[positive], Bootstrap(resamples=400, seed=trial))
            level = threshold_for_sensitivity(ranking, positive, 0.95)
            new, new_truth, _ = draw(random, 400, 10, 1.0, classes=2)
            reached = float((new[new_truth == 1, 1] >= level).mean())
            shown, true, held = [*shown, found.value], [*true, reached], held + _holds(found, reached)
        what = f"sensitivity at an aim of 0.95, {2 * subjects} subjects of {each} images"
        apart = abs(float(np.mean(shown)) - float(np.mean(true)))
        value = f"{np.mean(shown):.4f} is shown, {np.mean(true):.4f} on new subjects"
        yield Row(SECTION, what, value, "within 0.01", apart <= 0.01)
        value = f"holds it in {held / trials:.3f}"
        yield Row(
            SECTION,
            f"its interval, {2 * subjects} subjects of {each} images",
            value,
            "at least 0.85",
            held >= 0.85 * trials,
        )


def cells_rows(int8: Path, float32: Path, index: Path) -> Iterator[Row]:
    """ECE on the test split of two files of one network, each calibrated on the held-out fold."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in (("int8", int8), ("float32", float32)):
            made = calibrate(Request(model, "validation"), Index.load(index), lambda _: None)
            path = Path(folder) / f"{name}.tflite"
            path.write_bytes(made.content)
            evaluation = evaluate_files(path, index, dataclasses.replace(Evaluating("test"), shortcuts=False))
            if evaluation.reliability is None:
                raise ValueError(f"{path} has no reliability")
            found[name] = evaluation.reliability.scores
            value = found[name].ece
            said = (
                f"{value.value:.4f} ({value.low:.4f} to {value.high:.4f}), by chance {found[name].chance_ece:.4f}, "
                f"{evaluation.scores.image_count:,} images of {evaluation.scores.group_count} subjects, T "
                f"{evaluation.decision.temperature:.3f}"
            )
            yield Row(SECTION, f"ECE of synthetic cells, {name}", said, "at most 0.03", value.value <= _ECE_BAR)
    apart = found["int8"].ece.value - found["float32"].ece.value
    yield Row(SECTION, "ECE, int8 less float32", f"{apart:+.4f}", "within 0.01", abs(apart) <= _INT8_BAR)


def main(arguments: Sequence[str]) -> None:
    """Print the figures."""
    given: list[Path | None] = [*map(Path, arguments), None, None, None]
    show(rows(given[0], given[1], given[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
