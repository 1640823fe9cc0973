"""The input of a network of others: its size fixed, and what it does to pixels moved into the spec or in front of it.

A device feeds pixel p as p - 128, which is one scale and one offset for all channels. So what a network's first layers
do to pixels is multiplied into the spec's scale. Where channels differ after that, the spec becomes the plain
(p - 128) / 127.5, and what is left of the scaling is a `ChannelScaling` layer, or goes into the first convolution's
weights if that has no padding: padding is zeros of what the convolution reads.
"""

import dataclasses
from typing import Any

import numpy as np

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.importing.pixels import Affine, pixel_step
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import OUTPUT, KerasGraph
from edgeleuk.keras.layers import ChannelScaling
from edgeleuk.spec import GREY, ModelSpec, Preprocessing

_LAYERS = tf_keras.layers
_TURNED = {"RGB": "BGR", "BGR": "RGB", GREY: GREY}
_USUAL = (1 / 127.5, -1.0)  # what a spec means that says nothing
_PLAIN = (1 / 127.5, -128 / 127.5)  # lies on the int8 grid exactly
_NARROW = 0.1  # a network that is shown pixels in a range like this was shown them otherwise in training
_CLOSE = 1e-6

Settled = tuple[Any, ModelSpec, tuple[str, ...]]  # network, spec, notes


def settle_input(network: Any, spec: ModelSpec) -> Settled:
    """A flat functional network with a float32 input of the spec's size, scaled as the spec that comes with it says.

    Raises ModelError for a network that does not take one picture, SpecError for a spec that contradicts it.
    """
    entrance = _entrance(network)
    graph = KerasGraph(network)
    prepare = spec.preprocessing
    height, width, channels = prepare.input_shape
    graph.set(entrance.name, batch_input_shape=(None, height, width, channels), dtype="float32")
    front = _Front(graph, entrance, prepare)
    front.walk()
    front.check_size()
    prepare, notes = _given_scale(prepare, front.affine, entrance)
    prepare, rest = _split(prepare, front.affine)
    weights = _put_in_front(graph, front.last, rest) if rest else {}
    if rest:
        notes += (f"the scaling, which differs by channel, is {'in the first convolution' if weights else 'a layer'}",)
    settled = dataclasses.replace(spec, preprocessing=prepare)
    return graph.build(weights=weights), settled, (*front.notes, *notes)


def _entrance(network: Any) -> Any:
    """The layer of the one input."""
    if len(network.inputs) != 1:
        names = ", ".join(each.name for each in network.inputs)
        raise ModelError(f"the network has {len(network.inputs)} inputs ({names}); expected one, a picture")
    shape = network.inputs[0].shape
    if len(shape) != 4:
        raise ModelError(f"the network takes {tuple(shape)}; expected pictures (batch, height, width, channels)")
    return network.inputs[0]._keras_history.layer


