"""Classifier: an image in, a label with probabilities out. What runs on the device."""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.errors import ImageError, ModelError, SpecError, UsageError, reading_what_was_named
from edgeleuk.runtime.backend import Network
from edgeleuk.runtime.bundle import Bundle
from edgeleuk.runtime.content import content_warnings
from edgeleuk.runtime.decision import (
    REFUSED,
    UNCERTAIN,
    answer_set,
    apply_temperature,
    as_probabilities,
    decide,
    probability_floor,
)
from edgeleuk.runtime.gate_modes import GATES, OFF, REFUSE, WARN
from edgeleuk.runtime.images import Part, decode_image, decode_indexed, decode_part, rgb_image
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.runtime.pipeline import mapped
from edgeleuk.runtime.preprocessing import (
    constant_colours,
    crop_size,
    cut_and_resize,
    fit_to_input,
    in_rgb,
    pixel_codes,
    quantize_pixels,
    scale_pixels,
    seen_box,
)
from edgeleuk.spec import CROP, ModelSpec, Preprocessing
from edgeleuk.value import value

if TYPE_CHECKING:
    from edgeleuk.reliability import InputGate
    from edgeleuk.runtime.gate import Gate

FEATURES = "features"  # the extra output that the input gate measures
MAP = "map"  # the extra output that `Prediction.map` is
_LEAST_SCALE = 1e-9

ImageLike = str | Path | bytes | Image.Image
Input = NDArray[np.int8] | NDArray[np.uint8] | NDArray[np.float32]
_INPUT_TYPES = (np.int8, np.uint8, np.float32)


@value
class Prediction:
    """What a model says of one image; times are wall clock.

    Probabilities sum to 1; those of an int8 output come in steps of its scale, usually 1/256, and do so only roughly.
    `stage` is which model of a cascade answered, 1 or 2; None if there is one model. `warnings` are short phrases
    that say why the image may be nothing to classify, "no content" or "8 px": such an answer is kept apart.
    `answers`: the classes of its conformal set if the model has them, see `edgeleuk.reliability.Abstention`; more than
    one is no answer, and "uncertain" is among the warnings. `measures`: what the input gate measured, by name. `map`:
    the classifier's last feature map [height, width, channels] if it was asked to keep it, in the network's own dtype.
    """

    label: str
    probabilities: dict[str, float]
    prepare_ms: float
    invoke_ms: float
    stage: int | None = None
    warnings: tuple[str, ...] = ()
    answers: tuple[str, ...] | None = None
    measures: dict[str, float] = field(default_factory=dict)
    map: NDArray[np.int8] | NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    @property
    def probability(self) -> float:
        """Probability of the label."""
        return self.probabilities[self.label]


@value
class Prepared:
    """A network's input, [1, height, width, channels] of int8, uint8 or float32, and how long it took to make.

    `image` is what a second network's input can still be made of; `warnings` and `measures` as of a Prediction.
    """

    values: Input
    prepare_ms: float
    image: Image.Image | None = None
    warnings: tuple[str, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)


