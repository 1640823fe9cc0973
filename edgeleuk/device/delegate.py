"""Which operators of a graph a delegate runs, and in how many pieces."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class Coverage:
    """`delegated` of `operators` run in the delegate, in `partitions` pieces; `outside` counts the others by name."""

    operators: int
    delegated: int
    partitions: int
    outside: dict[str, int]

    @property
    def whole(self) -> bool:
        """Whether the delegate runs the graph in one piece."""
        return self.partitions == 1 and not self.outside


def describe(coverage: Coverage, graph: str) -> str:
    """One sentence."""
    if not coverage.delegated:
        return f"XNNPACK runs none of the {coverage.operators} operators of {graph}"
    pieces = "1 partition" if coverage.partitions == 1 else f"{coverage.partitions} partitions"
    outside = ", ".join(f"{count} {name}" for name, count in coverage.outside.items())
    text = f"XNNPACK runs {coverage.delegated} of the {coverage.operators} operators of {graph}, in {pieces}"
    return f"{text}; outside: {outside}" if outside else text


def coverage(operations: Sequence[Mapping[str, Any]]) -> Coverage | None:
    """From `Network.operations`; None if the interpreter told nothing.

    The nodes that were replaced stay in the list. A delegate's node lists the tensors where its piece begins and ends,
    so the piece is what is met on the way back from its outputs to its inputs.
    """
    if not operations:
        return None
    graph = [operation for operation in operations if operation["op_name"] != _DELEGATE]
    pieces = [operation for operation in operations if operation["op_name"] == _DELEGATE]
    makers = {int(tensor): position for position, node in enumerate(graph) for tensor in node["outputs"]}
    delegated = set().union(*(_piece(piece, graph, makers) for piece in pieces))
    outside = Counter(str(node["op_name"]) for position, node in enumerate(graph) if position not in delegated)
    return Coverage(len(graph), len(delegated), len(pieces), dict(outside.most_common()))


def _piece(piece: Mapping[str, Any], graph: Sequence[Mapping[str, Any]], makers: Mapping[int, int]) -> set[int]:
    """Positions of the graph's nodes that one delegate's node replaced."""
    begin = {int(tensor) for tensor in piece["inputs"]}
    found: set[int] = set()
    waiting = [int(tensor) for tensor in piece["outputs"]]
    while waiting:
        tensor = waiting.pop()
        position = makers.get(tensor)
        if position is None or position in found or tensor in begin:
            continue
        found.add(position)
        waiting.extend(int(source) for source in graph[position]["inputs"])
    return found
