"""`edgeleuk convert`: what it says of the delegate and of rewriting."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeleuk.cli.convert import command
from edgeleuk.errors import UsageError
from edgeleuk.report.text.proof import render_proof, split_graph
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
