"""What a training can be told."""

import math
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from edgeleuk.errors import UsageError, expect
from edgeleuk.files import sha256_bytes, sha256_file
from edgeleuk.keras.choices import AUTO, CAMERA, EXITS, MIXED_PRECISION, OFF, ON, POOLS, ROBUST, WIDEST
from edgeleuk.spec import BACKGROUND, COLOUR_CONSTANCIES, NO_CONSTANCY, RESAMPLING_FILTERS

_HIGHEST_RATE = 1000  # far above what trains, far below what overflows float32
_MOST_IMAGES = 1_000_000  # in a batch
SUBJECT, RANDOM = "subject", "random"
SPLITS = (SUBJECT, RANDOM)
# Of the notebook that this project began with: InceptionV3 at 300 px, its augmentation without a camera's changes.
PRESETS: dict[str, dict[str, Any]] = {"notebook": {"input_size": 300, "dropout": 0.25, "robust": OFF}}
CRITERIA = ("taylor", "bn-l1")
TEMPERATURE, TEACHER_WEIGHT = 4.0, 0.9
_PATIENCE_HELP = "Stop after this many epochs without a better validation weighted F1, or an equal one at lower loss."


_expect = partial(expect, UsageError)


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Distilling:
    """How a teacher's answers count; see `edgeleuk.training.distillation`."""

    temperature: float
    weight: float


@dataclass(frozen=True)
class Origin:
    """A network of others that a training goes on from: its file, and what says how it is shown a picture.

    That is a file, `spec`, or the name of a `preset`; the last four stand for what they say. `weights`: a file of them,
    if `model` is an architecture alone. `logits`: its scores are.
    """

    model: str
    spec: str | None = None
    preset: str | None = None
    weights: str | None = None
    logits: bool = False
    input_size: int | None = None
    crop: int | None = None
    resample: str | None = None
    colour_constancy: str | None = None

    def __post_init__(self) -> None:
        """Raise UsageError unless exactly one thing says how it is shown a picture."""
        if (self.spec is None) == (self.preset is None):
            raise UsageError(
                f"--from {self.model} needs --spec SPEC.json or --preset NAME, one of them: a model file does not say "
                "how an image becomes its input"
            )

    @property
    def prepared(self) -> dict[str, Any]:
        """What of the preprocessing is given, by the names that a spec has for it."""
        return {
            "input_size_px": self.input_size,
            "crop_px": self.crop,
            "resample": self.resample,
            "colour_constancy": self.colour_constancy,
        }


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `train`; names are those of its options and of the keys in a --config file."""

    weights: str = _option("imagenet", "Starting weights of the backbone: imagenet, none, or an .h5 file without top.")
    input_size: int = _option(299, "Side of the network's input in pixels, at least 75.")
    crop: int | None = _option(
        None, "Side in source pixels of the centre square shown. [default: the larger image side]"
    )
    resample: str = _option("bilinear", f"Resize filter: {', '.join(RESAMPLING_FILTERS)}.")
    width: float = _option(1.0, "Multiplier of the filters of every convolution.")
    pools: str = _option(
        "average",
        "How average pools are written: average (trained as they stand; rewritten exactly when the network is "
        "quantized) or depthwise (as convolutions already while training).",
    )
    exit: str | None = _option(
        None, f"Mixed block, {EXITS[0]} to {EXITS[-1]}, that the last layer sits on; later ones go. [default: none go]"
    )
    colour_constancy: str | None = _option(
        None,
        "What becomes of each channel's brightness: background (its bright background becomes one value, so that light "
        "and white balance cancel) or none. [default: background; none with --robust off]",
    )
    dropout: float = _option(0.2, "Share of features dropped before the last layer.")
    epochs: int = _option(20, "Epochs of the whole network.")
    head_epochs: int | None = _option(
        None, "Epochs with the backbone frozen, first. [default: 2 if pretrained, else 0]"
    )
    batch_size: int = _option(32, "Images in a batch.")
    learning_rate: float | None = _option(
        None,
        "Peak learning rate (Adam, cosine, warm-up); the head alone takes at least 1e-3. "
        "[default: 1e-4 if pretrained, else 2e-3]",
    )
    patience: int = _option(8, _PATIENCE_HELP)
    robust: str = _option(
        CAMERA,
        "How training images are changed: off (shift, turns, stain), camera (exposure, white balance, gamma, blur, "
        "noise, JPEG and scale besides, as far as a camera goes) or strong.",
    )
    teacher: str | None = _option(
        None, "Float run of the same classes and fold whose softened answers are learnt, too (Hinton et al. 2015)."
    )
    distillation_temperature: float | None = _option(
        None, f"Temperature that softens the answers of teacher and student. [default: {TEMPERATURE:g}]"
    )
    distillation_weight: float | None = _option(
        None, f"Weight of the teacher's answers in the loss; the labels have the rest. [default: {TEACHER_WEIGHT:g}]"
    )
    fold: int = _option(0, "Fold held out for validation.")
    split: str = _option(
        SUBJECT,
        "How --cross-validate deals images to folds: subject (as the index says, no subject in two) or random (image "
        "by image, as is often done: it LEAKS, and every result says so).",
    )
    folds: int = _option(3, "Folds to deal if a folder is given instead of an index.")
    seed: int = _option(0, "Seed of initial weights, order, augmentation and dropout.")
    mixed_precision: str = _option(
        AUTO,
        "Whether to compute in float16, with the weights in float32: auto (on GPUs of compute capability 7 or more), "
        "on or off.",
    )
    origin: Origin | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if a value is out of range."""
        _expect(self.resample in RESAMPLING_FILTERS, "resample", self.resample, ", ".join(RESAMPLING_FILTERS))
        _expect(self.pools in POOLS, "pools", self.pools, " or ".join(POOLS))
        _expect(self.exit in (None, *EXITS), "exit", self.exit, ", ".join(EXITS) + "; nothing for the whole network")
        _expect(0 < self.width <= WIDEST, "width", self.width, f"a number above 0, at most {WIDEST}")
        _expect(0 <= self.dropout < 1, "dropout", self.dropout, "0 to below 1")
        _expect(self.split in SPLITS, "split", self.split, " or ".join(SPLITS))
        _expect(self.robust in ROBUST, "robust", self.robust, ", ".join(ROBUST))
        precision = self.mixed_precision
        _expect(precision in MIXED_PRECISION, "mixed-precision", precision, ", ".join(MIXED_PRECISION))
        if precision == ON and self.origin is not None:
            raise UsageError(
                f"--mixed-precision on is for InceptionV3; {self.origin.model} computes as its layers say: leave it out"
            )
        known = self.colour_constancy in (None, *COLOUR_CONSTANCIES)
        _expect(known, "colour-constancy", self.colour_constancy, " or ".join(COLOUR_CONSTANCIES))
        _expect(self.crop is None or self.crop > 0, "crop", self.crop, "above 0")
        _expect(self.head_epochs is None or self.head_epochs >= 0, "head-epochs", self.head_epochs, "0 or more")
        _check_distilling(self)
        _check_fit(self)

    @property
    def pretrained(self) -> bool:
        """Whether the backbone starts from trained weights."""
        return self.weights != "none" or self.origin is not None

    @property
    def constancy(self) -> str:
        """The colour constancy of the spec: what was given, else what suits `robust`."""
        if self.colour_constancy is not None:
            return self.colour_constancy
        return NO_CONSTANCY if self.robust == OFF else BACKGROUND

    @property
    def distilling(self) -> Distilling | None:
        """Temperature and weight of the teacher's answers; None without a teacher."""
        if self.teacher is None:
            return None
        temperature, weight = self.distillation_temperature, self.distillation_weight
        return Distilling(TEMPERATURE if temperature is None else temperature, weight or TEACHER_WEIGHT)


