"""Files of others, given a spec."""

import dataclasses
import io
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.quantization.attached import attach, stated
from edgeleuk.runtime.bundle import pack, read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.models import open_model
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.spec_presets import assemble
from tests.runtime.written_metadata import with_metadata

SPEC = ModelSpec(("blast", "normal"), Preprocessing(16, fit="stretch", pixel_scale=1 / 255, pixel_offset=0.0), "blast")
pytestmark = pytest.mark.slow


def network(units=2, activation="softmax", channels=3):
    tf_keras.utils.set_random_seed(3)
    image = tf_keras.Input((16, 16, channels))
    features = tf_keras.layers.Conv2D(4, 3, activation="relu")(image)
    pooled = tf_keras.layers.GlobalAveragePooling2D()(features)
    return tf_keras.Model(image, tf_keras.layers.Dense(units, activation=activation)(pooled))


def converted(model, io_type=None):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if io_type is not None:
        random = np.random.default_rng(0)
        shape = (1, *model.input_shape[1:])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([random.random(shape).astype(np.float32)] for _ in range(8))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = io_type
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that statistics of its input were expected
        return converter.convert()


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def float_file(model):
    return converted(model)


def written(tmp_path, content):
    path = tmp_path / "theirs.tflite"
    path.write_bytes(content)
    return path


def test_the_flatbuffer_stays_as_it_is_and_the_file_classifies(tmp_path, float_file, model):
    path = written(tmp_path, float_file)
    path.write_bytes(attach(path, SPEC).content)
    bundle = read_bundle(path)
    assert bundle.flatbuffer == float_file
    assert bundle.spec.provenance.parent_sha256 is not None
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8))
    found = open_model(path).predict(picture).probabilities
    expected = model.predict(np.asarray(picture, np.float32)[np.newaxis] / 255, verbose=0)[0]
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-5)


@pytest.mark.parametrize("kind", [tf.uint8, tf.int8])
def test_eight_bit_inputs_take_each_pixel_as_it_is(tmp_path, model, kind):
    path = written(tmp_path, converted(model, kind))
    path.write_bytes(attach(path, SPEC).content)
    classifier = open_model(path)
    picture = np.arange(768).reshape(16, 16, 3).astype(np.uint8)
    values = classifier.encode(picture)
    assert values.dtype == kind.as_numpy_dtype
    np.testing.assert_array_equal(values[0].astype(int) - np.iinfo(values.dtype).min, picture)
    assert sum(classifier.predict(Image.fromarray(picture)).probabilities.values()) == pytest.approx(1, abs=0.01)


def test_scores_that_are_no_probabilities_are_refused_until_the_spec_says_what_they_are(tmp_path):
    logits = written(tmp_path, converted(network(activation=None)))
    with pytest.raises(SpecError, match="--scores logits"):
        attach(logits, SPEC)
    logits.write_bytes(attach(logits, dataclasses.replace(SPEC, scores="logits")).content)
    found = open_model(logits).predict(Image.new("RGB", (20, 20), (90, 10, 10))).probabilities
    assert sum(found.values()) == pytest.approx(1, abs=1e-6)


def test_one_sigmoid_is_the_positive_class(tmp_path):
    model = network(1, "sigmoid")
    path = written(tmp_path, converted(model))
    with pytest.raises(SpecError, match=r"expected \[1, 2\]"):
        attach(path, SPEC)
    path.write_bytes(attach(path, dataclasses.replace(SPEC, scores="sigmoid")).content)
    picture = Image.new("RGB", (16, 16), (90, 10, 200))
    expected = float(model.predict(np.asarray(picture, np.float32)[np.newaxis] / 255, verbose=0)[0, 0])
    assert open_model(path).predict(picture).probabilities["blast"] == pytest.approx(expected, abs=1e-5)


def test_sigmoids_that_are_said_to_be_probabilities_are_called_sigmoids(tmp_path):
    path = written(tmp_path, converted(network(2, "sigmoid")))
    with pytest.raises(SpecError, match="--scores sigmoids"):
        attach(path, SPEC)


def test_a_spec_of_another_size_is_refused_with_both(tmp_path, float_file):
    path = written(tmp_path, float_file)
    other = dataclasses.replace(SPEC, preprocessing=dataclasses.replace(SPEC.preprocessing, input_size_px=32))
    with pytest.raises(SpecError, match=r"input of 32 px, the network takes \[1, 16, 16, 3\]"):
        attach(path, other)


