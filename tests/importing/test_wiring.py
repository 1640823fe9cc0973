"""Configurations whose layers read what never comes."""

import json
import warnings

import pytest

from edgeleuk.errors import ModelError
from edgeleuk.importing.keras_file import load_keras_file
from edgeleuk.importing.wiring import refuse_loose_ends
from edgeleuk.keras.framework import tf_keras


def network():
    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    inner_in = tf_keras.Input((8, 8, 3))
    inner = tf_keras.Model(inner_in, layers.Conv2D(3, 1, name="deep")(inner_in), name="inner")
    shared = layers.Conv2D(3, 1, name="shared")
    joined = layers.Add(name="sum")([shared(inner(image)), shared(inner(image)) * 2.0])
    sequential = tf_keras.Sequential([tf_keras.Input((8, 8, 3)), layers.ReLU(name="relu")], name="steps")
    return tf_keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(sequential(joined)))


@pytest.fixture
def config():
    return json.loads(network().to_json())


def layer(config, name):
    return next(entry for entry in config["config"]["layers"] if entry["name"] == name)


def test_shared_and_nested_layers_pass(config):
    refuse_loose_ends(config, "m.h5")
    tf_keras.models.model_from_json(json.dumps(config))


def test_a_layer_that_is_not_there_is_named(config):
    layer(config, "pool")["inbound_nodes"][0][0][0] = "gone"
    with pytest.raises(ModelError, match=r"pool reads use \d of the layer gone, which is not there"):
        refuse_loose_ends(config, "m.h5")


def test_a_use_that_is_not_there_is_named(config):
    layer(config, "sum")["inbound_nodes"][0][0][1] = 7
    with pytest.raises(ModelError, match="sum reads use 7 of the layer shared"):
        refuse_loose_ends(config, "m.h5")


def test_layers_that_wait_for_each_other_are_named(config):
    layer(config, "shared")["inbound_nodes"][0] = [["pool", 0, 0, {}]]
    with pytest.raises(ModelError, match="waits for itself"):
        refuse_loose_ends(config, "m.h5")


def test_a_nested_network_is_looked_into(config):
    layer(config, "inner")["config"]["layers"][1]["inbound_nodes"][0][0][0] = "gone"
    with pytest.raises(ModelError, match="deep reads use 0 of the layer gone"):
        refuse_loose_ends(config, "m.h5")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_a_whole_file_of_nested_and_shared_layers_is_loaded(tmp_path, suffix):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that .h5 is an old format
        network().save(tmp_path / f"m.{suffix}")
    assert load_keras_file(tmp_path / f"m.{suffix}").output_shape == (None, 3)
