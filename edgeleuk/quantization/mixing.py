"""A mixed network with what a proof says of it: what is in float, why, what that costs and what it gains."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgeleuk.quantization.judging import ImageJudge, costs
from edgeleuk.quantization.layer_errors import ErrorTable
from edgeleuk.quantization.layers import layer_name, tensor_of
from edgeleuk.quantization.mixed import Keep, Reasons, choose
from edgeleuk.quantization.post_training import PostTraining


@dataclass(frozen=True)
class Mixture:
    """A model with the operators in float, by tensor, and why. `mixed` is for its proof.

    Nothing is in float if the int8 network meets the gate by itself; `mixed` is None then.
    """

    model: bytes
    in_float: Reasons
    mixed: dict[str, Any] | None


def mix(
    network: PostTraining,
    errors: ErrorTable,
    keep: Keep,
    judge: ImageJudge | None,
    say: Callable[[str], None],
) -> Mixture:
    """Choose what is in float and state the facts. Raises what `choose` raises."""
    choice = choose(network, errors, keep, judge, say)
    if not choice.in_float:
        return Mixture(choice.model, {}, None)
    int8 = network.quantize()
    mixed = {
        "operators": len(network.graph.operators),
        "float": _rows(network, choice.in_float),
        **costs(int8, choice.model),
        "int8_agreement": judge(int8).agreement if judge else None,
    }
    return Mixture(choice.model, choice.in_float, mixed)


def _rows(network: PostTraining, in_float: Reasons) -> list[dict[str, str]]:
    """What is in float, in graph order."""
    return [
        {"layer": layer_name(name), "operator": operator.name, "tensor": name, "because": in_float[name]}
        for operator in network.graph.operators
        if (name := tensor_of(network.graph, operator)) in in_float
    ]
