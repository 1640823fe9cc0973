"""Where the error rates of a model come from: its own file, or a folder of `edgeleuk evaluate -o`."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeleuk.codec import expect_version, read_json
from edgeleuk.errors import DataError, UsageError, reading_what_was_named
from edgeleuk.runtime.bundle import Bundle
from edgeleuk.safe_csv import plain_cell
from edgeleuk.spec import ModelSpec
from edgeleuk.statistics.error_rates import LEAST_SUBJECTS, ErrorRates, Rate, new_subject_rate
from edgeleuk.statistics.prevalence import telling
from edgeleuk.text import counted, printable

_EVALUATION_VERSION = 1
_LEAST_TELLING = 0.9
Confusion = Sequence[Sequence[int]]


@dataclass(frozen=True)
class KnownErrors:
    """The class whose share is asked for (None: of each class), and how often the model errs on a new subject's cells.

    `says`: where the rates come from; without `rates` why there are none.
    """

    positive: str | None
    rates: ErrorRates | None
    says: str

    @property
    def sentence(self) -> str:
        """Whether the intervals carry the model's errors, and which ones or why not."""
        return f"the model's errors are {'' if self.rates else 'not '}in the intervals: {self.says}"


def errors_of_bundle(bundle: Bundle, path: Path) -> KnownErrors:
    """What the model file itself says. Raises SpecError if it has no spec."""
    spec = bundle.require_spec(path)
    return errors_of_spec(spec, bundle.network_sha256 if spec.calibration else "", bundle.cascade is not None)


def errors_of_spec(spec: ModelSpec, network_sha256: str, is_cascade: bool = False) -> KnownErrors:
    """What the calibration in a model's spec says; nothing if that is of another network, or of one of a cascade's."""
    found = spec.calibration
    if is_cascade:
        return _unknown(
            spec.positive_class,
            "a cascade errs otherwise than its second model, which alone the file says; give an evaluation of it",
        )
    if found is None:
        return _unknown(spec.positive_class, "the model file says nothing of its errors ('edgeleuk calibrate' adds it)")
    if found.network_sha256 != network_sha256:
        return _unknown(spec.positive_class, "the model file's calibration is of another network")
    if found.unit != "subject":
        return _unknown(spec.positive_class, "the model was calibrated on images whose subjects are unknown")
    source = f"{counted(found.images, 'held-out cell')} of {counted(found.groups, 'subject')}, in the model file"
    return errors_of(spec.classes, spec.positive_class, found.groups_confusion, source)


@reading_what_was_named()
def errors_of_evaluation(folder: Path, model_sha256: str | None = None) -> tuple[KnownErrors, str]:
    """What `evaluate -o` found, and the SHA-256 of the model file that it is of.

    Raises UsageError if that is not `model_sha256`, DataError if the folder cannot be read.
    """
    if not (folder / "evaluation.json").is_file():
        raise DataError(f"{folder} holds no evaluation.json; expected a folder that 'edgeleuk evaluate -o' wrote")
    try:
        raw = read_json(folder / "evaluation.json")
        expect_version(raw["schema_version"], _EVALUATION_VERSION, str(folder), "evaluate again")
        classes, positive = [str(name) for name in raw["classes"]], raw["positive_class"]
        with (folder / "predictions.csv").open(encoding="utf-8", newline="") as stream:
            rows = [{name: plain_cell(value) for name, value in row.items()} for row in csv.DictReader(stream)]
        of, trained = str(raw["model_sha256"]), int(raw["trained_images"])
        confusions, without = _confusions(rows, classes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise DataError(
            f"{folder} is not an evaluation that can be read ({type(error).__name__}: {error!s:.300})"
        ) from error
    if model_sha256 is not None and of != model_sha256:
        raise UsageError(
            f"{folder} is an evaluation of another model ({of[:12]}) than this one ({model_sha256[:12]}): a model's "
            "errors are its own; evaluate this model file"
        )
    name = printable(folder.name)
    if trained:
        return _unknown(positive, f"{name} was evaluated on images seen in training"), of
    if without:
        return _unknown(positive, f"{name} holds {counted(without, 'image')} whose subject is unknown"), of
    source = f"{counted(len(rows), 'held-out cell')} of {counted(len(confusions), 'subject')}, evaluation {name}"
    return errors_of(classes, positive, list(confusions.values()), source), of


def errors_of(
    classes: Sequence[str], positive: str | None, confusions: Sequence[Confusion], source: str
) -> KnownErrors:
    """From the confusion matrix of each held-out subject, rows the truth: of the positive class against all others."""
    if positive is None:
        return _unknown(None, "no class is the positive one")
    number = list(classes).index(positive)
    table = np.array(confusions, np.int64).reshape(len(confusions), len(classes), len(classes))
    positives, called = table[:, number], table[:, :, number]
    others, wrong = table.sum(axis=(1, 2)) - positives.sum(axis=1), called.sum(axis=1) - positives[:, number]
    sides = [(positives[:, number], positives.sum(axis=1)), (others - wrong, others)]
    known = [(right[sizes > 0], sizes[sizes > 0]) for right, sizes in sides]
    few = [len(sizes) for _, sizes in known]
    if min(few) < LEAST_SUBJECTS:
        return _unknown(
            positive,
            f"too few held-out subjects: {few[0]} with {positive} and {few[1]} with other cells, {LEAST_SUBJECTS} of "
            f"each are needed ({source})",
        )
    rates = ErrorRates(*(new_subject_rate(right, sizes) for right, sizes in known))
    if telling(rates) < _LEAST_TELLING:
        return _unknown(positive, f"the model hardly tells {positive} from the rest in a new subject ({source})")
    said = f"sensitivity {_told(rates.sensitivity)}, specificity {_told(rates.specificity)}; {source}"
    return KnownErrors(positive, rates, said)


def _told(rate: Rate) -> str:
    low, high = rate.bounds
    return f"{rate.value:.3f} ({low:.2f} to {high:.2f} in a new subject)"


def _unknown(positive: str | None, why: str) -> KnownErrors:
    return KnownErrors(positive, None, why)


def _confusions(rows: list[dict[str, str]], classes: Sequence[str]) -> tuple[dict[str, Confusion], int]:
    """The confusion matrix of each subject, and how many images have none."""
    numbers = {name: number for number, name in enumerate(classes)}
    found: dict[str, list[list[int]]] = {}
    for row in rows:
        matrix = found.setdefault(row["subject"], [[0] * len(classes) for _ in classes])
        matrix[numbers[row["label"]]][numbers[row["predicted"]]] += 1
    return {name: matrix for name, matrix in found.items() if name}, sum(not row["subject"] for row in rows)
