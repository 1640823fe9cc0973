"""From a file to the model in it, ready to classify."""

from pathlib import Path

from edgeleuk.runtime.bundle import Bundle, read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.gate_modes import WARN


def open_model(path: str | Path, threads: int | None = None, backend: str = "auto", gate: str = WARN) -> Classifier:
    """Load a .tflite file with its spec; returns a `Cascade` for the file of a cascade.

    `threads`: 1 to 4 cores by default; `backend`: see `edgeleuk.runtime.backend.BACKENDS`; `gate`: see
    `Classifier`. Raises ModelError if the
    file is missing or damaged, SpecError if its spec is missing or does not fit.
    """
    return model_of(read_bundle(Path(path)), Path(path), threads, backend, gate)


def model_of(
    bundle: Bundle, path: Path, threads: int | None = None, backend: str = "auto", gate: str = WARN
) -> Classifier:
    """The same of a file that `read_bundle` has read."""
    if bundle.cascade is None:
        return Classifier(bundle, path, threads, backend, gate)
    from edgeleuk.runtime.cascade import Cascade  # what a model alone need not load

    return Cascade(bundle, path, threads, backend, gate)
