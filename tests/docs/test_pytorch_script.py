"""The script of docs/howto/pytorch.md, as far as it goes without PyTorch: the spec that it writes."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeleuk.spec import STRETCH, ModelSpec, unsaid
from edgeleuk.spec_presets import preset

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "howto" / "pytorch.py"


@pytest.fixture(scope="module")
def written() -> str:
    """What its function `spec` returns, as JSON; the rest of the script needs packages that are not here."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    wanted = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef) and node.name == "spec")
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "(MEAN, DEVIATION)")
    ]
    assert len(wanted) == 2
    found: dict[str, Any] = {"Cells": object}
    exec(compile(ast.Module([*wanted], []), str(SCRIPT), "exec"), found)
    return json.dumps(found["spec"](SimpleNamespace(classes=["a", "b"], size=96)))


def test_the_spec_that_it_writes_leaves_nothing_out(written: str) -> None:
    assert unsaid(written) == ()
    spec = ModelSpec.from_json(written)
    assert (spec.classes, spec.preprocessing.input_shape, spec.preprocessing.fit) == (("a", "b"), (96, 96, 3), STRETCH)


def test_its_scales_are_those_of_torchvision(written: str) -> None:
    ours, theirs = ModelSpec.from_json(written).preprocessing, preset("torchvision", ("a", "b")).preprocessing
    assert ours.channel_scales == pytest.approx(theirs.channel_scales)
    assert ours.channel_offsets == pytest.approx(theirs.channel_offsets)
    assert (ours.colour_order, ours.resample) == (theirs.colour_order, theirs.resample)
