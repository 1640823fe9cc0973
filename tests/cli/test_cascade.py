"""`edgeleuk cascade`: two models to one file, which every other command takes for a model."""

import json

import click
import pytest
from click.testing import CliRunner

from edgeleuk.cli.cascade import command
from edgeleuk.errors import OutputError, UsageError
from edgeleuk.runtime.classifier import Classifier


def run(*arguments):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_every_option_has_help():
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)
    assert run("--help").exit_code == 0


@pytest.mark.parametrize("points", ["nan", "0pt", "-1pt", "100pt", "many", "0.3", "0.3%"])
def test_a_loss_that_cannot_be_allowed_is_a_usage_error(points):
    assert run("a.tflite", "b.tflite", "index.json", "-o", "c.tflite", "--max-drop", points).exit_code == 2


def test_a_name_that_other_commands_would_not_know_is_refused(small_model, cells_index, tmp_path):
    with pytest.raises(UsageError, match=r"has no ending; expected \.tflite"):
        run(small_model, small_model, cells_index, "-o", tmp_path / "cascade")


def test_a_place_that_cannot_be_written_is_refused_before_any_work(small_model, cells_index, tmp_path):
    (tmp_path / "cascade.tflite").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        run(small_model, small_model, cells_index, "-o", tmp_path / "cascade.tflite")


def test_neither_model_is_overwritten(small_model, small_float_model, cells_index):
    before = small_float_model.read_bytes()
    with pytest.raises(UsageError, match="is the model that is read, and would be lost"):
        run(small_model, small_float_model, cells_index, "-o", small_float_model)
    assert small_float_model.read_bytes() == before


def test_a_missing_model_is_named(small_model, cells_index, tmp_path):
    with pytest.raises(UsageError, match=r"absent\.tflite: no such model"):
        run(tmp_path / "absent.tflite", small_model, cells_index, "-o", tmp_path / "cascade.tflite")


def test_models_that_do_not_belong_together_exit_with_2_and_leave_nothing(
    run_edgeleuk, small_model, small_float_model, cells_index, tmp_path
):
    done = run_edgeleuk("cascade", small_model, small_float_model, cells_index, "-o", tmp_path / "cascade.tflite")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("error: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.long
def test_the_whole_way(run_edgeleuk, converted, float_run, cells_index, write_image, tmp_path):
    small, large, out = float_run.parent / "ptq.tflite", float_run.parent / "float32.tflite", tmp_path / "both.tflite"
    assert {"ptq", "float32"} <= set(converted)
    done = run_edgeleuk("cascade", small, large, cells_index, "-o", out, "--max-drop", "10pt", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    rule, times = made["rule"], made["times"]
    assert rule["answered_first"] > 0
    assert times["inference"]["worst_ms"] == times["first"]["invoke_ms"] + times["large"]["invoke_ms"]

    evaluated = run_edgeleuk("evaluate", out, cells_index, "--resamples", "100", "--json", "--against", large)
    assert evaluated.stderr == ""
    evaluation = json.loads(evaluated.stdout)
    assert evaluation["split"] == "validation"
    assert evaluation["answered_first"] == rule["answered_first"]
    assert evaluation["scores"]["accuracy"]["value"] == rule["right_cascade"] / rule["images"]
    result = evaluation["against"]["result"]
    for key in ("images", "gained", "lost", "difference"):
        assert result[key] == made["against"]["result"][key]
    text = run_edgeleuk("evaluate", out, cells_index, "--resamples", "100").stdout
    assert f"cascade   {rule['answered_first']} images (" in text

    image = write_image("x.bmp", size=(450, 450))
    row = json.loads(run_edgeleuk("infer", out, image).stdout)
    prediction = Classifier.load(out).predict(image)
    assert (row["stage"], row["label"]) == (prediction.stage, prediction.label)
    assert "FIRST MODEL" in run_edgeleuk("inspect", out).stdout
    advice = " ".join(run_edgeleuk("doctor", out).stdout.split())  # wrapped wherever its milliseconds are long
    assert "a cascade at its worst: both models" in advice
    quick = ("--processes", 1, "--runs", 2, "--seconds", 0)
    assert "worst case (both in turn)" in run_edgeleuk("benchmark", out, *quick, "--images", image).stdout
    again = run_edgeleuk("cascade", small, out, cells_index, "-o", tmp_path / "twice.tflite")
    assert (again.returncode, "is itself a cascade" in again.stderr) == (2, True)
