"""`edgeleuk convert --int8` with layers in float, and what the other commands make of the file."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from edgeleuk.cli.convert import command
from edgeleuk.cli.evaluate import command as evaluate
from edgeleuk.cli.infer import command as infer
from edgeleuk.cli.inspect import command as inspect
from edgeleuk.errors import ProofError, SpecError, UsageError
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.spec import ModelSpec, Preprocessing
from tests.quantization.networks import SIZE, images, lopsided, pixels, undecided
from tests.terminal import unwrapped

pytestmark = pytest.mark.slow
UNMET = ("--min-agreement", "10%", "--max-float", "0")  # what int8 spoils is written all the same


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Keras file of a network that int8 spoils, its spec, and images by what it says of them."""
    folder = tmp_path_factory.mktemp("lopsided")
    seen = np.concatenate(images(80))
    network = undecided(lopsided(), seen)
    network.save(folder / "model.keras")
    spec = ModelSpec(("all", "hem"), Preprocessing(SIZE, SIZE), positive_class="all")
    (folder / "spec.json").write_text(spec.to_json())
    for number, (image, answer) in enumerate(
        zip(pixels(80), network.predict_on_batch(seen).argmax(axis=1), strict=True)
    ):
        path = folder / "images" / spec.classes[answer] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


@pytest.fixture(scope="module")
def call(folder: Path) -> Any:
    def called(*options: object) -> Result:
        source = [folder / "model.keras", "--spec", folder / "spec.json", "--calibration", folder / "images"]
        return CliRunner().invoke(command, [*map(str, source), *map(str, options)], catch_exceptions=False)

    return called


@pytest.fixture(scope="module")
def mixed(call: Any, folder: Path) -> tuple[Path, Result]:
    """The file that a gate made, and what was said."""
    path = folder / "mixed.tflite"
    return path, call("-o", path, "--min-agreement", "95%", "--max-drop", "5pt")


def test_int8_shows_the_worst_layers_and_writes_all_of_them(call: Any, tmp_path: Path) -> None:
    files = [tmp_path / f"errors.{kind}" for kind in ("json", "csv", "png")]
    options = [option for path in files for option in ("--errors", path)]
    done = call("-o", tmp_path / "int8.tflite", "--error-samples", 4, *UNMET, *options)
    assert "signal to noise of 8 int8 layers, each by itself, against the float network on 4 images" in unwrapped(
        done.stdout
    )
    assert "worst         after " in unwrapped(done.stdout)
    table = json.loads(files[0].read_text())
    assert (len(table["layers"]), table["images"]) == (8, 4)
    with files[1].open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["layer"] for row in rows] == [row["layer"] for row in table["layers"]]
    with Image.open(files[2]) as picture:
        assert picture.format == "PNG"
    proof = read_bundle(tmp_path / "int8.tflite").proof
    assert proof is not None
    assert (proof["precision"], proof["mixed"], proof["gate"]["min_agreement"]) == ("int8", None, 0.1)
    assert proof["layer_errors"]["worst"][0]["layer"] == "after"


def test_a_gate_keeps_layers_in_float_and_says_so(mixed: tuple[Path, Result]) -> None:
    path, done = mixed
    assert "and after in float, own error" in done.stderr
    lines = unwrapped(done.stdout).splitlines()
    assert lines[0].endswith("MB  mixed")
    assert any(
        line.startswith("mixed         3 of 8 operators in float32, all others int8; fully int8, ") for line in lines
    )
    assert "float32       wide, CONV_2D: makes the input of after" in lines
    assert any(line.startswith("cost          0.0 MB for 0.0 MB, and ") and "1 thread" in line for line in lines)
    (gate,) = [line for line in lines if line.startswith("gate ")]
    assert "gate          met: agreement " in gate
    assert "(at most 5), on 40 images, on which the layers were chosen" in gate
    assert json.loads(path.with_suffix(".proof.json").read_text()) == read_bundle(path).proof