@dataclass(frozen=True)
class QatConfig:
    """Settings of `qat`; names are those of its options and of the keys in a --config file."""

    epochs: int = _option(2, "Epochs with simulated quantization; 0 only calibrates.")
    batch_size: int = _option(32, "Images in a batch.")
    learning_rate: float = _option(1e-5, "Peak learning rate (Adam, cosine, warm-up).")
    patience: int = _option(8, _PATIENCE_HELP)
    pools: str = _option(
        "depthwise",
        "How average pools are written: depthwise (those of the float run are rewritten first, which changes no answer "
        "and keeps int8 in one piece) or average.",
    )
    samples: int = _option(256, "Training images that the activation ranges are calibrated on.")
    seed: int = _option(0, "Seed of order, augmentation, dropout and calibration.")

    def __post_init__(self) -> None:
        """Raise UsageError if a value is out of range."""
        _expect(self.samples > 0, "samples", self.samples, "above 0")
        _expect(self.pools in POOLS, "pools", self.pools, " or ".join(POOLS))
        _check_fit(self)


def _check_distilling(config: TrainConfig) -> None:
    temperature, weight = config.distillation_temperature, config.distillation_weight
    for name, value in (("distillation-temperature", temperature), ("distillation-weight", weight)):
        _expect(value is None or config.teacher is not None, name, value, "nothing without --teacher RUN")
    # Below 1 the teacher's answers harden; far above 20 every answer looks the same in float32.
    _expect(temperature is None or 1 <= temperature <= 100, "distillation-temperature", temperature, "1 to 100")
    _expect(weight is None or 0 < weight <= 1, "distillation-weight", weight, "above 0, at most 1")


