"""Outputs behind the scores: what the network computes anyway is given out, and nothing is computed twice."""

from collections.abc import Sequence
from typing import Any

from edgeleuk.errors import MissingExtraError, ModelError, SpecError, UsageError
from edgeleuk.quantization.portable import pack_model
from edgeleuk.runtime.graph import Graph, Operator, read_graph
from edgeleuk.spec import EXTRA_OUTPUTS

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    raise MissingExtraError(f"adding an output ({error.name} is missing)", "train") from error

_HEADS = ("FULLY_CONNECTED", "CONV_2D")
_PASSING = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "SOFTMAX", "LOGISTIC")
_PLACES = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE")  # the same numbers, in another place or type


def expose_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """The same .tflite with an output more for each of `names`, in that order, behind those that it has.

    "features" is what the last dense layer, or 1x1 convolution, reads; "map" what the mean reads whose result that is.
    The graph's operators and the scores stay as they are. Raises SpecError for another name, ModelError if the network
    ends otherwise.
    """
    if not names:
        return model
    graph = read_graph(model)
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    main = parsed.subgraphs[0]
    for name in names:
        tensor = tensor_of_output(graph, name)
        main.outputs = [*main.outputs, tensor]
        for signature in parsed.signatureDefs or ():
            if (signature.subgraphIndex or 0) == 0:
                signature.outputs = [*(signature.outputs or ()), _mapped(name, tensor)]
    return pack_model(parsed)


def has_output(graph: Graph, name: str) -> bool:
    """Whether `expose_outputs` finds this one."""
    try:
        tensor_of_output(graph, name)
    except ModelError:
        return False
    return True


def tensor_of_output(graph: Graph, name: str) -> int:
    """Position of the tensor that `name` of `EXTRA_OUTPUTS` is. Raises SpecError, ModelError as `expose_outputs`."""
    if name not in EXTRA_OUTPUTS:
        raise SpecError(f"extra output {name!r}; expected one of {', '.join(EXTRA_OUTPUTS)}")
    made_by = {output: operator for operator in graph.operators for output in operator.outputs}
    head = _back(made_by, graph.outputs[0], _PASSING)
    if head is None or head.name not in _HEADS or not _is_vector(graph, head.inputs[0]):
        raise ModelError(f"there are no {name} to give out: the network does not end in pooling and one dense layer")
    if name == "features":
        return head.inputs[0]
    mean = _back(made_by, head.inputs[0], _PLACES)
    if mean is None or mean.name != "MEAN" or len(graph.tensors[mean.inputs[0]].shape) != 4:
        raise ModelError("there is no map to give out: its features are not the mean of a map")
    return mean.inputs[0]


def check_map(model: bytes, names: Sequence[str]) -> None:
    """Raise UsageError if "map" is among the names but the map has one place, which cannot say where anything is.

    Raises ModelError as `expose_outputs`.
    """
    if "map" not in names:
        return
    graph = read_graph(model)
    _, height, width, _ = graph.tensors[tensor_of_output(graph, "map")].shape
    if height * width == 1:
        side = graph.tensors[graph.inputs[0]].shape[1]
        raise UsageError(
            f"--explain: at {side} px the network's last feature map is 1 x 1, and cannot say where it looked; train "
            "it with a larger input ('edgeleuk train --input-size'): InceptionV3's has 3 x 3 at 160 px, 8 x 8 at 299"
        )


def _back(made_by: dict[int, Operator], tensor: int, passing: Sequence[str]) -> Operator | None:
    """The operator that computes a tensor, looking through those of the kinds in `passing`."""
    maker = made_by.get(tensor)
    while maker is not None and maker.name in passing:
        maker = made_by.get(maker.inputs[0])
    return maker


def _is_vector(graph: Graph, tensor: int) -> bool:
    """Whether it is one row of numbers: [1, n] or [1, 1, 1, n]."""
    shape = graph.tensors[tensor].shape
    return len(shape) in (2, 4) and all(side == 1 for side in shape[:-1])


def _mapped(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry
