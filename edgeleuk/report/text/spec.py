"""A ModelSpec as text."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from edgeleuk.errors import SpecError, reading_what_was_named
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.spec import (
    LOGITS,
    NO_CONSTANCY,
    PROBABILITIES,
    SHORTER_SIDE,
    SIGMOID,
    SIGMOIDS,
    STRETCH,
    ModelSpec,
    Preprocessing,
    unsaid,
)

_SCORES = {
    SIGMOIDS: "one of each class by itself, divided by their sum",
    SIGMOID: "one, the probability of the positive class",
    LOGITS: "softmax makes probabilities of them",
}


def _fit(prepare: Preprocessing) -> str:
    """How a picture becomes the input's shape."""
    if prepare.fit == STRETCH:
        return "whole picture stretched"
    if prepare.fit == SHORTER_SIDE:
        return f"centre, shorter side at {prepare.shorter_side_px} px"
    return f"centre {prepare.crop_px} px"


def _input_size(prepare: Preprocessing) -> str:
    """One side of a square input; of another, height x width."""
    sides = prepare.input_size_px, prepare.width_px
    return str(sides[0]) if sides[0] == sides[1] else "{}x{}".format(*sides)


def _pixel_range(prepare: Preprocessing) -> str:
    """What pixels 0 and 255 become; of channels that differ, each."""
    pairs = zip(prepare.channel_scales, prepare.channel_offsets, strict=True)
    told = [f"{offset:g} .. {255 * scale + offset:g}" for scale, offset in pairs]
    return told[0] if prepare.is_uniform else ", ".join(told)


@reading_what_was_named()
def read_spec(path: Path) -> ModelSpec:
    """The spec in a JSON file, in a model file or in a run folder.

    Raises SpecError, also if it leaves out what nothing can be assumed for, or ModelError.
    """
    spec, missing = read_and_unsaid(path)
    if missing:
        raise SpecError(
            f"{path} does not say {', '.join(missing)}, which nothing can be assumed for: write what the network was "
            "trained with; 'edgeleuk spec new' asks for it"
        )
    return spec


@reading_what_was_named()
def read_and_unsaid(path: Path) -> tuple[ModelSpec, tuple[str, ...]]:
    """The same, with the keys that it leaves out and that nothing can be assumed for."""
    if path.suffix == ".tflite":
        return read_bundle(path).require_spec(path), ()
    file = path / "spec.json" if path.is_dir() else path
    try:
        text = file.read_bytes()
    except OSError as error:
        raise SpecError(f"{file}: {error.strerror}; expected a spec, a .tflite file or a run") from error
    try:
        return ModelSpec.from_json(text), unsaid(text)
    except SpecError as error:
        raise SpecError(f"{file}: {error}") from error


def render_spec(spec: ModelSpec) -> str:
    """Lines for a terminal."""
    return "\n".join([*spec_lines(spec), *provenance_lines(spec)]) + "\n"


def spec_lines(spec: ModelSpec) -> Iterator[str]:
    """Classes, how a picture becomes the input, and how the output becomes a decision."""
    prepare = spec.preprocessing
    yield f"classes       {', '.join(spec.classes)}; positive: {spec.positive_class or 'none'}"
    yield (
        f"image         {_fit(prepare)}, {prepare.resample} to {_input_size(prepare)} px, "
        f"{prepare.colour_order}, pixels to {_pixel_range(prepare)}"
    )
    if prepare.colour_constancy != NO_CONSTANCY:
        yield f"colours       constant by each picture's {prepare.colour_constancy}"
    if spec.scores != PROBABILITIES:
        yield f"scores        {spec.scores}: {_SCORES[spec.scores]}"
    yield f"decision      {_decision(spec)}"


def _decision(spec: ModelSpec) -> str:
    decision = spec.decision
    rule = "the most probable class"
    if decision.threshold is not None:
        rule = f"{spec.positive_class} from a probability of {decision.threshold:g}"
    source = "" if decision.source is None else f"; chosen on {decision.source}"
    return f"{rule}, temperature {decision.temperature:g}{source}"


def provenance_lines(spec: ModelSpec) -> Iterator[str]:
    """Where it comes from, as far as it says."""
    for name, value in dataclasses.asdict(spec.provenance).items():
        if isinstance(value, dict):
            value = ", ".join(f"{tool} {version}" for tool, version in value.items())
        if value not in (None, ""):
            yield f"{name.removesuffix('_versions').replace('_', ' '):13} {value}"
