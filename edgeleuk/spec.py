"""ModelSpec: everything needed to turn an image file into a decision, and nothing else.

It travels with the model as JSON, and is the one thing that training and device share besides the
preprocessing function in `edgeleuk.runtime`.
"""

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any

from edgeleuk.codec import OF_CLASS, decode, parse_json
from edgeleuk.errors import SpecError, expect
from edgeleuk.value import value

if TYPE_CHECKING:
    from edgeleuk.reliability import Calibration, InputGate

SCHEMA_VERSION = 1
EXTRA_OUTPUTS = ("features", "map")
# Pillow's, which average over what they make smaller; bilinear without that, as `tf.image.resize` does it; and bilinear
# behind means of whole blocks of pixels, which is the fastest that averages.
TF_BILINEAR, REDUCE = "tf-bilinear", "reduce"
RESAMPLING_FILTERS = ("nearest", "bilinear", "bicubic", "lanczos", TF_BILINEAR, REDUCE)
NO_CONSTANCY, BACKGROUND = "none", "background"
COLOUR_CONSTANCIES = (NO_CONSTANCY, BACKGROUND)
GREY = "GREY"
COLOUR_ORDERS = ("RGB", "BGR", GREY)
CROP, STRETCH, SHORTER_SIDE = "crop", "stretch", "shorter_side"
FITS = (CROP, STRETCH, SHORTER_SIDE)
PROBABILITIES, SIGMOIDS, SIGMOID, LOGITS = "probabilities", "sigmoids", "sigmoid", "logits"
SCORES = (PROBABILITIES, SIGMOIDS, SIGMOID, LOGITS)
# Bounds of what a device of 512 MiB can do, and of what makes sense: a spec may come from a stranger.
MAX_INPUT_PX = 2048
MAX_CROP_PX = 5000  # all of a 25-megapixel image
_MAX_CLASSES, _MAX_NAME, _MAX_NOTE = 10_000, 100, 1000
_SCALES, _OFFSETS, _TEMPERATURES = (1e-6, 1e4), (-1e6, 1e6), (1e-3, 1e3)
_SHA256 = re.compile("[0-9a-f]{64}")
# Optional keys of a preprocessing, and what they are where they are left out.
_USUAL_PREPARATION = {
    "colour_constancy": NO_CONSTANCY,
    "fit": CROP,
    "crop_px": None,
    "shorter_side_px": None,
    "input_width_px": None,
}
_SAID = ("pixel_scale", "pixel_offset", "resample", "colour_order")
_USUAL_NAMES = {frozenset(("all", "hem")): {"all": "ALL", "hem": "healthy"}}  # C-NMC's folders: "all" reads as any
# Control characters, line separators, changes of writing direction, and halves of characters.
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


_expect = partial(expect, SpecError)


def _expect_between(limits: tuple[float, float], name: str, value: float) -> None:
    """NaN is between nothing, and an integer of any size can be compared."""
    low, high = limits
    _expect(low <= value <= high, name, value, f"{low:.15g} to {high:.15g}")


def _is_name(text: str) -> bool:
    return len(text) <= _MAX_NAME and bool(text.strip()) and not _UNPRINTABLE.search(text)


def _expect_note(name: str, text: str | None) -> None:
    """A remark of people or tools: of bounded length, and text that can be written as UTF-8."""
    good = text is None or (len(text) <= _MAX_NOTE and not re.search("[\0\ud800-\udfff]", text))
    _expect(good, name, text, f"text of at most {_MAX_NOTE:,} characters, or null")


def shown_names(classes: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """For each class the name that was given for it, else the one that is usual for these classes, else its own."""
    usual = _USUAL_NAMES.get(frozenset(classes), {})
    return {name: given.get(name, usual.get(name, name)) for name in classes}


def _names_fit(given: object, classes: Sequence[str]) -> bool:
    """Whether it says names of classes, and no two classes would be shown as one."""
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given.values()):
        return False
    return set(given) <= set(classes) and len(set(shown_names(classes, given).values())) == len(classes)


Scale = float | tuple[float, ...]


