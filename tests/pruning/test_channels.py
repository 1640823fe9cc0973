import re
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.pruning.channels import find_channels

LAYERS = tf_keras.layers


def _model(*layers: Any, size: tuple[Any, ...] = (8, 8, 3)) -> Any:
    """Convolution "first", the layers, convolution "last", average, dense."""
    source = tf_keras.Input(size)
    tensor = LAYERS.Conv2D(4, 3, padding="same", name="first")(source)
    for layer in layers:
        tensor = layer(tensor)
    tensor = LAYERS.Conv2D(4, 1, name="last")(tensor)
    return tf_keras.Model(source, LAYERS.Dense(2)(LAYERS.GlobalAveragePooling2D()(tensor)))


def test_a_concatenation_moves_channels_by_its_offsets() -> None:
    source = tf_keras.Input((8, 8, 3))
    one, other = LAYERS.Conv2D(2, 1, name="one")(source), LAYERS.Conv2D(3, 1, name="other")(source)
    joined = LAYERS.Conv2D(4, 1, name="joined")(LAYERS.Concatenate()([other, one, other]))
    channels = find_channels(tf_keras.Model(source, LAYERS.Dense(2)(LAYERS.GlobalMaxPooling2D()(joined))))
    parts = [channels.makes[name] for name in ("other", "one", "other")]
    assert channels.reads["joined"].tolist() == np.concatenate(parts).tolist()
    assert channels.fixed == {}


def test_a_depthwise_convolution_repeats_its_channels() -> None:
    channels = find_channels(_model(LAYERS.DepthwiseConv2D(3, depth_multiplier=2), LAYERS.BatchNormalization()))
    assert channels.reads["last"].tolist() == np.repeat(channels.makes["first"], 2).tolist()


def test_an_addition_ties_channels_also_across_a_concatenation() -> None:
    source = tf_keras.Input((8, 8, 3))
    halves = [LAYERS.Conv2D(2, 1, name=name)(source) for name in ("left", "right")]
    whole = LAYERS.Conv2D(4, 1, name="whole")(source)
    added = LAYERS.Add()([LAYERS.Concatenate()(halves), whole])
    channels = find_channels(tf_keras.Model(source, LAYERS.Dense(2)(LAYERS.GlobalAveragePooling2D()(added))))
    tied = [*channels.makes["left"], *channels.makes["right"]]
    assert channels.makes["whole"].tolist() == tied
    assert len(set(tied)) == 4


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([LAYERS.UpSampling2D(name="up")], r"they reach up \(UpSampling2D\), a type of layer that is not understood"),
        ([LAYERS.Softmax(name="soft")], r"they reach soft \(Softmax\)"),
        ([LAYERS.Activation("sigmoid", name="act")], r"act \(Activation\) has the activation sigmoid"),
        ([LAYERS.ReLU(threshold=1.0, name="relu")], r"relu \(ReLU\) has the threshold 1"),
        ([LAYERS.BatchNormalization(axis=1, name="norm")], r"norm \(BatchNormalization\) works along another axis"),
        ([LAYERS.Conv2D(4, 1, groups=2, name="pairs")], r"pairs \(Conv2D\) has 2 groups"),
        ([(shared := LAYERS.Activation("relu", name="twice")), shared], "twice is applied 2 times"),
        ([LAYERS.MaxPooling2D(name="pool", data_format="channels_first")], "has the data format channels_first"),
    ],
)
def test_channels_that_reach_what_is_not_understood_stay(layers: list[Any], reason: str) -> None:
    channels = find_channels(_model(*layers))
    assert not channels.free[channels.makes["first"]].any()
    assert channels.free[channels.makes["last"]].all()
    assert re.search(reason, channels.fixed["first"])
    assert "last" not in channels.fixed


def test_a_convolution_that_is_not_understood_is_listed_itself() -> None:
    channels = find_channels(_model(LAYERS.Conv2D(4, 1, groups=2, name="pairs")))
    assert channels.fixed["pairs"] == channels.fixed["first"]


def test_what_is_tied_to_a_fixed_channel_is_fixed() -> None:
    source = tf_keras.Input((8, 8, 3))
    added = LAYERS.Add()([LAYERS.Conv2D(3, 1, name="shortcut")(source), source])
    channels = find_channels(tf_keras.Model(source, LAYERS.Dense(2)(LAYERS.GlobalAveragePooling2D()(added))))
    assert channels.fixed["shortcut"].endswith("(InputLayer) makes them")


def test_a_number_of_channels_that_is_not_known_is_an_error() -> None:
    source = tf_keras.Input((None, None, None))
    with pytest.raises(ModelError, match=r"the number of channels that .* makes is not known"):
        find_channels(tf_keras.Model(source, LAYERS.GlobalAveragePooling2D()(source)))
