import dataclasses
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ProofError, UsageError
from edgeleuk.quantization.gate import Standing, describe
from edgeleuk.quantization.layer_errors import ErrorTable
from edgeleuk.quantization.layers import layer_name
from edgeleuk.quantization.mixed import Choice, Judge, Keep, check_keep, choose
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.quantization.proof import check_int8, check_mixed, examine
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import Preprocessing
from tests.quantization.networks import SIZE

PREPROCESSING = Preprocessing(SIZE, SIZE)


def _silent(text: str) -> None:
    del text


def _in_float(choice: Choice) -> list[str]:
    return sorted(layer_name(tensor) for tensor in choice.in_float)


def test_int8_spoils_the_network(spoiled_int8: bytes, judge: Judge) -> None:
    check_int8(examine(spoiled_int8, "int8", PREPROCESSING))
    assert judge(spoiled_int8).agreement < 0.8


@pytest.mark.parametrize("keep", [Keep(layers=("after",)), Keep(worst=1), Keep(min_agreement=0.95)])
def test_the_worst_layer_in_float_mends_the_agreement(
    spoiled: PostTraining, spoiled_errors: ErrorTable, judge: Judge, keep: Keep
) -> None:
    choice = choose(spoiled, spoiled_errors, keep, judge, _silent)
    assert choice.standing is not None
    assert choice.standing.agreement >= 0.95
    assert _in_float(choice) == ["after", "pool", "wide"]


def test_a_layer_in_float_alone_would_read_what_was_rounded_before(spoiled: PostTraining, judge: Judge) -> None:
    alone = "net/after/Relu;net/after/Conv2D"
    assert judge(spoiled.quantize([alone])).agreement < 0.8


def test_each_operator_in_float_has_its_reason(spoiled: PostTraining, spoiled_errors: ErrorTable, judge: Judge) -> None:
    reasons = {
        layer_name(t): why for t, why in choose(spoiled, spoiled_errors, Keep(worst=1), judge, _silent).in_float.items()
    }
    assert reasons["after"].startswith("own error ")
    assert reasons["after"].endswith(" dB")
    assert reasons["wide"] == reasons["pool"] == "makes the input of after"
    named = choose(spoiled, spoiled_errors, Keep(layers=("aft*",)), judge, _silent)
    assert named.in_float["net/after/Relu;net/after/Conv2D"] == "named by --keep-float aft*"


def test_the_mixed_network_is_int8_but_for_what_is_in_float(
    spoiled: PostTraining, spoiled_errors: ErrorTable, judge: Judge
) -> None:
    choice = choose(spoiled, spoiled_errors, Keep(worst=1), judge, _silent)
    proof = examine(choice.model, "mixed", PREPROCESSING)
    check_mixed(proof, choice.model, choice.in_float)
    assert (proof.input["dtype"], proof.output["dtype"]) == ("int8", "int8")
    assert (proof.quantize_nodes, proof.dequantize_nodes, proof.float_convolutions) == (1, 1, 2)
    with pytest.raises(ProofError, match="not fully int8"):
        check_int8(proof)


def test_a_mixed_network_with_other_operators_in_float_does_not_pass(spoiled: PostTraining) -> None:
    names = [spoiled.graph.tensors[operator.outputs[0]].name for operator in spoiled.graph.operators]
    model = spoiled.quantize(names[1:3])
    proof = examine(model, "mixed", PREPROCESSING)
    check_mixed(proof, model, names[1:3])
    for claimed, said in (
        (names[1:2], "operator net/pool/MaxPool is float32"),
        (names[1:4], "operator net/after/Relu;net/after/Conv2D is int8"),
        ([*names[1:3], "other"], "no operator other"),
    ):
        with pytest.raises(ProofError, match=said):
            check_mixed(proof, model, claimed)


def test_a_float_network_does_not_pass_as_mixed(spoiled: PostTraining) -> None:
    names = [spoiled.graph.tensors[operator.outputs[0]].name for operator in spoiled.graph.operators]
    proof = examine(spoiled.float_model, "mixed", PREPROCESSING)
    with pytest.raises(ProofError, match=r"no operator is int8.*input is float32"):
        check_mixed(proof, spoiled.float_model, names)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tensor_types": {"int8": 1, "int16": 2}}, "tensors of type int16"),
        ({"subgraphs": 2}, "2 subgraphs"),
        ({"output": {"dtype": "float32"}}, "output is float32"),
        ({"pixel_error_steps": 0.6}, "pixel p maps 0.6 steps away"),
    ],
)
def test_what_holds_for_int8_holds_for_mixed(spoiled: PostTraining, change: dict[str, Any], said: str) -> None:
    name = spoiled.graph.tensors[spoiled.graph.operators[0].outputs[0]].name
    model = spoiled.quantize([name])
    with pytest.raises(ProofError, match=said):
        check_mixed(dataclasses.replace(examine(model, "mixed", PREPROCESSING), **change), model, [name])


@pytest.mark.parametrize("end", [0, -1])
def test_first_and_last_operator_in_float_leave_the_ends_int8(spoiled: PostTraining, end: int) -> None:
    name = spoiled.graph.tensors[spoiled.graph.operators[end].outputs[0]].name
    model = spoiled.quantize([name])
    proof = examine(model, "mixed", PREPROCESSING)
    check_mixed(proof, model, [name])
    assert (proof.input["dtype"], proof.output["dtype"]) == ("int8", "int8")


