"""What leaking folds are worth."""

import dataclasses
import json

import pytest
from click.testing import CliRunner

from edgeleuk.cli import main
from edgeleuk.cli.leakage import command
from edgeleuk.data.index import Index
from edgeleuk.data.random_folds import LEAKS, random_folds
from edgeleuk.errors import DataError, LeakError, OutputError
from edgeleuk.evaluation.evaluate import Prediction
from edgeleuk.evaluation.leakage import compared, measure_leakage
from edgeleuk.report.text.leakage import render_leakage
from edgeleuk.training.config import PRESETS, TrainConfig


def answered(index, wrong):
    """The held-out answers, `wrong` of each subject's images mistaken."""
    found, seen = {}, {}
    for image in index.images:
        number = seen[image.subject] = seen.get(image.subject, -1) + 1
        said = image.label if number >= wrong else next(name for name in index.classes if name != image.label)
        chances = tuple(0.9 if name == said else 0.1 for name in index.classes)
        found[image.path] = Prediction(image.path, image.subject, image.label, said, 0.9, chances)
    return found


def leakage(cells_index, wrong):
    index = Index.load(cells_index)
    answers = {"random": answered(index, 0), "subject": answered(index, wrong)}
    return compared(index.images, answers, {"random": random_folds(index), "subject": index}, {"width": 0.25})


def test_the_difference_is_that_of_the_same_images_with_an_interval_over_subjects(cells_index):
    found = leakage(cells_index, 4)
    assert found.accuracy_difference == pytest.approx(4 / 6)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.accuracy_difference < found.high
    assert (found.random.scores.accuracy.value, found.subject.scores.accuracy.value) == pytest.approx((1, 2 / 6))


def test_both_stand_side_by_side_and_the_leaking_one_is_marked(cells_index):
    text = render_leakage(leakage(cells_index, 4))
    assert "images dealt at random" in text.splitlines()[0]
    assert f"left column: {LEAKS}" in text
    assert "the leak is worth +66.7 points of accuracy" in text
    assert "subjects in two folds and more" in text
    record = json.loads(json.dumps(leakage(cells_index, 4).to_dict()))
    assert (record["leaks"], record["random"]["leaks"], record["subject"]["leaks"]) == (LEAKS, LEAKS, None)


def test_a_difference_that_may_be_nothing_is_said_to_be_untold(cells_index):
    found = leakage(cells_index, 0)
    assert "too few subjects to tell it from nothing" in render_leakage(found)


def test_without_subjects_nothing_says_what_leaks(cells_index, tmp_path):
    unknown = dataclasses.replace(Index.load(cells_index), subjects_known=False)
    with pytest.raises(DataError, match="no subject is known"):
        measure_leakage(unknown, TrainConfig(), tmp_path / "out", print)


@pytest.mark.parametrize("name", ["fold", "split", "teacher"])
def test_what_it_decides_itself_is_refused(name, cells_index, tmp_path):
    given = {"fold": "1", "split": "random", "teacher": str(tmp_path)}[name]
    done = CliRunner().invoke(command, [str(cells_index), "-o", str(tmp_path / "o"), f"--{name}", given])
    assert f"leave --{name} out" in str(done.exception)


def test_the_preset_is_the_notebooks():
    config = TrainConfig(**PRESETS["notebook"])
    assert (config.input_size, config.dropout, config.robust, config.constancy) == (300, 0.25, "off", "none")


def test_random_folds_need_a_cross_validation(cells_index, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", str(cells_index), "-o", str(tmp_path / "run"), "--split", "random"])
    assert ended.value.code == 2
    assert "give --cross-validate, too" in capsys.readouterr().err


@pytest.mark.slow
def test_every_output_of_random_folds_says_that_it_leaks(cells_index, tmp_path, tiny_settings):
    from edgeleuk.evaluation.evaluate import Request, evaluate
    from edgeleuk.evaluation.predictors import open_predictor
    from edgeleuk.quantization.source import load_source
    from edgeleuk.training.cross_validation import cross_validate

    said = []
    settings = TrainConfig(**tiny_settings | {"epochs": 1, "split": "random"})
    index = Index.load(cells_index)
    summary = cross_validate(index, settings, tmp_path / "cv", report=said.append)
    run = tmp_path / "cv" / "fold_0"
    for name in ("fold_0/config.json", "fold_0/metrics.json", "fold_0/index.json", "cross_validation.json"):
        assert json.loads((tmp_path / "cv" / name).read_text())["leaks"] == LEAKS
    assert LEAKS in summary
    assert LEAKS in said[0]
    with pytest.raises(LeakError, match="becomes no model"):
        load_source(run)
    evaluation = evaluate(open_predictor(run), Index.load(run / "index.json"), run, Request("validation", "allow"))
    assert evaluation.notes[0] == LEAKS


def test_a_folder_of_something_else_is_left_alone(cells_index, tmp_path):
    (tmp_path / "picture.bmp").touch()
    with pytest.raises(OutputError, match="already exists"):
        measure_leakage(Index.load(cells_index), TrainConfig(), tmp_path, print)
    assert [each.name for each in tmp_path.iterdir()] == ["picture.bmp"]
