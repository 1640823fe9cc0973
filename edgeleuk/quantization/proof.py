"""Proof of int8: what the graph is made of, and gates that fail unless all of it, or all but what is named, is int8."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edgeleuk.errors import ProofError
from edgeleuk.files import sha256_bytes
from edgeleuk.quantization.layers import layer_name, tensor_of
from edgeleuk.runtime.graph import Graph, Operator, Tensor, read_graph
from edgeleuk.runtime.portability import portability
from edgeleuk.spec import Preprocessing

_BORDERS = ("QUANTIZE", "DEQUANTIZE")
_FLOAT_TYPES = ("float32", "float16", "float64", "bfloat16")
# The input's scale is stored as float32, so half a step is met to within its rounding.
_HALF_STEP = 0.5 + 1e-3


@dataclass(frozen=True)
class Fidelity:
    """Agreement of a model file with a reference network, on images outside training and calibration.

    `label_agreement` is the share of images with the same most probable class; differences are of probabilities, over
    all images and classes.
    """

    reference: str
    images: int
    label_agreement: float
    largest_difference: float
    mean_difference: float


@dataclass(frozen=True)
class Proof:
    """What was found in a converted model.

    `pixel_error_steps`: greatest |q(p) - (p - 128)| over all 8-bit pixels p, of a uint8 input |q(p) - p|.

    `delegate`: what LiteRT's delegate runs here, a `Coverage`. `rewriting`: the changes that were made to the network
    first, and the `Fidelity` of what came out of that to what was there before. `layer_errors`: of the network with
    every layer int8, see `layer_errors.summary`. `mixed`: what stays in float, why and at what cost, see
    `mixed.Mixture`. `gate`: what had to be met and what was found, see `gate.Gate.facts`. `accuracy`: share of the
    labelled images of `fidelity` that each of the networks and the model get right; None without any. `portability`:
    what engines other than LiteRT meet in the file. `io`: the ends of an int8 graph that takes and gives another type,
    and the SHA-256 of that graph without them. `flatbuffer_sha256`: of the model without what is appended to it,
    checked at each load.
    """

    precision: str
    operators: dict[str, int]
    tensor_types: dict[str, int]
    float_tensors: int
    float_convolutions: int
    dequantize_nodes: int
    quantize_nodes: int
    int8_rescales: int
    input: dict[str, Any]
    output: dict[str, Any]
    pixel_error_steps: float | None
    size_bytes: int
    portability: dict[str, Any]
    flatbuffer_sha256: str
    subgraphs: int = 1
    calibration: dict[str, Any] | None = None
    delegate: dict[str, Any] | None = None
    rewriting: dict[str, Any] | None = None
    layer_errors: dict[str, Any] | None = None
    mixed: dict[str, Any] | None = None
    gate: dict[str, Any] | None = None
    accuracy: dict[str, Any] | None = None
    io: dict[str, Any] | None = None
    fidelity: tuple[Fidelity, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with a schema version."""
        return {"schema_version": 1, **asdict(self)}


def examine(model: bytes, precision: str, preprocessing: Preprocessing) -> Proof:
    """Read the graph of a .tflite and state its facts; nothing is judged. Raises ModelError if it is damaged."""
    graph = read_graph(model)
    quantize = [operator for operator in graph.operators if operator.name == "QUANTIZE"]
    rescales = [q for q in quantize if graph.tensors[q.inputs[0]].dtype == graph.tensors[q.outputs[0]].dtype == "int8"]
    network_input = graph.tensors[graph.inputs[0]]
    return Proof(
        precision=precision,
        operators=graph.operator_counts(),
        tensor_types=graph.dtype_counts(),
        float_tensors=sum(tensor.dtype in _FLOAT_TYPES for tensor in graph.tensors),
        float_convolutions=_float_convolutions(graph),
        dequantize_nodes=sum(operator.name == "DEQUANTIZE" for operator in graph.operators),
        quantize_nodes=len(quantize),
        int8_rescales=len(rescales),
        input=_facts(network_input),
        output=_facts(graph.tensors[graph.outputs[0]]),
        pixel_error_steps=_pixel_error(network_input, preprocessing),
        size_bytes=len(model),
        portability=portability(graph).to_dict(),
        flatbuffer_sha256=sha256_bytes(model),
        subgraphs=graph.subgraph_count,
    )


def check_portable(proof: Proof) -> None:
    """Raise ProofError that lists what engines other than LiteRT would refuse or read wrongly."""
    _refuse("one that every engine reads alike", [(False, fault) for fault in proof.portability["faults"]])


def check_int8(proof: Proof) -> None:
    """Raise ProofError that lists every way in which the model is not fully int8."""
    _refuse(
        "fully int8",
        [
            (proof.float_tensors == 0, f"{proof.float_tensors} float tensors"),
            (proof.dequantize_nodes == 0, f"{proof.dequantize_nodes} DEQUANTIZE nodes"),
            (
                proof.quantize_nodes == proof.int8_rescales,
                f"{proof.quantize_nodes - proof.int8_rescales} QUANTIZE nodes that are not int8 to int8",
            ),
            *_common_to_int8_and_mixed(proof),
        ],
    )