@dataclass(frozen=True)
class PruneConfig:
    """Settings of `prune`; names are those of its options and of the keys in a --config file."""

    macs: str | None = _option(
        None, "Budget of multiply-accumulate operations: a share of the run's own (50%) or a number (1.2G, 80M)."
    )
    budget_ms: float | None = _option(
        None, "Budget in milliseconds of one int8 inference, measured on this machine while looking for the filters."
    )
    threads: int = _option(1, "Threads of the inference that --budget-ms is about.")
    criterion: str = _option(
        "taylor",
        "What filters are ranked by: taylor (first-order change of the loss, Molchanov et al. 2019) or bn-l1 "
        "(L1 norm scaled by batch normalization, Li et al. 2017 and Liu et al. 2017).",
    )
    samples: int = _option(256, "Training images that taylor and the new batch-norm statistics are measured on.")
    multiple: int = _option(8, "Filters of a layer stay a multiple of this, if it has as many.")
    least_share: float = _option(0.25, "Share of its filters that each layer keeps at least.")
    epochs: int = _option(4, "Epochs of fine-tuning.")
    batch_size: int = _option(32, "Images in a batch.")
    learning_rate: float | None = _option(
        None,
        "Peak learning rate (Adam, cosine, warm-up). "
        "[default: 5e-4; 1e-4 if the run's training began with trained weights]",
    )
    patience: int = _option(8, _PATIENCE_HELP)
    seed: int = _option(0, "Seed of order, augmentation, dropout and the images measured on.")

    def __post_init__(self) -> None:
        """Raise UsageError if a value is out of range, or there is not exactly one budget."""
        if (self.macs is None) == (self.budget_ms is None):
            raise UsageError("give one budget: macs (such as 50%) or budget-ms (such as 5)")
        if self.macs is not None:
            macs_budget(self.macs, 1)
        milliseconds = self.budget_ms
        _expect(milliseconds is None or 0 < milliseconds < math.inf, "budget-ms", milliseconds, "a number above 0")
        _expect(self.threads > 0, "threads", self.threads, "above 0")
        _expect(self.criterion in CRITERIA, "criterion", self.criterion, " or ".join(CRITERIA))
        _expect(self.samples > 0, "samples", self.samples, "above 0")
        _expect(self.multiple > 0, "multiple", self.multiple, "above 0")
        _expect(0 <= self.least_share <= 1, "least-share", self.least_share, "0 to 1")
        _check_fit(self)


def weights_facts(weights: str) -> dict[str, str]:
    """What a record holds of starting weights: of a file its name and hash, not where it lies.

    Raises UsageError if there is no such file.
    """
    if weights in ("none", "imagenet"):
        return {"weights": weights}
    try:
        return {"weights": Path(weights).name, "weights_sha256": sha256_file(Path(weights))}
    except (OSError, ValueError) as error:
        raise UsageError(f"{weights}: no such weights file; expected none, imagenet or an .h5 file") from error


def origin_facts(origin: Origin) -> dict[str, Any]:
    """What a record holds of an imported network: names and hashes of its files, and what was given beside its spec.

    Raises UsageError if there is no such file.
    """
    facts: dict[str, Any] = {"from": Path(origin.model).name, "from_sha256": _sha256(origin.model)}
    if origin.weights is not None:
        facts |= {"model_weights": Path(origin.weights).name, "model_weights_sha256": _sha256(origin.weights)}
    return facts | ({"spec_preset": origin.preset} if origin.preset else {})


def _sha256(name: str) -> str:
    """Of a file, or of the names and contents of all files in a folder."""
    path = Path(name)
    try:
        if not path.is_dir():
            return sha256_file(path)
        files = sorted(each for each in path.rglob("*") if each.is_file())
        return sha256_bytes("".join(f"{each.relative_to(path)}\n{sha256_file(each)}\n" for each in files).encode())
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: no such model file") from error


_MOST_MACS = 1e15


def macs_budget(text: str, full: int) -> int:
    """Operations that `text` allows: a share of `full` ("50%", "0.5") or a number ("80M"). Raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(%|[kMG]?)", text.strip())
    amount, unit = (float(found[1]), found[2]) if found else (0.0, "")
    _expect(0 < amount < _MOST_MACS, "macs", text, "a share such as 50% or a number such as 80M or 1.2G, above 0")
    if unit == "%" or (not unit and amount <= 1):
        return int(full * amount / (100 if unit else 1))
    return int(amount * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit])


def percentage(share: float) -> str:
    """A share as `macs_budget` reads it and an option takes it: "50%"."""
    return f"{round(100 * share, 9):g}%"


def _check_fit(config: TrainConfig | QatConfig | PruneConfig) -> None:
    _expect(config.epochs >= 0, "epochs", config.epochs, "0 or more")
    _expect(0 < config.batch_size <= _MOST_IMAGES, "batch-size", config.batch_size, f"1 to {_MOST_IMAGES:,}")
    rate = config.learning_rate
    _expect(rate is None or 0 < rate <= _HIGHEST_RATE, "learning-rate", rate, f"above 0, at most {_HIGHEST_RATE}")
    _expect(config.patience > 0, "patience", config.patience, "above 0")
    _expect(0 <= config.seed < 2**32, "seed", config.seed, "0 to 2**32 - 1")
