"""ModelSpec: everything needed to turn an image file into a decision, and nothing else.

It travels with the model as JSON, and is the one thing that training and device share besides the
preprocessing function in `edgeleuk.runtime`.
"""

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from edgeleuk.codec import decode, parse_json
from edgeleuk.errors import SpecError, expect
from edgeleuk.reliability import Calibration, InputGate

SCHEMA_VERSION = 1
EXTRA_OUTPUTS = ("features", "map")
RESAMPLING_FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")
NO_CONSTANCY, BACKGROUND = "none", "background"
COLOUR_CONSTANCIES = (NO_CONSTANCY, BACKGROUND)
# Bounds of what a device of 512 MiB can do, and of what makes sense: a spec may come from a stranger.
MAX_INPUT_PX = 2048
MAX_CROP_PX = 5000  # all of a 25-megapixel image
_MAX_CLASSES, _MAX_NAME, _MAX_NOTE = 10_000, 100, 1000
_SCALES, _OFFSETS, _TEMPERATURES = (1e-6, 1e4), (-1e6, 1e6), (1e-3, 1e3)
_SHA256 = re.compile("[0-9a-f]{64}")
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


@dataclass(frozen=True)
class Preprocessing:
    """From image to network input, in this order: centre square, black padding, resize, colour constancy, scale.

    The centre square of `crop_px` source pixels is cut out (padded with black if the image is
    smaller), resized to `input_size_px`, and each 8-bit value p becomes p * pixel_scale + pixel_offset.
    The scale of the cell is kept: every image is resized by the same factor. With `colour_constancy`
    "background" each channel is first multiplied by what brings its bright background to one value.
    """

    input_size_px: int
    crop_px: int
    resample: str = "bilinear"
    colour_order: str = "RGB"
    pixel_scale: float = 1 / 127.5
    pixel_offset: float = -1.0
    colour_constancy: str = NO_CONSTANCY

    def __post_init__(self) -> None:
        """Raise SpecError if a value is out of range."""
        _expect_between((1, MAX_INPUT_PX), "input_size_px", self.input_size_px)
        _expect_between((1, MAX_CROP_PX), "crop_px", self.crop_px)
        _expect(self.resample in RESAMPLING_FILTERS, "resample", self.resample, " | ".join(RESAMPLING_FILTERS))
        _expect(self.colour_order in ("RGB", "BGR"), "colour_order", self.colour_order, "RGB | BGR")
        known = self.colour_constancy in COLOUR_CONSTANCIES
        _expect(known, "colour_constancy", self.colour_constancy, " | ".join(COLOUR_CONSTANCIES))
        _expect_between(_SCALES, "pixel_scale", self.pixel_scale)
        _expect_between(_OFFSETS, "pixel_offset", self.pixel_offset)

    @property
    def input_range(self) -> tuple[float, float]:
        """Values of the scaled pixels 0 and 255."""
        return self.pixel_offset, 255 * self.pixel_scale + self.pixel_offset

    def on_int8_grid(self) -> "Preprocessing":
        """The same, with the offset moved to the nearest value that an int8 input of this scale represents exactly.

        x/127.5 - 1 lies half a step off every grid of step 1/127.5, so each pixel sits on a rounding tie; a device that
        maps p to p - 128 feeds (p - 128)/127.5. What imitates the device has to see that, not x.
        """
        steps = math.ceil(self.pixel_offset / self.pixel_scale - 0.5)
        return dataclasses.replace(self, pixel_offset=steps * self.pixel_scale)


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class ModelSpec:
    """The contract between training and device. `classes` are in output order.

    `display_names`: what people are shown instead of a class's name; files and filters keep the class's own.
    `calibration`, `gate`: how far answers may be relied on, see `edgeleuk.reliability`. `extra_outputs`: what the
    network gives after its scores, in this order: "features", the pooled ones that its last layer reads, and "map",
    the last feature map that they are the mean of.
    """

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    positive_class: str | None = None
    decision: Decision = Decision()
    provenance: Provenance = Provenance()
    schema_version: int = SCHEMA_VERSION
    display_names: dict[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None
    gate: InputGate | None = None
    extra_outputs: tuple[str, ...] = ()

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
        if self.preprocessing.colour_constancy == NO_CONSTANCY:
            del made["preprocessing"]["colour_constancy"]
        return made

    @classmethod
    def from_json(cls, text: str | bytes) -> "ModelSpec":
        """Read what `to_json` wrote. Raises SpecError on malformed JSON, unknown or missing keys, wrong types."""
        spec: ModelSpec = decode(cls, parse_json(text, "the ModelSpec", SpecError), "ModelSpec", SpecError)
        return spec