class _Front:
    """The layers before the first that does more than scale pixels, taken out of the graph one after another."""

    def __init__(self, graph: KerasGraph, entrance: Any, prepare: Preprocessing) -> None:
        self.graph, self.last = graph, entrance.name
        self.affine = Affine.identity(prepare.channels)
        self.notes: tuple[str, ...] = ()
        self._declared = tuple(entrance.output.shape)[1:]
        self._wanted = prepare.input_shape
        self._size = prepare.input_shape[:2]
        self._resized = False
        if self._declared[2] not in (None, prepare.channels):
            raise SpecError(_other_channels(self._declared, prepare))

    def walk(self) -> None:
        """Take out what can be; stop at the first layer that cannot."""
        taken = []
        while (layer := self.graph.only_reader(self.last)) is not None:
            if self._cuts(layer) or self._resizes(layer):
                continue
            step = pixel_step(layer, self.graph.entries[layer.name], self.affine)
            if step is None:
                break
            self.affine = step
            taken.append(layer.name)
            self.graph.bypass(layer.name)
        if taken:
            self.notes += (f"layers that scale pixels or do nothing at inference are taken out: {', '.join(taken)}",)

    def check_size(self) -> None:
        """Raise SpecError if the input has a size of its own, and another."""
        if self._resized:
            return
        if any(own not in (None, wanted) for own, wanted in zip(self._declared, self._wanted, strict=True)):
            height, width = self._declared[:2]
            raise SpecError(
                f"the network takes pictures of {_shape(self._declared)}; the spec says {_shape(self._wanted)}: say "
                f'"input_size_px": {height}' + ("" if height == width else f', "input_width_px": {width}')
            )

    def _resizes(self, layer: Any) -> bool:
        """Whether it was a resizing to what the input's size is anyway, which is taken out."""
        target = _resizing_target(layer, self.graph)
        if target is None:
            return False
        if target != self._size:
            height, width = target
            raise SpecError(
                f"layer {layer.name} resizes pictures to {height}x{width} in the network, and the spec says an input "
                f'of {_shape(self._size)}: say "input_size_px": {height}'
                + ("" if height == width else f', "input_width_px": {width}')
                + ", and pictures are resized to that before the network"
            )
        self.graph.bypass(layer.name)
        self._resized = self._resized or self._size == self._wanted[:2]
        self.notes += (f"layer {layer.name} is left out: pictures come in its size",)
        return True

    def _cuts(self, layer: Any) -> bool:
        """Whether it was a centre crop, which becomes a plain one or, of what has its size, nothing."""
        if type(layer).__name__ not in ("CenterCrop", "RandomCrop"):
            return False
        target, (height, width) = (int(layer.height), int(layer.width)), self._size
        if target[0] > height or target[1] > width:
            raise SpecError(
                f"layer {layer.name} cuts {target[0]}x{target[1]} px out of its input; the spec says an input of "
                f"{_shape(self._size)}, which is smaller"
            )
        if target == self._size:
            self.graph.bypass(layer.name)
            return True
        top, left = (height - target[0]) // 2, (width - target[1]) // 2
        edges = ((top, height - target[0] - top), (left, width - target[1] - left))
        self.graph.replace(_LAYERS.Cropping2D(edges, name=layer.name))
        self._size, self.last = target, layer.name
        return True


def _resizing_target(layer: Any, graph: KerasGraph) -> tuple[int, int] | None:
    """(height, width) that a layer resizes to; None if it does not."""
    if type(layer).__name__ == "Resizing":
        return int(layer.height), int(layer.width)
    entry = graph.entries[layer.name]
    if type(layer).__name__ != "TFOpLambda" or entry["config"].get("function") != "image.resize":
        return None
    settings = next((part for part in _flat(entry["inbound_nodes"]) if isinstance(part, dict)), {})
    size = settings.get("size")
    return (int(size[0]), int(size[1])) if isinstance(size, list | tuple) and len(size) == 2 else None


def _flat(nested: Any) -> list[Any]:
    return [part for each in nested for part in _flat(each)] if isinstance(nested, list | tuple) else [nested]


def _other_channels(declared: tuple[Any, ...], prepare: Preprocessing) -> str:
    text = f"the network takes {declared[2]} channels; the spec says {prepare.channels} ({prepare.colour_order})"
    if declared[2] == 1:
        return f'{text}: say "colour_order": "GREY"'
    if declared[2] == 3:
        return f'{text}: say "colour_order": "RGB" or "BGR"'
    if declared[0] in (1, 3):
        return f"{text}. Its shape {declared} has channels first; expected (height, width, channels)"
    return f"{text}: pictures have 3, or 1 if they are grey"


def _shape(size: tuple[Any, ...]) -> str:
    return "x".join("any" if side is None else str(side) for side in size)


