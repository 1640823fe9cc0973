"""int8 codes of an ONNX graph as uint8 ones: the same numbers, in the type that ONNX Runtime has kernels for.

On x86-64 ONNX Runtime fuses a convolution with the QuantizeLinear and DequantizeLinear around it only if what flows is
uint8. It turns int8 into that where one follows the other directly, not across a concatenation or a reshape. tf2onnx
writes int8, as the .tflite has it, and most convolutions of an InceptionV3 then run in float32 behind conversions.
"""

from collections import defaultdict
from typing import Any

import numpy as np

_SHIFT = 128
_QUANTIZING = ("QuantizeLinear", "DequantizeLinear")
# Whose second input, the weights, has to stay int8: uint8 weights have slower kernels.
_WEIGHTED = ("Conv", "Gemm", "MatMul", "ConvTranspose")


def as_uint8(model: Any) -> int:
    """Change a ModelProto in place; returns how many QuantizeLinear and DequantizeLinear it changed.

    q + 128 with zero point z + 128 is the number that q with z is. Constants that are weights stay as they are, and so
    does what is not int8. Inputs and outputs of the graph become uint8 if they are int8.
    """
    from onnx import TensorProto, numpy_helper

    graph = model.graph
    constants = {each.name: each for each in graph.initializer}
    weights = _weights(graph)
    moved: dict[str, str] = {}

    def shifted(name: str) -> str:
        """Name of the constant's values 128 higher, as uint8."""
        if name not in moved:
            values = numpy_helper.to_array(constants[name]).astype(np.int16) + _SHIFT
            moved[name] = f"{name}/uint8"
            graph.initializer.append(numpy_helper.from_array(values.astype(np.uint8), moved[name]))
        return moved[name]

    changed = 0
    for node in graph.node:
        if node.op_type not in _QUANTIZING or len(node.input) < 3 or node.output[0] in weights:
            continue
        if constants[node.input[2]].data_type != TensorProto.INT8:
            continue
        if node.input[0] in constants:
            node.input[0] = shifted(node.input[0])
        node.input[2] = shifted(node.input[2])
        changed += 1
    _give_each_its_own(graph, weights)
    _retype(graph, TensorProto)
    return changed


def _give_each_its_own(graph: Any, weights: set[str]) -> None:
    """A DequantizeLinear, with constants of its own, for each reader of weights: tf2onnx merges those that are equal.

    ONNX Runtime 1.32 with session.x64quantprecision makes a uint8 constant of each reader's weights, and refuses the
    model when it meets one a second time.
    """
    makers = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    constants = {each.name: each for each in graph.initializer}
    nodes, count = [], 0
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in weights and name in makers:
                own = _copied(makers[name], f"{name}/{count}", graph, constants)
                node.input[position], count = own.output[0], count + 1
                nodes.append(own)
        if node.output[0] not in weights or node.output[0] not in makers:
            nodes.append(node)
    copied = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copied)


def _copied(node: Any, name: str, graph: Any, constants: dict[str, Any]) -> Any:
    """The node under another name, with copies of its constants but for the scales."""
    own = type(node).FromString(node.SerializeToString())
    own.name = own.output[0] = name
    for position in (0, 2):
        if position < len(own.input) and own.input[position] in constants:
            constant = type(constants[own.input[position]]).FromString(
                constants[own.input[position]].SerializeToString()
            )
            constant.name = own.input[position] = f"{name}/{'value' if position == 0 else 'zero'}"
            graph.initializer.append(constant)
    return own


def _weights(graph: Any) -> set[str]:
    """Names of what is read as weights, or as a bias."""
    read = defaultdict(list)
    for node in graph.node:
        for position, name in enumerate(node.input):
            read[name].append(node.op_type in _WEIGHTED and position > 0)
    return {name for name, uses in read.items() if all(uses)}


def _retype(graph: Any, types: Any) -> None:
    """The ends, and constants that nothing reads any more; what is said of the types between is inferred again."""
    for end in (*graph.input, *graph.output):
        if end.type.tensor_type.elem_type == types.INT8:
            end.type.tensor_type.elem_type = types.UINT8
    used = {name for node in graph.node for name in node.input} | {end.name for end in graph.output}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
