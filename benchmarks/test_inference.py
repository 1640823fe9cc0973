"""Inference by size of the network, one thread, random weights; and a whole prediction from a file."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.models import CLASSES, FULL, HALF, TINY, Shape, model_path
from edgeleuk.runtime import Classifier

SHAPES = pytest.mark.parametrize("shape", [TINY, HALF, FULL], ids=lambda shape: shape.name)


@SHAPES
@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_scores(benchmark: Any, image: Path, shape: Shape, precision: str) -> None:
    classifier = Classifier.load(model_path(shape, precision), threads=1)
    assert len(benchmark(classifier.network.scores, classifier.prepare(image))) == len(CLASSES)


@SHAPES
def test_predict(benchmark: Any, image: Path, shape: Shape) -> None:
    classifier = Classifier.load(model_path(shape, "int8"), threads=1)
    assert benchmark(classifier.predict, image).label in CLASSES


@SHAPES
def test_load(benchmark: Any, shape: Shape) -> None:
    path = model_path(shape, "int8")
    assert benchmark.pedantic(Classifier.load, (path, 1), rounds=5, warmup_rounds=1).spec.classes == CLASSES
