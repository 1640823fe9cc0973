"""A search's tables as plain rows, which every format renders."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from edgeleuk.optimize.budget import DECISION
from edgeleuk.optimize.record import FAILED, STOPPED, Refused, SearchRecord, Trial
from edgeleuk.report.page.summary import Table
from edgeleuk.report.search.settings import cell, head, varying, words
from edgeleuk.report.search.words import duration, milliseconds, over_budget, reference_ms, times_faster
from edgeleuk.text import shortened

_Column = tuple[str, Callable[[Trial], str]]  # pairs and no dictionary: a dimension may be called like another column
_READING = "; accuracies on validation; vs: how many times faster than that"


def front_table(record: SearchRecord) -> Table | None:
    """The trials that none beats in both latency and accuracy; None if there is none."""
    columns = [("trial", _marked(record)), *_settings(record), *_results(record)]
    title = f"Pareto front: trials that no other beats in both latency and int8 accuracy{_READING}"
    return _table(title, columns, [record.trial(number) for number in record.front])


def trials_table(record: SearchRecord) -> Table | None:
    """Every trial in the order of their numbers; None if there is none."""
    columns = [
        ("trial", _marked(record)),
        ("state", lambda trial: trial.state),
        *_settings(record),
        ("epochs", lambda trial: str(trial.epochs)),
        ("last rung", lambda trial: f"{trial.rungs[-1].accuracy:.4f}" if trial.rungs else "-"),
        *_results(record),
        ("took", lambda trial: duration(trial.seconds) if trial.seconds else "-"),
    ]
    if any(trial.reason for trial in record.trials):
        columns.append(("reason", lambda trial: shortened(trial.reason or "")))
    title = f"All trials; last rung: float accuracy when it was last compared with the others{_READING}"
    return _table(title, columns, sorted(record.trials, key=lambda trial: trial.number))


def refused_table(record: SearchRecord) -> Table | None:
    """Shapes that were never trained, the nearest to the budget first; None if there is none."""
    ordered = sorted(record.refused, key=lambda each: (each.measured_ms is None, each.measured_ms or 0))
    rows = tuple(
        (
            words(each.settings) or "no settings",
            _refusal(each),
            "-" if each.measured_ms is None else f"{each.measured_ms / record.budget_ms:.3g}x",
        )
        for each in ordered
    )
    heads = "shape", _milliseconds_of(record), "of the budget"
    return Table("Shapes that were never trained", heads, rows) if rows else None


def rungs_table(record: SearchRecord) -> Table | None:
    """What the trials had reached at each rung, and how many went no further; None if there was no rung."""
    found: dict[int, list[Trial]] = {}
    for trial in record.trials:
        for rung in trial.rungs:
            found.setdefault(rung.epoch, []).append(trial)
    rows = tuple(_rung(epoch, found[epoch]) for epoch in sorted(found))
    heads = ("epoch", "trials", "stopped there", "failed after", "best", "median", "least")
    return Table("Rungs; float accuracy on validation", heads, rows) if rows else None


def fixed_row(record: SearchRecord) -> Iterable[tuple[str, str]]:
    """Dimensions that are the same in all trials, and so stand in no table: a name and its text, or nothing."""
    differing = varying(record)
    settings = record.trials[0].settings if len(record.trials) > 1 else {}
    same = [f"{head(name)} {cell(settings, name)}" for name in settings if name not in differing]
    return [("the same", ", ".join(same))] if same else []


def _rung(epoch: int, trials: Sequence[Trial]) -> tuple[str, ...]:
    reached = [rung.accuracy for trial in trials for rung in trial.rungs if rung.epoch == epoch]
    last = [trial.state for trial in trials if trial.rungs[-1].epoch == epoch]
    scores = (max(reached), median(reached), min(reached))
    ended = (last.count(STOPPED), last.count(FAILED))
    return (str(epoch), str(len(trials)), *map(str, ended), *(f"{score:.4f}" for score in scores))


def _refusal(refused: Refused) -> str:
    if refused.reason is not None:
        return "cannot be made"
    return "a smaller one is too slow" if refused.measured_ms is None else milliseconds(refused.measured_ms)


def _marked(record: SearchRecord) -> Callable[[Trial], str]:
    def number(trial: Trial) -> str:
        marks = [f"{trial.number}"]
        marks += ["chosen"] if trial.number == record.chosen else []
        marks += ["over budget"] if over_budget(record, trial) else []
        return " ".join(marks)

    return number


def _settings(record: SearchRecord) -> Iterator[_Column]:
    def column(name: str) -> Callable[[Trial], str]:
        return lambda trial: cell(trial.settings, name)

    yield from ((head(name), column(name)) for name in varying(record))


def _milliseconds_of(record: SearchRecord) -> str:
    return "decision ms" if record.budget == DECISION else "int8 ms"


def _results(record: SearchRecord) -> Iterator[_Column]:
    yield _milliseconds_of(record), lambda trial: milliseconds(trial.latency_ms)
    yield "vs budget", lambda trial: times_faster(record.budget_ms, trial.latency_ms)
    other_ms = reference_ms(record)
    if other_ms is not None:
        yield "vs reference", lambda trial: times_faster(other_ms, trial.latency_ms)
    yield "MB", lambda trial: "-" if trial.size_bytes is None else f"{trial.size_bytes / 1e6:.2f}"
    yield "float", lambda trial: _score(trial.float_accuracy)
    yield "int8", lambda trial: _score(trial.accuracy)


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _table(title: str, columns: Sequence[_Column], trials: Sequence[Trial]) -> Table | None:
    rows = tuple(tuple(text(trial) for _, text in columns) for trial in trials)
    return Table(title, tuple(name for name, _ in columns), rows) if rows else None
