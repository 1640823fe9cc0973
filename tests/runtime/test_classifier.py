"""An image in, a label with probabilities out."""

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import ImageError, ModelError, SpecError
from edgeleuk.runtime import Classifier, Prediction
from edgeleuk.runtime.bundle import write_bundle
from edgeleuk.runtime.classifier import default_threads
from edgeleuk.spec import Decision, Preprocessing


@pytest.fixture
def repack(tmp_path):
    """Write a flatbuffer with another spec."""

    def write(flatbuffer, spec):
        path = tmp_path / "model.tflite"
        write_bundle(path, flatbuffer, spec, {}, frozenset())
        return path

    return write


def test_a_file_its_bytes_and_an_opened_image_give_the_same_probabilities(small_model, write_image):
    classifier, path = Classifier.load(small_model), write_image("x.bmp", size=(90, 70))
    with Image.open(path) as image:
        predictions = [classifier.predict(source) for source in (path, str(path), path.read_bytes(), image)]
    assert all(prediction.probabilities == predictions[0].probabilities for prediction in predictions)
    assert isinstance(predictions[0], Prediction)


def test_probabilities_of_an_int8_network_sum_to_one_within_its_steps(small_model, write_image):
    prediction = Classifier.load(small_model).predict(write_image("x.bmp"))
    assert list(prediction.probabilities) == ["all", "hem"]
    assert math.isclose(sum(prediction.probabilities.values()), 1, abs_tol=2 / 256)
    assert prediction.probability == max(prediction.probabilities.values())
    assert prediction.prepare_ms > 0
    assert prediction.invoke_ms > 0


def test_the_int8_network_follows_the_float_one(small_model, small_float_model, write_image):
    path = write_image("x.bmp")
    int8, real = (Classifier.load(model).predict(path).probabilities for model in (small_model, small_float_model))
    assert int8["all"] == pytest.approx(real["all"], abs=0.03)


def test_the_input_has_the_networks_type(small_model, small_float_model, write_image):
    path = write_image("x.bmp")
    codes, real = (Classifier.load(model).prepare(path) for model in (small_model, small_float_model))
    assert (codes.dtype, real.dtype, codes.shape) == (np.int8, np.float32, (1, 32, 32, 3))
    assert np.array_equal(codes.astype(int) + 128, np.rint((real + 1) * 127.5).astype(int))


def test_channels_of_a_bgr_spec_reach_the_network_reversed(
    int8_flatbuffer, small_spec, small_model, repack, write_image
):
    path = write_image("x.bmp")
    bgr = dataclasses.replace(small_spec.preprocessing, colour_order="BGR")
    reversed_ = Classifier.load(repack(int8_flatbuffer, dataclasses.replace(small_spec, preprocessing=bgr)))
    plain = Classifier.load(small_model)
    with Image.open(path) as image:
        swapped = Image.fromarray(np.asarray(image)[..., ::-1].copy())
    assert np.array_equal(reversed_.prepare(path), plain.prepare(swapped))
    assert reversed_.predict(path).probabilities == plain.predict(swapped).probabilities


@pytest.mark.parametrize(("threshold", "label"), [(0.0, "all"), (1.0, "hem")])
def test_the_threshold_of_the_spec_decides(int8_flatbuffer, small_spec, repack, write_image, threshold, label):
    spec = dataclasses.replace(small_spec, decision=Decision(threshold=threshold))
    assert Classifier.load(repack(int8_flatbuffer, spec)).predict(write_image("x.bmp")).label == label


def test_many_paths_give_the_same_probabilities_as_one_at_a_time(small_model, write_image):
    classifier, paths = Classifier.load(small_model), [write_image(f"{name}.bmp") for name in ("a", "bb", "ccc")]
    together = [dict(zip(("all", "hem"), map(float, row), strict=True)) for row in classifier.probabilities(paths)]
    assert together == [classifier.predict(path).probabilities for path in paths]


def test_it_knows_what_it_was_trained_on(small_model):
    assert Classifier.load(small_model).trained_on == {"0123456789abcdef"}


def test_a_spec_of_another_input_size_is_refused(int8_flatbuffer, small_spec, repack):
    path = repack(int8_flatbuffer, dataclasses.replace(small_spec, preprocessing=Preprocessing(48, 64)))
    with pytest.raises(SpecError, match=r"an input of 48 px, the network takes \[1, 32, 32, 3\]"):
        Classifier.load(path)


def test_a_spec_of_other_classes_is_refused(int8_flatbuffer, small_spec, repack):
    path = repack(int8_flatbuffer, dataclasses.replace(small_spec, classes=("all", "b", "c")))
    with pytest.raises(SpecError, match=r"3 classes \(all, b, c\), the network's output is \[1, 2\]"):
        Classifier.load(path)


def test_a_model_without_a_spec_is_refused(int8_flatbuffer, tmp_path):
    (tmp_path / "x.tflite").write_bytes(int8_flatbuffer)
    with pytest.raises(SpecError, match="has no ModelSpec"):
        Classifier.load(tmp_path / "x.tflite")


def test_a_model_cut_in_half_is_refused(small_float_model, tmp_path):
    (tmp_path / "x.tflite").write_bytes(small_float_model.read_bytes()[: small_float_model.stat().st_size // 2])
    with pytest.raises(ModelError, match="damaged or cut off"):
        Classifier.load(tmp_path / "x.tflite")


def test_an_image_that_cannot_be_used_is_an_image_error(small_model, tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        Classifier.load(small_model).predict(tmp_path / "absent.bmp")


def test_a_network_that_returns_nan_is_a_model_error(small_float_model, write_image):
    classifier = Classifier.load(small_float_model)
    scale = dataclasses.replace(classifier.spec.preprocessing)
    object.__setattr__(scale, "pixel_offset", math.nan)  # which no spec may say
    classifier.spec = dataclasses.replace(classifier.spec, preprocessing=scale)
    with pytest.raises(ModelError, match="expected finite probabilities"):
        classifier.predict(write_image("x.bmp"))


def test_the_default_is_one_to_four_threads():
    assert 1 <= default_threads() <= 4


def test_real_cells_are_classified(small_model, shared_data):
    paths = sorted((shared_data / "C-NMC_Leukemia").rglob("*.bmp"))[:3]
    if not paths:
        pytest.skip("the C-NMC images are not at hand")
    labels = {Classifier.load(small_model).predict(path).label for path in paths}
    assert labels <= {"all", "hem"}


def test_many_images_give_what_each_gives_alone_and_in_order(small_model, write_image):
    classifier = Classifier.load(small_model)
    paths = [write_image(f"{'x' * number}.bmp") for number in range(1, 20)]
    many = list(classifier.predict_many(paths, workers=3))
    assert [found.probabilities for found in many] == [classifier.predict(path).probabilities for path in paths]


def test_a_bad_image_among_many_raises_at_its_turn(small_model, write_image, tmp_path):
    many = Classifier.load(small_model).predict_many([write_image("a.bmp"), tmp_path / "absent.bmp"])
    next(many)
    with pytest.raises(ImageError, match="no such file"):
        next(many)


def test_a_classifier_may_be_used_by_several_threads_at_once(small_model, write_image):
    classifier = Classifier.load(small_model)
    paths = [write_image(f"{'x' * number}.bmp") for number in range(1, 9)]
    alone = [classifier.predict(path).probabilities for path in paths]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            assert [found.probabilities for found in pool.map(classifier.predict, paths)] == alone
