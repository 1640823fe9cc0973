"""Evaluation without inference: scores of probabilities that are known, and intervals over subjects."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.models import CLASSES, TINY, spec
from edgeleuk.data.index import Index
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.data.synthetic.synth import write_cells
from edgeleuk.evaluation.evaluate import Request, evaluate
from edgeleuk.spec import ModelSpec
from edgeleuk.statistics.metrics import Bootstrap, Scores, score

# C-NMC 2019: the preliminary test set, and all that is labelled for training.
SETS = pytest.mark.parametrize(("images", "subjects"), [(1_867, 28), (10_661, 73)])
WRONG_EVERY = 10
RESAMPLES = 2_000

Truth = NDArray[np.int64]


class Known:
    """A predictor that reads the label off the file's name, and errs at every tenth image."""

    trained_on: frozenset[str] = frozenset()

    @property
    def spec(self) -> ModelSpec:
        return spec(TINY)

    def probabilities(self, paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
        yield from known_probabilities(np.array([CLASSES.index(path.stem.rpartition("_")[2]) for path in paths]))


def known_probabilities(truth: Truth) -> NDArray[np.float32]:
    """Float32 [n, 2]: the true class gets 0.9 to 0.6, at every tenth image the other one does."""
    right = np.linspace(0.9, 0.6, len(truth), dtype=np.float32)
    right[::WRONG_EVERY] = 1 - right[::WRONG_EVERY]
    return np.where(truth[:, None] == [0, 1], right[:, None], 1 - right[:, None])


def labels(images: int, subjects: int) -> tuple[Truth, Truth]:
    """Class and subject of each image; every second subject is of one class."""
    owner = np.arange(images) * subjects // images
    return owner % 2, owner


def accuracy(images: int) -> float:
    """Of `known_probabilities`."""
    return 1 - len(range(0, images, WRONG_EVERY)) / images


@SETS
def test_score_without_intervals(benchmark: Any, images: int, subjects: int) -> None:
    truth, _ = labels(images, subjects)
    one_group = np.zeros_like(truth)
    arguments = (truth, known_probabilities(truth), one_group)
    scores: Scores = benchmark.pedantic(score, arguments, {"positive": 0}, rounds=50, warmup_rounds=1)
    benchmark.extra_info["images"] = images
    assert scores.accuracy.value == pytest.approx(accuracy(images))
    assert not scores.has_intervals


@SETS
def test_score_with_intervals_over_subjects(benchmark: Any, images: int, subjects: int) -> None:
    truth, owner = labels(images, subjects)
    arguments = (truth, known_probabilities(truth), owner)
    how = {"positive": 0, "bootstrap": Bootstrap(resamples=RESAMPLES)}
    scores: Scores = benchmark.pedantic(score, arguments, how, rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(images=images, subjects=subjects, resamples=RESAMPLES)
    assert scores.accuracy.value == pytest.approx(accuracy(images))
    assert scores.accuracy.low is not None
    assert scores.accuracy.high is not None
    assert scores.accuracy.low < scores.accuracy.value < scores.accuracy.high
    assert scores.group_count == subjects


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """96 synthetic cells of 12 subjects."""
    folder = tmp_path_factory.mktemp("evaluation") / "cells"
    write_cells(folder, subjects=12, images_per_subject=8)
    return make_folds(scan(folder))


def test_evaluate_an_index(benchmark: Any, index: Index, tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(b"its hash is all that is read of it")
    request = Request(split="all", trained="allow", resamples=RESAMPLES)
    found = benchmark.pedantic(evaluate, (Known(), index, model, request), rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(images=len(index.images), resamples=RESAMPLES)
    assert found.scores.accuracy.value == pytest.approx(accuracy(len(index.images)))
    assert (len(found.predictions), len(found.subjects)) == (96, 12)
