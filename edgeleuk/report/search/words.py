"""What a search's record says in words, for every format: what was asked and tried, what was chosen."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from edgeleuk.optimize.budget import DECISION
from edgeleuk.optimize.record import COMPLETE, FAILED, STOPPED, SearchRecord, Trial
from edgeleuk.report.search.settings import cell, head, names_of, varying, words
from edgeleuk.text import counted, examples, minute, shortened

_FEW_NUMBERS = 8
_LONGEST_REASON = 160
_STATES = {COMPLETE: "complete", STOPPED: "stopped early", FAILED: "failed"}
_ORIGINS = {"given": "a run that was given", "reference": "trained first, of whatever latency"}


def search_title(record: SearchRecord) -> str:
    """Budget, device and day."""
    return f"{record.budget_ms:g} ms on {shortened(record.device)}, {minute(record.created)}"


def asked_rows(record: SearchRecord) -> Iterator[tuple[str, str]]:
    """What the search was asked for: names with their text."""
    made = f"{minute(record.created)} by edgeleuk {record.edgeleuk_version}"
    yield "search", f"{made}, index {record.index_sha256[:16]}, fold {record.fold}, seed {record.seed}"
    yield "device", record.device
    what = "from image file to decision" if record.budget == DECISION else "an int8 inference"
    yield "budget", f"{record.budget_ms:g} ms {what}, {counted(record.threads, 'thread')}"
    drop = counted(record.max_drop_points, "point")
    yield "gate", f"a loss of accuracy below {drop} against the float reference"
    if record.space:
        yield (
            "space",
            "; ".join(
                f"{head(name)} " + ", ".join(cell({name: value}, name) for value in record.space[name])
                for name in names_of([record.space])
            ),
        )


def tried_rows(record: SearchRecord) -> Iterator[tuple[str, str]]:
    """What became of the candidates, and what it took."""
    states = Counter(trial.state for trial in record.trials)
    counts = [f"{count} {name}" for state, name in _STATES.items() if (count := states[state])]
    counts += [f"{count} {state}" for state, count in states.items() if state not in _STATES]
    yield "tried", counted(len(record.trials), "candidate") + (f": {', '.join(counts)}" if counts else "")
    yield from (("failed", text) for text in failures(record.trials))
    if record.refused:
        yield "refused", _refused(record)
    slow = [trial.number for trial in record.trials if trial.state == COMPLETE and over_budget(record, trial)]
    if slow:
        yield "slower", f"{_trials(slow)}: over the budget once measured with trained weights"
    yield "time", _time(record)


def failures(trials: Sequence[Trial]) -> list[str]:
    """A sentence for each reason, the most frequent first; reasons that differ in numbers only are one."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.state == FAILED:
            groups.setdefault(re.sub(r"\d[\d.,]*", "0", trial.reason or ""), []).append(trial)
    return [_failure(group) for group in sorted(groups.values(), key=lambda group: -len(group))]


def reference_rows(record: SearchRecord) -> Iterator[tuple[str, str]]:
    """The float network that the choice is compared with."""
    found = record.reference
    if found is None:
        yield "reference", "none"
        return
    scores = f"float accuracy {found.accuracy:.4f}, weighted F1 {found.weighted_f1:.4f} on validation"
    named = ", ".join(text for text in (_ORIGINS.get(found.origin, found.origin), words(found.settings)) if text)
    yield "reference", f"{named}; {scores}; {found.run} (sha256 {found.run_sha256[:16]})"


def chosen_rows(record: SearchRecord) -> Iterator[tuple[str, str]]:
    """The chosen trial and where it lies."""
    if record.chosen is None:
        yield "chosen", "none: " + why_none(record)
        return
    trial = record.trial(record.chosen)
    facts = [words(trial.settings, varying(record)) or words(trial.settings), *_measured(record, trial)]
    yield "chosen", f"trial {trial.number}: " + "; ".join(fact for fact in facts if fact)
    if trial.model is not None:
        yield "model", trial.model + (f" (sha256 {trial.sha256[:16]})" if trial.sha256 else "")
    if trial.run is not None:
        yield "run", trial.run


def why_none(record: SearchRecord) -> str:
    """Why nothing was chosen; if nothing meets the budget, the nearest."""
    complete = [trial for trial in record.trials if trial.state == COMPLETE and trial.latency_ms is not None]
    if complete:
        trial = min(complete, key=lambda trial: trial.latency_ms or 0)
        return (
            f"no completed model meets {record.budget_ms:g} ms; the nearest is trial {trial.number} with "
            f"{milliseconds(trial.latency_ms)} ms"
        )
    measured = [each for each in record.refused if each.measured_ms is not None]
    if record.trials or not measured:
        return "no candidate was completed"
    nearest = min(measured, key=lambda each: each.measured_ms or 0)
    named = f" ({text})" if (text := words(nearest.settings)) else ""
    return f"no shape meets {record.budget_ms:g} ms; the nearest takes {milliseconds(nearest.measured_ms)} ms{named}"


def over_budget(record: SearchRecord, trial: Trial) -> bool:
    """Whether it is known to be slower than the budget."""
    return trial.latency_ms is not None and trial.latency_ms > record.budget_ms


def reference_ms(record: SearchRecord) -> float | None:
    """Latency of the reference's int8 graph; known if it is a trial itself."""
    if record.reference is None:
        return None
    origin, settings = record.reference.origin, record.reference.settings
    own = (trial for trial in record.trials if origin == f"trial {trial.number}" and trial.settings == settings)
    return next((trial.latency_ms for trial in own), None)  # none if the reference is a trial before it was pruned


def times_faster(other_ms: float | None, ms: float | None) -> str:
    """ "2.16x": how many times faster than the other."""
    return "-" if other_ms is None or not ms else f"{other_ms / ms:.3g}x"


def milliseconds(value: float | None) -> str:
    """ "2.80", with a dash if it is not known."""
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def commands(record: SearchRecord) -> tuple[str, ...]:
    """What made the search, and what makes its result again, each once."""
    return tuple(dict.fromkeys(each for each in (record.command, *record.reproduce) if each))


def duration(seconds: float) -> str:
    """ "45 s", "12 min", "3.2 h"."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 6000 else f"{seconds / 3600:.3g} h"


def _measured(record: SearchRecord, trial: Trial) -> Iterator[str]:
    if trial.latency_ms is not None:
        faster = f"{milliseconds(trial.latency_ms)} ms, {record.budget_ms / trial.latency_ms:.3g} times as fast as"
        other_ms = reference_ms(record)
        than = "" if not other_ms else f", {other_ms / trial.latency_ms:.3g} times as fast as the reference"
        yield f"{faster} the budget asks{than}"
    if trial.size_bytes is not None:
        yield f"{trial.size_bytes / 1e6:.2f} MB"
    scores = {"int8": trial.accuracy, "float": trial.float_accuracy}
    told = ", ".join(f"{name} {value:.4f}" for name, value in scores.items() if value is not None)
    if told:
        yield f"accuracy on validation: {told}"


def _failure(group: Sequence[Trial]) -> str:
    reasons = {trial.reason for trial in group}
    reason = shortened(group[0].reason or "no reason reported", _LONGEST_REASON)
    such_as = "such as " if len(reasons) > 1 else ""
    return f"{_trials([trial.number for trial in group])}: {such_as}{reason}"


def _refused(record: SearchRecord) -> str:
    measured = sorted(
        (each for each in record.refused if each.measured_ms is not None), key=lambda r: r.measured_ms or 0
    )
    impossible = [each for each in record.refused if each.reason is not None]
    count = len(record.refused) - len(impossible)
    larger = count - len(measured)
    parts = [f"{counted(count, 'shape')} slower than the budget, never trained"] if count else []
    if measured:
        nearest = f"{milliseconds(measured[0].measured_ms)} ms" + (
            f", {text}" if (text := words(measured[0].settings)) else ""
        )
        parts.append(f"{len(measured)} measured, the fastest {nearest}")
    if larger:
        parts.append(f"{larger} not measured, as a smaller one was too slow")
    if impossible:
        parts.append(
            f"{len(impossible)} cannot be made, such as {words(impossible[0].settings)}: {impossible[0].reason}"
        )
    return "; ".join(parts)


def _time(record: SearchRecord) -> str:
    spent = record.spent
    if not spent.total_s:
        return "not reported"
    training, measuring = spent.training_s / spent.total_s, spent.measuring_s / spent.total_s
    return (
        f"{duration(spent.total_s)}: training and judging {training:.1%}, measuring latency {measuring:.1%}, "
        f"overhead {spent.overhead_share:.2%}"
    )


def _trials(found: Sequence[int]) -> str:
    return f"{counted(len(found), 'trial')} ({examples(found, _FEW_NUMBERS)})"
