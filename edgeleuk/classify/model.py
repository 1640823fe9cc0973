"""The model that is in use: loaded and replaced as a whole, described for the model card."""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.runtime.backend import interpreter_class
from edgeleuk.runtime.bundle import Bundle
from edgeleuk.runtime.classifier import Classifier, default_threads
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.runtime.gate_modes import WARN
from edgeleuk.runtime.models import model_of
from edgeleuk.store.record import ModelIdentity
from edgeleuk.value import value

if TYPE_CHECKING:
    from edgeleuk.subjects.errors_known import KnownErrors


@value
class Model:
    """A loaded model, which one it is, and all that people are told of it."""

    classifier: Classifier
    identity: ModelIdentity
    card: Mapping[str, Any] = field(default_factory=dict)
    network_sha256: str = ""

    @cached_property
    def errors(self) -> "KnownErrors":
        """How often it errs on a new subject's cells, as far as its file says."""
        from edgeleuk.subjects.errors_known import errors_of_spec

        return errors_of_spec(self.classifier.spec, self.network_sha256, bool(self.card.get("cascade")))

    @classmethod
    def of(
        cls, bundle: Bundle, path: Path, threads: int | None = None, backend: str = "auto", gate: str = WARN
    ) -> "Model":
        """Load what `read_bundle` read. Raises ModelError or SpecError."""
        classifier = model_of(bundle, path, threads, backend, gate)
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
        network = bundle.network_sha256 if classifier.spec.calibration else ""
        return cls(classifier, ModelIdentity.of(bundle, classifier.spec, path), card, network)
