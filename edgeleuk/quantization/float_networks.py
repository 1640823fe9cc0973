"""What a conversion starts from, whatever framework it is of: a network that answers, and becomes a .tflite."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgeleuk.keras.rewrite import Change, rewrite
from edgeleuk.quantization.fidelity import Probabilities, keras_probabilities, noise_probabilities
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.spec import Preprocessing


class FloatNetwork(Protocol):
    """A network before it is quantized: one image in, one row of scores out."""

    def answers(self, paths: Sequence[Path], preprocessing: Preprocessing) -> Probabilities:
        """Float32 [n, scores] on n image files."""

    def answers_to_noise(self) -> Probabilities:
        """Float32 [n, scores] on noise in [-1, 1], the same in each call."""

    def to_tflite(self, precision: str) -> bytes:
        """A .tflite of "float32", "float16" or "dynamic". Raises UsageError for one that it cannot become."""

    def rewritten(self) -> "tuple[FloatNetwork, tuple[Change, ...]]":
        """The same answers from operators that the int8 delegate takes, and what was changed.

        Raises ModelError if it cannot be rebuilt.
        """


@dataclass(frozen=True)
class KerasNetwork:
    """A functional Keras 2 model, float or quantization-aware."""

    model: Any

    def answers(self, paths: Sequence[Path], preprocessing: Preprocessing) -> Probabilities:
        """See `FloatNetwork`."""
        return keras_probabilities(self.model, paths, preprocessing)

    def answers_to_noise(self) -> Probabilities:
        """See `FloatNetwork`."""
        return noise_probabilities(self.model)

    def to_tflite(self, precision: str) -> bytes:
        """See `FloatNetwork`."""
        return convert_float(self.model, precision)

    def rewritten(self) -> tuple[FloatNetwork, tuple[Change, ...]]:
        """See `FloatNetwork`."""
        rewriting = rewrite(self.model)
        return KerasNetwork(rewriting.network), rewriting.changes
