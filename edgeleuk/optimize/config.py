"""What a search can be told, and the space of candidates that it looks through."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from edgeleuk.errors import UsageError, expect
from edgeleuk.keras.choices import CAMERA, EXITS, POOLS, ROBUST
from edgeleuk.optimize.budget import BUDGETS, DECISION
from edgeleuk.spec import RESAMPLING_FILTERS
from edgeleuk.training.config import TrainConfig

WHOLE = "whole"
FLOAT, PRUNED, QAT = "float", "pruned", "qat"  # the runs in a trial's folder
QUANTIZATIONS = ("ptq", "qat")
_FEWEST_PX, _WIDEST = 75, 4
_PLAIN_FILTER = "bilinear"


_expect = partial(expect, UsageError)


@dataclass(frozen=True)
class Shape:
    """What latency depends on: input in pixels, width, the mixed block that it ends at, share of MACs kept by pruning.

    `exit` None is the whole network, `prune` 1.0 no pruning. `crop` and `resample` are what the way from file to
    decision depends on besides; without a `resample` it is the shape of an inference alone.
    """

    input_size: int
    width: float
    exit: str | None = None
    prune: float = 1.0
    crop: int | None = None
    resample: str | None = None

    @property
    def key(self) -> str:
        """Text that names it, also as a file."""
        shown = "" if self.resample is None else f"-c{self.crop or WHOLE}-{self.resample}"
        return f"{self.input_size}px-w{self.width:g}-{self.exit or WHOLE}-p{self.prune:g}{shown}"

    @property
    def of_inference(self) -> "Shape":
        """The part that a bare inference depends on."""
        return replace(self, crop=None, resample=None)

    @property
    def settings(self) -> dict[str, Any]:
        """Its values by name; of an inference alone without what pictures go through."""
        shown = () if self.resample is None else ("crop", "resample")
        return {name: getattr(self, name) for name in ("input_size", "width", "exit", "prune", *shown)}

    def covers(self, other: "Shape") -> bool:
        """Whether it does at least as much work as the other in every respect, so that it cannot be faster.

        Of what pictures go through nothing is known beforehand: a crop of whole multiples is faster than a smaller one.
        """
        if (self.crop, self.resample) != (other.crop, other.resample):
            return False
        depths = (_depth(self.exit), _depth(other.exit))
        pairs = (self.input_size, other.input_size), (self.width, other.width), depths, (self.prune, other.prune)
        return all(own >= others for own, others in pairs)


@dataclass(frozen=True)
class Candidate:
    """One point of the space: a shape, what the network is shown, and how it is trained and quantized."""

    input_size: int
    width: float
    crop: int | None
    exit: str | None
    prune: float
    distill: bool
    pools: str
    quantization: str
    resample: str = _PLAIN_FILTER

    @property
    def shape(self) -> Shape:
        """The part that latency depends on."""
        return Shape(self.input_size, self.width, self.exit, self.prune, self.crop, self.resample)


@dataclass(frozen=True)
class Space:
    """The values of each dimension, in the order in which they are tried if all else is equal."""

    input_size: tuple[int, ...] = (96, 128, 160, 192)
    width: tuple[float, ...] = (0.25, 0.375, 0.5, 0.75)
    crop: tuple[int | None, ...] = (None,)
    exit: tuple[str | None, ...] = (None, "mixed7")
    prune: tuple[float, ...] = (1.0, 0.5)
    distill: tuple[bool, ...] = (False, True)
    pools: tuple[str, ...] = ("average",)
    quantization: tuple[str, ...] = QUANTIZATIONS
    resample: tuple[str, ...] = (_PLAIN_FILTER,)

    def __post_init__(self) -> None:
        """Raise UsageError for a dimension without a value, or with one that cannot be."""
        for item in fields(self):
            values = getattr(self, item.name)
            if not values or len(set(values)) != len(values):
                raise UsageError(f"{item.name} has the values {list(values)}; expected at least one, each once")
        _all(self, "input_size", lambda size: size >= _FEWEST_PX, f"at least {_FEWEST_PX} px")
        _all(self, "width", lambda width: 0 < width <= _WIDEST, f"above 0, at most {_WIDEST}")
        _all(self, "crop", lambda crop: crop is None or crop > 0, "above 0")
        _all(self, "exit", lambda block: block in (None, *EXITS), ", ".join(EXITS))
        _all(self, "prune", lambda share: 0 < share <= 1, "shares of the operations kept, above 0, at most 1")
        _all(self, "pools", lambda pools: pools in POOLS, " or ".join(POOLS))
        _all(self, "quantization", lambda name: name in QUANTIZATIONS, " or ".join(QUANTIZATIONS))
        _all(self, "resample", lambda name: name in RESAMPLING_FILTERS, ", ".join(RESAMPLING_FILTERS))

    def values(self) -> dict[str, list[Any]]:
        """The values by dimension."""
        return {item.name: list(getattr(self, item.name)) for item in fields(self)}

    def candidates(self) -> Iterator[Candidate]:
        """Every candidate in the space."""
        yield from itertools.starmap(Candidate, itertools.product(*self.values().values()))

    def shapes(self) -> Iterator[Shape]:
        """Every shape in the space."""
        values = self.input_size, self.width, self.exit, self.prune, self.crop, self.resample
        yield from itertools.starmap(Shape, itertools.product(*values))


@dataclass(frozen=True)
class SearchConfig:
    """What is asked of a search.

    `budget_ms`: of one image from file to decision, or of one int8 inference, as `budget` says, with `threads`.
    `max_drop_points`: the loss of accuracy to rule out.
    `min_agreement`: share of labels in which a candidate's int8 model has to agree with its network, as
    `quantization.gate` has it; None for the default there. `trials`:
    candidates to train, `cohort` at a time, for up to `epochs`; the better half goes on at each rung. `workers`:
    trainings at a time. What comes out depends on `seed` and not on `workers`, up to what rounding differently on
    another number of cores does.
    """

    budget_ms: float
    max_drop_points: float = 0.5
    min_agreement: float | None = None
    threads: int = 1
    trials: int = 16
    epochs: int = 18
    cohort: int = 8
    workers: int = 1
    batch_size: int = 32
    learning_rate: float | None = None
    qat_epochs: int = 1
    weights: str = "none"
    robust: str = CAMERA
    reference_size: int | None = None
    reference_width: float | None = None
    fold: int = 0
    seed: int = 0
    budget: str = DECISION

    def __post_init__(self) -> None:
        """Raise UsageError if a value is out of range."""
        _expect(0 < self.budget_ms < math.inf, "budget-ms", self.budget_ms, "a number above 0")
        _expect(0 < self.max_drop_points < 100, "max-drop", self.max_drop_points, "points above 0 and below 100")
        least = self.min_agreement
        _expect(least is None or 0 <= least <= 1, "min-agreement", least, "a share from 0 to 1")
        _expect(self.budget in BUDGETS, "budget", self.budget, " or ".join(BUDGETS))
        for name in ("threads", "trials", "epochs", "cohort", "workers", "batch_size"):
            _expect(getattr(self, name) > 0, name.replace("_", "-"), getattr(self, name), "above 0")
        _expect(self.robust in ROBUST, "robust", self.robust, ", ".join(ROBUST))
        _expect(self.qat_epochs >= 0, "qat-epochs", self.qat_epochs, "0 or more")
        _expect(self.seed >= 0, "seed", self.seed, "0 or more")
        size, width = self.reference_size, self.reference_width
        _expect(size is None or size >= _FEWEST_PX, "reference-size", size, f"at least {_FEWEST_PX} px")
        _expect(width is None or 0 < width <= _WIDEST, "reference-width", width, f"above 0, at most {_WIDEST}")

    def training(self, candidate: Candidate, teacher: str | None) -> TrainConfig:
        """How the candidate's float network is trained."""
        return TrainConfig(
            weights=self.weights,
            input_size=candidate.input_size,
            crop=candidate.crop,
            resample=candidate.resample,
            width=candidate.width,
            exit=candidate.exit,
            pools=candidate.pools,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            robust=self.robust,
            patience=self.epochs,
            teacher=teacher if candidate.distill else None,
            fold=self.fold,
            seed=self.seed,
        )


def _depth(exit_: str | None) -> float:
    """Number of the mixed block; the whole network is deeper than any."""
    return math.inf if exit_ is None else int(exit_.removeprefix("mixed"))


def _all(space: Space, name: str, holds: Any, expected: str) -> None:
    for value in getattr(space, name):
        _expect(holds(value), name, value, expected)
