"""Nested networks as one flat network: the same answers, whatever they are nested in."""

from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.importing.flat import flatten
from edgeleuk.keras.graph import KerasGraph
from edgeleuk.quantization.toolkit import tf_keras

pytestmark = pytest.mark.slow
LAYERS = tf_keras.layers
SHAPE = (16, 16, 3)


def backbone(name: str = "backbone", size: int | None = None) -> Any:
    """A functional model with a layer of each kind that nesting is hard for: two inputs, an operation, batch norm."""
    source = tf_keras.Input((size, size, 3))
    wide = LAYERS.BatchNormalization(name="norm")(LAYERS.Conv2D(4, 3, name="wide")(source))
    both = LAYERS.Concatenate()([wide, LAYERS.Conv2D(4, 1, name="narrow")(wide)])
    return tf_keras.Model(source, LAYERS.GlobalAveragePooling2D()(both * 0.5 + 1), name=name)


def disturbed(model: Any) -> Any:
    """With weights, and statistics of batch normalization, that no layer starts with."""
    random = np.random.default_rng(0)
    model.set_weights([np.abs(value) + random.uniform(0.1, 1, value.shape) for value in model.get_weights()])
    return model


def answers(model: Any) -> Any:
    return model.predict_on_batch(np.random.default_rng(1).uniform(0, 1, (3, *SHAPE)).astype(np.float32))


def sequential() -> Any:
    return tf_keras.Sequential([backbone(), LAYERS.Dropout(0.25), LAYERS.Dense(2, "sigmoid", name="output")])


def twice_nested() -> Any:
    inner = tf_keras.Sequential([backbone("inner"), LAYERS.Dense(3, "relu", name="wide")], name="middle")
    return tf_keras.Sequential([tf_keras.Input(SHAPE), inner, LAYERS.Dense(2, "softmax")])


def called_in_training_mode() -> Any:
    source = tf_keras.Input(SHAPE)
    return tf_keras.Model(source, LAYERS.Dense(2)(backbone()(source, training=False)))


def applied_twice() -> Any:
    source, shared = tf_keras.Input(SHAPE), backbone()
    both = LAYERS.Concatenate()([shared(source), shared(source[:, ::-1])])
    return tf_keras.Model(source, LAYERS.Dense(2, "softmax")(both))


def two_of_one_name() -> Any:
    source = tf_keras.Input(SHAPE)
    both = LAYERS.Add()([backbone("left")(source), backbone("right")(source)])
    return tf_keras.Model(source, LAYERS.Dense(2, "softmax")(both))


@pytest.mark.parametrize(
    "make",
    [sequential, twice_nested, called_in_training_mode, applied_twice, two_of_one_name],
    ids=lambda f: f.__name__,
)
def test_a_flat_network_answers_as_the_nested_one(make: Any) -> None:
    nested = disturbed(make())
    flat = flatten(nested, SHAPE, "the model")
    assert not any(isinstance(layer, tf_keras.Model) for layer in flat.layers)
    assert flat.input_shape == (None, *SHAPE)
    np.testing.assert_allclose(answers(flat), answers(nested), atol=1e-6)
    np.testing.assert_allclose(answers(KerasGraph(flat).build()), answers(nested), atol=1e-6)  # as rewriting builds it


def test_a_model_that_is_applied_twice_keeps_one_set_of_weights() -> None:
    flat = flatten(applied_twice(), SHAPE, "the model")
    assert KerasGraph(flat).uses("wide") == 2
    assert len(flat.weights) == len(applied_twice().weights)


def test_layers_of_one_name_are_told_apart_by_their_models() -> None:
    names = [layer.name for layer in flatten(two_of_one_name(), SHAPE, "the model").layers]
    assert {"wide", "right_wide", "norm", "right_norm"} <= set(names)


def test_a_network_of_mixed_float16_becomes_float32() -> None:
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        nested = disturbed(sequential())
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    flat = flatten(nested, SHAPE, "the model")
    assert {layer.compute_dtype for layer in flat.layers} == {"float32"}
    assert flat.output.dtype == "float32"
    np.testing.assert_allclose(answers(flat), answers(nested), atol=5e-3)


def test_pruning_is_taken_off() -> None:
    from tensorflow_model_optimization.sparsity.keras import prune_low_magnitude

    plain = disturbed(tf_keras.Sequential([LAYERS.Conv2D(4, 3, input_shape=SHAPE, name="only"), LAYERS.Flatten()]))
    flat = flatten(prune_low_magnitude(plain), SHAPE, "the model")
    assert [type(layer).__name__ for layer in flat.layers] == ["InputLayer", "Conv2D", "Flatten"]
    np.testing.assert_allclose(answers(flat), answers(plain), atol=1e-6)


def test_what_cannot_be_flattened_is_named() -> None:
    class Own(tf_keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs

    source = tf_keras.Input(SHAPE)
    with pytest.raises(ModelError, match="is a Own, a model of its own class"):
        flatten(tf_keras.Model(source, Own(name="mine")(source)), SHAPE, "m.h5")
    other = tf_keras.Input(SHAPE)
    with pytest.raises(ModelError, match=r"m\.h5 takes 2 inputs"):
        flatten(tf_keras.Model([source, other], LAYERS.Add()([source, other])), SHAPE, "m.h5")
