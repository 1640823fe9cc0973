"""SavedModels without a network of Keras: converted by their signature, once all in it is known to compute only."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.importing.saved_model import has_keras_network, is_saved_model
from edgeleuk.importing.signature import signature_tflite
from edgeleuk.quantization.toolkit import tf
from edgeleuk.runtime.backend import Network
from tests.importing.test_flat import SHAPE, answers, disturbed, sequential

pytestmark = pytest.mark.slow


def served(function: Any, *shape: int | None, **held: Any) -> Any:
    """A module with what it holds, and a signature of one batch of images."""
    module = tf.Module()
    for name, value in held.items():
        setattr(module, name, value)
    return module, tf.function(function).get_concrete_function(tf.TensorSpec((None, *shape), tf.float32, name="images"))


def test_the_graph_of_a_signature_answers_as_its_network(tmp_path: Path) -> None:
    network = disturbed(sequential())
    module, signature = served(lambda images: {"scores": network(images)}, None, None, 3, network=network)
    tf.saved_model.save(module, tmp_path / "m", signatures=signature)
    assert is_saved_model(tmp_path / "m")
    assert not has_keras_network(tmp_path / "m")
    network_file = Network(signature_tflite(tmp_path / "m", SHAPE), Path("m"))
    images = np.random.default_rng(1).uniform(0, 1, (3, *SHAPE)).astype(np.float32)
    found = [network_file.scores(image[np.newaxis]) for image in images]
    np.testing.assert_allclose(np.stack(found), answers(network), atol=1e-5)


def test_an_operation_that_does_more_than_compute_is_refused_by_name(tmp_path: Path) -> None:
    witness = tmp_path / "WITNESS"

    def writes(images: Any) -> Any:
        tf.io.write_file(str(witness), "x")
        return {"scores": tf.reduce_mean(images, [1, 2])}

    def calls_python(images: Any) -> Any:
        return {"scores": tf.ensure_shape(tf.numpy_function(lambda x: x, [images], tf.float32), [None, *SHAPE])}

    for function, name in ((writes, "WriteFile"), (calls_python, "PyFunc")):
        module, signature = served(function, *SHAPE)
        tf.saved_model.save(module, tmp_path / name, signatures=signature)
        with pytest.raises(ModelError, match=f"its graph holds .*{name} .*nothing of it was run"):
            signature_tflite(tmp_path / name, SHAPE)
    assert not witness.exists()


def test_what_loading_would_set_up_is_refused(tmp_path: Path) -> None:
    initial = tf.lookup.KeyValueTensorInitializer(["a"], [1])
    table = tf.lookup.StaticHashTable(initial, 0)
    module, signature = served(lambda images: {"scores": tf.reduce_mean(images, [1, 2])}, *SHAPE, table=table)
    tf.saved_model.save(module, tmp_path / "m", signatures=signature)
    with pytest.raises(ModelError, match="HashTable"):
        signature_tflite(tmp_path / "m", SHAPE)


def test_a_function_that_saves_as_it_computes_is_refused(tmp_path: Path) -> None:
    def saves(images: Any) -> Any:
        tf.raw_ops.SaveV2(prefix=str(tmp_path / "WITNESS"), tensor_names=["a"], shape_and_slices=[""], tensors=[images])
        return {"scores": tf.reduce_mean(images, [1, 2])}

    module, signature = served(saves, *SHAPE)
    tf.saved_model.save(module, tmp_path / "m", signatures=signature)
    with pytest.raises(ModelError, match="its graph holds SaveV2"):
        signature_tflite(tmp_path / "m", SHAPE)


def test_a_folder_that_is_damaged_or_has_no_such_signature_is_refused(tmp_path: Path) -> None:
    module, signature = served(lambda images: {"a": images, "b": images}, *SHAPE)
    tf.saved_model.save(module, tmp_path / "two", signatures=signature)
    with pytest.raises(ModelError, match="1 inputs and 2 outputs; expected one image"):
        signature_tflite(tmp_path / "two", SHAPE)
    tf.saved_model.save(tf.Module(), tmp_path / "none")
    with pytest.raises(ModelError, match="by its signature, and this one has none"):
        signature_tflite(tmp_path / "none", SHAPE)
    (tmp_path / "none" / "saved_model.pb").write_bytes(b"\x0a\xff\xff")
    with pytest.raises(ModelError, match="damaged or cut off"):
        signature_tflite(tmp_path / "none", SHAPE)
