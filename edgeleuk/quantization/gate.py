"""What a converted model has to meet on images outside training and calibration, else it is not written.

There is always a gate: a model whose labels are not those of its network is not a conversion of it. What passes it was
judged: not on no image, and if a gate was asked for, on at least as many images as one of them counts for no more
than what it allows.
"""

import math
from dataclasses import dataclass
from typing import Any

from edgeleuk.errors import ProofError, UsageError
from edgeleuk.text import percent

AFTER_TRAINING, AWARE = 0.95, 0.99  # least agreement, if none is asked for
COMPARED_IMAGES = 256  # at most, if no other number is asked for
_MOST_NEEDED = 100


@dataclass(frozen=True)
class Standing:
    """How a model does on images: share of labels that agree with the float network's, and accuracy lost to it.

    `drop` is None if it was not asked for. Labels are the most probable classes.
    """

    agreement: float
    drop: float | None = None


@dataclass(frozen=True)
class Gate:
    """At least `min_agreement` of the labels agree, and the accuracy drops by at most `max_drop`; both are shares.

    None demands nothing of the drop, and for the agreement the default of the `kind` of source.
    """

    kind: str
    min_agreement: float | None = None
    max_drop: float | None = None

    @property
    def asked(self) -> bool:
        """Whether anything was demanded beyond the default."""
        return self.min_agreement is not None or self.max_drop is not None

    @property
    def least_agreement(self) -> float:
        """The agreement that is demanded."""
        if self.min_agreement is not None:
            return self.min_agreement
        return AWARE if self.kind == "qat" else AFTER_TRAINING

    @property
    def images_needed(self) -> int:
        """Images of which one counts for no more than the agreement may lack."""
        return _needed(1 - self.least_agreement)

    def check_images(self, compared: int, labelled: int) -> None:
        """Raise UsageError if what was asked for cannot be judged on so many images, so many with a known label."""
        if self.asked and not compared:
            raise UsageError(
                "--min-agreement and --max-drop need images outside training and calibration; there are none"
            )
        if self.min_agreement is not None and compared < self.images_needed:
            option = f"--min-agreement {percent(self.min_agreement)}"
            raise UsageError(_too_few(option, self.images_needed, f"{compared:,} images"))
        if self.max_drop is None:
            return
        if not labelled:
            raise UsageError(
                "--max-drop needs images labelled with the model's classes, outside training and calibration: none is "
                "left. Try --min-agreement"
            )
        if labelled < _needed(self.max_drop):
            option = f"--max-drop {100 * self.max_drop:g}pt"
            raise UsageError(_too_few(option, _needed(self.max_drop), f"{labelled:,} labelled images"))

    def shortfall(self, standing: Standing) -> float:
        """How far a model is from the gate, as a share; 0 or less if it is met, infinite if that is unknown."""
        missing = [self.least_agreement - standing.agreement]
        if self.max_drop is not None:
            missing.append(math.inf if standing.drop is None else standing.drop - self.max_drop)
        return math.inf if any(math.isnan(each) for each in missing) else max(missing)

    def demands(self) -> str:
        """In words."""
        agreement = f"an agreement of {percent(self.least_agreement)}"
        drop = "" if self.max_drop is None else f" and a drop of at most {100 * self.max_drop:g} points"
        return agreement + drop

    def facts(self, standing: Standing | None, images: int, reference: str | None) -> dict[str, Any]:
        """For the proof, JSON-able. `standing` is None if there were no images to judge on."""
        return {
            "min_agreement": self.least_agreement,
            "max_drop": self.max_drop,
            "default": self.min_agreement is None,
            "agreement": None if standing is None else standing.agreement,
            "drop": None if standing is None else standing.drop,
            "reference": reference,
            "images": images,
            "images_needed": self.images_needed,
        }


def check_met(gate: Gate, standing: Standing, images: int, reference: str, worst: str) -> None:
    """Raise ProofError if the gate is not met; `worst` names the layers that cost most, "" if that is unknown."""
    if gate.shortfall(standing) <= 0:
        return
    named = f" What costs most: {worst}." if worst else ""
    raise ProofError(
        f"{gate.demands()} with the {reference} is required{'' if gate.asked else ' by default'} and was not met: "
        f"{describe(standing, reference)}, on {images:,} images.{named} Nothing was written; {_advice(gate)}"
    )


def describe(standing: Standing | None, reference: str = "float network") -> str:
    """Agreement and drop in words."""
    if standing is None:
        return "not measured"
    text = f"{100 * standing.agreement:.2f} % of labels agree with the {reference}"
    return text if standing.drop is None else f"{text}, accuracy drops by {100 * standing.drop:.2f} points"


def _advice(gate: Gate) -> str:
    if gate.kind == "qat":
        return "train the run longer, or accept less with a lower --min-agreement"
    return (
        "--min-agreement keeps what costs most in float32, --samples calibrates on more images, 'edgeleuk qat' trains "
        "the network for int8, and a lower --min-agreement with --max-float 0 accepts less"
    )


def _needed(allowed: float) -> int:
    return _MOST_NEEDED if allowed * _MOST_NEEDED <= 1 else math.ceil(1 / allowed - 1e-9)


def _too_few(option: str, needed: int, found: str) -> str:
    return (
        f"{option} cannot be judged on {found} outside training and calibration: of fewer than {needed:,} one counts "
        "for more than it allows. Give more images or a higher --fidelity-samples, or ask for less"
    )
