"""Inference by size of the network, one thread, random weights; and a whole prediction from a file."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.models import CLASSES, FULL, HALF, TINY, Shape, model_path
from benchmarks.scale_models import macs
from edgeleuk.runtime import Classifier
from edgeleuk.runtime.graph import read_graph

SHAPES = pytest.mark.parametrize("shape", [TINY, HALF, FULL], ids=lambda shape: shape.name)


@SHAPES
@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_scores(benchmark: Any, image: Path, shape: Shape, precision: str) -> None:
    path = model_path(shape, precision)
    classifier = Classifier.load(path, threads=1)
    scores = benchmark(classifier.network.scores, classifier.prepare(image))
    benchmark.extra_info["macs"] = macs(read_graph(path.read_bytes(), str(path)))
    assert scores.shape == (len(CLASSES),)
    assert scores.sum() == pytest.approx(1, abs=1 / 128)  # two codes of int8 probabilities


@SHAPES
def test_predict(benchmark: Any, image: Path, shape: Shape) -> None:
    classifier = Classifier.load(model_path(shape, "int8"), threads=1)
    found = benchmark(classifier.predict, image)
    assert found.label == max(found.probabilities, key=found.probabilities.__getitem__)


@SHAPES
def test_load(benchmark: Any, shape: Shape) -> None:
    path = model_path(shape, "int8")
    assert benchmark.pedantic(Classifier.load, (path, 1), rounds=5, warmup_rounds=1).spec.classes == CLASSES
