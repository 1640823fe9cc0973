"""The planted slowdown really is one of the share it is said to be, and the script refuses what it does not know."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale_models import macs
from benchmarks.trust_models import chain, chain_path
from edgeleuk.runtime.graph import read_graph

ROOT = Path(__file__).resolve().parents[2]


def test_a_chain_is_made_of_equal_convolutions():
    graphs = [read_graph(chain(layers)) for layers in (2, 3)]
    assert [graph.operator_counts() for graph in graphs] == [{"CONV_2D": 2}, {"CONV_2D": 3}]
    assert macs(graphs[1]) / macs(graphs[0]) == 3 / 2


def test_a_chain_that_is_kept_is_not_made_again(tmp_path):
    kept = tmp_path / "chain-7-int8.tflite"
    kept.write_bytes(b"kept")
    assert chain_path(7, tmp_path) == kept
    assert kept.read_bytes() == b"kept"


@pytest.mark.parametrize("part", ["coverge", "all"])
def test_a_part_that_does_not_exist_is_refused(part):
    command = [sys.executable, "-m", "benchmarks.trust", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"no such part: {part}; known are agreement, coverage, alarm" in done.stderr
