"""An int8 model that was proven, with the ends that `--io` asks for, and its proof with them."""

import dataclasses

import numpy as np

from edgeleuk.device.delegate import coverage
from edgeleuk.errors import ProofError, UsageError
from edgeleuk.quantization.borders import (
    INT8,
    IO_TYPES,
    border_nodes,
    check_borders,
    preprocessing_for,
    with_borders,
)
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.proof import Proof, check_portable, examine
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.spec import ModelSpec

_TRIED = 4
_ROUNDING = 1e-6  # of float32 probabilities


def check_io(kind: str, precision: str) -> None:
    """Raise UsageError for ends that a model of this precision does not get."""
    if kind not in IO_TYPES:
        raise UsageError(f"io is {kind!r:.40}; expected {' | '.join(IO_TYPES)}")
    if kind != INT8 and precision != INT8:
        raise UsageError(f"--io {kind} is for --int8; a {precision} model takes and gives float32 already")


def between(model: bytes, spec: ModelSpec, proof: Proof, kind: str) -> tuple[bytes, ModelSpec, Proof]:
    """A proven int8 model with ends of `kind`, the spec that feeds it the same codes, and the proof of both.

    Raises ProofError if anything but the ends was added, or it answers otherwise.
    """
    if kind == INT8:
        return model, spec, proof
    made = with_borders(model, kind)
    check_borders(model, made, kind)
    outer = dataclasses.replace(spec, preprocessing=preprocessing_for(model, kind, spec.preprocessing))
    found = examine(made, proof.precision, outer.preprocessing)
    check_portable(found)
    classifier = open_flatbuffer(made, outer)
    _check_answers(open_flatbuffer(model, spec), classifier, kind)
    delegate = coverage(classifier.network.operations())
    before, behind = border_nodes(kind)
    ends = {"type": kind, "before": before, "behind": behind, "int8_sha256": proof.flatbuffer_sha256}
    now = {name: getattr(found, name) for name in _OF_THE_GRAPH}
    run = None if delegate is None else dataclasses.asdict(delegate)
    return made, outer, dataclasses.replace(proof, **now, delegate=run, io=ends)


_OF_THE_GRAPH = (
    *("operators", "tensor_types", "float_tensors", "float_convolutions", "dequantize_nodes", "quantize_nodes"),
    *("int8_rescales", "input", "output", "pixel_error_steps", "size_bytes", "portability", "flatbuffer_sha256"),
)


def _check_answers(inner: Classifier, outer: Classifier, kind: str) -> None:
    """Raise ProofError unless both answer alike to noise of every pixel value."""
    random = np.random.default_rng(0)
    for _ in range(_TRIED):
        pixels = random.integers(0, 256, inner.spec.preprocessing.input_shape, np.uint8)
        asked, answered = (each.network.scores(each.encode(pixels)) for each in (inner, outer))
        if np.abs(asked - answered).max() > _ROUNDING:
            raise ProofError(
                f"with {kind} ends the network answers {answered.tolist()}, without {asked.tolist()}. Nothing was "
                "written"
            )