def check_rescalings(proof: Proof, most: int | None) -> None:
    """Raise ProofError for more rescalings from int8 to int8 than are wanted; None wants no number."""
    if most is not None and proof.int8_rescales > most:
        raise ProofError(
            f"the model has {proof.int8_rescales} int8 rescalings (QUANTIZE, int8 to int8), and --max-rescalings "
            f"allows {most}. It is int8 all the same, each rounds once more. Nothing was written; --max-rescalings "
            f"{proof.int8_rescales} takes it"
        )


def check_mixed(proof: Proof, model: bytes, in_float: Collection[str]) -> None:
    """Raise ProofError unless the operators whose outputs are named, and no others, are float32 and all else is int8.

    QUANTIZE and DEQUANTIZE may stand where the two meet.
    """
    graph = read_graph(model)
    kinds = {graph.tensors[o.outputs[0]].name: _kind(graph, o) for o in graph.operators if o.name not in _BORDERS}
    wrong = {layer: kind for layer, kind in kinds.items() if kind != ("float32" if layer in in_float else "int8")}
    missing = sorted(set(in_float) - set(kinds))
    borders = [_kind(graph, operator) for operator in graph.operators if operator.name in _BORDERS]
    _refuse(
        "int8 but for what was to stay in float",
        [
            (not wrong, "; ".join(f"operator {layer} is {kind}" for layer, kind in wrong.items())),
            (not missing, f"no operator {', '.join(missing)}"),
            ("int8" in kinds.values(), "no operator is int8"),
            (
                set(borders) <= {"int8", "float32 to int8", "int8 to float32"},
                f"borders {', '.join(sorted(set(borders)))}",
            ),
            *_common_to_int8_and_mixed(proof),
        ],
    )


def check_layers_int8(proof: Proof, model: bytes, kind: str) -> None:
    """As `check_int8`; the error also names the layers in float, and how a float network may keep them."""
    try:
        check_int8(proof)
    except ProofError as error:
        layers = _float_layers(model)
        if not layers:
            raise
        names = ", ".join(f"{name} ({operator})" for name, operator in layers)
        keep = " ".join(f"--keep-float {name}" for name in dict.fromkeys(name for name, _ in layers))
        advice = "" if kind == "qat" else f"; {keep} leaves them so, and the proof says it"
        raise ProofError(f"{error}. In float32: {names}{advice}") from error


def _float_layers(model: bytes) -> list[tuple[str, str]]:
    """Name and operator of each layer that computes in float, in graph order; borders to int8 are none."""
    graph = read_graph(model)
    return [
        (layer_name(tensor_of(graph, operator)), operator.name)
        for operator in graph.operators
        if operator.name not in _BORDERS and graph.tensors[operator.outputs[0]].dtype in _FLOAT_TYPES
    ]


def _refuse(claim: str, found: Iterable[tuple[bool, str]]) -> None:
    faults = [text for holds, text in found if not holds]
    if faults:
        raise ProofError(f"the model is not {claim}: {'; '.join(faults)}. Nothing was written")


def _common_to_int8_and_mixed(proof: Proof) -> list[tuple[bool, str]]:
    pixel = proof.pixel_error_steps
    compared = {"bool"} if proof.precision == "mixed" else set()
    strange = sorted(set(proof.tensor_types) - {"int8", "int32", *_FLOAT_TYPES} - compared)
    return [
        (not strange, f"tensors of type {', '.join(strange)}"),
        (proof.subgraphs == 1, f"{proof.subgraphs} subgraphs, of which one was examined"),
        (proof.input["dtype"] == "int8", f"input is {proof.input['dtype']}"),
        (proof.output["dtype"] == "int8", f"output is {proof.output['dtype']}"),
        (pixel is not None and pixel <= _HALF_STEP, f"pixel p maps {pixel} steps away from p - 128"),
    ]


def _kind(graph: Graph, operator: Operator) -> str:
    """The one type of what an operator computes with, or "int8 to float32" and the like.

    int32 is biases and shapes, bool what a comparison found.
    """
    read, made = (
        sorted({graph.tensors[tensor].dtype for tensor in tensors if tensor >= 0} - {"int32", "bool"})
        for tensors in (operator.inputs, operator.outputs)
    )
    if {graph.tensors[tensor].dtype for tensor in operator.outputs} == {"bool"}:
        made = read
    if read == made and len(made) == 1:
        return made[0]
    return f"{' and '.join(read) or 'int32'} to {' and '.join(made) or 'int32'}"


def _float_convolutions(graph: Graph) -> int:
    convolutions = (o for o in graph.operators if o.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"))
    return sum(graph.tensors[o.outputs[0]].dtype in _FLOAT_TYPES for o in convolutions)


def _facts(tensor: Tensor) -> dict[str, Any]:
    return {
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
    }


def _pixel_error(tensor: Tensor, preprocessing: Preprocessing) -> float | None:
    if tensor.scale is None or tensor.zero_point is None or not preprocessing.is_uniform:
        return None
    pixels, (scale, offset) = np.arange(256), preprocessing.scale_and_offset
    exact = (pixels * scale + offset) / tensor.scale + tensor.zero_point
    plain = pixels if tensor.dtype == "uint8" else pixels - 128
    return round(float(np.abs(exact - plain).max()), 6)
