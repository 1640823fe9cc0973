from typing import Any

import numpy as np
import pytest

from edgeleuk.keras.framework import tf_keras
from edgeleuk.pruning.channels import find_channels
from edgeleuk.pruning.importance import bn_l1, taylor

LAYERS = tf_keras.layers
CLASS_WEIGHTS = np.array([1.0, 2.0])


def _network() -> Any:
    """Two convolutions that an addition ties, one with a batch normalization; then one whose filters are its own."""
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((6, 6, 3))
    normalized = LAYERS.BatchNormalization(name="norm")(LAYERS.Conv2D(4, 3, padding="same", name="one")(source))
    plain = LAYERS.Conv2D(4, 1, name="other")(source)
    summed = LAYERS.ReLU()(LAYERS.Add()([LAYERS.ReLU()(normalized), plain]))
    own = LAYERS.Conv2D(5, 1, activation="relu", name="own")(summed)
    answers = LAYERS.Dense(2, activation="softmax", name="answers")(LAYERS.GlobalAveragePooling2D()(own))
    model = tf_keras.Model(source, answers)
    random = np.random.default_rng(0)
    model.get_layer("norm").set_weights([random.uniform(0.5, 2, 4) for _ in range(4)])
    return model


def _batch(count: int = 6) -> tuple[Any, Any]:
    random = np.random.default_rng(1)
    return random.uniform(-1, 1, (count, 6, 6, 3)).astype(np.float32), random.integers(0, 2, count)


def test_the_norm_of_a_filter_is_scaled_by_its_batch_normalization() -> None:
    model = _network()
    channels = find_channels(model)
    gamma, _, _, variance = model.get_layer("norm").get_weights()
    norms = {
        name: np.abs(model.get_layer(name).get_weights()[0]).sum(axis=(0, 1, 2))
        for name in channels.makes
        if name in channels.convolutions
    }
    norms["one"] = norms["one"] * gamma / np.sqrt(variance + 1e-3)
    lengths = {name: norm / np.linalg.norm(norm) for name, norm in norms.items()}
    found = bn_l1(model, channels)
    assert found[channels.makes["own"]] == pytest.approx(lengths["own"])
    assert found[channels.makes["one"]] == pytest.approx(lengths["one"] + lengths["other"])


def test_a_filter_whose_scale_is_zero_has_no_importance() -> None:
    model = _network()
    weights = model.get_layer("norm").get_weights()
    weights[0][2] = 0
    model.get_layer("norm").set_weights(weights)
    kernel, bias = model.get_layer("other").get_weights()
    kernel[..., 2] = 0
    model.get_layer("other").set_weights([kernel, bias])
    channels = find_channels(model)
    assert (bn_l1(model, channels)[channels.makes["one"]] == 0).tolist() == [False, False, True, False]


def _loss(model: Any, images: Any, labels: Any) -> Any:
    """float64 [batch]: cross-entropy of each image, weighted by class."""
    probabilities = np.asarray(model(images), np.float64)
    return -CLASS_WEIGHTS[labels] * np.log(probabilities[np.arange(len(labels)), labels])


def _scaled(model: Any, layer: str, channel: int, factor: float) -> Any:
    """The network with what the layer makes of a channel multiplied."""
    twin = tf_keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    weights = twin.get_layer(layer).get_weights()
    for weight in weights[:2]:  # kernel and bias, or gamma and beta
        weight[..., channel] *= factor
    twin.get_layer(layer).set_weights(weights)
    return twin


@pytest.mark.parametrize("own", [True, False])
def test_taylor_is_the_slope_of_the_loss_along_the_gate(own: bool) -> None:
    model, (images, labels) = _network(), _batch()
    channels = find_channels(model)
    found = taylor(model, channels, [(images, labels)], CLASS_WEIGHTS)
    step, slopes = 1e-2, []
    for channel in range(4):
        ends = []
        for factor in (1 + step, 1 - step):
            layers = ["own"] if own else ["norm", "other"]
            ends.append(sum(_loss(_scaled(model, layer, channel, factor), images, labels) for layer in layers))
        slopes.append((ends[0] - ends[1]) / (2 * step))
    expected = (np.array(slopes) ** 2).mean(axis=1)
    groups = channels.makes["own" if own else "one"][:4]
    assert found[groups] == pytest.approx(expected, rel=0.02, abs=1e-6)
    assert expected.max() > 1e-5


def test_taylor_does_not_depend_on_the_size_of_a_batch() -> None:
    model, (images, labels) = _network(), _batch()
    channels = find_channels(model)
    whole = taylor(model, channels, [(images, labels)], CLASS_WEIGHTS)
    parts = taylor(model, channels, [(images[:4], labels[:4]), (images[4:], labels[4:])], CLASS_WEIGHTS)
    assert parts == pytest.approx(whole, rel=1e-4)


def test_a_filter_that_nothing_needs_has_no_importance() -> None:
    model = _network()
    weights, bias = model.get_layer("answers").get_weights()
    weights[3] = 0
    model.get_layer("answers").set_weights([weights, bias])
    channels = find_channels(model)
    found = taylor(model, channels, [_batch()], CLASS_WEIGHTS)[channels.makes["own"]]
    assert (found[3], found.max() > 0) == (0, True)
