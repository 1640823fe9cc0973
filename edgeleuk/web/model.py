"""The model that is served: loaded whole, exchanged whole, described for the model card."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.runtime.backend import interpreter_class
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.classifier import Classifier, default_threads
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.runtime.models import model_of
from edgeleuk.store.record import ModelIdentity


@dataclass(frozen=True)
class ServedModel:
    """A loaded model with all that the page tells of it. Its requests finish with it, whatever is loaded meanwhile."""

    classifier: Classifier
    identity: ModelIdentity
    card: dict[str, Any]

    @classmethod
    def load(cls, path: Path, threads: int | None, backend: str) -> "ServedModel":
        """Read and prepare the model, and run it once. Raises ModelError or SpecError if it cannot be used."""
        bundle = read_bundle(path)
        classifier = model_of(bundle, path, threads, backend)
        classifier.try_out()
        card = {
            "name": path.name,
            "sha256": bundle.sha256,
            "size_bytes": len(bundle.content),
            "backend": interpreter_class(backend)[1],
            "threads": threads or default_threads(),
            "display_names": classifier.spec.shown_names,
            "spec": classifier.spec.to_dict(),
            "proof": bundle.proof,
            "cascade": None if bundle.cascade is None else dataclasses.asdict(bundle.cascade.rule),
            "research_use": RESEARCH_USE,
        }
        return cls(classifier, ModelIdentity.of(bundle, classifier.spec, path), card)
