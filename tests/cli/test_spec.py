"""`edgeleuk spec`: written, shown, and described."""

import dataclasses
import json

import jsonschema_rs
import pytest
from click.testing import CliRunner
from hypothesis import given

from edgeleuk.cli import main
from edgeleuk.cli.spec import command
from edgeleuk.errors import SpecError
from edgeleuk.spec import Decision, ModelSpec, Preprocessing, Provenance
from edgeleuk.spec_presets import PRESETS, preset
from tests.test_spec import specs

WHOLE = (
    "--classes a,b --input-size 96 --crop 300 --resample bilinear --colour-order RGB --pixel-scale 1/255 "
    "--pixel-offset 0"
)
OPTIONS = [word for word in WHOLE.split() if word.startswith("--")]


def run(*arguments, typed=None):
    return CliRunner().invoke(command, list(map(str, arguments)), input=typed, catch_exceptions=False)


def failed(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["spec", *map(str, arguments)])
    return ended.value.code, capsys.readouterr().err


@pytest.fixture
def schema():
    return json.loads(run("schema").stdout)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_written_and_shown(name, tmp_path):
    path = tmp_path / "spec.json"
    assert run("new", "-o", path, "--preset", name, "--classes", "a,b").exit_code == 0
    assert ModelSpec.from_json(path.read_text()) == preset(name, ("a", "b"))
    assert "classes       a, b" in run("show", path).stdout


def test_options_alone_make_a_spec(tmp_path):
    path = tmp_path / "spec.json"
    run("new", "-o", path, *WHOLE.split())
    prepare = ModelSpec.from_json(path.read_text()).preprocessing
    assert prepare == Preprocessing(96, 300, "bilinear", "RGB", 1 / 255, 0.0)


def test_scales_of_channels_are_written_between_commas(tmp_path):
    path = tmp_path / "spec.json"
    given = WHOLE.replace("1/255", "0.017,0.018,0.019")
    run("new", "-o", path, *given.split())
    assert ModelSpec.from_json(path.read_text()).preprocessing.pixel_scale == (0.017, 0.018, 0.019)


@pytest.mark.parametrize("option", OPTIONS)
def test_what_is_not_said_is_refused_by_the_option_that_says_it(option, tmp_path, capsys):
    words = WHOLE.split()
    place = words.index(option)
    code, said = failed(capsys, "new", "-o", tmp_path / "spec.json", *words[:place], *words[place + 2 :])
    assert code == 2
    assert option in said
    assert not (tmp_path / "spec.json").exists()


@pytest.mark.parametrize("value", ["", "x", "1/0", "1,", "nan", "0"])
def test_a_scale_that_is_no_number_is_refused(value, tmp_path, capsys):
    code, said = failed(capsys, "new", "-o", tmp_path / "spec.json", *WHOLE.split(), f"--pixel-scale={value}")
    assert code in (1, 2)
    assert said.count("\n") == 1
    assert not (tmp_path / "spec.json").exists()


def test_on_a_terminal_what_is_missing_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("edgeleuk.cli.spec.on_a_terminal", lambda: True)
    path = tmp_path / "spec.json"
    answers = "none\na,b\n96\ncrop\n300\nbilinear\nRGB\nnot a number\n1/255\n0\n"
    assert run("new", "-o", path, typed=answers).exit_code == 0
    assert ModelSpec.from_json(path.read_text()).preprocessing == Preprocessing(
        96, 300, "bilinear", "RGB", 1 / 255, 0.0
    )


def test_on_a_terminal_a_preset_leaves_the_classes_to_ask_for(tmp_path, monkeypatch):
    monkeypatch.setattr("edgeleuk.cli.spec.on_a_terminal", lambda: True)
    path = tmp_path / "spec.json"
    assert run("new", "-o", path, typed="torchvision\nbenign,blast\n").exit_code == 0
    assert ModelSpec.from_json(path.read_text()) == preset("torchvision", ("benign", "blast"))


def test_the_spec_of_a_model_and_of_a_file_is_printed_as_json(small_model, tmp_path):
    shown = run("show", small_model, "--json").stdout
    (tmp_path / "spec.json").write_text(shown)
    assert run("show", tmp_path / "spec.json", "--json").stdout == shown


def test_a_spec_that_leaves_the_scale_out_is_shown_with_a_warning(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text('{"classes": ["a", "b"], "preprocessing": {"input_size_px": 32, "crop_px": 75}}')
    assert "does not say pixel_scale, pixel_offset" in run("show", path).stderr


@given(specs())
def test_every_spec_that_is_written_fits_the_schema(spec):
    schema = json.loads(run("schema").stdout)
    jsonschema_rs.validate(schema, json.loads(spec.to_json()))


@pytest.mark.parametrize(
    ("place", "kind"),
    [((), ModelSpec), (("preprocessing",), Preprocessing), (("decision",), Decision), (("provenance",), Provenance)],
)
def test_the_schema_knows_every_key(schema, place, kind):
    part = schema
    for step in place:
        part = part["properties"][step]
    assert set(part["properties"]) == {field.name for field in dataclasses.fields(kind)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": ["one"]},
        {"scores": "softmax"},
        {"preprocessing": {"crop_px": None}},
        {"preprocessing": {"fit": "stretch", "crop_px": 40}},
        {"preprocessing": {"fit": "shorter_side"}},
        {"preprocessing": {"pixel_scale": -1}},
        {"preprocessing": {"colour_order": "HSV"}},
        {"decision": {"temperature": 0}},
    ],
)
def test_what_the_schema_refuses_is_refused_when_it_is_read(schema, wrong):
    raw = json.loads(ModelSpec(("a", "b"), Preprocessing(96, 300)).to_json())
    for key, value in wrong.items():
        raw[key] = raw[key] | value if isinstance(value, dict) else value
    assert not jsonschema_rs.is_valid(schema, raw)
    with pytest.raises(SpecError):
        ModelSpec.from_json(json.dumps(raw))
