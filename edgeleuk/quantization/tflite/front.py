"""What a network does to pixels before its first layer of weights: moved into the spec, or into one small layer.

The front of a graph is all that only moves, casts, scales and shifts the input: layouts of PyTorch, means and
deviations, uint8 input. Which numbers it computes is found by running it: for each pixel and channel c of what it
returns, sum over k of mixing[c, k] * x[k] + shift[c]. With the spec's own scaling that is a map from 8-bit pixels. If
it is one scale and one offset, they become the spec's, and the network begins behind its front; else the device feeds
p / 127.5 - 1, and the rest goes into the first convolution, exactly where nothing is padded there, or a 1x1 one.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.quantization.tflite.graph import NO_ACTIVATION, VALID, TfliteGraph, schema
from edgeleuk.quantization.tflite.running import part_of, run
from edgeleuk.spec import GREY, Preprocessing

_FRONT = frozenset(
    (
        *("ADD", "CAST", "CONCATENATION", "DEPTHWISE_CONV_2D", "DIV", "EXPAND_DIMS", "GATHER", "MUL", "NEG", "PACK"),
        *("RESHAPE", "REVERSE_V2", "SLICE", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "SUB", "TRANSPOSE"),
        "UNPACK",
    )
)
_DEVICE_SCALE, _DEVICE_OFFSET = 1 / 127.5, -1.0
_USUAL = ((_DEVICE_SCALE, _DEVICE_OFFSET), (1 / 255, 0.0))
_SCALES = (1e-6, 1e4)
_CLOSE = 1e-5
_NARROW = 0.1  # see `edgeleuk.importing.input_side`
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Front:
    """`tensor` [1, h, w, c] is where the network begins: mixing [c, k] times its input's channels, plus shift [c]."""

    tensor: int
    mixing: Numbers
    shift: Numbers


