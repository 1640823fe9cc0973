"""`edgeleuk calibrate`: what it takes, what it refuses, and a file that every other command takes."""

import json

import click
import pytest
from click.testing import CliRunner

from edgeleuk.cli.calibrate import command
from edgeleuk.cli.evaluate import command as evaluate
from edgeleuk.cli.infer import command as infer
from edgeleuk.cli.inspect import command as inspect
from edgeleuk.errors import DataError, UsageError
from tests.calibration.conftest import pictures, sure_model  # noqa: F401  (fixtures)


def run(*arguments, of=command):
    result = CliRunner().invoke(of, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def index(pictures, tmp_path_factory):  # noqa: F811
    path = tmp_path_factory.mktemp("index") / "index.json"
    pictures[0].save(path)
    return path


def test_every_option_has_help():
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)
    assert run("--help").exit_code == 0


@pytest.mark.parametrize(
    "asked",
    [
        *([option, value] for option in ("--sensitivity", "--abstain") for value in ("0", "1", "95", "nan", "many")),
        *(["--cost", value] for value in ("5", "5:0", "-1:2", "a:b", "nan:1", "1:2:3")),
        ["--split", "train"],
    ],
)
def test_what_is_no_level_is_a_usage_error(asked):
    result = run("a.tflite", "index.json", "-o", "c.tflite", *asked)
    assert result.exit_code == 2


def test_one_operating_point_is_chosen(small_model, cells_index, tmp_path):
    with pytest.raises(UsageError, match="give one of them"):
        run(small_model, cells_index, "-o", tmp_path / "c.tflite", "--sensitivity", "0.9", "--cost", "5:1")


def test_too_few_subjects_leave_the_model_as_it_is(small_model, cells_index, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(small_model.read_bytes())
    with pytest.raises(DataError, match="12 subjects held out, too few"):
        run(path, cells_index, "--split", "all", "-o", path)
    assert path.read_bytes() == small_model.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_calibrated_in_its_place_is_taken_by_the_others(sure_model, index, tmp_path):  # noqa: F811
    path = tmp_path / "model.tflite"
    path.write_bytes(sure_model.read_bytes())
    told = run(path, index, "-o", path, "--abstain", "10%", "--sensitivity", "0.9").stdout
    assert "temperature" in told
    assert told.endswith(f"wrote {path}\n")
    shown = run(path, of=inspect).stdout
    assert "600 test images, 60 subjects: ECE" in shown
    assert "sensitivity 0.9 was aimed at" in shown
    record = json.loads(run(path, index, "--json", "--resamples", 100, of=evaluate).stdout)
    assert record["reliability"]["sets"]["asked"] == 0.9
    assert record["reliability"]["calibrated_images"] == 600
    images = json.loads(index.read_text())["root"]
    folder = (index.parent / images).resolve()
    rows = [json.loads(line) for line in run(path, folder, "--json", of=infer).stdout.splitlines()]
    unsure = [row for row in rows if row["warnings"] == ["uncertain"]]
    assert 0 < len(unsure) < len(rows) == 600


def test_the_record_is_json(sure_model, index, tmp_path):  # noqa: F811
    record = json.loads(run(sure_model, index, "-o", tmp_path / "c.tflite", "--cost", "2:1", "--json").stdout)
    assert record["calibration"]["operating_point"]["aim"] == "cost"
    assert record["decision"]["threshold"] == pytest.approx(1 / 3)