@value
class Preprocessing:
    """From image to network input, in this order: fit, resize, colour constancy, scale.

    `fit` says how a picture becomes `input_size_px` high and `input_width_px` wide (None: as wide as high):

    - "crop": the centre rectangle whose shorter side is `crop_px` source pixels (a square, unless the input is none) is
      cut out, padded with black if the image is smaller, and resized. The scale of the cell is kept: every image is
      resized by the same factor.
    - "stretch": the whole picture is resized, whatever its shape.
    - "shorter_side": the picture is resized until its shorter side has `shorter_side_px` pixels, and the centre of that
      is cut out; what torchvision's Resize and CenterCrop do.

    `colour_order` "GREY" is one channel, ITU-R 601 luma. Each 8-bit value p then becomes p * pixel_scale +
    pixel_offset; either may be a list, one for each channel in the spec's order. With `colour_constancy` "background"
    each channel is first multiplied by what brings its bright background to one value.
    """

    input_size_px: int
    crop_px: int | None = None
    resample: str = "bilinear"
    colour_order: str = "RGB"
    pixel_scale: Scale = 1 / 127.5
    pixel_offset: Scale = -1.0
    colour_constancy: str = NO_CONSTANCY
    fit: str = CROP
    shorter_side_px: int | None = None
    input_width_px: int | None = None

    def __post_init__(self) -> None:
        """Raise SpecError if a value is out of range."""
        _expect_between((1, MAX_INPUT_PX), "input_size_px", self.input_size_px)
        if self.input_width_px is not None:
            _expect_between((1, MAX_INPUT_PX), "input_width_px", self.input_width_px)
        _expect(self.fit in FITS, "fit", self.fit, " | ".join(FITS))
        self._check_size("crop_px", self.crop_px, CROP)
        self._check_size("shorter_side_px", self.shorter_side_px, SHORTER_SIDE)
        _expect(self.resample in RESAMPLING_FILTERS, "resample", self.resample, " | ".join(RESAMPLING_FILTERS))
        _expect(self.colour_order in COLOUR_ORDERS, "colour_order", self.colour_order, " | ".join(COLOUR_ORDERS))
        known = self.colour_constancy in COLOUR_CONSTANCIES
        _expect(known, "colour_constancy", self.colour_constancy, " | ".join(COLOUR_CONSTANCIES))
        grey = self.colour_order == GREY and self.colour_constancy != NO_CONSTANCY
        _expect(not grey, "colour_constancy", self.colour_constancy, f"{NO_CONSTANCY} of a grey input")
        self._check_scale("pixel_scale", self.pixel_scale, _SCALES)
        self._check_scale("pixel_offset", self.pixel_offset, _OFFSETS)

    def _check_size(self, name: str, value: int | None, fit: str) -> None:
        if self.fit != fit:
            _expect(value is None, name, value, f"null unless fit is {fit}")
        else:
            _expect(value is not None, name, value, f"1 to {MAX_CROP_PX}, as fit is {fit}")
            _expect_between((1, MAX_CROP_PX), name, value or 0)

    def _check_scale(self, name: str, value: Scale, limits: tuple[float, float]) -> None:
        if isinstance(value, tuple):
            _expect(len(value) == self.channels, name, list(value), f"one number, or {self.channels}: one a channel")
        for each in value if isinstance(value, tuple) else (value,):
            _expect_between(limits, name, each)

    @property
    def channels(self) -> int:
        """Of the input: 3, or 1 if it is grey."""
        return 1 if self.colour_order == GREY else 3

    @property
    def width_px(self) -> int:
        """Of the input; `input_size_px` is its height."""
        return self.input_size_px if self.input_width_px is None else self.input_width_px

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the input."""
        return self.input_size_px, self.width_px, self.channels

    @property
    def is_uniform(self) -> bool:
        """Whether one scale and one offset hold for all channels, as a quantized input needs."""
        return len(set(self.channel_scales)) == 1 and len(set(self.channel_offsets)) == 1

    @property
    def channel_scales(self) -> tuple[float, ...]:
        """`pixel_scale` of each channel."""
        return self.pixel_scale if isinstance(self.pixel_scale, tuple) else (self.pixel_scale,) * self.channels

    @property
    def channel_offsets(self) -> tuple[float, ...]:
        """`pixel_offset` of each channel."""
        return self.pixel_offset if isinstance(self.pixel_offset, tuple) else (self.pixel_offset,) * self.channels

    @property
    def scale_and_offset(self) -> tuple[float, float]:
        """Those of all channels. Raises SpecError if they differ, see `is_uniform`."""
        _expect(self.is_uniform, "pixel_scale", self.pixel_scale, "one scale and one offset for all channels")
        return self.channel_scales[0], self.channel_offsets[0]

    @property
    def input_range(self) -> tuple[float, float]:
        """Values of the scaled pixels 0 and 255. Raises SpecError if they differ by channel."""
        scale, offset = self.scale_and_offset
        return offset, 255 * scale + offset

    def on_int8_grid(self) -> "Preprocessing":
        """The same, with the offset moved to the nearest value that an int8 input of this scale represents exactly.

        x/127.5 - 1 lies half a step off every grid of step 1/127.5, so each pixel sits on a rounding tie; a device that
        maps p to p - 128 feeds (p - 128)/127.5. What imitates the device has to see that, not x. Raises SpecError if
        scales differ by channel.
        """
        scale, offset = self.scale_and_offset
        steps = math.ceil(offset / scale - 0.5)
        return dataclasses.replace(self, pixel_scale=scale, pixel_offset=steps * scale)


@value
class Decision:
    """From class probabilities to a label.

    `temperature` T softens probabilities: softmax(log(p) / T) (Guo et al. 2017, "On Calibration of Modern Neural
    Networks"). With two classes, `threshold` is the probability of the positive class from which it is chosen;
    without one the most probable class is. `source` says which data they were chosen on.
    """

    temperature: float = 1.0
    threshold: float | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        """Raise SpecError if a value is out of range."""
        _expect_between(_TEMPERATURES, "temperature", self.temperature)
        _expect(self.threshold is None or 0 <= self.threshold <= 1, "threshold", self.threshold, "0 to 1, or null")
        _expect_note("source", self.source)


@value
class Provenance:
    """Where a model comes from: SHA-256 of its parent, its data index and its configuration, and who made it."""

    created: str | None = None
    kind: str | None = None
    parent_sha256: str | None = None
    index_sha256: str | None = None
    config_sha256: str | None = None
    fold: int | None = None
    tool_versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise SpecError if a value cannot be what its name says."""
        _expect_note("created", self.created)
        _expect_note("kind", self.kind)
        for name in ("parent_sha256", "index_sha256", "config_sha256"):
            value = getattr(self, name)
            _expect(value is None or bool(_SHA256.fullmatch(value)), name, value, "64 hex digits, or null")
        _expect(self.fold is None or 0 <= self.fold <= 10**6, "fold", self.fold, "a small number, or null")
        for tool, version in self.tool_versions.items():
            _expect_note("tool_versions", tool + version)


@value
class ModelSpec:
    """The contract between training and device. `classes` are in output order.

    `display_names`: what people are shown instead of a class's name; files and filters keep the class's own.
    `calibration`, `gate`: how far answers may be relied on, see `edgeleuk.reliability`. `extra_outputs`: what the
    network gives after its scores, in this order: "features", the pooled ones that its last layer reads, and "map",
    the last feature map that they are the mean of. `scores`: what the network's scores are, and so how they become
    probabilities:

    - "probabilities": they are, and sum to 1;
    - "sigmoids": one of each class by itself; each is divided by their sum;
    - "sigmoid": one alone, the probability of the positive class of two (the second if none is positive);
    - "logits": softmax makes probabilities of them.
    """

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    positive_class: str | None = None
    decision: Decision = Decision()
    provenance: Provenance = Provenance()
    schema_version: int = SCHEMA_VERSION
    display_names: dict[str, str] = field(default_factory=dict)
    calibration: "Calibration | None" = field(default=None, metadata={OF_CLASS: "edgeleuk.reliability:Calibration"})
    gate: "InputGate | None" = field(default=None, metadata={OF_CLASS: "edgeleuk.reliability:InputGate"})
    extra_outputs: tuple[str, ...] = ()
    scores: str = PROBABILITIES

    def __post_init__(self) -> None:
        """Raise SpecError if classes or version do not hold together."""
        _expect(self.schema_version == SCHEMA_VERSION, "schema_version", self.schema_version, str(SCHEMA_VERSION))
        _expect(len(self.classes) >= 2, "classes", list(self.classes), "at least two class names")
        _expect(len(self.classes) <= _MAX_CLASSES, "classes", len(self.classes), f"at most {_MAX_CLASSES:,} names")
        for name in self.classes:
            _expect(
                _is_name(name),
                "a name in classes",
                name,
                f"1 to {_MAX_NAME} characters, none of them a control character",
            )
        _expect(len(set(self.classes)) == len(self.classes), "classes", list(self.classes), "names that differ")
        _expect(
            self.positive_class is None or self.positive_class in self.classes,
            "positive_class",
            self.positive_class,
            f"null or one of {', '.join(self.classes)}",
        )
        _expect(
            self.decision.threshold is None or (len(self.classes) == 2 and self.positive_class is not None),
            "decision.threshold",
            self.decision.threshold,
            "null, unless there are two classes and a positive_class",
        )
        names_fit = _names_fit(self.display_names, self.classes) and all(map(_is_name, self.display_names.values()))
        _expect(names_fit, "display_names", self.display_names, "another name for each of some classes")
        if self.calibration is not None:
            self.calibration.check_classes(len(self.classes))
        extra = self.extra_outputs
        known = set(extra) <= set(EXTRA_OUTPUTS) and len(set(extra)) == len(extra)
        _expect(known, "extra_outputs", list(extra), f"each at most once of {', '.join(EXTRA_OUTPUTS)}")
        _expect(self.scores in SCORES, "scores", self.scores, " | ".join(SCORES))
        single = self.scores == SIGMOID and len(self.classes) != 2
        _expect(not single, "scores", self.scores, f"{SIGMOID} of two classes alone, not {len(self.classes)}")

    @property
    def score_count(self) -> int:
        """How many scores the network gives: one for each class, or one alone if they are a single sigmoid."""
        return 1 if self.scores == SIGMOID else len(self.classes)

    @property
    def shown_names(self) -> dict[str, str]:
        """What people are shown for each class."""
        return shown_names(self.classes, self.display_names)

    def to_json(self) -> str:
        """JSON text, keys in field order."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able. What is empty of the optional parts is left out: an edgeleuk that knows none reads the rest."""
        made = dataclasses.asdict(self)
        for name in ("display_names", "calibration", "gate", "extra_outputs"):
            if not made[name]:
                del made[name]
        if self.scores == PROBABILITIES:
            del made["scores"]
        prepare = made["preprocessing"]
        for name, usual in _USUAL_PREPARATION.items():
            if prepare[name] == usual:
                del prepare[name]
        return made

    @classmethod
    def from_json(cls, text: str | bytes) -> "ModelSpec":
        """Read what `to_json` wrote. Raises SpecError on malformed JSON, unknown or missing keys, wrong types."""
        spec: ModelSpec = decode(cls, parse_json(text, "the ModelSpec", SpecError), "ModelSpec", SpecError)
        return spec


def unsaid(text: str | bytes) -> tuple[str, ...]:
    """Keys of preprocessing that a ModelSpec in JSON leaves out and that nothing can be assumed for.

    `ModelSpec.from_json` reads them as InceptionV3 of Keras is shown images, x/127.5 - 1, RGB, bilinear; a network that
    was trained otherwise answers then, but wrongly. Raises SpecError on malformed JSON.
    """
    raw = parse_json(text, "the ModelSpec", SpecError)
    prepare = raw.get("preprocessing") if isinstance(raw, dict) else None
    return tuple(name for name in _SAID if isinstance(prepare, dict) and name not in prepare)