def test_its_proof_claims_no_int8_and_names_what_is_in_float(mixed: tuple[Path, Result]) -> None:
    bundle = read_bundle(mixed[0])
    proof, spec = bundle.proof, bundle.spec
    assert proof is not None
    assert spec is not None
    assert proof["precision"] == "mixed"
    assert spec.provenance.kind == "mixed of a keras network"
    assert proof["float_tensors"] > 0
    assert [row["layer"] for row in proof["mixed"]["float"]] == ["wide", "pool", "after"]
    assert proof["mixed"]["int8_agreement"] < 0.95 <= proof["gate"]["agreement"]
    assert proof["fidelity"][0]["label_agreement"] == proof["gate"]["agreement"]
    assert proof["mixed"]["size_bytes"] == proof["size_bytes"] > proof["mixed"]["int8_size_bytes"]
    assert 0 < proof["mixed"]["int8_ms"] < 1000


def test_inspect_shows_it(mixed: tuple[Path, Result]) -> None:
    text = unwrapped(CliRunner().invoke(inspect, [str(mixed[0])], catch_exceptions=False).stdout)
    assert "mixed         3 of 8 operators in float32" in text
    assert "float32       after, CONV_2D: own error " in text
    assert "errors        signal to noise of 8 int8 layers" in text
    assert "gate          met" in text
    assert "int8 [1, 24, 24, 3]" in text


def test_infer_and_evaluate_take_it_like_any_other(mixed: tuple[Path, Result], folder: Path) -> None:
    image = next((folder / "images" / "all").iterdir())
    answered = CliRunner().invoke(infer, [str(mixed[0]), str(image), "--json"], catch_exceptions=False)
    assert json.loads(answered.stdout.splitlines()[0])["label"] == "all"
    options = [str(mixed[0]), str(folder / "images"), "--skip-trained", "--json"]
    judged = json.loads(CliRunner().invoke(evaluate, options, catch_exceptions=False).stdout)
    assert judged["scores"]["accuracy"]["value"] >= 0.95


