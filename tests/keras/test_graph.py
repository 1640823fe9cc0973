"""The configuration of a Keras model, read and edited."""

from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.graph import OUTPUT, KerasGraph, references

LAYERS = tf_keras.layers


@pytest.fixture(scope="module")
def model() -> Any:
    """Operators as layers, arguments by name, a layer that is applied twice, several outputs."""
    tf_keras.backend.clear_session()  # operators are numbered by those that other tests made
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((4, 4, 3), name="source")
    first = LAYERS.Conv2D(3, 1, name="first")(source)
    shared = LAYERS.Conv2D(3, 1, name="shared")
    joined = tf.concat([first, shared(first), shared(source)], axis=-1)
    return tf_keras.Model(source, {"sum": first + 2 * joined[..., :3], "first": first})


def test_readers_are_found_wherever_a_configuration_names_them(model: Any) -> None:
    graph = KerasGraph(model)
    assert graph.readers("first") == ["shared", "tf.concat", "tf.__operators__.add", OUTPUT]
    assert graph.uses("shared") == 2
    assert graph.only_reader("source") is None


def test_a_graph_that_was_not_edited_answers_the_same(model: Any) -> None:
    values = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    built = KerasGraph(model).build()
    assert set(built.output) == {"sum", "first"}
    for name, expected in model(values).items():
        assert np.allclose(built(values)[name], expected)


def test_an_inserted_layer_stands_between_a_layer_and_all_its_readers(model: Any) -> None:
    graph = KerasGraph(model)
    graph.insert(LAYERS.Rescaling(2.0, name="double"), "first")
    assert graph.readers("first") == ["double"]
    assert graph.readers("double") == ["shared", "tf.concat", "tf.__operators__.add", OUTPUT]
    values = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    assert np.allclose(graph.build()(values)["first"], 2 * model(values)["first"])


def test_a_bypassed_layer_is_gone(model: Any) -> None:
    graph = KerasGraph(model)
    graph.bypass("first")
    assert "first" not in graph.entries
    assert graph.readers("source").count("tf.concat") == 1
    assert "first" not in [layer.name for layer in graph.build().layers]


def test_without_weights_a_built_graph_has_new_ones(model: Any) -> None:
    built = KerasGraph(model).build(keep_weights=False)
    assert not np.allclose(built.get_layer("first").kernel, model.get_layer("first").kernel)


def test_numbers_and_slices_are_no_references() -> None:
    nested = [["a", 0, 0, {"y": ["b", 1, 0], "axis": [1, 2, 3]}], {"c": ("d", 0, 0)}, ["e", "f", 0]]
    assert [reference[0] for reference in references(nested)] == ["a", "b", "d"]


def test_a_layer_that_cannot_be_made_anew_is_a_model_error() -> None:
    class Fixed(tf_keras.layers.Layer):
        def __init__(self, factor: float) -> None:
            super().__init__(name="fixed")
            self.factor = factor

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor

        def get_config(self) -> dict[str, Any]:
            return {}

    source = tf_keras.Input((4, 4, 3))
    graph = KerasGraph(tf_keras.Model(source, LAYERS.AveragePooling2D()(Fixed(2.0)(source))))
    with pytest.raises(ModelError, match="cannot be rebuilt"):
        graph.build()
