"""`edgeleuk evaluate`: options that are refused before any work is done."""

import dataclasses
import json

import click
import pytest
from click.testing import CliRunner

from edgeleuk.cli.evaluate import command
from edgeleuk.data.index import Index
from edgeleuk.errors import OutputError, UsageError


def run(*arguments):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_skipping_and_allowing_trained_images_exclude_each_other(tmp_path):
    with pytest.raises(UsageError, match="cannot be combined"):
        run(tmp_path, tmp_path, "--skip-trained", "--allow-trained")


def test_a_taken_output_folder_is_refused_before_the_evaluation(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="already exists"):
        run(tmp_path, tmp_path, "-o", tmp_path)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.tflite: no such model"):
        run(tmp_path / "absent.tflite", tmp_path)


def test_every_option_has_help():
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)
    assert run("--help").exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--against", "/", "--allow-trained"], "nothing can be shown"),
        (["--max-drop", "2pt"], "--max-drop is the margin of --against"),
    ],
)
def test_options_that_make_no_sense_beside_a_reference_are_usage_errors(options, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        run(tmp_path, tmp_path, *options)


def test_a_missing_reference_is_named_before_the_evaluation(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.tflite: no such reference"):
        run(tmp_path, tmp_path, "--against", tmp_path / "absent.tflite")


def test_the_exit_code_is_a_gate(run_edgeleuk, small_model, small_float_model, cells_index, tmp_path):
    def gate(*options):
        return run_edgeleuk("evaluate", small_model, cells_index, "--resamples", "100", *options)

    done = gate("--against", small_float_model, "-o", tmp_path / "int8", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    result = json.loads(done.stdout)["against"]["result"]
    assert (result["verdict"], result["unit"], result["units"]) == ("not shown", "subject", 12)
    anonymous = tmp_path / "anonymous.json"
    index = Index.load(cells_index)
    dataclasses.replace(index, images=tuple(dataclasses.replace(image, subject=None) for image in index.images)).save(
        anonymous
    )
    done = run_edgeleuk("evaluate", small_model, anonymous, "--against", small_model, "--max-drop", "5pt")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith("verdict   not inferior (margin 5 points, 95% confidence)")
    done = gate("--against", tmp_path / "int8", "--split", "all")
    assert (done.returncode, done.stderr) == (1, "")
    assert "could not show it with this few subjects" in done.stdout


def test_how_many_images_to_degrade_is_asked_for_with_degrading_alone(tmp_path):
    with pytest.raises(UsageError, match="--degrade-images is how many images --degrade changes"):
        run(tmp_path, tmp_path, "--degrade-images", "5")


def test_shortcuts_and_degraded_pictures_are_in_text_and_json(small_model, cells_index):
    degrade = ("--degrade", "--degrade-images", "2", "--resamples", "100")
    text = run(small_model, cells_index, *degrade).output
    assert "what the accuracy is made of" in text
    assert "note: colour alone (mean and deviation of R, G, B in a random forest) is right on" in text
    assert "degraded pictures: 2 images of" in text
    record = json.loads(run(small_model, cells_index, *degrade, "--json", "--no-shortcuts").output)
    assert record["shortcuts"] is None
    assert len(record["degraded"]["rows"]) == 66