def _given_scale(prepare: Preprocessing, inner: Affine, entrance: Any) -> tuple[Preprocessing, tuple[str, ...]]:
    """The spec's, unless the network scales pixels of 0 to 255 by itself and the spec says nothing of scaling.

    Raises SpecError if the spec scales them, too.
    """
    raw = dataclasses.replace(prepare, pixel_scale=1.0, pixel_offset=0.0)
    whole = entrance.output.dtype.is_integer
    if (prepare.pixel_scale, prepare.pixel_offset) == (1.0, 0.0):
        return prepare, ()
    itself = not (np.all(np.abs(inner.scale) == 1) and np.all(inner.offset == 0))
    doubled = itself and not _sensible(prepare, inner) and _sensible(raw, inner)
    if not whole and not doubled:
        return prepare, ()
    why = f"takes pixels of type {entrance.output.dtype.name}" if whole else "scales pixels of 0 to 255 by itself"
    if (prepare.pixel_scale, prepare.pixel_offset) == _USUAL:
        return raw, (f'the network {why}: "pixel_scale": 1, "pixel_offset": 0 are taken for its input',)
    raise SpecError(
        f"the network {why}, and the spec scales them, too, by {prepare.pixel_scale}: say "
        '"pixel_scale": 1, "pixel_offset": 0'
    )


def _sensible(prepare: Preprocessing, inner: Affine) -> bool:
    """Whether what reaches the first layer behind the scaling spans a range that a network is trained with."""
    both = _together(prepare, inner)
    ends = np.stack([both.offset, 255 * both.scale + both.offset])
    low, high = ends.min(axis=0), ends.max(axis=0)
    around_zero = (low <= _CLOSE) & (high >= -_CLOSE)
    return bool(np.all(high - low > _NARROW) and np.all(around_zero))


def _together(prepare: Preprocessing, inner: Affine) -> Affine:
    """From the pixel to what the network's first layer reads, in the order of channels that it has there."""
    scales, offsets = np.array(prepare.channel_scales), np.array(prepare.channel_offsets)
    if inner.turned:
        scales, offsets = scales[::-1], offsets[::-1]
    return Affine(scales * inner.scale, offsets * inner.scale + inner.offset, inner.turned)


def _split(prepare: Preprocessing, inner: Affine) -> tuple[Preprocessing, Affine | None]:
    """What the spec says of pixels now, and what is left to do to them, if one scale and offset cannot say it all."""
    both = _together(prepare, inner)
    order = _TURNED[prepare.colour_order] if inner.turned else prepare.colour_order
    scale, offset = float(both.scale[0]), float(both.offset[0])
    same = np.allclose(both.scale, scale, rtol=_CLOSE) and np.allclose(both.offset, offset, rtol=_CLOSE, atol=1e-9)
    # An int8 range holds 0.
    if same and scale > 0 and offset <= 0 <= 255 * scale + offset:
        return dataclasses.replace(prepare, colour_order=order, pixel_scale=scale, pixel_offset=offset), None
    plain = dataclasses.replace(prepare, colour_order=order, pixel_scale=_PLAIN[0], pixel_offset=_PLAIN[1])
    rest = both.scale / _PLAIN[0]
    return plain, Affine(rest, both.offset - rest * _PLAIN[1])


def _put_in_front(graph: KerasGraph, behind: str, rest: Affine) -> dict[str, list[Any]]:
    """Scale in the weights of the first convolution, which are returned by its name; else in a layer of its own."""
    first = graph.only_reader(behind)
    plain = type(first) is _LAYERS.Conv2D and first.padding == "valid" and first.groups == 1
    if plain and first.data_format == "channels_last" and graph.uses(first.name) == 1:
        kernel, *bias = first.get_weights()
        wide = kernel.astype(np.float64)
        shifted = np.einsum("hwio,i->o", wide, rest.offset) + (bias[0] if bias else 0.0)
        graph.set(first.name, use_bias=True)
        scaled = wide * rest.scale[:, np.newaxis]
        return {first.name: [scaled.astype(np.float32), shifted.astype(np.float32)]}
    if OUTPUT in graph.readers(behind):
        raise ModelError("the network does nothing but scale pixels")
    graph.insert(ChannelScaling(rest.scale, rest.offset, name=graph.new_name("channel_scaling")), behind)
    return {}
