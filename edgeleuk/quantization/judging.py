"""What a converted model says of images that nothing was trained or calibrated on, beside the networks behind it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.label_names import refuse_near_names
from edgeleuk.data.sampling import ImageSet
from edgeleuk.quantization.answering import Answers, scores_of
from edgeleuk.quantization.fidelity import Probabilities, compare, expect_finite
from edgeleuk.quantization.gate import Gate, Standing, check_met
from edgeleuk.quantization.layer_errors import ErrorTable
from edgeleuk.quantization.proof import Fidelity
from edgeleuk.runtime.bundle import Bundle, pack
from edgeleuk.runtime.classifier import Classifier, default_threads
from edgeleuk.runtime.decision import as_probabilities
from edgeleuk.spec import ModelSpec

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

    @property
    def paths(self) -> list[Path]:
        """The image files."""
        return self.images.paths if self.images else []


def compared_on(images: ImageSet | None, classes: tuple[str, ...]) -> Compared:
    """The images with their classes, nothing asked yet. Raises SpecError for a label that is one but for its case."""
    if images is None:
        return Compared()
    refuse_near_names((image.label for image in images.images if image.label is not None), classes)
    truth = [classes.index(i.label) if i.label in classes else -1 for i in images.images]
    return Compared(images, np.array(truth, np.int64))


class ImageJudge:
    """Compares models, which take the same inputs, with the float network on images."""

    def __init__(self, spec: ModelSpec, compared: Compared, with_drop: bool) -> None:
        """`compared` holds the float network's answers. `with_drop`: also find the accuracy that is lost."""
        self._spec = spec
        self._compared = compared
        self._truth = compared.truth if with_drop else None
        self._inputs: list[NDArray[Any]] | None = None

    def __call__(self, model: bytes) -> Standing:
        """Run a model on the images."""
        classifier = open_flatbuffer(model, self._spec)
        if self._inputs is None:
            self._inputs = [classifier.prepare(path) for path in self._compared.paths]
        scores = np.stack([classifier.network.scores(values) for values in self._inputs])
        found = as_probabilities(scores, self._spec)
        expected = self._compared.answers[FLOAT]
        return standing(found, expected, expected, self._truth, output_step(classifier))


@dataclass(frozen=True)
class Verdict:
    """What a proof says of a model's answers: fidelity, accuracy and gate, see `Proof`."""

    fidelity: tuple[Fidelity, ...]
    accuracy: dict[str, Any] | None
    gate: dict[str, Any]


def judge(
    classifier: Classifier, answers: Answers, compared: Compared, gate: Gate, errors: ErrorTable | None
) -> Verdict:
    """By what the model says of the images. Raises ProofError if the gate is not met, ModelError for answers of NaN.

    Agreement is with the network that the model is made of: of a QAT run, that which was trained for int8.
    """
    if compared.images is None:
        return Verdict((), None, gate.facts(None, 0, None))
    scores: Probabilities = as_probabilities(scores_of(answers, compared.paths), classifier.spec)
    reference = QAT if QAT in compared.answers else FLOAT
    demanded = compared.truth if gate.max_drop is not None else None
    expected, step = compared.answers[reference], output_step(classifier)
    found = standing(scores, expected, compared.answers[FLOAT], demanded, step)
    check_met(gate, found, compared.count, reference, _worst(errors))
    fidelity = tuple(compare(name, expected, scores) for name, expected in compared.answers.items())
    labels = len(set(expected.argmax(axis=1).tolist()))
    ties = int((agreeing(scores, expected, step) & (scores.argmax(axis=1) != expected.argmax(axis=1))).sum())
    facts = gate.facts(found, compared.count, reference) | {"labels": labels, "ties": ties}
    return Verdict(fidelity, _accuracy(compared, scores), facts)


def output_step(classifier: Classifier) -> float:
    """The least difference of two scores that a model's output can tell; 0 if that is float."""
    return float(classifier.network.output["quantization"][0])


def agreeing(found: Probabilities, expected: Probabilities, step: float = 0.0) -> NDArray[np.bool_]:
    """bool [n]: where the label of a model is the network's, both float32 [n, classes].

    To an output of this `step` classes that the network tells apart by less are one number, whose label is whichever
    class comes first; where the network is as undecided as that, each of them agrees with it.
    """
    labels = found.argmax(axis=1)
    given = np.take_along_axis(expected, labels[:, np.newaxis], axis=1)[:, 0]
    best = expected.max(axis=1)
    return np.asarray((labels == expected.argmax(axis=1)) | (best - given < step), np.bool_)


def standing(
    found: Probabilities,
    expected: Probabilities,
    original: Probabilities,
    truth: NDArray[np.int64] | None,
    step: float = 0.0,
) -> Standing:
    """Of what a model says of images, all float32 [n, classes], beside the network that it was made of.

    Labels agree as `agreeing` says. The drop is to the `original` float network, on the images whose class is known;
    None without any. Raises ModelError if a number is not finite: NaN agrees with nothing.
    """
    expect_finite(found, expected, original)
    agreement = float(agreeing(found, expected, step).mean())
    drop = None if truth is None or not (truth >= 0).any() else accuracy(original, truth) - accuracy(found, truth)
    return Standing(agreement, drop)


def accuracy(probabilities: Probabilities, truth: NDArray[np.int64]) -> float:
    """Share of the images whose class is known of which it is the most probable. Raises ValueError without any."""
    known = truth >= 0
    if not known.any():
        raise ValueError("no image has a known class")
    return float((probabilities.argmax(axis=1) == truth)[known].mean())


def open_flatbuffer(model: bytes, spec: ModelSpec, many: bool = False) -> Classifier:
    """A converted network as a classifier. `many`: for many images in threads, of which each has a core of its own."""
    bundle = Bundle(pack(model, spec, {}, frozenset()), spec)
    classifier = Classifier(bundle, Path("the converted model"), threads=1 if many else None)
    if many:
        classifier.run_at_once(default_threads())
    return classifier


def _accuracy(compared: Compared, scores: Probabilities) -> dict[str, Any] | None:
    """Of the networks and of the model, on the images whose class is known; None without any."""
    if not compared.labelled:
        return None
    networks = {name: accuracy(answers, compared.truth) for name, answers in compared.answers.items()}
    found = {"images": compared.labelled, "networks": networks, "model": accuracy(scores, compared.truth)}
    return found | {"recall": mean_recall(compared.answers[FLOAT], compared.truth)}


def mean_recall(probabilities: Probabilities, truth: NDArray[np.int64]) -> dict[str, float | int]:
    """The mean over classes of the share of their images that is found, and what guessing would reach of it.

    `guessing` is 1 over all classes, and `deviation` the standard deviation of the mean when every image is guessed:
    sqrt(sum over classes of p (1 - p) / n) / classes with images. `classes`: how many have images.
    """
    chance = 1 / probabilities.shape[1]
    found = probabilities.argmax(axis=1)
    parts = [found[truth == label] == label for label in np.unique(truth[truth >= 0])]
    deviation = np.sqrt(sum(chance * (1 - chance) / len(part) for part in parts)) / len(parts)
    mean = float(np.mean([part.mean() for part in parts]))
    return {"mean": mean, "guessing": chance, "deviation": float(deviation), "classes": len(parts)}


def _worst(errors: ErrorTable | None) -> str:
    return ", ".join(f"{row.layer} ({row.own_db:.1f} dB)" for row in errors.worst_first()[:3]) if errors else ""
