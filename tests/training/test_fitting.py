from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import ImageError, ModelError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.stream import ImageStream
from edgeleuk.spec import Preprocessing
from edgeleuk.training.fitting import FitData, Fitter, Phase, answers_of, validate

SPEC = Preprocessing(8, 8)


@pytest.fixture
def data(tmp_path: Path) -> FitData:
    """Dark and bright squares, told apart in a few steps."""
    random = np.random.default_rng(0)
    paths, labels = [], []
    for number in range(24):
        low = 128 * (number % 2)
        path = tmp_path / f"{number}.png"
        Image.fromarray(random.integers(low + 1, low + 100, (8, 8, 3), dtype=np.uint8)).save(path)
        paths.append(path)
        labels.append(number % 2)
    stream = ImageStream(paths, labels, SPEC, batch_size=8)
    return FitData(stream, stream, np.ones(2))


def _model() -> tf_keras.Model:
    tf_keras.utils.set_random_seed(0)
    inputs = tf_keras.Input((8, 8, 3))
    features = tf_keras.layers.Dropout(0.1)(tf_keras.layers.GlobalAveragePooling2D()(inputs))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(2, activation="softmax")(features))


def _phase(epochs: int) -> Phase:
    return Phase("all", epochs, 0.2, lambda model: None)


def test_fitting_learns_and_ends_with_the_best_weights(data: FitData, tmp_path: Path) -> None:
    model = _model()
    progress = Fitter(model, data, tmp_path, patience=20, seed=0).run([_phase(8)])
    assert progress.best is not None
    assert progress.best["val_weighted_f1"] == 1.0
    assert validate(model, data.validation)["val_loss"] == pytest.approx(progress.best["val_loss"], rel=1e-5)


def test_one_graph_answers_batches_of_any_size_as_predict_on_batch_does() -> None:
    model, random = _model(), np.random.default_rng(0)
    answers = answers_of(model)
    for count in (8, 3):
        images = random.uniform(-1, 1, (count, 8, 8, 3)).astype(np.float32)
        assert np.array_equal(answers(images), model.predict_on_batch(images))


def test_answers_follow_the_weights(data: FitData) -> None:
    model = _model()
    answers = answers_of(model)
    before = validate(model, data.validation, answers)
    model.set_weights([-weight for weight in model.get_weights()])
    assert validate(model, data.validation, answers) == validate(model, data.validation) != before


def test_the_schedule_counts_the_steps_that_were_taken_and_ends_at_zero(data: FitData, tmp_path: Path) -> None:
    model = _model()
    progress = Fitter(model, data, tmp_path, patience=20, seed=0).run([_phase(4)])
    assert int(model.optimizer.iterations) == 4 * data.training.batch_count
    rates = [row["learning_rate"] for row in progress.rows]
    assert rates[-2] > rates[-1] == 0


def test_the_start_is_kept_where_training_only_harms(data: FitData, tmp_path: Path) -> None:
    model = _model()
    Fitter(model, data, tmp_path, patience=20, seed=0).run([_phase(8)])
    (tmp_path / "again").mkdir()
    good = model.get_weights()
    harmful = Phase("harmful", 1, 1e-9, lambda model: model.set_weights([-w for w in model.get_weights()]))
    progress = Fitter(model, data, tmp_path / "again", 20, 0, start_counts=True).run([harmful])
    assert progress.best is not None
    assert progress.best["epoch"] == 0
    assert all((a == b).all() for a, b in zip(good, model.get_weights(), strict=True))


def test_training_stops_when_nothing_gets_better(data: FitData, tmp_path: Path) -> None:
    still = Phase("still", 50, 1e-12, lambda model: None)
    progress = Fitter(_model(), data, tmp_path, patience=3, seed=0).run([still])
    assert progress.stopped
    assert progress.epochs_done <= 10


def test_going_on_from_a_checkpoint_equals_never_stopping(data: FitData, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop_after_two(row: dict[str, float]) -> None:
        if row["epoch"] == 2:
            raise StopError

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = Fitter(_model(), data, tmp_path / "a", 20, 0).run([_phase(1), _phase(4)])
    with pytest.raises(StopError):
        Fitter(_model(), data, tmp_path / "b", 20, 0, stop_after_two).run([_phase(1), _phase(4)])
    tf_keras.utils.set_random_seed(99)
    resumed = Fitter(_model(), data, tmp_path / "b", 20, 0).run([_phase(1), _phase(4)])
    for name in ("loss", "val_loss", "accuracy"):
        assert [row[name] for row in resumed.rows] == pytest.approx([row[name] for row in whole.rows], rel=1e-4)


def test_the_step_of_a_phase_is_traced_once(data: FitData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, traced = _model(), []
    step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda batch: traced.append(batch) or step(batch))
    Fitter(model, data, tmp_path, patience=20, seed=0).run([_phase(1), _phase(3)])
    assert len(traced) == 2


def test_patience_ends_the_last_phase_only(data: FitData, tmp_path: Path) -> None:
    still = Phase("head", 4, 1e-12, lambda model: None)
    progress = Fitter(_model(), data, tmp_path, patience=1, seed=0).run([still, _phase(2)])
    assert [row["phase"] for row in progress.rows][:5] == ["head"] * 4 + ["all"]


def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(data: FitData, tmp_path: Path) -> None:
    wild = Phase("wild", 3, 1e38, lambda model: None)
    with pytest.raises(ModelError, match="not finite; choose a lower learning rate"):
        Fitter(_model(), data, tmp_path, patience=3, seed=0).run([wild])


def test_a_bad_training_image_comes_out_as_its_own_error(data: FitData, tmp_path: Path) -> None:
    data.training.paths[3].write_bytes(b"")
    with pytest.raises(ImageError, match=r"3\.png"):
        Fitter(_model(), data, tmp_path, patience=3, seed=0).run([_phase(1)])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut"])
def test_a_damaged_checkpoint_is_named(data: FitData, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.npz").write_bytes(content)
    with pytest.raises(ModelError, match=r"checkpoint\.npz is not a checkpoint"):
        Fitter(_model(), data, tmp_path, patience=3, seed=0).run([_phase(1)])
