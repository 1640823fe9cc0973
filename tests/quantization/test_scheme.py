"""The quantization-aware network against what `tfmot.quantize_apply` makes of the same configurations."""

from typing import Any

import numpy as np
import pytest

from edgeleuk.quantization.freeze import convert_quantization_aware
from edgeleuk.quantization.network import measure_ranges, quantize_network, set_ranges, share_ranges
from edgeleuk.quantization.places import quantization_of
from edgeleuk.quantization.scheme import CalibratedQuantizer, LayerQuantization
from edgeleuk.quantization.toolkit import QuantizeLayer, tf_keras, tfmot
from tests.quantization.tfmot_scheme import InputOnlyScheme

pytestmark = pytest.mark.slow
LAYERS = tf_keras.layers
IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, 12, 12, 3)).astype(np.float32)


@pytest.fixture
def network() -> Any:
    """Each kind of layer that Inception has, and a batch normalization that is told not to train."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((12, 12, 3))

    def convolved(tensor: Any, filters: int, **settings: Any) -> Any:
        tensor = LAYERS.Conv2D(filters, 3, padding="same", use_bias=False)(tensor)
        return LAYERS.Activation("relu")(LAYERS.BatchNormalization(scale=False)(tensor, **settings))

    stem = convolved(image, 8)
    branches = [
        convolved(stem, 4),
        convolved(LAYERS.AveragePooling2D(3, 1, "same")(stem), 4, training=False),
        LAYERS.MaxPooling2D(3, 1, "same")(stem),
    ]
    features = LAYERS.Dropout(0.2)(LAYERS.GlobalAveragePooling2D()(LAYERS.Concatenate()(branches)))
    return tf_keras.Model(image, LAYERS.Softmax()(LAYERS.Dense(2)(features)), name="small")


def _by_tfmot(model: Any) -> Any:
    def annotated(layer: Any) -> Any:
        return tfmot.quantize_annotate_layer(layer.__class__.from_config(layer.get_config()), quantization_of(layer))

    twin = tf_keras.models.clone_model(model, clone_function=annotated)
    twin.set_weights(model.get_weights())
    with tf_keras.utils.custom_object_scope(
        {"CalibratedQuantizer": CalibratedQuantizer, "LayerQuantization": LayerQuantization}
    ):
        return tfmot.quantize_apply(twin, InputOnlyScheme())


def _ready(quantized: Any, model: Any) -> Any:
    set_ranges(quantized, share_ranges(model, measure_ranges(model, [IMAGES])), (-1.0, 1.0))
    return quantized


def _described(model: Any) -> list[Any]:
    return [
        (layer.name, isinstance(layer, QuantizeLayer), [(weight.name, weight.shape) for weight in layer.weights])
        for layer in model.layers
    ]


def test_layers_weights_and_their_order_are_those_of_tfmot(network: Any) -> None:
    ours, theirs = quantize_network(network), _by_tfmot(network)
    assert _described(ours) == _described(theirs)
    assert [each.name for each in ours.trainable_weights] == [each.name for each in theirs.trainable_weights]
    assert all(np.array_equal(a, b) for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True))


def test_answers_and_int8_file_are_those_of_tfmot(network: Any) -> None:
    ours, theirs = _ready(quantize_network(network), network), _ready(_by_tfmot(network), network)
    assert np.array_equal(ours.predict_on_batch(IMAGES), theirs.predict_on_batch(IMAGES))
    assert convert_quantization_aware(ours) == convert_quantization_aware(theirs)


def test_steps_of_training_are_those_of_tfmot(network: Any) -> None:
    models = [_ready(quantize_network(network), network), _ready(_by_tfmot(network), network)]
    for model in models:
        tf_keras.utils.set_random_seed(1)
        model.compile(tf_keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
        for _ in range(2):
            model.train_on_batch(IMAGES, np.array([0, 1, 0]))
    assert all(np.array_equal(a, b) for a, b in zip(*(model.get_weights() for model in models), strict=True))


def test_the_float_network_stays_as_it_was(network: Any) -> None:
    before = network.predict_on_batch(IMAGES)
    quantized = _ready(quantize_network(network), network)
    quantized.set_weights([0 * weight for weight in quantized.get_weights()])
    assert np.array_equal(network.predict_on_batch(IMAGES), before)
