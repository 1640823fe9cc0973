"""`edgeleuk attach`: a file of others, with a spec."""

import json

import pytest
from click.testing import CliRunner

from edgeleuk.cli import main
from edgeleuk.cli.attach import command
from edgeleuk.runtime.models import open_model
from edgeleuk.spec_presets import preset

SAID = ("--preset", "keras-inception", "--classes", "blast,normal", "--crop", "64")


@pytest.fixture
def theirs(tmp_path, float_flatbuffer):
    path = tmp_path / "theirs.tflite"
    path.write_bytes(float_flatbuffer)
    return path


def run(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)


def failed(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["attach", *map(str, arguments)])
    return ended.value.code, capsys.readouterr().err


def test_the_shape_of_the_input_need_not_be_said(theirs, write_image):
    shown = run(theirs, *SAID)
    assert "centre 64 px" in shown.stdout
    assert shown.stdout.endswith(f"wrote {theirs}\n")
    assert set(open_model(theirs).predict(write_image("x.png")).probabilities) == {"blast", "normal"}


def test_a_spec_file_says_all(theirs, tmp_path):
    spec = preset("keras-inception", ("a", "b"), input_size_px=32, crop_px=64)
    (tmp_path / "spec.json").write_text(spec.to_json())
    shown = json.loads(run(theirs, "--spec", tmp_path / "spec.json", "-o", tmp_path / "ours.tflite", "--json").stdout)
    assert shown["spec"]["classes"] == ["a", "b"]
    assert shown["proof"]["precision"] == "float32"
    assert open_model(tmp_path / "ours.tflite").spec.classes == ("a", "b")


def test_what_neither_the_file_nor_an_option_says_is_refused(theirs, capsys):
    before = theirs.read_bytes()
    code, said = failed(capsys, theirs, "--classes", "a,b", "--crop", "64", "--colour-order", "RGB")
    assert code == 2
    assert "--pixel-scale; --pixel-offset" in said
    assert theirs.read_bytes() == before


def test_a_spec_file_without_a_scale_is_refused(theirs, tmp_path, capsys):
    (tmp_path / "s.json").write_text('{"classes": ["a", "b"], "preprocessing": {"input_size_px": 32, "crop_px": 64}}')
    code, said = failed(capsys, theirs, "--spec", tmp_path / "s.json")
    assert code == 2
    assert "does not say pixel_scale, pixel_offset" in said


def test_a_spec_file_beside_parts_of_a_spec_is_refused(theirs, tmp_path, capsys):
    (tmp_path / "s.json").write_text(preset("keras-inception", ("a", "b")).to_json())
    code, said = failed(capsys, theirs, "--spec", tmp_path / "s.json", "--classes", "a,b")
    assert (code, "--spec says all" in said) == (2, True)


def test_a_spec_that_contradicts_the_graph_is_refused_and_nothing_is_written(theirs, tmp_path, capsys):
    before = theirs.read_bytes()
    code, said = failed(capsys, theirs, *SAID, "--input-size", "48")
    assert code == 2
    assert "input of 48 px" in said
    code, said = failed(capsys, theirs, "--preset", "keras-inception", "--classes", "a,b,c")
    assert "names 3 classes" in said
    assert theirs.read_bytes() == before
