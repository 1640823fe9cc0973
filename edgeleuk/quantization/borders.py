"""An int8 graph with other types at its ends: one QUANTIZE before it, one QUANTIZE or DEQUANTIZE behind its scores.

Task libraries of phones and browsers hand over uint8 or float32 alone. What lies between stays as it is, so the codes
that the network sees and gives are those that it saw and gave before: uint8 has the same scale and a zero point 128
higher, and float32 pixels are scaled to where each meets its code in the middle of a step.
"""

import dataclasses
from typing import Any

import numpy as np

from edgeleuk.errors import MissingExtraError, ModelError, ProofError, SpecError
from edgeleuk.quantization.portable import make_portable, operator_code, pack_model
from edgeleuk.runtime.graph import Graph, read_graph
from edgeleuk.runtime.preprocessing import pixel_codes
from edgeleuk.spec import Preprocessing

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    raise MissingExtraError(f"changing a model's input type ({error.name} is missing)", "train") from error

INT8, UINT8, FLOAT32 = "int8", "uint8", "float32"
IO_TYPES = (INT8, UINT8, FLOAT32)
_SHIFT = 128  # from int8 codes to uint8 ones
_TYPES = {UINT8: schema.TensorType.UINT8, FLOAT32: schema.TensorType.FLOAT32}
_OPTIONS = {"QUANTIZE": schema.QuantizeOptionsT, "DEQUANTIZE": schema.DequantizeOptionsT}


def io_types(graph: Graph) -> tuple[str, str]:
    """The types of a graph's input and of its scores."""
    return graph.tensors[graph.inputs[0]].dtype, graph.tensors[graph.outputs[0]].dtype


def with_borders(model: bytes, kind: str) -> bytes:
    """The same .tflite with an input and scores of `kind`, "uint8" or "float32"; as it is for "int8".

    Outputs behind the scores stay int8. Raises ModelError unless both ends are int8.
    """
    if kind == INT8:
        return model
    found = io_types(read_graph(model))
    if found != (INT8, INT8):
        raise ModelError(f"input and scores are {found[0]} and {found[1]}; expected int8, to put {kind} in front of")
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    main = parsed.subgraphs[0]
    before, after = main.inputs[0], main.outputs[0]
    outer_input, outer_scores = _outer(main, before, kind), _outer(main, after, kind)
    first = _operator(parsed, "QUANTIZE", outer_input, before)
    last = _operator(parsed, "QUANTIZE" if kind == UINT8 else "DEQUANTIZE", after, outer_scores)
    main.operators = [first, *main.operators, last]
    main.inputs = [outer_input]
    main.outputs = [outer_scores, *list(main.outputs)[1:]]
    for signature in parsed.signatureDefs or ():
        _replace(signature.inputs, before, outer_input)
        _replace(signature.outputs, after, outer_scores)
    return make_portable(pack_model(parsed))


def preprocessing_for(model: bytes, kind: str, spec: Preprocessing) -> Preprocessing:
    """How pixels are scaled for `with_borders(model, kind)` of an int8 model so that it sees the codes that it saw.

    Float pixels that lie between two steps would be rounded one way or the other: each is moved to the middle of the
    step whose code the device gives it, where those are p - 128. `model` is the one without borders.
    """
    if kind != FLOAT32:
        return spec
    graph = read_graph(model)
    seen = graph.tensors[graph.inputs[0]]
    if seen.scale is None or seen.zero_point is None:
        raise SpecError("the input is int8 without a scale, so nothing says which code a pixel becomes")
    plain = np.arange(256) - _SHIFT
    if not np.array_equal(pixel_codes(seen.scale, seen.zero_point, spec), plain):
        return spec
    scale = float(seen.scale)
    return dataclasses.replace(spec, pixel_scale=scale, pixel_offset=-(_SHIFT + seen.zero_point) * scale)


def border_nodes(kind: str) -> tuple[str, ...]:
    """What stands before and behind the int8 graph, for people and for the proof."""
    if kind == INT8:
        return ()
    behind = "QUANTIZE" if kind == UINT8 else "DEQUANTIZE"
    return f"QUANTIZE {kind} to int8", f"{behind} int8 to {kind}"


def check_borders(inner: bytes, model: bytes, kind: str) -> None:
    """Raise ProofError unless `model` is `inner`, an int8 graph, between exactly the nodes of `border_nodes`.

    Every operator of `inner` reads and makes what it did; nothing but the two ends was added.
    """
    within, whole = read_graph(inner), read_graph(model)
    if kind == INT8:
        good = inner == model
    else:
        ends = whole.operators[:1] + whole.operators[-1:]
        said = tuple(_said(whole, operator) for operator in ends)
        kept = tuple((o.name, o.inputs, o.outputs) for o in whole.operators[1:-1])
        same = kept == tuple((o.name, o.inputs, o.outputs) for o in within.operators)
        codes = [[t.dtype, t.shape, t.scale, t.zero_point] for t in within.tensors]
        tensors = [[t.dtype, t.shape, t.scale, t.zero_point] for t in whole.tensors[: len(codes)]] == codes
        added = len(whole.tensors) == len(codes) + 2 and io_types(whole) == (kind, kind)
        good = said == border_nodes(kind) and same and tensors and added
    if not good:
        raise ProofError(f"the {kind} ends are not all that was added to the int8 graph. Nothing was written")


def _said(graph: Graph, operator: Any) -> str:
    read, made = graph.tensors[operator.inputs[0]].dtype, graph.tensors[operator.outputs[0]].dtype
    return f"{operator.name} {read} to {made}"


def _outer(main: Any, inner: int, kind: str) -> int:
    """Position of a new tensor that stands for an int8 one outside; it gets the name, by which hosts know the end."""
    held = main.tensors[inner]
    made = schema.TensorT()
    vars(made).update(vars(held))
    made.buffer, made.type, made.quantization = 0, _TYPES[kind], None
    if kind == UINT8:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = list(held.quantization.scale)
        made.quantization.zeroPoint = [int(zero) + _SHIFT for zero in held.quantization.zeroPoint]
    held.name = bytes(held.name) + b"/int8"
    main.tensors.append(made)
    return len(main.tensors) - 1


def _operator(parsed: Any, name: str, read: int, made: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = operator_code(parsed, getattr(schema.BuiltinOperator, name))
    operator.inputs, operator.outputs = [read], [made]
    options = _OPTIONS[name]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, options.__name__[:-1])
    operator.builtinOptions = options()
    return operator


def _replace(entries: Any, old: int, new: int) -> None:
    for entry in entries or ():
        if entry.tensorIndex == old:
            entry.tensorIndex = new
