"""Cascade: a small first model answers if it is sure, a large second one all else. One file, used like any model.

Viola & Jones 2001, "Rapid Object Detection using a Boosted Cascade of Simple Features"; the confidence is the greatest
probability after temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks").
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.reliability import FEATURE_DISTANCE, InputGate
from edgeleuk.runtime.bundle import FIRST, Bundle, parse_bundle, read_bundle
from edgeleuk.runtime.classifier import MAP, Classifier, ImageLike, Input, Prediction, Prepared, decoded
from edgeleuk.runtime.content import content_warnings
from edgeleuk.runtime.decision import apply_temperature, as_probabilities
from edgeleuk.runtime.gate_modes import WARN
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.runtime.preprocessing import constant_colours, cut_and_resize, fit_to_input, seen_part
from edgeleuk.spec import Decision

Probabilities = NDArray[np.float32]
INVOKE, DECIDE = "invoke", "decide"  # steps of `Cascade.ask`


class Cascade(Classifier):
    """Two models as one. Itself it is the second, the large one, whose spec is the file's; `first` is the other.

    Either model's probabilities become a label by the file's spec. The picture is measured by the first model's gate,
    since that sees every one; the features by that of the model that answered. Thread-safe, as every `Classifier`.
    """

    def __init__(
        self, bundle: Bundle, path: Path, threads: int | None = None, backend: str = "auto", gate: str = WARN
    ) -> None:
        """Prepare both, each with as many threads: they run in turn. Raises ModelError if they do not fit."""
        if bundle.cascade is None:
            raise ModelError(f"{path} is not a cascade; 'edgeleuk cascade' makes one of two models")
        super().__init__(bundle, path, threads, backend, gate)
        self.rule = bundle.cascade.rule
        first = parse_bundle(bundle.cascade.first, path / FIRST)
        if first.sha256 != self.rule.first_sha256:
            raise ModelError(
                f"{path / FIRST} is not the model that the threshold was chosen for; make the cascade again"
            )
        if first.cascade is not None:
            raise ModelError(f"{path / FIRST} is itself a cascade; expected a model that answers alone")
        self.first = Classifier(first, path / FIRST, threads, backend, gate)
        if self.first.spec.classes != self.spec.classes:
            raise SpecError(
                f"{path}: the first model knows {', '.join(self.first.spec.classes)}, the second "
                f"{', '.join(self.spec.classes)}; expected the same classes in the same order"
            )
        self.trained_on = bundle.seen | first.seen
        self.shares_input = _same_input(self.first, self)

    @classmethod
    def load(cls, path: str | Path, threads: int | None = None, backend: str = "auto", gate: str = WARN) -> "Cascade":
        """Load the file of a cascade. Raises ModelError for another one, and what `open_model` raises."""
        return cls(read_bundle(Path(path)), Path(path), threads, backend, gate)

    def run_at_once(self, most: int, affords: Callable[[int], bool] = lambda size: True) -> None:
        """See `Classifier.run_at_once`: of both models."""
        super().run_at_once(most, affords)
        self.first.run_at_once(most, affords)

    def timed_prepare(self, image: ImageLike, max_pixels: int = MAX_PIXELS, page: int | None = None) -> Prepared:
        """Decode, and make the first model's input. What the second would see is kept, for as long as it is not asked.

        Not all of the image: a few frames of a large camera would fill a small device's memory.
        """
        started = time.perf_counter()
        opened = decoded(image, max_pixels, page)
        pixels = cut_and_resize(opened, self.first.spec.preprocessing)
        warnings = content_warnings(opened, pixels, self.first.spec.preprocessing)
        shown = constant_colours(pixels, self.first.spec.preprocessing)
        values = self.first.encode(shown)
        kept = None if self.shares_input else seen_part(opened, self.spec.preprocessing)
        measures = self.first.measured(shown, pixels) if self._first_measures else self._measured_large(kept, pixels)
        return Prepared(values, 1000 * (time.perf_counter() - started), kept, warnings, measures)

    def _measured_large(self, kept: Image.Image | None, pixels: NDArray[np.uint8]) -> dict[str, float]:
        """By the second model's gate, of what that model would see."""
        if self.gate is None:
            return {}
        seen = pixels if kept is None else cut_and_resize(kept, self.spec.preprocessing)
        return self.measured(constant_colours(seen, self.spec.preprocessing), seen)

    @property
    def _first_measures(self) -> bool:
        return self.first.spec.gate is not None

    @property
    def picture_gate(self) -> InputGate | None:
        """The first model's if it has one, since that sees every picture; else the second's."""
        return self.first.spec.gate if self._first_measures else self.spec.gate

    def findings(self, measures: Mapping[str, float], stage: int | None = None) -> tuple[str, ...]:
        """Of the picture by `picture_gate`, of the features by the gate of the model that answered."""
        of_features = {name: value for name, value in measures.items() if name == FEATURE_DISTANCE}
        of_picture = {name: value for name, value in measures.items() if name not in of_features}
        gates = (self.first.gate if self._first_measures else self.gate, self.answering(stage).gate)
        pairs = zip(gates, (of_picture, of_features), strict=True)
        return tuple(phrase for gate, found in pairs if gate is not None for phrase in gate.findings(found))

    def conclude(self, prepared: Prepared, keep_map: bool = False) -> Prediction:
        """Infer once or twice, and decide. The times are of all that was done for the image.

        With `keep_map` the model that answered runs once more, which the times leave out.
        """
        with self.first.network.turn():
            return self._concluded(prepared, keep_map)

    def _concluded(self, prepared: Prepared, keep_map: bool) -> Prediction:
        started, preparing_s = time.perf_counter(), 0.0

        def second_input() -> Input:
            nonlocal preparing_s
            begin = time.perf_counter()
            values = self.second_input(prepared)
            preparing_s = time.perf_counter() - begin
            return values

        probabilities, stage, extra = self._asked(prepared.values, second_input)
        measured = self.answering(stage).with_features(prepared, extra)
        invoke_ms = 1000 * (time.perf_counter() - started - preparing_s)
        timed = dataclasses.replace(measured, prepare_ms=prepared.prepare_ms + 1000 * preparing_s)
        predicted = self.prediction(probabilities, timed, invoke_ms, stage)
        network = self.answering(stage).network
        if not keep_map or MAP not in network.extra:
            return predicted
        seen = prepared.values if stage == 1 else self.second_input(prepared)
        return dataclasses.replace(predicted, map=network.scores_and_extra(seen, (MAP,))[1][MAP][0])

    @property
    def stages(self) -> tuple[int | None, ...]:
        """See `Classifier.stages`."""
        return 1, 2

    def answering(self, stage: int | None) -> Classifier:
        """See `Classifier.answering`: the first model answers at stage 1."""
        return self.first if stage == 1 else self

    def ask(
        self, values: Input, second_input: Callable[[], Input], done: Callable[[str], None] = lambda step: None
    ) -> tuple[Probabilities, int]:
        """The first model's answer if it is sure, else the second's, float32 [classes]; and which, 1 or 2.

        `values` are the first's input; the second's is made only if it is asked. `done` hears each step's end.
        """
        probabilities, stage, _ = self._asked(values, second_input, done)
        return probabilities, stage

    def _asked(
        self, values: Input, second_input: Callable[[], Input], done: Callable[[str], None] = lambda step: None
    ) -> tuple[Probabilities, int, dict[str, NDArray[Any]]]:
        """Like `ask`, with what the answering model's gate reads of its network."""
        scores, extra = self.first.scores_and_features(values)
        done(INVOKE)
        early = self.early(scores)
        done(DECIDE)
        if early is not None:
            return early, 1, extra
        scores, extra = self.scores_and_features(second_input())
        done(INVOKE)
        return self.late(scores), 2, extra

    def try_out(self) -> None:
        """Run both networks once. Raises ModelError if that cannot be done."""
        super().try_out()
        self.label(self.late(self.network.scores(self.prepare(self.blank_picture()))))

    def early(self, scores: Probabilities) -> Probabilities | None:
        """The first model's answer, float32 [classes], to its scores; None if it is not sure enough.

        Raises ModelError for scores that are not finite.
        """
        probabilities = calibrated(as_probabilities(scores, self.first.spec), self.rule.temperature)
        if not np.isfinite(probabilities).all():
            raise ModelError(f"the first network returned {scores.tolist()}; expected finite probabilities")
        return probabilities if is_sure(probabilities, self.rule.threshold) else None

    def late(self, scores: Probabilities) -> Probabilities:
        """The second model's answer, float32 [classes], to its scores."""
        return self.softened(scores)

    def second_input(self, prepared: Prepared) -> Input:
        """The second model's input of what `timed_prepare` made."""
        if prepared.image is None:
            return prepared.values
        return self.encode(fit_to_input(prepared.image, self.spec.preprocessing))

    def answers(self, paths: Sequence[Path]) -> Iterator[tuple[Probabilities, int]]:
        """Yield float32 [classes] and the stage that answered, 1 or 2, for each file. Raises ImageError."""
        for path in paths:
            prepared = self.timed_prepare(decode_indexed(path))
            yield self.ask(prepared.values, partial(self.second_input, prepared))

    def probabilities(self, paths: Sequence[Path]) -> Iterator[Probabilities]:
        """Yield float32 [classes] for each file in order. Raises ImageError at a bad one."""
        for probabilities, _ in self.answers(paths):
            yield probabilities


def calibrated(scores: Probabilities, temperature: float) -> Probabilities:
    """The first model's probabilities, float32 [classes], from its scores: its spec's own temperature is not used."""
    return apply_temperature(scores, Decision(temperature=temperature))


def is_sure(probabilities: Probabilities, threshold: float) -> bool:
    """Whether the first model answers alone: float32 against float32, so that ties fall as they were chosen."""
    return bool(probabilities.max() >= np.float32(threshold))


def _same_input(first: Classifier, second: Classifier) -> bool:
    one, other = first.network.input, second.network.input
    alike = (one["dtype"], one["quantization"]) == (other["dtype"], other["quantization"])
    return alike and first.spec.preprocessing == second.spec.preprocessing
