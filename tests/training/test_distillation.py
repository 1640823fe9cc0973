import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.special import log_softmax, softmax

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.stream import ImageStream
from edgeleuk.spec import Preprocessing
from edgeleuk.training.config import Distilling
from edgeleuk.training.distillation import Distillation, divergence
from edgeleuk.training.fitting import FitData, Fitter, Labels, Phase

SPEC = Preprocessing(8, 8)
LOGITS = arrays(np.float64, (2, 3, 4), elements=st.floats(-20, 20, width=32))


def network(size: int = 8) -> Any:
    inputs = tf_keras.Input((size, size, 3))
    features = tf_keras.layers.Dropout(0.1)(tf_keras.layers.GlobalAveragePooling2D()(inputs))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(2, activation="softmax")(features))


def teacher(size: int = 8) -> Any:
    """Certain that a bright image is of class 1: logits -20 m and 20 m of the mean m of the pixels in [-1, 1]."""
    model = network(size)
    model.set_weights([np.full((3, 2), 20 / 3) * [-1, 1], np.zeros(2)])
    return model


@pytest.fixture
def stream(tmp_path: Path) -> ImageStream:
    """Dark squares of class 0 and bright ones of class 1."""
    random = np.random.default_rng(0)
    paths = []
    for number in range(24):
        low = 128 * (number % 2)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(random.integers(low + 1, low + 100, (8, 8, 3), dtype=np.uint8)).save(paths[-1])
    return ImageStream(paths, [number % 2 for number in range(24)], SPEC, batch_size=8)


@given(LOGITS, st.floats(1, 20), st.floats(0.01, 1))
@settings(max_examples=40)
def test_the_loss_is_that_of_the_paper(logits: np.ndarray, temperature: float, weight: float) -> None:
    z, z_t = logits
    labels = np.eye(4)[[0, 2, 3]]
    soft = softmax(z_t / temperature, axis=-1)
    spread = (soft * (log_softmax(z_t / temperature, axis=-1) - log_softmax(z / temperature, axis=-1))).sum(axis=-1)
    hard = -(labels * log_softmax(z, axis=-1)).sum(axis=-1)
    targets = np.stack([labels, softmax(z_t, axis=-1)], axis=1).astype(np.float32)

    objective = Distillation(_four_classes(), SPEC, Distilling(temperature, weight))
    student = tf.Variable(z, dtype=tf.float32)
    with tf.GradientTape() as tape:
        predicted = tf.nn.softmax(student)
        # Away from the graph's softmax, from which Keras would take the logits, it clips at 1e-7; so does this.
        loss = objective.loss(tf.constant(targets), predicted)
    expected = (1 - weight) * np.minimum(hard, -np.log(1e-7)) + weight * temperature**2 * spread
    np.testing.assert_allclose(loss.numpy(), expected, rtol=2e-3, atol=2e-3 * temperature)
    if weight == 1:
        gradient = tape.gradient(loss, student).numpy()
        np.testing.assert_allclose(gradient, temperature * (softmax(z / temperature, axis=-1) - soft), atol=1e-3)


def _four_classes() -> Any:
    inputs = tf_keras.Input((8, 8, 3))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(4, activation="softmax")(tf_keras.layers.Flatten()(inputs)))


@given(arrays(np.float64, (3, 4), elements=st.floats(-20, 20, width=32)), st.floats(1, 20))
@settings(max_examples=30)
def test_a_student_that_answers_like_its_teacher_has_nothing_to_learn(logits: np.ndarray, temperature: float) -> None:
    answer = tf.Variable(logits, dtype=tf.float32)
    with tf.GradientTape() as tape:
        same = tf.nn.softmax(answer)
        found = divergence(tf.stop_gradient(same), same, temperature)
    np.testing.assert_allclose(found, 0, atol=1e-5)
    np.testing.assert_allclose(tape.gradient(found, answer), 0, atol=1e-5)


@pytest.mark.parametrize("gap", [50.0, 200.0, 1e4])
def test_a_student_that_is_certain_of_the_contrary_has_a_finite_loss_and_gradient(gap: float) -> None:
    student, answer = tf.Variable([[gap, 0.0]]), tf.nn.softmax([[0.0, gap]])
    with tf.GradientTape() as tape:
        loss = divergence(answer, tf.nn.softmax(student), 4.0)
    assert np.isfinite(loss.numpy()).all()
    assert loss.numpy()[0] > 10
    assert np.isfinite(tape.gradient(loss, student).numpy()).all()


def test_targets_are_labels_and_the_answers_to_the_teachers_own_view(stream: ImageStream) -> None:
    own = Preprocessing(16, 8, pixel_scale=1 / 255, pixel_offset=0.0)
    model = teacher(16)
    objective = Distillation(model, own, Distilling(2.0, 0.5))
    views = list(stream.shuffled_views(3, own))
    for (images, labels, targets), (same, view, _) in zip(objective.batches(stream, 3), views, strict=True):
        assert (images == same).all()
        assert (targets[:, 0] == np.eye(2)[labels]).all()
        np.testing.assert_allclose(targets[:, 1], model.predict_on_batch(view), atol=1e-6)
        assert targets.shape[1:] == objective.target_spec.shape[1:]


def _fit(stream: ImageStream, folder: Path, objective: Any, epochs: int, on_epoch: Any = lambda row: None) -> Any:
    tf_keras.utils.set_random_seed(0)
    model = network()
    data = FitData(stream, stream, np.ones(2), objective)
    fitter = Fitter(model, data, folder, 50, 0, on_epoch)
    return model, fitter.run([Phase("all", epochs, 0.2, lambda model: None)])


def test_a_student_follows_its_teacher_where_the_labels_are_wrong(stream: ImageStream, tmp_path: Path) -> None:
    wrong = dataclasses.replace(stream, labels=[1 - label for label in stream.labels])
    _, progress = _fit(wrong, tmp_path, Distillation(teacher(), SPEC, Distilling(1.0, 1.0)), 8)
    assert progress.rows[-1]["accuracy"] == 0
    assert progress.rows[-1]["val_accuracy"] == 0


def test_without_weight_on_the_teacher_training_is_that_on_labels(stream: ImageStream, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, plain = _fit(stream, tmp_path / "a", Labels(), 3)
    _, taught = _fit(stream, tmp_path / "b", Distillation(teacher(), SPEC, Distilling(4.0, 0.0)), 3)
    for name in ("loss", "accuracy", "val_loss"):
        assert [row[name] for row in taught.rows] == pytest.approx([row[name] for row in plain.rows], rel=1e-4)


def test_going_on_from_a_checkpoint_equals_never_stopping_with_a_teacher(stream: ImageStream, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop_after_two(row: dict[str, float]) -> None:
        if row["epoch"] == 2:
            raise StopError

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    how = Distilling(3.0, 0.7)
    _, whole = _fit(stream, tmp_path / "a", Distillation(teacher(), SPEC, how), 4)
    with pytest.raises(StopError):
        _fit(stream, tmp_path / "b", Distillation(teacher(), SPEC, how), 4, stop_after_two)
    _, resumed = _fit(stream, tmp_path / "b", Distillation(teacher(), SPEC, how), 4)
    for name in ("loss", "val_loss", "accuracy"):
        assert [row[name] for row in resumed.rows] == pytest.approx([row[name] for row in whole.rows], rel=1e-4)
