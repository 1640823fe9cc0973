"""What a converted model answers to image files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.data.sampling import ImageSet
from edgeleuk.errors import ImageError
from edgeleuk.files import sha256_bytes
from edgeleuk.quantization.answering import answers_to, scores_of
from edgeleuk.quantization.input_gate import GateImages, fit_gate
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.outputs import expose_outputs
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.spec import ModelSpec, Preprocessing

SPEC = ModelSpec(("all", "hem"), Preprocessing(32, 300), "all", extra_outputs=("features",))


@pytest.fixture(scope="module")
def index(cells_index: Path) -> Index:
    return Index.load(cells_index)


@pytest.fixture(scope="module")
def classifier(int8_flatbuffer: bytes) -> Classifier:
    return open_flatbuffer(expose_outputs(int8_flatbuffer, ("features",)), SPEC)


def test_answers_are_those_of_one_image_after_another(classifier: Classifier, index: Index) -> None:
    paths = ImageSet(index, index.validation(0)).paths[:20]
    answers = answers_to(classifier, paths)
    expected = [classifier.network.scores_and_extra(classifier.prepare(path), ("features",)) for path in paths]
    np.testing.assert_array_equal(scores_of(answers, paths), np.stack([scores for scores, _ in expected]))
    for path, (_, extra) in zip(paths, expected, strict=True):
        np.testing.assert_array_equal(answers[path].features, extra["features"])


def test_with_an_interpreter_for_each_core_the_answers_are_the_same(
    classifier: Classifier, int8_flatbuffer: bytes, index: Index
) -> None:
    paths = ImageSet(index, index.validation(0)).paths[:20]
    several = open_flatbuffer(expose_outputs(int8_flatbuffer, ("features",)), SPEC, many=True)
    found, expected = answers_to(several, paths), answers_to(classifier, paths)
    np.testing.assert_array_equal(scores_of(found, paths), scores_of(expected, paths))
    for path in paths:
        np.testing.assert_array_equal(found[path].features, expected[path].features)


def test_a_network_without_features_answers_with_scores_alone(int8_flatbuffer: bytes, index: Index) -> None:
    plain = open_flatbuffer(int8_flatbuffer, dataclasses.replace(SPEC, extra_outputs=()))
    path = index.path_of(index.validation(0)[0])
    assert answers_to(plain, [path])[path].features is None


def test_an_image_that_cannot_be_read_is_an_error(classifier: Classifier, index: Index, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.bmp"
    damaged.write_bytes(b"BM")
    with pytest.raises(ImageError, match="damaged"):
        answers_to(classifier, [index.path_of(index.validation(0)[0]), damaged])


def test_a_gate_fitted_with_answers_that_are_known_is_the_same_gate(classifier: Classifier, index: Index) -> None:
    training, held_out = ImageSet(index, index.training(0)), ImageSet(index, index.validation(0))
    images = GateImages(training, held_out, index.sha256)
    digest = sha256_bytes(b"the network")
    known = answers_to(classifier, held_out.paths[::2])
    assert fit_gate(classifier, images, digest, known) == fit_gate(classifier, images, digest)