def test_a_gate_that_int8_meets_leaves_nothing_in_float(
    spoiled: PostTraining, spoiled_int8: bytes, spoiled_errors: ErrorTable, judge: Judge
) -> None:
    said: list[str] = []
    choice = choose(spoiled, spoiled_errors, Keep(min_agreement=0.1), judge, said.append)
    assert (choice.in_float, choice.model) == ({}, spoiled_int8)
    assert [text.split(":")[0] for text in said] == ["int8"]


def test_what_the_gate_does_not_need_becomes_int8_again(spoiled: PostTraining, spoiled_errors: ErrorTable) -> None:
    """A judge that wants the second worst in float, and nothing else, still hears of the worst first."""
    worst, second = spoiled_errors.worst_first()[:2]
    said: list[str] = []

    def wants_second(model: bytes) -> Standing:
        graph = read_graph(model)
        kinds = {tensor.name: tensor.dtype for tensor in graph.tensors}
        return Standing(1.0 if kinds[second.tensor] == "float32" else 0.5)

    choice = choose(spoiled, spoiled_errors, Keep(min_agreement=0.9), wants_second, said.append)
    assert list(choice.in_float) == [second.tensor]
    assert said[1].startswith(f"and {worst.layer} in float")
    assert said[2].startswith(f"and {second.layer} in float")
    assert f"{worst.layer} need not stay in float: 100.00 % of labels" in "\n".join(said)


def test_a_layer_that_was_named_stays_in_float_even_if_the_gate_does_not_need_it(
    spoiled: PostTraining, spoiled_errors: ErrorTable, judge: Judge
) -> None:
    choice = choose(spoiled, spoiled_errors, Keep(("stem",), min_agreement=0.95), judge, _silent)
    assert _in_float(choice) == ["after", "pool", "stem", "wide"]


@pytest.mark.parametrize("most", [1, 2, 100])
def test_a_gate_that_cannot_be_met_says_the_nearest(
    spoiled: PostTraining, spoiled_errors: ErrorTable, most: int
) -> None:
    tried: list[int] = []

    def declining(model: bytes) -> Standing:
        tried.append(len(model))
        return Standing(0.9 - 0.1 * len(tried), drop=0.02)

    with pytest.raises(ProofError, match=r"an agreement of 95 % and a drop of at most 1 points cannot be met") as error:
        choose(spoiled, spoiled_errors, Keep(min_agreement=0.95, max_drop=0.01, most=most), declining, _silent)
    assert "Nearest: 80.00 % of labels agree" in str(error.value)
    assert "with nothing in float. Nothing was written" in str(error.value)
    assert 2 <= len(tried) <= min(most, len(spoiled_errors.layers)) + 1


def test_more_layers_than_there_are_is_refused(spoiled: PostTraining, spoiled_errors: ErrorTable) -> None:
    with pytest.raises(UsageError, match="--keep-float 9: the network has 8 layers; expected 1 to 8"):
        choose(spoiled, spoiled_errors, Keep(worst=9), None, _silent)
    with pytest.raises(UsageError, match="convert it with --float32"):
        choose(spoiled, spoiled_errors, Keep(("*",)), None, _silent)
    with pytest.raises(UsageError, match="nearest: wide"):
        choose(spoiled, spoiled_errors, Keep(("wid",)), None, _silent)


@pytest.mark.parametrize(
    ("keep", "precision", "kind", "samples", "said"),
    [
        (Keep(worst=1), "float32", "float", 16, "is for --int8, not --float32"),
        (Keep(("a",)), "int8", "qat", 16, "was trained with the rounding"),
        (Keep(max_drop=0.1), "int8", "float", 0, "--error-samples 0"),
    ],
)
def test_what_makes_no_sense_is_refused(keep: Keep, precision: str, kind: str, samples: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_keep(keep, precision, kind, samples)


def test_named_layers_need_no_errors() -> None:
    check_keep(Keep(("a",)), "int8", "float", 0)
    check_keep(Keep(), "float32", "qat", 0)


def test_a_gate_alone_needs_neither_int8_nor_errors_where_no_layer_may_stay_in_float() -> None:
    check_keep(Keep(min_agreement=0.9), "dynamic", "float", 0)
    check_keep(Keep(min_agreement=0.9), "int8", "qat", 0)
    check_keep(Keep(min_agreement=0.9, most=0), "int8", "float", 0)


def test_a_gate_is_met_when_every_demand_is() -> None:
    keep = Keep(min_agreement=0.9, max_drop=0.01)
    assert keep.shortfall(Standing(0.9, 0.01)) <= 0
    assert keep.shortfall(Standing(0.89, 0.0)) == pytest.approx(0.01)
    assert keep.shortfall(Standing(1.0, 0.03)) == pytest.approx(0.02)
    assert (
        describe(Standing(0.98764, 0.0123))
        == "98.76 % of labels agree with the float network, accuracy drops by 1.23 points"
    )


def test_one_calibration_makes_any_number_of_networks(spoiled: PostTraining, spoiled_int8: bytes) -> None:
    name = spoiled.graph.tensors[spoiled.graph.operators[1].outputs[0]].name
    first = spoiled.quantize([name])
    assert spoiled.quantize() == spoiled_int8
    assert spoiled.quantize([name]) == first
    assert np.frombuffer(first, np.uint8).size > np.frombuffer(spoiled_int8, np.uint8).size
