"""Mixed precision: which layers stay in float, by name, by error or as few as a gate needs, and what that costs."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.session import benchmark_contents
from edgeleuk.errors import ProofError, UsageError
from edgeleuk.quantization.gate import Gate, Standing, describe
from edgeleuk.quantization.layer_errors import ErrorTable, LayerError
from edgeleuk.quantization.layers import find, layer_name, makers, tensor_of
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.runtime.graph import Graph, Operator

Reasons = dict[str, str]  # tensor that names an operator in float: why it is
Judge = Callable[[bytes], Standing]

_PROTOCOL = Protocol(processes=6, runs=30, seconds=2.0)


@dataclass(frozen=True)
class Keep:
    """What is to stay in float: `layers` by name or pattern, the `worst` by own error, and what a gate needs.

    The gate is met by at least `min_agreement`, None for the default, and at most `max_drop`, None for no demand; both
    are shares. At most `most` layers are added to meet it, none if that is 0.
    """

    layers: tuple[str, ...] = ()
    worst: int = 0
    min_agreement: float | None = None
    max_drop: float | None = None
    most: int = 8

    @property
    def gated(self) -> bool:
        """Whether there is a gate."""
        return self.min_agreement is not None or self.max_drop is not None

    def searches(self, precision: str, kind: str) -> bool:
        """Whether layers may be left in float to meet the gate: of int8 after training, if one was asked for."""
        return self.gated and self.most > 0 and precision == "int8" and kind != "qat"

    @property
    def asked(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.layers or self.worst or self.gated)

    def gate(self, kind: str) -> Gate:
        """What the model of a `kind` of source has to meet."""
        return Gate(kind, self.min_agreement, self.max_drop)

    def shortfall(self, standing: Standing) -> float:
        """How far a model is from the gate, as a share; 0 or less if it is met."""
        return self.gate("float").shortfall(standing)


def check_keep(keep: Keep, precision: str, kind: str, error_samples: int) -> None:
    """Raise UsageError if a conversion of a `kind` of network to a precision cannot keep layers in float."""
    named = bool(keep.layers or keep.worst)
    if named and precision != "int8":
        raise UsageError(f"--keep-float is for --int8, not --{precision}")
    if named and kind == "qat":
        raise UsageError(
            "--keep-float is for float networks: a QAT network was trained with the rounding of every layer, "
            "and its ranges belong to the graph that it was trained with. Convert the float run, or train longer"
        )
    if error_samples == 0 and (keep.worst or keep.searches(precision, kind)):
        raise UsageError("--error-samples 0 measures no errors, by which to choose layers; leave it out or name layers")


@dataclass(frozen=True)
class Choice:
    """A model, what is in float in it and why, and how it does (None if nothing was measured)."""

    model: bytes
    in_float: Reasons
    standing: Standing | None = None


@dataclass(frozen=True)
class Mixture:
    """A model with the operators in float, by tensor, and why. `mixed` is for its proof.

    Nothing is in float if the int8 network meets the gate by itself; `mixed` is None then.
    """

    model: bytes
    in_float: Reasons
    mixed: dict[str, Any] | None


def mix(
    network: PostTraining, errors: ErrorTable, keep: Keep, judge: Judge | None, say: Callable[[str], None]
) -> Mixture:
    """Choose what is in float and state what it costs and gains. Raises what `choose` raises."""
    choice = choose(network, errors, keep, judge, say)
    if not choice.in_float:
        return Mixture(choice.model, {}, None)
    int8 = network.quantize()
    mixed = {
        "operators": len(network.graph.operators),
        "float": _rows(network.graph, choice.in_float),
        **_costs(int8, choice.model),
        "int8_agreement": judge(int8).agreement if judge else None,
    }
    return Mixture(choice.model, choice.in_float, mixed)


def choose(
    network: PostTraining, errors: ErrorTable, keep: Keep, judge: Judge | None, say: Callable[[str], None]
) -> Choice:
    """Return the network with what was named in float, and, while the gate is not met, the worst layer after another.

    Own errors do not depend on what else is in float, so they are measured once. A layer stays in float with the
    operators that make its inputs: else those reach it rounded, and most of its error stays. What the gate does not
    need after all becomes int8 again, the least bad first. `say` hears of each step. Raises UsageError for a layer that
    there is not, ProofError if the gate cannot be met, with the nearest.
    """
    asked = _asked(network.graph, errors, keep)
    if judge is None:
        return Choice(network.quantize(asked), asked)
    attempt = _attempts(network, judge)
    tried = [attempt(asked)]
    say(f"{'int8' if not asked else f'{len(asked)} operators in float'}: {describe(tried[0].standing)}")
    if not keep.gated:
        return tried[0]
    while keep.shortfall(_standing(tried[-1])) > 0 and len(tried) <= keep.most:
        error = next((e for e in errors.worst_first() if e.tensor not in tried[-1].in_float), None)
        if error is None:
            break
        tried.append(attempt(_with_makers(network.graph, error.tensor, _own(error), tried[-1].in_float)))
        say(f"and {error.layer} in float, {_own(error)}: {describe(tried[-1].standing)}")
    if keep.shortfall(_standing(tried[-1])) > 0:
        raise ProofError(_not_met(keep, tried))
    return _without_needless(tried[-1], asked, errors, keep, attempt, say)


def _attempts(network: PostTraining, judge: Judge) -> Callable[[Reasons], Choice]:
    def attempt(in_float: Reasons) -> Choice:
        model = network.quantize(in_float)
        return Choice(model, in_float, judge(model))

    return attempt


def _standing(choice: Choice) -> Standing:
    assert choice.standing is not None
    return choice.standing


def _asked(graph: Graph, errors: ErrorTable, keep: Keep) -> Reasons:
    """What is in float because it was named, or because it is among the worst that were asked for."""
    count = len(errors.layers)
    if keep.worst > count:
        raise UsageError(f"--keep-float {keep.worst}: the network has {count} layers; expected 1 to {count}")
    reasons: Reasons = {}
    for pattern in keep.layers:
        for operator in find(graph, pattern):
            reasons = _with_makers(graph, tensor_of(graph, operator), f"named by --keep-float {pattern}", reasons)
    for error in errors.worst_first()[: keep.worst]:
        reasons = _with_makers(graph, error.tensor, _own(error), reasons)
    if len(reasons) == len(graph.operators):
        raise UsageError("--keep-float: all of the network would stay in float; convert it with --float32")
    return reasons


def _own(error: LayerError) -> str:
    return f"own error {error.own_db:.1f} dB"


def _with_makers(graph: Graph, tensor: str, because: str, reasons: Mapping[str, str]) -> Reasons:
    """The reasons, with those of an operator and of what makes its inputs; a first reason stands."""
    operator = next(operator for operator in graph.operators if tensor_of(graph, operator) == tensor)
    feeds = {name: f"makes the input of {layer_name(tensor)}" for name in _names(graph, makers(graph, operator))}
    return {**reasons, **{name: why for name, why in ({tensor: because} | feeds).items() if name not in reasons}}


def _names(graph: Graph, operators: Sequence[Operator]) -> list[str]:
    return [tensor_of(graph, operator) for operator in operators]


def _without_needless(
    met: Choice,
    asked: Reasons,
    errors: ErrorTable,
    keep: Keep,
    attempt: Callable[[Reasons], Choice],
    say: Callable[[str], None],
) -> Choice:
    """The choice without the operators that the gate is met without."""
    for error in reversed(errors.worst_first()):
        if error.tensor in met.in_float and error.tensor not in asked:
            fewer = attempt({name: why for name, why in met.in_float.items() if name != error.tensor})
            if keep.shortfall(_standing(fewer)) <= 0:
                met = fewer
                say(f"{error.layer} need not stay in float: {describe(met.standing)}")
    return met


def _not_met(keep: Keep, tried: Sequence[Choice]) -> str:
    nearest = min(tried, key=lambda choice: keep.shortfall(_standing(choice)))
    layers = ", ".join(layer_name(tensor) for tensor in nearest.in_float) or "nothing"
    return (
        f"{keep.gate('float').demands()} cannot be met with the {len(tried) - 1} worst layers in float. Nearest: "
        f"{describe(nearest.standing)}, with {layers} in float. Nothing was written; --max-float allows more, "
        "--samples calibrates on more images, and 'edgeleuk qat' trains the network for int8"
    )


def _rows(graph: Graph, in_float: Reasons) -> list[dict[str, str]]:
    """What is in float, in graph order."""
    return [
        {"layer": layer_name(name), "operator": operator.name, "tensor": name, "because": in_float[name]}
        for operator in graph.operators
        if (name := tensor_of(graph, operator)) in in_float
    ]


def _costs(int8: bytes, mixed: bytes) -> dict[str, Any]:
    """Size and median latency of a mixed network beside the int8 one's, JSON-able; here, one thread, in turn."""
    record = benchmark_contents({"int8.tflite": int8, "mixed.tflite": mixed}, 1, _PROTOCOL)
    int8_ms, mixed_ms = (round(result.latency.p50_ms, 3) for result in record.results)
    return {
        "size_bytes": len(mixed),
        "int8_size_bytes": len(int8),
        "int8_ms": int8_ms,
        "mixed_ms": mixed_ms,
        "threads": 1,
        "machine": platform.machine(),
    }
