"""A float .tflite as what a conversion starts from."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeleuk.errors import ModelError, SpecError, UsageError
from edgeleuk.keras.rewrite import Change
from edgeleuk.keras.stream import ImageStream
from edgeleuk.quantization.fidelity import Probabilities
from edgeleuk.quantization.tflite.concatenations import split_concatenations
from edgeleuk.quantization.tflite.front import channels_first, take_front
from edgeleuk.quantization.tflite.graph import TfliteGraph
from edgeleuk.quantization.tflite.maximums import rewrite_maximums
from edgeleuk.quantization.tflite.pools import rewrite_pools
from edgeleuk.quantization.tflite.reading import fixed_graph
from edgeleuk.quantization.tflite.running import before_scores, noise, relative_difference, run
from edgeleuk.quantization.tflite.scores import take_scores
from edgeleuk.runtime.bundle import Bundle
from edgeleuk.runtime.preprocessing import scale_pixels
from edgeleuk.spec import Decision, ModelSpec, Preprocessing, Provenance

_ROUNDING = 1e-4  # of float32 through a hundred layers, as a share of the greatest number
_PROBES = 2


@dataclass(frozen=True)
class TfliteNetwork:
    """A float32 .tflite with one input [1, h, w, c] and one row of scores; see `float_networks.FloatNetwork`."""

    content: bytes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Batch first."""
        graph = TfliteGraph(self.content)
        return graph.shape(graph.inputs[0])

    def answers(self, paths: Sequence[Path], preprocessing: Preprocessing) -> Probabilities:
        """Float32 [n, scores] on n image files."""
        stream = ImageStream(paths, [0] * len(paths), preprocessing, batch_size=8)
        images = (image[np.newaxis] for batch, _ in stream.in_order() for image in batch)
        return np.stack([row.ravel() for row in run(self.content, images)]).astype(np.float32)

    def answers_to_noise(self) -> Probabilities:
        """Float32 [n, scores] on noise in [-1, 1], the same in each call."""
        return np.stack([row.ravel() for row in run(self.content, noise(self.input_shape, 8))]).astype(np.float32)

    def to_tflite(self, precision: str) -> bytes:
        """The file itself. Raises UsageError for another precision than float32."""
        if precision != "float32":
            raise UsageError(f"a .tflite file converts to --int8 or --float32, not --{precision}")
        return self.content

    def rewritten(self) -> "tuple[TfliteNetwork, tuple[Change, ...]]":
        """With average pools and wide concatenations as XNNPACK takes them, and what was changed.

        Raises ModelError if the numbers before the scores differ by more than float rounding.
        """
        graph = TfliteGraph(self.content)
        changes = (*rewrite_pools(graph), *split_concatenations(graph))
        made = TfliteNetwork(graph.pack())
        _check_same(self, made)
        return made, changes


def read_tflite(
    bundle: Bundle, path: Path, spec: ModelSpec, logits: bool
) -> tuple[TfliteNetwork, ModelSpec, tuple[str, ...]]:
    """A float .tflite in the form above, the spec that fits it, and what was changed, in sentences.

    Raises ModelError for a file that is not taken, SpecError for a spec that contradicts it.
    """
    if bundle.cascade is not None:
        raise ModelError(f"{path} is a cascade of two models; give one of them")
    outputs = 1 if bundle.spec is None else 1 + len(bundle.spec.extra_outputs)
    content = fixed_graph(bundle.flatbuffer, path, spec.preprocessing.input_shape, outputs)
    try:
        taken, preprocessing, moved = take_front(content, spec.preprocessing)
        _check_front(content, spec.preprocessing, taken, preprocessing)
        ended, spec, notes = take_scores(taken, _of_the_network_alone(spec), logits)
        network, changes = _with_int8_padding(TfliteNetwork(ended))
    except (SpecError, ModelError) as error:
        raise type(error)(f"{path}: {error}") from error
    padded = (f"{change.layer}: {change.detail}" for change in changes)
    return network, dataclasses.replace(spec, preprocessing=preprocessing), (*moved, *notes, *padded)


def _with_int8_padding(network: TfliteNetwork) -> tuple[TfliteNetwork, list[Change]]:
    """With maximum pools whose padding int8 has; without that there is no int8 file at all."""
    graph = TfliteGraph(network.content)
    changes = rewrite_maximums(graph)
    made = TfliteNetwork(graph.pack()) if changes else network
    _check_same(network, made)
    return made, changes


def _check_same(first: TfliteNetwork, second: TfliteNetwork) -> None:
    """Raise ModelError if what two networks compute before their scores differs by more than float rounding."""
    images = noise(first.input_shape, _PROBES)
    before, after = (run(before_scores(network.content), images) for network in (first, second))
    apart = relative_difference(before, after)
    if not apart <= _ROUNDING:
        raise ModelError(f"rewriting would change the network's answers by {100 * apart:.2g} %, more than rounding")


def _of_the_network_alone(spec: ModelSpec) -> ModelSpec:
    return dataclasses.replace(
        spec, decision=Decision(), provenance=Provenance(), calibration=None, gate=None, extra_outputs=()
    )


def _check_front(before: bytes, said: Preprocessing, after: bytes, taken: Preprocessing) -> None:
    """Raise ModelError unless both networks answer alike to the same 8-bit pixels, each as its spec shows it them."""
    if before == after:
        return
    graph = TfliteGraph(before)
    dtype = graph.dtype(graph.inputs[0])
    first = channels_first(graph.shape(graph.inputs[0]), said.input_shape)
    drawn = [
        np.clip(128 + 127 * values, 0, 255).round().astype(np.uint8)
        for values in noise((1, *said.input_shape), _PROBES)
    ]
    fed = [scale_pixels(each, said) for each in drawn]
    moved = [np.ascontiguousarray(each.transpose(0, 3, 1, 2) if first else each).astype(dtype) for each in fed]
    swapped = taken.colour_order != said.colour_order
    shown = [scale_pixels(each[..., ::-1] if swapped else each, taken) for each in drawn]
    apart = relative_difference(run(before_scores(before), moved), run(before_scores(after), shown))
    if not apart <= _ROUNDING:
        raise ModelError(f"what it does to pixels cannot be moved: answers would change by {100 * apart:.2g} %")
