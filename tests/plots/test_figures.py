"""Pictures are written whole, at a readable size, for any number of classes."""

import math

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import DataError, OutputError
from edgeleuk.evaluation.evaluate import Evaluation, Prediction
from edgeleuk.evaluation.picture import evaluation_figure
from edgeleuk.report.layer_errors import layer_errors_figure
from edgeleuk.spec import Decision
from edgeleuk.statistics.metrics import Bootstrap, score
from edgeleuk.training.results import history_figure


def evaluation(classes=("hem", "all"), positive="all", images=400, subjects=20, absent=()):
    random = np.random.default_rng(0)
    groups = np.arange(images) % subjects
    present = [number for number, name in enumerate(classes) if name not in absent]
    truth = np.array(present)[groups % len(present)]
    logits = random.normal(0, 1, (images, len(classes))) + 1.5 * np.eye(len(classes))[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    number = None if positive is None else classes.index(positive)
    predictions = tuple(
        Prediction(str(i), str(g), classes[t], classes[p.argmax()], p[t], tuple(p))
        for i, (g, t, p) in enumerate(zip(groups, truth, probabilities, strict=True))
    )
    scores = score(truth, probabilities, groups, positive=number, bootstrap=Bootstrap(resamples=200))
    return Evaluation(
        "runs/model.tflite", "ab" * 32, "cd" * 32, "test", classes, positive, Decision(), 0, scores, (), (), predictions
    )


def history(epochs=12):
    return [
        {
            "epoch": epoch,
            "phase": "head" if epoch < 4 else "all layers",
            "loss": math.exp(-epoch / 5),
            "val_loss": 0.2 + math.exp(-epoch / 4),
            "val_weighted_f1": 0.9 - 0.4 * math.exp(-epoch / 3) - 0.002 * epoch,
            "learning_rate": 1e-3 if epoch < 4 else 1e-4 * 0.8**epoch,
        }
        for epoch in range(epochs)
    ]


MANY = tuple(f"class number {number}" for number in range(8))
DRAWN = {
    "two classes": {},
    "two classes, none positive": {"positive": None},
    "one class has no image": {"absent": ("hem",)},
    "one subject": {"subjects": 1},
    "eight classes": {"classes": MANY, "positive": None, "subjects": 24},
    "eight classes, one absent": {"classes": MANY, "positive": None, "subjects": 24, "absent": MANY[:1]},
}


@pytest.mark.parametrize("case", DRAWN)
def test_an_evaluation_is_drawn_as_png(case, tmp_path):
    evaluation_figure(evaluation(**DRAWN[case]), tmp_path / "evaluation.png")
    with Image.open(tmp_path / "evaluation.png") as image:
        assert image.format == "PNG"
        assert image.width >= 1500
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.png"]


@pytest.mark.parametrize("epochs", [1, 2, 12])
def test_a_training_history_is_drawn_as_png(epochs, tmp_path):
    history_figure(history(epochs), tmp_path / "history.png")
    with Image.open(tmp_path / "history.png") as image:
        assert image.format == "PNG"


def test_values_missing_from_a_history_leave_gaps(tmp_path):
    rows = [{"epoch": 0, "loss": "0.5", "val_loss": ""}, {"epoch": 1, "loss": "0.4", "val_loss": None}]
    history_figure(rows, tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 0


def test_a_history_without_epochs_is_refused(tmp_path):
    with pytest.raises(DataError, match="no epoch"):
        history_figure([], tmp_path / "history.png")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        history_figure(history(), tmp_path / "file" / "history.png")


def test_a_schedule_that_ends_at_zero_is_drawn(tmp_path):
    rows = [row | {"learning_rate": 0.0} for row in history(1)]
    history_figure(rows, tmp_path / "history.png")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def table(layers):
    random = np.random.default_rng(layers)
    rows = [
        {"layer": f"conv2d_{n}", "own_db": own, "accumulated_db": own - 5}
        for n, own in enumerate(random.uniform(20, 50, layers))
    ]
    return {"layers": rows, "reference": "the float network", "images": 16}


@pytest.mark.parametrize("layers", [1, 30, 31, 140])
def test_errors_of_any_number_of_layers_are_drawn_as_png(layers, tmp_path):
    layer_errors_figure(table(layers), tmp_path / "errors.png")
    with Image.open(tmp_path / "errors.png") as image:
        assert image.format == "PNG"
        assert image.width >= 1500


def test_errors_of_no_layer_are_refused(tmp_path):
    with pytest.raises(DataError, match="no layer"):
        layer_errors_figure(table(0), tmp_path / "errors.png")
