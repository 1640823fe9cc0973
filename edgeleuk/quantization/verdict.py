"""What a converted model says of images that nothing was trained or calibrated on, beside the networks behind it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.sampling import ImageSet
from edgeleuk.quantization.fidelity import Probabilities, compare
from edgeleuk.quantization.gate import Gate, check_met
from edgeleuk.quantization.judging import accuracy, known_labels, standing
from edgeleuk.quantization.layer_errors import ErrorTable
from edgeleuk.quantization.proof import Fidelity
from edgeleuk.runtime.classifier import Classifier

FLOAT, REWRITTEN, QAT = "float network", "rewritten network", "QAT network"


@dataclass(frozen=True)
class Compared:
    """Images, the class of each (-1 if it is unknown), and what the networks behind the model say of them.

    All are empty if there are no images to compare on.
    """

    images: ImageSet | None = None
    truth: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    answers: dict[str, Probabilities] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many images."""
        return len(self.truth)

    @property
    def labelled(self) -> int:
        """How many of them have a known class."""
        return int((self.truth >= 0).sum())


def compared_on(images: ImageSet | None, classes: tuple[str, ...]) -> Compared:
    """The images with their classes, nothing asked yet. Raises SpecError for labels that only look like a class."""
    return Compared() if images is None else Compared(images, known_labels(images, classes))


@dataclass(frozen=True)
class Verdict:
    """What a proof says of a model's answers: fidelity, accuracy and gate, see `Proof`."""

    fidelity: tuple[Fidelity, ...]
    accuracy: dict[str, Any] | None
    gate: dict[str, Any]


def judge(classifier: Classifier, compared: Compared, gate: Gate, errors: ErrorTable | None) -> Verdict:
    """Run the model on the images. Raises ProofError if the gate is not met, ModelError for answers that are NaN.

    Agreement is with the network that the model is made of: of a QAT run, that which was trained for int8.
    """
    if compared.images is None:
        return Verdict((), None, gate.facts(None, 0, None))
    scores: Probabilities = np.stack(
        [classifier.network.scores(classifier.prepare(path)) for path in compared.images.paths]
    )
    reference = QAT if QAT in compared.answers else FLOAT
    demanded = compared.truth if gate.max_drop is not None else None
    found = standing(scores, compared.answers[reference], compared.answers[FLOAT], demanded)
    check_met(gate, found, compared.count, reference, _worst(errors))
    fidelity = tuple(compare(name, expected, scores) for name, expected in compared.answers.items())
    labels = len(set(compared.answers[reference].argmax(axis=1).tolist()))
    facts = gate.facts(found, compared.count, reference) | {"labels": labels}
    return Verdict(fidelity, _accuracy(compared, scores), facts)


def _accuracy(compared: Compared, scores: Probabilities) -> dict[str, Any] | None:
    """Of the networks and of the model, on the images whose class is known; None without any."""
    if not compared.labelled:
        return None
    networks = {name: accuracy(answers, compared.truth) for name, answers in compared.answers.items()}
    return {"images": compared.labelled, "networks": networks, "model": accuracy(scores, compared.truth)}


def _worst(errors: ErrorTable | None) -> str:
    return ", ".join(f"{row.layer} ({row.own_db:.1f} dB)" for row in errors.worst_first()[:3]) if errors else ""
