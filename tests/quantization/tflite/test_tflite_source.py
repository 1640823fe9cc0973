"""The whole way of a float .tflite: read, rewritten, calibrated, proven, and refused where it has to be."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import SpecError, UsageError
from edgeleuk.quantization.convert import Request, convert, write_conversion
from edgeleuk.quantization.mixed import Keep
from edgeleuk.quantization.source import Said, Source, load_source
from edgeleuk.quantization.tflite.graph import RELU, SAME
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import ModelSpec, Preprocessing
from tests.quantization.tflite.graphs import (
    blank,
    convolution,
    head,
    joined,
    packed,
    pad,
    pool,
    transposed,
    weights,
)

pytestmark = pytest.mark.slow
ANY = Keep(min_agreement=0.0, most=0)  # of networks that are not trained
SIZE = 32
SPEC = ModelSpec(
    ("all", "hem"),
    Preprocessing(
        SIZE, fit="stretch", pixel_scale=(1 / 58.4, 1 / 57.1, 1 / 57.4), pixel_offset=(-2.118, -2.036, -1.804)
    ),
)


def _branches(graph: Any, source: int) -> list[int]:
    """As a block of InceptionV3 that PyTorch exports: six branches, two of them pools."""
    counted = pool(graph, pad(graph, source, (1, 1), (1, 1)), (3, 3))
    bordered = pool(graph, source, (3, 3), padding=SAME)
    pools = [
        convolution(graph, pooled, weights(n, 4, 1, 1, 8), RELU, f"behind{n}")
        for n, pooled in enumerate((counted, bordered))
    ]
    plain = [convolution(graph, source, weights(n, 3 + n, 1, 1, 8), RELU, f"plain{n}") for n in range(3)]
    maximum = pool(graph, source, (3, 3), padding=SAME, kind="MAX_POOL_2D")
    return [*pools, *plain, maximum]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Channels first, logits, pools and a concatenation that the delegate does not take; the spec beside it."""
    graph = blank((1, 3, SIZE, SIZE))
    moved = transposed(graph, 0, (0, 2, 3, 1))
    stem = convolution(graph, moved, weights(9, 8, 3, 3, 3), RELU, "stem")
    head(graph, joined(graph, _branches(graph, stem)))
    path = tmp_path_factory.mktemp("exported") / "net.tflite"
    path.write_bytes(packed(graph))
    path.with_name("spec.json").write_text(SPEC.to_json())
    return path


def _load(path: Path, logits: bool = True) -> Source:
    return load_source(path, path.with_name("spec.json"), said=Said(logits=logits))


def _request(index: Path, **changes: Any) -> Request:
    given = Index.load(index)
    return dataclasses.replace(Request("int8", given, 16, 8, keep=ANY, error_samples=2), **changes)


def test_it_becomes_int8_in_one_piece_and_its_proof_says_what_was_done(exported: Path, cells_index: Path) -> None:
    source = _load(exported)
    assert len(source.notes) == 3
    proof = convert(source, _request(cells_index)).proof
    assert proof.delegate is not None
    assert (proof.delegate["partitions"], proof.delegate["outside"]) == (1, {"SOFTMAX": 1})
    assert (proof.float_tensors, proof.quantize_nodes, proof.dequantize_nodes) == (0, 0, 0)
    assert (proof.input["shape"], proof.input["dtype"]) == ([1, SIZE, SIZE, 3], "int8")
    assert proof.pixel_error_steps is not None
    assert proof.pixel_error_steps <= 0.501
    assert proof.rewriting is not None
    assert [change["outcome"] for change in proof.rewriting["changes"]] == ["moved", "moved", "split"]
    assert proof.rewriting["difference"]["largest_difference"] < 1e-5
    assert {f.reference for f in proof.fidelity} == {"float network", "rewritten network"}
    assert proof.fidelity[0].largest_difference < 0.05


def test_as_it_is_it_stays_in_pieces(exported: Path, cells_index: Path) -> None:
    proof = convert(_load(exported), _request(cells_index, rewrite=False)).proof
    assert proof.rewriting is None
    assert proof.delegate is not None
    assert proof.delegate["partitions"] > 1
    assert {"AVERAGE_POOL_2D", "CONCATENATION"} <= set(proof.delegate["outside"])


def test_the_written_file_answers_as_the_exported_network_on_images(
    exported: Path, cells_index: Path, tmp_path: Path
) -> None:
    converted = convert(_load(exported), _request(cells_index))
    write_conversion(converted, tmp_path / "model.tflite")
    classifier = Classifier.load(tmp_path / "model.tflite")
    assert classifier.spec.provenance.kind == "int8 of a rewritten tflite network"
    index = Index.load(cells_index)
    paths = [index.path_of(image) for image in index.images[:4]]
    expected = _load(exported).network.answers(paths, classifier.spec.preprocessing)
    found = [list(classifier.predict(path).probabilities.values()) for path in paths]
    assert np.abs(np.array(found) - expected).max() < 0.05


def test_its_float32_file_needs_no_spec_of_its_own_to_become_int8(
    exported: Path, cells_index: Path, tmp_path: Path
) -> None:
    plain = convert(_load(exported), Request("float32", fidelity_samples=0))
    write_conversion(plain, tmp_path / "float32.tflite")
    source = load_source(tmp_path / "float32.tflite")
    assert source.spec.preprocessing.is_uniform
    assert convert(source, _request(cells_index)).proof.float_tensors == 0


def test_other_precisions_are_refused(exported: Path) -> None:
    for precision in ("float16", "dynamic"):
        with pytest.raises(UsageError, match=f"--int8 or --float32, not --{precision}"):
            convert(_load(exported), Request(precision, fidelity_samples=0))


def test_layers_stay_in_float_where_that_is_asked_for(exported: Path, cells_index: Path) -> None:
    proof = convert(_load(exported), _request(cells_index, keep=Keep(("stem",), min_agreement=0.0, most=0))).proof
    assert proof.precision == "mixed"
    assert proof.mixed is not None
    assert "stem" in [row["layer"] for row in proof.mixed["float"]]


Edit = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda spec: spec["preprocessing"].pop("pixel_scale"), "does not say pixel_scale, and nothing is assumed"),
        (lambda spec: spec["preprocessing"].update(input_size_px=64), r"takes \[1, 3, 32, 32\]; the spec says \[1, 64"),
        (lambda spec: spec["classes"].append("other"), r"returns \[1, 2\], 2 scores; the spec names 3 classes"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(exported: Path, tmp_path: Path, edit: Edit, message: str) -> None:
    spec = json.loads(SPEC.to_json())
    edit(spec)
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(SpecError, match=message):
        load_source(exported, tmp_path / "spec.json", said=Said(logits=True))


def test_a_file_without_a_spec_asks_for_one(exported: Path) -> None:
    with pytest.raises(SpecError, match="needs --spec"):
        load_source(exported)
    with pytest.raises(SpecError, match="--logits puts a softmax behind it"):
        _load(exported, logits=False)
    with pytest.raises(UsageError, match="--weights is for an architecture"):
        load_source(exported, exported.with_name("spec.json"), said=Said(weights=exported))


def test_a_preset_takes_the_place_of_a_spec(exported: Path) -> None:
    with pytest.raises(SpecError, match=r"takes \[1, 3, 32, 32\]; the spec says \[1, 224, 224, 3\]"):
        load_source(exported, said=Said(preset="torchvision", classes=("all", "hem"), logits=True))
    assert read_graph(exported.read_bytes()).operator_counts()["TRANSPOSE"] == 1
