"""A folder of BMPs through the stream: bare predictions, results into a store, and a folder that is known already."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.models import HALF, TINY, Shape, model_path, write_images
from benchmarks.streaming import infer_into
from edgeleuk.classify.model import Model
from edgeleuk.runtime import Classifier
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.store import Store

SHAPES = pytest.mark.parametrize("shape", [TINY, HALF], ids=lambda shape: shape.name)
ROUNDS = 7


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """48 distinct synthetic cells, 450x450 BMP."""
    return write_images(tmp_path_factory.mktemp("images") / "cells", 6)


def model(shape: Shape) -> Model:
    path = model_path(shape, "int8")
    return Model.of(read_bundle(path), path, threads=1)


def probabilities(classifier: Classifier, files: Sequence[Path]) -> list[dict[str, float]]:
    """What one image after the other gives."""
    return [classifier.predict(file).probabilities for file in files]


@SHAPES
def test_predict_many(benchmark: Any, files: list[Path], shape: Shape) -> None:
    classifier = Classifier.load(model_path(shape, "int8"), threads=1)
    found = benchmark.pedantic(lambda: list(classifier.predict_many(files)), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["images"] = len(files)
    assert [prediction.probabilities for prediction in found] == probabilities(classifier, files)


@SHAPES
def test_infer_into_a_store(benchmark: Any, files: list[Path], shape: Shape, new_store: Callable[[], Store]) -> None:
    loaded, stores = model(shape), []

    def opened() -> tuple[tuple[Store, Model, list[Path]], dict[str, Any]]:
        stores.append(new_store())
        return (stores[-1], loaded, files), {}

    found = benchmark.pedantic(infer_into, setup=opened, rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["images"] = len(files)
    assert [row.result.probabilities for row in found] == probabilities(loaded.classifier, files)
    assert {store.count() for store in stores} == {len(files)}


def test_images_that_the_store_knows(benchmark: Any, files: list[Path], new_store: Callable[[], Store]) -> None:
    store, loaded = new_store(), model(HALF)
    infer_into(store, loaded, files)
    found = benchmark.pedantic(infer_into, (store, loaded, files), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["images"] = len(files)
    assert [(row.known, row.result.id) for row in found] == [(True, number + 1) for number in range(len(files))]
