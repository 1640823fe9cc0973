"""Which of the models that a search made is taken."""

from collections.abc import Sequence

from edgeleuk.optimize.record import COMPLETE, Reference, Trial
from edgeleuk.statistics.pareto import front_of


def pareto_front(trials: Sequence[Trial], budget_ms: float) -> tuple[Trial, ...]:
    """Complete trials within the budget that no other is at least as fast and as accurate as, the fastest first.

    Of equals the first stays.
    """
    points: dict[tuple[float, float], Trial] = {}
    for trial in trials:
        if trial.state == COMPLETE and trial.latency_ms is not None and trial.accuracy is not None:
            points.setdefault((trial.latency_ms, trial.accuracy), trial)
    return tuple(points[point] for point in front_of([point for point in points if point[0] <= budget_ms]))


def choose(front: Sequence[Trial], reference: Reference) -> Trial | None:
    """The fastest that is at least as accurate as the reference on validation; if none is, the most accurate.

    Nothing of the allowed drop is spent here: what is chosen as the best of many on the same images has been lucky on
    them, and the margin is for the gate, on images that choose nothing.
    """
    good = [trial for trial in front if trial.accuracy is not None and trial.accuracy >= reference.accuracy]
    return good[0] if good else (front[-1] if front else None)


def most_accurate(references: Sequence[Reference]) -> Reference:
    """The float network that is hardest to follow: best validation accuracy, then weighted F1; of equals the first."""
    return max(references, key=lambda reference: (reference.accuracy, reference.weighted_f1))