def test_a_scale_that_an_eight_bit_input_does_not_hold_is_remarked_upon(tmp_path, model):
    path = written(tmp_path, converted(model, tf.uint8))
    wrong = dataclasses.replace(SPEC, preprocessing=dataclasses.replace(SPEC.preprocessing, pixel_scale=1.0))
    (note,) = attach(path, wrong).notes
    assert "check pixel_scale and pixel_offset" in note


def test_a_model_of_edgeleuks_own_keeps_its_spec(tmp_path, float_file):
    path = written(tmp_path, float_file)
    own = attach(path, SPEC)
    path.write_bytes(own.content)
    attach(path, SPEC)  # what was attached may be changed
    spec = dataclasses.replace(SPEC, provenance=dataclasses.replace(SPEC.provenance, kind="int8 of a float network"))
    path.write_bytes(pack(float_file, spec, {}, frozenset()))
    with pytest.raises(SpecError, match="has a spec already"):
        attach(path, SPEC)


def test_metadata_say_scale_offset_channels_and_labels(tmp_path, float_file):
    path = written(tmp_path, with_metadata(float_file, (127.5,), (127.5,), "blast\nnormal\n"))
    said = stated(path)
    assert said["classes"] == ("blast", "normal")
    spec = assemble(said | {"fit": "stretch", "resample": "bilinear"})
    assert spec.preprocessing.scale_and_offset == (pytest.approx(1 / 127.5), pytest.approx(-1))
    path.write_bytes(attach(path, spec).content)
    assert Classifier.load(path).spec.classes == ("blast", "normal")


def test_metadata_of_channels_that_differ_stay_apart(tmp_path, float_file):
    path = written(tmp_path, with_metadata(float_file, (1.0, 2.0, 3.0), (4.0, 4.0, 4.0), "a\nb\n"))
    said = stated(path)
    assert said["pixel_scale"] == 0.25
    assert said["pixel_offset"] == (-0.25, -0.5, -0.75)


def test_files_that_others_put_behind_the_model_stay(tmp_path, float_file):
    stream = io.BytesIO(float_file)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("labels.txt", "a\r\nb\r\n")
        archive.writestr("vocab.txt", "theirs")
    path = written(tmp_path, stream.getvalue())
    path.write_bytes(attach(path, SPEC).content)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("vocab.txt") == b"theirs"
        assert archive.read("labels.txt") == b"blast\nnormal\n"
    assert read_bundle(path).flatbuffer == float_file


@pytest.mark.parametrize("cut", [5, 40, 90])
def test_damaged_metadata_are_named(tmp_path, float_file, cut):
    whole = with_metadata(float_file, (127.5,), (127.5,), "a\nb\n", spoil=cut)
    with pytest.raises(ModelError, match="TFLite Metadata are damaged"):
        stated(written(tmp_path, whole))


def test_channels_first_is_refused_with_the_way_out(tmp_path):
    image = tf_keras.Input((3, 16, 16))
    turned = tf_keras.layers.Permute((2, 3, 1))(image)
    pooled = tf_keras.layers.GlobalAveragePooling2D()(tf_keras.layers.Conv2D(4, 3)(turned))
    path = written(tmp_path, converted(tf_keras.Model(image, tf_keras.layers.Dense(2, activation="softmax")(pooled))))
    with pytest.raises(ModelError, match="channels first"):
        stated(path)


def test_free_sizes_and_channels_first_say_how_to_go_on(tmp_path):
    image = tf_keras.Input((None, None, 3))
    pooled = tf_keras.layers.GlobalAveragePooling2D()(tf_keras.layers.Conv2D(4, 3)(image))
    free = tf_keras.Model(image, tf_keras.layers.Dense(2, activation="softmax")(pooled))
    with pytest.raises(ModelError, match=r"takes pictures of any size.*edgeleuk convert"):
        attach(written(tmp_path, converted(free)), SPEC)
    image = tf_keras.Input((3, 16, 16))
    turned = tf_keras.Model(image, network()(tf_keras.layers.Permute((2, 3, 1))(image)))
    with pytest.raises(ModelError, match=r"channels first.*turns a float file round"):
        attach(written(tmp_path, converted(turned)), SPEC)


@pytest.mark.parametrize(
    ("units", "activation", "said"),
    [(2, "sigmoid", "likely sigmoids"), (2, None, "likely logits"), (1, "sigmoid", 'say "scores": "sigmoid"')],
)
def test_what_scores_are_instead_is_said(tmp_path, units, activation, said):
    with pytest.raises(SpecError, match=said):
        attach(written(tmp_path, converted(network(units, activation))), SPEC)
