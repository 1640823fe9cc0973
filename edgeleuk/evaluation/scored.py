"""A score with all that has to be shown with it, so that no table, sentence or picture can drop it."""

from collections.abc import Iterable
from dataclasses import dataclass

from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.statistics.metrics import Estimate, Scores
from edgeleuk.text import counted

_RESEARCH_USE = RESEARCH_USE.removeprefix("For ").rstrip(".").lower()


@dataclass(frozen=True)
class Scored:
    """A share, its interval, how many groups (subjects mostly) it rests on, and the sentences that limit what it means.

    Bounds are None if no interval can be given; `groups` in records that do not say.
    """

    value: float
    low: float | None
    high: float | None
    groups: int | None
    unit: str
    caveats: tuple[str, ...] = ()

    @property
    def count(self) -> str:
        """ "6 subjects"; in records that do not say how many "subjects"."""
        return f"{self.unit}s" if self.groups is None else counted(self.groups, self.unit)

    @property
    def text(self) -> str:
        """ "0.944 (0.862 to 0.984; 6 subjects)"."""
        return f"{self.value:.3f} ({self.bounds}; {self.count})"

    @property
    def bounds(self) -> str:
        """ "0.862 to 0.984", or that there is no interval."""
        return "no interval" if self.low is None else f"{self.low:.3f} to {self.high:.3f}"

    @property
    def whole(self) -> str:
        """The text, then every caveat."""
        return "; ".join((self.text, *self.caveats))


def scored(estimate: Estimate, scores: Scores, caveats: tuple[str, ...]) -> Scored:
    """One of these scores; older records say only how many groups all of them rest on."""
    groups = scores.group_count if estimate.groups is None else estimate.groups
    return Scored(estimate.value, estimate.low, estimate.high, groups, scores.bootstrap.unit, caveats)


def named_scores(
    scores: Scores, classes: tuple[str, ...], positive: str | None, caveats: tuple[str, ...]
) -> dict[str, Scored | None]:
    """All scores under the names they are shown with; of two classes, recalls are sensitivity and specificity."""
    named = {
        "accuracy": scores.accuracy,
        "balanced accuracy": scores.balanced_accuracy,
        "weighted F1": scores.weighted_f1,
        "AUROC": scores.auroc,
    }
    two_sided = positive is not None and len(classes) == 2
    for name, recall in zip(classes, scores.recall, strict=True):
        kind = "recall" if not two_sided else "sensitivity" if name == positive else "specificity"
        named[f"{kind} ({name})"] = recall
    return {name: None if found is None else scored(found, scores, caveats) for name, found in named.items()}


def caveats_of(notes: Iterable[str]) -> tuple[str, ...]:
    """The notes of an evaluation without the sentence that every report has anyway."""
    return tuple(note for note in notes if note != _RESEARCH_USE)
