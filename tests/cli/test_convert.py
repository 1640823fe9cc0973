"""`edgeleuk convert`: what it says of the delegate and of rewriting."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeleuk.cli.convert import command
from edgeleuk.report.proof import render_proof, split_graph

pytestmark = pytest.mark.slow
FEW = ("--samples", "8", "--fidelity-samples", "4")


def run(*arguments: object) -> Any:
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)


def test_a_graph_that_operators_split_is_a_warning_that_names_them(stock_run: Path, tmp_path: Path) -> None:
    done = run(stock_run, "--int8", "-o", tmp_path / "stock.tflite", *FEW)
    assert done.exit_code == 0
    assert done.stderr.startswith("warning: XNNPACK runs 115 of the 125 operators of the model, in 10 partitions")
    assert "outside: 9 AVERAGE_POOL_2D, 1 SOFTMAX" in done.stderr
    assert "--rewrite" in done.stderr


def test_a_rewritten_graph_is_one_piece_without_a_warning(stock_run: Path, tmp_path: Path) -> None:
    done = run(stock_run, "--int8", "--rewrite", "-o", tmp_path / "whole.tflite", *FEW)
    assert done.stderr == ""
    assert "delegate      XNNPACK runs 133 of the 134 operators of the model, in 1 partition" in done.stdout
    assert done.stdout.count(": moved, behind batch_normalization") == 9
    assert "rewriting     100.00 % of labels agree with the network before rewriting on 4 images" in done.stdout
    proof = json.loads((tmp_path / "whole.proof.json").read_text())
    assert len(proof["rewriting"]["changes"]) == 9


def test_a_proof_that_tells_nothing_of_the_delegate_is_shown_all_the_same(converted: dict[str, Any]) -> None:
    proof = converted["ptq"].proof.to_dict()
    old = {key: value for key, value in proof.items() if key not in ("delegate", "rewriting")}
    assert "delegate" not in render_proof(old, Path("x.tflite"))
    assert split_graph(old) == ""
