"""The operators of a graph by the names of the layers that they came from."""

import difflib
import fnmatch
from collections.abc import Iterable

from edgeleuk.errors import UsageError
from edgeleuk.runtime.graph import Graph, Operator

# They give back what they were given, or the greatest of it, or it moved: their error is that of their input.
_CARRYING = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION", "RESHAPE", "PAD", "STRIDED_SLICE", "TRANSPOSE")


def tensor_of(graph: Graph, operator: Operator) -> str:
    """Name of an operator's first output: what names the operator."""
    return graph.tensors[operator.outputs[0]].name


def layer_name(tensor: str) -> str:
    """The layer that made a tensor: "conv2d_3" for "net/activation_3/Relu;net/conv2d_3/Conv2D".

    The converter joins with semicolons the names of what it fused, the first operation last; each is a path that ends
    in the operation. A tensor of another form is its own name.
    """
    steps = _parts(tensor)[-1].split("/")
    return steps[-2] if len(steps) > 1 else tensor


def _parts(tensor: str) -> list[str]:
    """The fused operations, without the reading of weights, which the converter names as well at times."""
    parts = tensor.split(";")
    return [part for part in parts if "/ReadVariableOp" not in part] or parts


def find(graph: Graph, pattern: str) -> list[Operator]:
    """Operators whose tensor, or a layer fused into it, fits a name or a pattern of * and ?. Raises UsageError."""
    found = [
        operator
        for operator in graph.operators
        if any(fnmatch.fnmatchcase(name, pattern) for name in _names(tensor_of(graph, operator)))
    ]
    if not found:
        raise UsageError(f"--keep-float {pattern}: the network has no such layer; {_nearest(graph, pattern)}")
    return found


def _names(tensor: str) -> set[str]:
    """All that an operator may be called: its tensor, the parts of that, and the layers on their paths."""
    names = {tensor, layer_name(tensor)}
    for part in _parts(tensor):
        steps = part.split("/")
        names |= {part, *(steps[1:-1] or steps[:-1])}  # the first step is the network itself, if there are three
    return names


def _nearest(graph: Graph, pattern: str) -> str:
    names = list(dict.fromkeys(layer_name(tensor_of(graph, operator)) for operator in graph.operators))
    close = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
    if close:
        return f"nearest: {', '.join(close)}"
    return f"its {len(names)} layers run from {names[0]} to {names[-1]}; --errors FILE.json lists them"


def makers(graph: Graph, operator: Operator) -> list[Operator]:
    """The operators that compute what one reads, with the pools and concatenations that it comes through."""
    made_by = {output: maker for maker in graph.operators for output in maker.outputs}
    return list(_makers(operator, made_by))


def _makers(operator: Operator, made_by: dict[int, Operator]) -> Iterable[Operator]:
    for maker in dict.fromkeys(made_by[tensor] for tensor in operator.inputs if tensor in made_by):
        yield maker
        if maker.name in _CARRYING:
            yield from _makers(maker, made_by)
