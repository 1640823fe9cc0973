"""Fitting the input gate."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.data.sampling import ImageSet
from edgeleuk.errors import UsageError
from edgeleuk.files import sha256_bytes
from edgeleuk.quantization.input_gate import (
    GateImages,
    as_if_new,
    effective_groups,
    fit_gate,
    fit_reference,
    gate_images,
    quantiles,
    shrunk_covariance,
)
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.outputs import expose_outputs
from edgeleuk.quantization.source import Source
from edgeleuk.reliability import FEATURE_DISTANCE, PICTURE_DISTANCE
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.spec import ModelSpec, Preprocessing

SPEC = ModelSpec(("all", "hem"), Preprocessing(32, 300), "all")


def test_the_covariance_is_that_of_ledoit_and_wolf() -> None:
    covariance = pytest.importorskip("sklearn.covariance", reason="scikit-learn is not installed")
    rows = np.random.default_rng(0).normal(size=(40, 25)) @ np.diag(np.linspace(0.1, 3, 25))
    expected, _ = covariance.ledoit_wolf(rows)
    np.testing.assert_allclose(shrunk_covariance(rows), expected, atol=1e-6)


def test_other_pictures_lie_farther_off_than_more_of_the_same() -> None:
    random = np.random.default_rng(0)
    mixing = random.normal(size=(12, 12))
    rows, more = (random.normal(size=(count, 12)) @ mixing for count in (300, 200))
    reference = fit_reference(rows, PICTURE_DISTANCE)
    bound = np.quantile(as_if_new(rows, np.arange(300), PICTURE_DISTANCE), 0.97)
    assert np.mean([reference.distance(row) > bound for row in more]) < 0.08
    # Of the same size in each number, but related otherwise.
    others = random.normal(size=(200, 12)) * rows.std(axis=0)
    assert np.mean([reference.distance(row) > bound for row in others]) > 0.8


def test_features_are_reduced_to_what_varies() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 3)) @ random.normal(size=(3, 500)) + 7
    reference = fit_reference(rows, FEATURE_DISTANCE)
    assert reference.points.shape == (200, 3)
    np.testing.assert_allclose(np.cov(reference.points.T), np.eye(3), atol=0.1)


def test_images_of_one_subject_are_not_compared_with_each_other() -> None:
    random = np.random.default_rng(0)
    subjects = np.repeat(np.arange(20), 5)
    rows = random.normal(size=(20, 4))[subjects] + 0.01 * random.normal(size=(100, 4))
    alone = as_if_new(rows, np.arange(100), PICTURE_DISTANCE)
    by_subject = as_if_new(rows, subjects, PICTURE_DISTANCE)
    assert np.median(by_subject) > 2 * np.median(alone)
    one = as_if_new(rows, np.zeros(100, np.int64), PICTURE_DISTANCE)  # no more can be said than of its images
    np.testing.assert_allclose(one, alone)


@pytest.mark.parametrize("count", [30, 60, 400])
def test_however_few_images_about_as_many_new_ones_pass(count: int) -> None:
    random = np.random.default_rng(0)
    mixing = random.normal(size=(50, 50))
    rows, more = (random.normal(size=(n, 50)) @ mixing for n in (count, 300))
    reference = fit_reference(rows, PICTURE_DISTANCE)
    bound = np.quantile(as_if_new(rows, np.arange(count), PICTURE_DISTANCE), 0.97)
    assert np.mean([reference.distance(row) > bound for row in more]) < 0.1


def test_quantiles_are_ascending_and_have_six_digits() -> None:
    found = quantiles(np.random.default_rng(0).normal(size=1000))
    assert len(found) == 101
    assert list(found) == sorted(found)
    assert all(float(f"{value:.6g}") == value for value in found)


def test_a_fitted_gate_names_its_network_its_index_and_how_many_held_out_images_pass(
    gated_model: Path, cells_index: Path
) -> None:
    bundle, index = read_bundle(gated_model), Index.load(cells_index)
    assert bundle.spec is not None
    gate = bundle.spec.gate
    assert gate is not None
    assert (gate.network_sha256, gate.index_sha256) == (bundle.network_sha256, index.sha256)
    assert (gate.images, gate.groups, gate.effective_groups) == (48, 8, 8)
    assert gate.passing is not None
    assert gate.passing.value >= 0.8
    assert gate.passing.low is not None
    assert gate.measures[PICTURE_DISTANCE].low is None
    assert gate.measures["confidence"].high is None
    assert all(len(measured.quantiles) == 101 for measured in gate.measures.values())


def test_a_subject_with_many_images_counts_as_less_than_one_of_as_many_subjects() -> None:
    assert effective_groups(np.array([0, 0, 1, 1, 2, 2])) == 3
    assert effective_groups(np.array([0] * 20 + [1, 2, 3])) == 1
    assert effective_groups(np.arange(7)) == 7


def test_images_of_the_gate_are_those_trained_on_and_others_that_were_not(cells_index: Path) -> None:
    index = Index.load(cells_index)
    seen = frozenset().union(*(image.digests for image in index.training(1)))
    source = Source(None, SPEC, "float", "", seen, index, 1)
    found = gate_images(source, 30, seed=0)
    assert len(found.training.images) == 30
    assert found.training.digests <= seen
    assert found.held_out is not None
    assert not found.held_out.digests & seen


def test_without_training_images_or_with_few_there_is_no_gate(cells_index: Path) -> None:
    source = Source(None, SPEC, "keras", "")
    with pytest.raises(UsageError, match="the images that it was trained on are not known"):
        gate_images(source, 500, seed=0)
    index = Index.load(cells_index)
    few = frozenset(image.sha256[:16] for image in index.training(0)[:5])
    with pytest.raises(UsageError, match="takes 20 training images, here are 5"):
        gate_images(dataclasses.replace(source, seen=few, index=index, fold=0), 500, seed=0)


def test_the_gate_is_the_same_however_many_cores_there_are(int8_flatbuffer: bytes, cells_index: Path) -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="scikit-learn is not installed")
    spec, index = dataclasses.replace(SPEC, extra_outputs=("features",)), Index.load(cells_index)
    classifier = open_flatbuffer(expose_outputs(int8_flatbuffer, ("features",)), spec)
    images = GateImages(ImageSet(index, index.training(0)), None, index.sha256)
    fitted = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            fitted.append(fit_gate(classifier, images, sha256_bytes(int8_flatbuffer)))
    assert fitted[0] == fitted[1]