def channels_first(shape: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    """Whether an input is [1, c, h, w] of what the spec says, [h, w, c]. Raises SpecError if it is neither."""
    height, width, channels = wanted
    if shape == (1, *wanted):
        return False
    if shape == (1, channels, height, width):
        return True
    raise SpecError(f"the network takes {list(shape)}; the spec says {[1, *wanted]} (height, width, channels)")


def read_front(content: bytes, wanted: tuple[int, int, int]) -> Front | None:
    """What lies before the first layer of weights; None if there is more than can be moved."""
    graph = TfliteGraph(content)
    tensor = _frontier(graph)
    if tensor is None or len(graph.shape(tensor)) != 4 or graph.shape(tensor)[1:3] != wanted[:2]:
        return None
    if graph.dtype(tensor) != "float32":
        return None
    first = channels_first(graph.shape(graph.inputs[0]), wanted)
    random = np.random.default_rng(0)
    pixels = [random.integers(0, 256, (1, *wanted)) for _ in range(2)]
    fed = [_as_input(each, graph.dtype(graph.inputs[0]), first) for each in pixels]
    made = run(part_of(content, tensor), fed)
    return _fitted(tensor, pixels, made)


def _as_input(pixels: NDArray[Any], dtype: str, first: bool) -> NDArray[Any]:
    moved = pixels.transpose(0, 3, 1, 2) if first else pixels
    return np.ascontiguousarray(moved.astype(dtype))


def _frontier(graph: TfliteGraph) -> int | None:
    """The one tensor by which the front goes over into the rest."""
    front = {graph.inputs[0]}
    inside: list[Any] = []
    for operator in graph.operators:
        computed = [t for t in operator.inputs if t >= 0 and graph.constant(t) is None]
        if graph.kind(operator) in _FRONT and computed and set(computed) <= front and _per_pixel(graph, operator):
            front |= set(operator.outputs)
            inside.append(operator)
    ids = {id(operator) for operator in inside}
    outside = [operator for operator in graph.operators if id(operator) not in ids]
    crossing = {tensor for operator in outside for tensor in operator.inputs if tensor in front}
    return crossing.pop() if len(crossing) == 1 else None


def _per_pixel(graph: TfliteGraph, operator: Any) -> bool:
    if graph.kind(operator) != "DEPTHWISE_CONV_2D":
        return True
    options = operator.builtinOptions
    return graph.shape(operator.inputs[1])[1:3] == (1, 1) and (options.strideH, options.strideW) == (1, 1)


def _fitted(tensor: int, pixels: list[NDArray[Any]], made: list[NDArray[Any]]) -> Front | None:
    """The map that the first pair tells, if the second is as it says."""
    channels = pixels[0].shape[-1]
    known = np.c_[pixels[0].reshape(-1, channels), np.ones(pixels[0].size // channels)].astype(np.float64)
    found = np.linalg.lstsq(known, made[0].reshape(len(known), -1).astype(np.float64), rcond=None)[0]
    span = float(np.abs(made[1]).max()) or 1.0
    mixing, shift = found[:-1].T, found[-1]
    mixing[np.abs(mixing) * 255 < _CLOSE * span] = 0.0
    expected = pixels[1].reshape(-1, channels) @ mixing.T + shift
    off = np.abs(expected - made[1].reshape(expected.shape)).max()
    return Front(tensor, mixing, shift) if off <= _CLOSE * span else None


def _plain(value: float) -> float:
    """Without the noise of the fit: float32 tells no more than seven digits."""
    return float(f"{value:.7g}")


def take_front(content: bytes, spec: Preprocessing) -> tuple[bytes, Preprocessing, list[str]]:
    """A network of float32 [1, h, w, c] with the preprocessing of one scale that fits it, and what was changed.

    Raises SpecError if its input is not what the spec says, ModelError if it cannot be brought into that form.
    """
    graph = TfliteGraph(content)
    first, dtype = channels_first(graph.shape(graph.inputs[0]), spec.input_shape), graph.dtype(graph.inputs[0])
    front = read_front(content, spec.input_shape)
    if front is None:
        if first or dtype != "float32":
            raise ModelError(
                f"its input, {dtype} {list(graph.shape(graph.inputs[0]))}, is not brought to float32 "
                f"{[1, *spec.input_shape]} by moving and scaling alone; export it with channels last (litert_torch."
                "to_channel_last_io) and float32 input"
            )
        channels = spec.channels
        front = Front(graph.inputs[0], np.eye(channels), np.zeros(channels))
    _refuse_twice(front, spec, dtype)
    scales, offsets = np.array(spec.channel_scales), np.array(spec.channel_offsets)
    mixing, shift = front.mixing * scales, front.shift + front.mixing @ offsets
    moved = front.tensor != graph.inputs[0]
    notes = [_moved_note(graph, first, dtype)] if moved else []
    uniform = _uniform(mixing, shift, spec)
    if uniform is not None:
        if not moved:
            return content, spec, notes
        graph.inputs = [front.tensor]
        return graph.pack(), uniform, [*notes, f"the spec now says {_said(uniform)}"]
    mixing = mixing / _DEVICE_SCALE  # of p * device scale + device offset, no longer of p
    where = _absorb(graph, front.tensor, mixing, shift - mixing.sum(axis=1) * _DEVICE_OFFSET)
    device = dataclasses.replace(spec, pixel_scale=_DEVICE_SCALE, pixel_offset=_DEVICE_OFFSET)
    return graph.pack(), device, [*notes, f"scales by channel are done by {where}; the spec now says {_said(device)}"]


def _refuse_twice(front: Front, spec: Preprocessing, dtype: str) -> None:
    """Raise SpecError if the network takes pixels of 0 to 255 as they are, and the spec scales them, too."""
    if spec.is_uniform and spec.scale_and_offset == (1.0, 0.0):
        return
    scales, offsets = np.array(spec.channel_scales), np.array(spec.channel_offsets)
    said = front.mixing * scales, front.shift + front.mixing @ offsets
    scales_itself = not np.allclose(np.abs(np.diag(front.mixing)), 1, rtol=_CLOSE) and _spans_zero(
        front.mixing, front.shift
    )
    if dtype == "float32" and (_spans_zero(*said) or not scales_itself):
        return
    why = "scales pixels of 0 to 255 by itself" if dtype == "float32" else f"takes pixels of type {dtype}"
    raise SpecError(
        f"the network {why}, and the spec scales them, too, by {spec.pixel_scale}: say "
        '"pixel_scale": 1, "pixel_offset": 0'
    )


def _spans_zero(mixing: Numbers, shift: Numbers) -> bool:
    """Whether pixels become a range about 0 that is as wide as those that networks are trained with."""
    low, high = (bound(255 * mixing, 0).sum(axis=1) + shift for bound in (np.minimum, np.maximum))
    off = _CLOSE * float(np.abs([low, high]).max())
    return bool(np.all(high - low > _NARROW) and np.all(low <= off) and np.all(high >= -off))


def _moved_note(graph: TfliteGraph, first: bool, dtype: str) -> str:
    held = f"{dtype} {list(graph.shape(graph.inputs[0]))}"
    return f"its input was {held}{', channels first' if first else ''}; what it did to pixels is done by the device"


def _said(spec: Preprocessing) -> str:
    scale, offset = spec.scale_and_offset
    return f"{spec.colour_order}, p * {scale:.7g} {'-' if offset < 0 else '+'} {abs(offset):.7g}"


def _close(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return bool(np.allclose(first, second, rtol=1e-6, atol=1e-6 * second[0]))


def _uniform(mixing: Numbers, shift: Numbers, spec: Preprocessing) -> Preprocessing | None:
    """The spec with one scale and offset that does all of it; None if there is none that int8 pixels can have."""
    span = 255 * float(np.abs(mixing).max()) + float(np.abs(shift).max())
    if mixing.shape != (spec.channels, spec.channels) or np.ptp(shift) > _CLOSE * span:
        return None
    order = spec.colour_order
    for swapped in (False, True) if order != GREY else (False,):
        diagonal = np.diag(mixing[:, ::-1] if swapped else mixing)
        rest = (mixing[:, ::-1] if swapped else mixing) - np.diag(diagonal)
        scale, offset = _plain(float(diagonal.mean())), _plain(float(shift.mean()))
        offset = 0.0 if abs(offset) <= _CLOSE * span else offset
        alike = np.ptp(diagonal) <= _CLOSE * abs(scale) and not rest.any()
        if alike and _SCALES[0] <= scale <= _SCALES[1] and -255 <= offset / scale <= 0:
            usual = (*([spec.scale_and_offset] if spec.is_uniform else []), *_USUAL)
            scale, offset = next((u for u in usual if _close(u, (scale, offset))), (scale, offset))
            swap = {"RGB": "BGR", "BGR": "RGB"}[order] if swapped else order
            return dataclasses.replace(spec, pixel_scale=scale, pixel_offset=offset, colour_order=swap)
    return None


def _absorb(graph: TfliteGraph, tensor: int, mixing: Numbers, shift: Numbers) -> str:
    """Let the network begin with `tensor` = mixing times a new input, plus shift; says where that is done."""
    _, height, width, _ = graph.shape(tensor)
    begin = graph.add_tensor(f"{graph.name(tensor)}/pixels", (1, height, width, mixing.shape[1]))
    graph.inputs = [begin]
    reader = graph.only_reader(tensor)
    if reader is not None and _can_take(graph, reader):
        _into(graph, reader, begin, mixing, shift)
        return "its first convolution"
    depthwise = mixing.shape[0] == mixing.shape[1] and not (mixing - np.diag(np.diag(mixing))).any()
    name = graph.name(tensor)
    bias = graph.add_constant(f"{name}/shift", shift.astype(np.float32))
    target = graph.add_tensor(f"{name}/scaled", graph.shape(tensor))
    graph.redirect(tensor, target)
    if depthwise:
        weights, options = np.diag(mixing)[np.newaxis, np.newaxis, np.newaxis], schema.DepthwiseConv2DOptionsT()
        options.depthMultiplier = 1
    else:
        weights, options = mixing[:, np.newaxis, np.newaxis], schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = VALID, 1, 1
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = NO_ACTIVATION
    held = graph.add_constant(f"{name}/scales", np.ascontiguousarray(weights, np.float32))
    graph.add("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", (begin, held, bias), target, options)
    return "a 1x1 convolution in front"


def _can_take(graph: TfliteGraph, reader: Any) -> bool:
    """Whether it is a convolution that sees no padding: zeros there would no longer be zeros of the network."""
    if graph.kind(reader) != "CONV_2D" or graph.constant(reader.inputs[1]) is None:
        return False
    weights, options = graph.constant(reader.inputs[1]), reader.builtinOptions
    unpadded = options.padding == VALID or (weights is not None and weights.shape[1:3] == (1, 1))
    return bool(unpadded and weights is not None and weights.shape[3] == graph.shape(reader.inputs[0])[3])


def _into(graph: TfliteGraph, reader: Any, begin: int, mixing: Numbers, shift: Numbers) -> None:
    weights = np.asarray(graph.constant(reader.inputs[1]), np.float64)
    held = graph.constant(reader.inputs[2]) if len(reader.inputs) > 2 else None
    bias = np.zeros(len(weights)) if held is None else held.astype(np.float64)
    name = graph.name(reader.outputs[0])
    mixed = np.ascontiguousarray(weights @ mixing, np.float32)
    moved = (bias + (weights @ shift).sum(axis=(1, 2))).astype(np.float32)
    reader.inputs = [
        begin,
        graph.add_constant(f"{name}/weights", mixed),
        graph.add_constant(f"{name}/bias", moved),
    ]
