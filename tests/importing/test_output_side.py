"""What a network's output is becomes one row of scores that says what it is."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.importing.output_side import settle_output
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.runtime.decision import as_probabilities
from edgeleuk.spec import LOGITS, PROBABILITIES, SIGMOIDS, ModelSpec, Preprocessing

pytestmark = pytest.mark.slow
_LAYERS = tf_keras.layers
TWO, THREE = (ModelSpec(names, Preprocessing(8, 30)) for names in (("a", "b"), ("a", "b", "c")))


def _network(end: Any) -> Any:
    """A small network with random weights and what `end` makes of its features."""
    tf_keras.utils.set_random_seed(2)
    image = _LAYERS.Input((8, 8, 3))
    x = _LAYERS.Conv2D(6, 3, strides=2, bias_initializer="uniform")(image)
    return tf_keras.Model(image, end(_LAYERS.GlobalAveragePooling2D()(x)))


def _answers(network: Any) -> NDArray[np.float32]:
    images = np.random.default_rng(0).uniform(-1, 1, (9, 8, 8, 3)).astype(np.float32)
    return np.asarray(network(images, training=False))


def _dense(count: int, activation: Any = None) -> Any:
    return _LAYERS.Dense(count, activation=activation, bias_initializer="uniform", name="head")


ONE_SIGMOID = {
    "in a dense layer": lambda x: _dense(1, "sigmoid")(x),
    "as a layer": lambda x: _LAYERS.Activation("sigmoid")(_dense(1)(x)),
    "as an operation": lambda x: tf.sigmoid(_dense(1)(x)),
    "behind a convolution": lambda x: _LAYERS.Flatten()(
        _LAYERS.Conv2D(1, 1, activation="sigmoid")(_LAYERS.Reshape((1, 1, 6))(x))
    ),
    "[1, 1, 1, 1]": lambda x: _LAYERS.Conv2D(1, 1, activation="sigmoid")(_LAYERS.Reshape((1, 1, 6))(x)),
    "of a sum": lambda x: _LAYERS.Activation("sigmoid")(_LAYERS.Add()([_dense(1)(x), _LAYERS.Dense(1)(x)])),
    "without a bias": lambda x: _LAYERS.Dense(1, activation="sigmoid", use_bias=False)(x),
}


@pytest.mark.parametrize("positive", [None, "a", "b"])
@pytest.mark.parametrize("end", ONE_SIGMOID.values(), ids=ONE_SIGMOID)
def test_one_sigmoid_becomes_an_exact_softmax_of_two(end: Any, positive: str | None) -> None:
    network = _network(end)
    settled, spec, notes = settle_output(network, dataclasses.replace(TWO, positive_class=positive))
    score = _answers(network).reshape(-1)
    expected = np.stack([score, 1 - score] if positive == "a" else [1 - score, score], axis=1)
    assert spec.scores == PROBABILITIES
    assert np.allclose(_answers(settled), expected, atol=1e-6)
    assert "softmax of two classes" in notes[0]


@pytest.mark.parametrize("said", [PROBABILITIES, SIGMOIDS])
def test_sigmoids_of_each_class_are_kept_and_said(said: str) -> None:
    network = _network(_dense(3, "sigmoid"))
    settled, spec, _ = settle_output(network, dataclasses.replace(THREE, scores=said))
    assert spec.scores == SIGMOIDS
    assert np.array_equal(_answers(settled), _answers(network))
    assert np.allclose(as_probabilities(_answers(settled), spec).sum(axis=-1), 1)


def test_logits_get_a_softmax_where_it_is_said() -> None:
    network = _network(_dense(3))
    settled, spec, _ = settle_output(network, dataclasses.replace(THREE, scores=LOGITS))
    assert spec.scores == PROBABILITIES
    assert np.allclose(_answers(settled), tf.nn.softmax(_answers(network)), atol=1e-6)


def test_one_logit_becomes_two_classes_where_it_is_said() -> None:
    network = _network(_dense(1))
    settled, _, _ = settle_output(network, dataclasses.replace(TWO, scores=LOGITS))
    assert np.allclose(_answers(settled)[:, 1:], tf.sigmoid(_answers(network)), atol=1e-6)


@pytest.mark.parametrize("count", [1, 3])
def test_logits_that_are_not_said_are_refused_with_the_option(count: int) -> None:
    with pytest.raises(SpecError, match="--logits"):
        settle_output(_network(_dense(count)), THREE if count == 3 else TWO)


SOFTMAX = {
    "in a dense layer": lambda x: _dense(3, "softmax")(x),
    "as a layer": lambda x: _LAYERS.Softmax()(_dense(3)(x)),
    "as an activation": lambda x: _LAYERS.Activation("softmax")(_dense(3)(x)),
    "as an operation": lambda x: tf.nn.softmax(_dense(3)(x)),
    "behind a convolution": lambda x: _LAYERS.Softmax()(_LAYERS.Conv2D(3, 1)(_LAYERS.Reshape((1, 1, 6))(x))),
    "flattened": lambda x: _LAYERS.Flatten()(_LAYERS.Softmax()(_LAYERS.Conv2D(3, 1)(_LAYERS.Reshape((1, 1, 6))(x)))),
    "scaled by 1": lambda x: _LAYERS.Softmax()(_dense(3)(x)) * 1.0,
}


@pytest.mark.parametrize("end", SOFTMAX.values(), ids=SOFTMAX)
def test_a_row_of_probabilities_stays_what_it_is(end: Any) -> None:
    network = _network(end)
    settled, spec, notes = settle_output(network, THREE)
    assert settled.output_shape == (None, 3)
    assert (spec.scores, notes) == (PROBABILITIES, ())
    assert np.allclose(_answers(settled), _answers(network).reshape(-1, 3), atol=1e-6)


@pytest.mark.parametrize(
    ("end", "spec", "error", "says"),
    [
        (lambda x: _dense(1, "softmax")(x), TWO, ModelError, "softmax of one score"),
        (lambda x: _dense(3, "relu")(x), THREE, ModelError, "activation relu"),
        (lambda x: _dense(2, "softmax")(x), THREE, SpecError, r"3 classes \(a, b, c\)"),
        (lambda x: _dense(1, "sigmoid")(x), THREE, SpecError, "3 classes"),
        (lambda x: _dense(3, "softmax")(x), dataclasses.replace(THREE, scores=LOGITS), SpecError, "ends in softmax"),
        (lambda x: _dense(3, "softmax")(x), dataclasses.replace(THREE, scores=SIGMOIDS), SpecError, "say sigmoids"),
        (lambda x: _dense(3, "sigmoid")(x), dataclasses.replace(THREE, scores=LOGITS), SpecError, "ends in sigmoids"),
        (
            lambda x: [_dense(3, "softmax")(x), _LAYERS.Dense(2)(x)],
            THREE,
            ModelError,
            r"2 outputs \(head .*\(None, 3\)",
        ),
        (lambda x: _LAYERS.Reshape((2, 3))(_dense(6)(x)), THREE, ModelError, "a map or a sequence"),
    ],
)
def test_other_ends_are_refused_with_the_reason(end: Any, spec: ModelSpec, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        settle_output(_network(end), spec)
