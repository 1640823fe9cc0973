"""`edgeleuk convert`: what it says of the delegate and of rewriting."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from edgeleuk.cli.convert import command
from edgeleuk.errors import UsageError
from edgeleuk.report.text.proof import render_proof, split_graph
from edgeleuk.runtime import Classifier
from tests.terminal import unwrapped

pytestmark = pytest.mark.slow
FEW = ("--samples", "8", "--fidelity-samples", "4", "--min-agreement", "0%", "--max-float", "0")  # it is not trained


def run(*arguments: object) -> Any:
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)


def test_a_graph_that_operators_split_is_a_warning_that_names_them(stock_run: Path, tmp_path: Path) -> None:
    done = run(stock_run, "--int8", "--no-rewrite", "-o", tmp_path / "stock.tflite", *FEW)
    assert done.exit_code == 0
    assert "warning: XNNPACK runs 115 of the 125 operators of the model, in 10 partitions" in unwrapped(done.stderr)
    assert "outside: 9 AVERAGE_POOL_2D, 1 SOFTMAX" in done.stderr
    assert "without --no-rewrite" in done.stderr
    assert "rewrit" not in done.stdout


def test_int8_is_one_piece_without_a_warning_and_says_what_was_rewritten(stock_run: Path, tmp_path: Path) -> None:
    done = run(stock_run, "--int8", "-o", tmp_path / "whole.tflite", *FEW)
    assert "XNNPACK" not in done.stderr
    assert "rescaling" not in done.stderr
    assert "delegate      XNNPACK runs 133 of the 134 operators of the model, in 1 partition" in unwrapped(done.stdout)
    assert unwrapped(done.stdout).count(": moved, behind batch_normalization") == 9
    assert "rewriting     100.00 % of labels agree with the network before rewriting on 4 images" in unwrapped(
        done.stdout
    )
    proof = json.loads((tmp_path / "whole.proof.json").read_text())
    assert len(proof["rewriting"]["changes"]) == 9


def test_a_float_model_keeps_its_pools_unless_told_otherwise(stock_run: Path, tmp_path: Path) -> None:
    done = run(stock_run, "--float32", "-o", tmp_path / "stock.tflite", *FEW)
    assert "9 AVERAGE_POOL_2D" in unwrapped(done.stdout)
    assert "rewrit" not in unwrapped(done.stdout)
    done = run(stock_run, "--float32", "--rewrite", "-o", tmp_path / "rewritten.tflite", *FEW)
    assert "AVERAGE_POOL_2D" not in unwrapped(done.stdout)
    assert unwrapped(done.stdout).count(": moved, behind batch_normalization") == 9


def test_a_pool_that_was_left_alone_is_not_to_be_mended_by_an_option(converted: dict[str, Any]) -> None:
    proof = converted["ptq"].proof.to_dict()
    outside = {"AVERAGE_POOL_2D": 1}
    split = proof | {"delegate": {"operators": 9, "delegated": 8, "partitions": 2, "outside": outside}}
    assert "the lines 'rewritten' say why average pools were left alone" in split_graph(split)
    assert "--no-rewrite" in split_graph(split | {"rewriting": None})
    assert split_graph(split | {"delegate": split["delegate"] | {"outside": {"CUSTOM": 1}}}).endswith("costs time")


def test_a_proof_that_tells_nothing_of_the_delegate_is_shown_all_the_same(converted: dict[str, Any]) -> None:
    proof = converted["ptq"].proof.to_dict()
    old = {key: value for key, value in proof.items() if key not in ("delegate", "rewriting")}
    assert "delegate" not in render_proof(old, Path("x.tflite"))
    assert split_graph(old) == ""


def test_how_many_images_a_gate_is_made_of_is_refused_where_none_is_made(stock_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--no-gate makes no input gate"):
        run(stock_run, "--int8", "-o", tmp_path / "m.tflite", "--no-gate", "--gate-samples", 50, *FEW)
    assert not (tmp_path / "m.tflite").exists()


@pytest.fixture(scope="module")
def plain(stock_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 model without other ends."""
    path = tmp_path_factory.mktemp("io") / "plain.tflite"
    assert run(stock_run, "--int8", "-o", path, "--no-gate", *FEW).exit_code == 0
    return path


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_ends_of_another_type_are_in_the_proof_and_change_no_answer(
    stock_run: Path, plain: Path, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "other.tflite"
    assert run(stock_run, "--int8", "--io", kind, "-o", path, "--no-gate", *FEW).exit_code == 0
    assert json.loads(path.with_suffix(".proof.json").read_text())["io"]["type"] == kind
    first, second = (Classifier.load(each, threads=1) for each in (plain, path))
    assert second.network.input["dtype"] == second.network.output["dtype"] == np.dtype(kind)
    picture = Image.effect_noise((400, 400), 90).convert("RGB")
    assert second.predict(picture).probabilities == pytest.approx(first.predict(picture).probabilities, abs=1e-5)


def test_other_borders_are_of_int8_models_alone(stock_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--io"):
        run(stock_run, "--float32", "--io", "uint8", "-o", tmp_path / "m.tflite", *FEW)
    assert not (tmp_path / "m.tflite").exists()


def test_a_level_of_classes_needs_folders_that_it_is_about(stock_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--class-level is about the folders of --calibration"):
        run(stock_run, "--class-level", 2, "-o", tmp_path / "m.tflite", *FEW)