def test_benchmark_takes_it_like_any_other(mixed: tuple[Path, Result], run_edgeleuk: Any, tmp_path: Path) -> None:
    done = run_edgeleuk(
        "benchmark", mixed[0], "--seconds", 0, "--runs", 5, "--processes", 1, "-o", tmp_path / "record.json"
    )
    assert done.returncode == 0, done.stderr
    assert "mixed.tflite" in (tmp_path / "record.json").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keep-float", "aftr"], "nearest: after"),
        (["--keep-float", "99"], "the network has 8 layers; expected 1 to 8"),
        (["--keep-float", "0"], "expected one number of layers, of at least 1"),
        (["--keep-float", "2", "--keep-float", "3"], "expected one number of layers"),
        (["--keep-float", "1", "--error-samples", "0"], "--error-samples 0"),
        (["--min-agreement", "90%", "--fidelity-samples", "0"], "need images outside training and calibration"),
        (["--errors", "errors.txt"], "expected .json, .csv, .png"),
        (["--errors", "errors.json", "--error-samples", "0"], "--errors needs errors to write"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error_and_writes_nothing(
    call: Any, tmp_path: Path, options: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        call("-o", tmp_path / "model.tflite", *options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [["--keep-float", "after"], ["--errors", "e.json"]])
def test_layers_in_float_are_for_int8(folder: Path, tmp_path: Path, options: list[str]) -> None:
    given = [folder / "model.keras", "--spec", folder / "spec.json", "--float32", "-o", tmp_path / "m.tflite"]
    with pytest.raises(UsageError, match="--int8"):
        CliRunner().invoke(command, [*map(str, given), *options], catch_exceptions=False)


@pytest.mark.parametrize("share", ["101%", "many", "-1%"])
def test_a_share_that_is_none_is_a_usage_error(call: Any, tmp_path: Path, share: str) -> None:
    done = call("-o", tmp_path / "model.tflite", f"--min-agreement={share}")
    assert done.exit_code == 2
    assert "is not a share of 0% to 100%" in done.stderr


def test_too_little_agreement_is_a_failure_that_names_what_costs_most(call: Any, tmp_path: Path) -> None:
    """By default, too: nobody asked for a gate."""
    with pytest.raises(ProofError, match=r"an agreement of 95 % .* by default and was not met:.* costs most: after \("):
        call("-o", tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


def test_the_accuracy_of_both_is_shown_beside_the_agreement(mixed: tuple[Path, Result]) -> None:
    """The images are labelled as the float network answers, but for those that it is least sure of."""
    (line,) = [line for line in unwrapped(mixed[1].stdout).splitlines() if line.startswith("accuracy ")]
    proof = read_bundle(mixed[0]).proof
    assert proof is not None
    network, model = proof["accuracy"]["networks"]["float network"], proof["accuracy"]["model"]
    assert 0.95 <= network <= 1
    assert network - model == pytest.approx(proof["gate"]["drop"])
    said = f"float network {100 * network:.2f} %, this file {100 * model:.2f} %, on 40 labelled images"
    assert line == f"accuracy      {said}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--min-agreement", "99%"], "99 % cannot be judged on 40 images .* fewer than 100"),
        (["--max-drop", "1pt"], "1pt cannot be judged on 40 labelled images .* fewer than 100"),
    ],
)
def test_a_gate_on_fewer_images_than_it_needs_is_refused(
    call: Any, tmp_path: Path, options: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        call("-o", tmp_path / "model.tflite", *options)


def test_images_of_no_known_class_pass_no_gate_of_accuracy(folder: Path, call: Any, tmp_path: Path) -> None:
    """As of a folder ALL for a class all: their accuracy is NaN, which is below nothing."""
    for name, said in (("ALL", "'ALL' and the model's class is 'all'"), ("blast", "labelled with the model's classes")):
        copy = tmp_path / f"of-{name}"
        shutil.copytree(folder / "images", copy)
        (copy / "all").rename(copy / name)
        (copy / "hem").rename(copy / f"no {name}")
        options = ["--calibration", copy, "--max-drop", "5pt", "-o", tmp_path / "model.tflite"]
        with pytest.raises((UsageError, SpecError), match=said):
            call(*options)
    assert not list(tmp_path.glob("model*"))


def test_a_gate_that_cannot_be_met_says_the_nearest_and_writes_nothing(call: Any, tmp_path: Path) -> None:
    """Ranges of one image cut off the values of others, whatever is in float."""
    options = ["--samples", 1, "--seed", 3, "--min-agreement", "98%", "--max-float", 1, "--keep-float", "head"]
    with pytest.raises(ProofError, match=r"cannot be met with the 1 worst layers in float. Nearest: .*% of labels"):
        call("-o", tmp_path / "model.tflite", *options)
    assert not list(tmp_path.iterdir())


def test_a_qat_run_is_refused_with_the_reason(qat_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="trained with the rounding of every layer"):
        CliRunner().invoke(
            command, [str(qat_run), "-o", str(tmp_path / "q.tflite"), "--keep-float", "1"], catch_exceptions=False
        )


def test_errors_of_a_qat_run_are_against_its_own_weights(converted: dict[str, Any]) -> None:
    table = converted["qat"].errors
    assert table is not None
    assert table.reference == "its own weights in float"
    # After two epochs it says the same of every image: the logits have next to no signal, whatever rounds them.
    assert min(row.own_db for row in table.layers if row.layer != "quant_logits") > 15
    assert {"quant_conv2d_93", "quant_mixed10"} <= {row.layer for row in table.layers}
    assert converted["float32"].errors is None
    ptq = converted["ptq"].errors
    assert ptq is not None
    assert (ptq.reference, ptq.images) == ("the float network", 16)
    assert {"conv2d_93", "mixed10"} <= {row.layer for row in ptq.layers}