class Classifier:
    """A model file, ready to classify images. Thread-safe: inferences take turns, unless `run_at_once` allows more.

    `gate`: "off", nothing is measured; "warn", or "refuse", with which what it finds is an ImageError. `spec` is its
    contract, `trained_on` the digests (`Bundle.seen`) of each image it was trained on or its
    int8 ranges were set on, `calibrated_on` those that temperature, threshold and sets were chosen on.
    """

    def __init__(
        self, bundle: Bundle, path: Path, threads: int | None = None, backend: str = "auto", gate: str = WARN
    ) -> None:
        """Prepare a model read by `read_bundle`. See `edgeleuk.runtime.models.open_model`."""
        self.spec: ModelSpec = bundle.require_spec(path)
        self.trained_on, self.calibrated_on = bundle.seen, bundle.calibrated
        bundle.check_calibration(path)
        extra = self.spec.extra_outputs
        self.network = Network(bundle.content, path, threads or default_threads(), backend, extra)
        _check_fit(self.spec, self.network, path)
        self._floor = probability_floor(self.network.output["quantization"][0], len(self.spec.classes))
        self._abstention = None if self.spec.calibration is None else self.spec.calibration.abstention
        self.refuses, self.gate = gate == REFUSE, self._gate(bundle, path, gate)
        self._codes: NDArray[Any] | None = None
        if self.network.input["dtype"] != np.float32:
            scale, zero_point = self.network.input["quantization"]
            self._codes = pixel_codes(scale, zero_point, self.spec.preprocessing, self.network.input["dtype"])

    @reading_what_was_named()
    def _gate(self, bundle: Bundle, path: Path, mode: str) -> "Gate | None":
        """The input gate, if there is one and it is wanted; it is always read, as it is a part of the file."""
        if mode not in GATES:
            raise UsageError(f"gate is {mode!r}; expected {' | '.join(GATES)}")
        if self.spec.gate is None:
            if mode == REFUSE:
                whose = path if bundle.cascade is None else f"{path}: its second model"
                raise SpecError(
                    f"{whose} has no input gate, so nothing says what to refuse; convert it again, from its run, or "
                    "use --gate warn"
                )
            return None
        from edgeleuk.runtime.gate import gate_of  # what a model without one need not load

        features = self.network.extra.get(FEATURES)
        count = None if features is None else math.prod(int(n) for n in features["shape"])
        try:
            found = gate_of(self.spec, bundle.network_sha256, bundle.references, count)
        except ModelError as error:
            raise type(error)(f"{path}: {error}") from error
        return None if mode == OFF else found

    @property
    def picture_gate(self) -> "InputGate | None":
        """Whose measures those of a picture are: the file's; of a cascade see there."""
        return self.spec.gate

    @classmethod
    def load(
        cls, path: str | Path, threads: int | None = None, backend: str = "auto", gate: str = WARN
    ) -> "Classifier":
        """The same as `edgeleuk.runtime.open_model`: a `Cascade` for the file of a cascade."""
        from edgeleuk.runtime.models import open_model

        return open_model(path, threads, backend, gate)

    def predict(self, image: ImageLike, keep_map: bool = False) -> Prediction:
        """Classify a file, its bytes or a Pillow image. Raises ImageError for an image that cannot be used.

        `keep_map`: with the last feature map, if the answering model gives it out.
        """
        return self.conclude(self.timed_prepare(image), keep_map)

    def run_at_once(self, most: int, affords: Callable[[int], bool] = lambda size: True) -> None:
        """Let up to `most` threads infer at once, each in an interpreter of its own, opened once a thread needs it.

        Then `threads` is best 1. `affords` is asked whether another one of so many bytes may be opened.
        """
        self.network.run_at_once(most, affords)

    def predict_many(self, images: Iterable[ImageLike], workers: int = 2) -> Iterator[Prediction]:
        """Yield the prediction for each image in order; `workers` threads decode and infer, one image each.

        Inferences take turns unless `run_at_once` was called. `images` may be endless: only a few of them are in
        memory. Raises ImageError at the turn of a bad one, and ends.
        """
        return mapped(images, self.predict, workers)

    def timed_prepare(self, image: ImageLike, max_pixels: int = MAX_PIXELS, page: int | None = None) -> Prepared:
        """The first half of `predict`: decode, crop, resize, quantize. `max_pixels` and `page` as of `decode_image`."""
        started = time.perf_counter()
        opened, size = decoded_part(image, self.spec.preprocessing, max_pixels, page)
        pixels = cut_and_resize(opened, self.spec.preprocessing)
        warnings = content_warnings(opened, pixels, self.spec.preprocessing, size)
        shown = constant_colours(pixels, self.spec.preprocessing)
        values, measures = self.encode(shown), self.measured(shown, pixels)
        return Prepared(values, 1000 * (time.perf_counter() - started), None, warnings, measures)

    def measured(self, shown: NDArray[np.uint8], came: NDArray[np.uint8]) -> dict[str, float]:
        """What the input gate measures of what `cut_and_resize` made, and `constant_colours` of it; {} without one."""
        if self.gate is None:
            return {}
        return self.gate.of_picture(*in_rgb(shown, came, self.spec.preprocessing))

    def conclude(self, prepared: Prepared, keep_map: bool = False) -> Prediction:
        """The second half of `predict`: infer and decide.

        Raises ModelError for scores that are not finite, ImageError for what the input gate refuses.
        """
        with self.network.turn():
            started = time.perf_counter()
            scores, extra = self.network.scores_and_extra(prepared.values, self._wanted(keep_map))
            probabilities = self.softened(scores)
            prepared = self.with_features(prepared, extra)
            invoke_ms = 1000 * (time.perf_counter() - started)
        predicted = self.prediction(probabilities, prepared, invoke_ms)
        return dataclasses.replace(predicted, map=extra[MAP][0]) if MAP in extra else predicted

    def _wanted(self, keep_map: bool = False) -> tuple[str, ...]:
        """Which extra outputs are read."""
        features = (FEATURES,) if self.gate is not None and self.gate.wants_features else ()
        return (*features, MAP) if keep_map and MAP in self.network.extra else features

    def scores_and_features(self, values: Input) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
        """The network's scores, and what the gate reads of it."""
        return self.network.scores_and_extra(values, self._wanted())

    def with_features(self, prepared: Prepared, extra: Mapping[str, NDArray[Any]]) -> Prepared:
        """With what the gate measures of this network's extra outputs."""
        if self.gate is None or FEATURES not in extra:
            return prepared
        measures = prepared.measures | self.gate.of_features(extra[FEATURES])
        return Prepared(prepared.values, prepared.prepare_ms, prepared.image, prepared.warnings, measures)

    @property
    def stages(self) -> tuple[int | None, ...]:
        """What `Prediction.stage` may be."""
        return (None,)

    def answering(self, stage: int | None) -> "Classifier":
        """The one of a cascade's models that answers at this stage; of a single model itself."""
        return self

    def softened(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Float32 [classes]: the network's scores as probabilities, at the spec's temperature."""
        return apply_temperature(as_probabilities(scores, self.spec), self.spec.decision, self._floor)

    def prediction(
        self, probabilities: NDArray[np.float32], prepared: Prepared, invoke_ms: float, stage: int | None = None
    ) -> Prediction:
        """What float32 [classes] say of what was prepared.

        Raises ModelError if they are not finite, ImageError if the gate refuses the picture.
        """
        by_name = dict(zip(self.spec.classes, probabilities.tolist(), strict=True))
        label = self.label(probabilities)
        answers = self._answers(probabilities, label)
        unsure = (UNCERTAIN,) if answers is not None and len(answers) > 1 else ()
        warnings = prepared.warnings + self.findings(prepared.measures, stage) + unsure
        refused = self.refusal(warnings)
        if refused is not None:
            raise ImageError(refused)
        return Prediction(
            label, by_name, prepared.prepare_ms, invoke_ms, stage, warnings, answers, measures=prepared.measures
        )

    def findings(self, measures: Mapping[str, float], stage: int | None = None) -> tuple[str, ...]:
        """What the input gate says of measures, of those of a cascade by the models that took them."""
        return () if self.gate is None else self.gate.findings(measures)

    def refusal(self, warnings: Sequence[str]) -> str | None:
        """Why such a picture gets no answer, if those with warnings get none; to be unsure of it is no reason."""
        reasons = [phrase for phrase in warnings if phrase != UNCERTAIN]
        return f"{REFUSED}{', '.join(reasons)}" if self.refuses and reasons else None

    def _answers(self, probabilities: NDArray[np.float32], label: str) -> tuple[str, ...] | None:
        """The classes of the conformal set, the label always among them; None if the spec has no sets."""
        if self._abstention is None:
            return None
        classes = self.spec.classes
        held = answer_set(probabilities, classes.index(label), self._abstention.least_probability)
        return tuple(name for name, is_held in zip(classes, held, strict=True) if is_held)

    def try_out(self) -> None:
        """Run it once, on a black image. Raises ModelError if that cannot be done."""
        with suppress(ImageError):  # the gate may refuse it
            self.predict(self.blank_picture())

    def blank_picture(self) -> Image.Image:
        """A black one of the size that the spec cuts out, or of the input's."""
        prepare = self.spec.preprocessing
        size = crop_size(prepare) if prepare.fit == CROP else (prepare.width_px, prepare.input_size_px)
        return Image.new("RGB", size)

    def label(self, probabilities: NDArray[np.float32]) -> str:
        """The class that float32 [classes] stand for. Raises ModelError if they are not finite."""
        if not np.isfinite(probabilities).all():
            raise ModelError(f"the network returned {probabilities.tolist()}; expected finite probabilities")
        return self.spec.classes[int(decide(probabilities, self.spec))]

    def prepare(self, image: ImageLike) -> Input:
        """Return the network's input [1, height, width, channels]: int8 or uint8 of a quantized model, else float32."""
        return self.encode(fit_to_input(decoded_part(image, self.spec.preprocessing).image, self.spec.preprocessing))

    def encode(self, pixels: NDArray[np.uint8]) -> Input:
        """From uint8 [height, width, channels] of `fit_to_input` to the network's input with 1 in front."""
        batch = pixels[np.newaxis]
        if self._codes is not None:
            return quantize_pixels(batch, self._codes)
        return scale_pixels(batch, self.spec.preprocessing)

    def probabilities(self, paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [classes] for each file in order. Raises ImageError at a bad one."""
        for path in paths:
            values = self.prepare(decode_indexed(path))
            yield self.softened(self.network.scores(values))


def default_threads() -> int:
    """Cores this process may use, at most 4: a Pi has four, and more rarely help one small network."""
    return min(4, len(os.sched_getaffinity(0)))


def decoded(image: ImageLike, max_pixels: int = MAX_PIXELS, page: int | None = None) -> Image.Image:
    """An RGB image, of a Pillow image as of a file. Raises ImageError for one that cannot be used."""
    if isinstance(image, Image.Image):
        return rgb_image(image)
    return decode_image(image if isinstance(image, bytes) else Path(image), max_pixels, page)


def decoded_part(image: ImageLike, spec: Preprocessing, max_pixels: int = MAX_PIXELS, page: int | None = None) -> Part:
    """`decoded`, if possible only of what the spec cuts out."""
    if isinstance(image, Image.Image):
        upright = rgb_image(image)
        return Part(upright, upright.size)
    source = image if isinstance(image, bytes) else Path(image)
    return decode_part(source, partial(seen_box, spec=spec), max_pixels, page, packed=True)


@reading_what_was_named()
def _one_score(spec: ModelSpec, network: Network) -> str:
    """What a spec of two classes lacks where the network gives one score."""
    one = math.prod(network.output_shape) == 1 and len(spec.classes) == 2
    return '; if its one score is a sigmoid, say "scores": "sigmoid"' if one else ""


def _check_fit(spec: ModelSpec, network: Network, path: Path) -> None:
    expected = (1, *spec.preprocessing.input_shape)
    if network.input_shape != expected:
        raise SpecError(
            f"{path}: the spec says an input of {spec.preprocessing.input_size_px} px, the network takes "
            f"{list(network.input_shape)} (expected {list(expected)})"
        )
    if network.output_shape[0] != 1 or math.prod(network.output_shape) != spec.score_count:
        raise SpecError(
            f"{path}: the spec names {len(spec.classes)} classes ({', '.join(spec.classes)}), "
            f"the network's output is {list(network.output_shape)} (expected {[1, spec.score_count]})"
            + _one_score(spec, network)
        )
    kind = network.input["dtype"]
    if kind not in _INPUT_TYPES:
        raise SpecError(f"{path}: input is {np.dtype(kind)}; expected int8, uint8 or float32")
    if kind != np.float32 and not network.input["quantization"][0]:
        raise SpecError(
            f"{path}: input is {np.dtype(kind)} without a scale, so nothing says which code a pixel becomes"
        )
    for name, tensor in (("input", network.input), ("output", network.output)):
        scale, zero_point = tensor["quantization"]
        if not (scale == 0 or _LEAST_SCALE <= scale <= 1 / _LEAST_SCALE) or abs(zero_point) > 255:
            raise ModelError(f"{path}: its {name} is quantized by {scale!r} and {zero_point}, which is not valid")
