"""Whether what a search chose is good enough, in words."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgeleuk.evaluation.evaluated import caveats_of
from edgeleuk.optimize.record import SearchRecord
from edgeleuk.report.search.words import reference_ms, why_none
from edgeleuk.report.text.noninferiority import comparison_rows, lost_text
from edgeleuk.statistics.noninferiority import INFERIOR, NOT_INFERIOR, NOT_SHOWN
from edgeleuk.text import counted


def gate_rows(record: SearchRecord) -> Iterator[tuple[str, str]]:
    """The comparison with the reference and on which images; nothing if there was none."""
    if record.gate is not None:
        yield from comparison_rows(record.gate)
        yield "images", split_sentence(record.gate_split)
        yield from (("limits", caveat) for caveat in caveats_of(record.gate.notes))


def split_sentence(split: str | None) -> str:
    """What the images of this split can prove."""
    if split == "test":
        return "of the test part, by which nothing was trained and nothing chosen"
    if split == "validation":
        return "of validation, by which the search chose, too: that flatters what it chose"
    return f"of split '{split}'" if split else "of a split that the record does not name"


@dataclass(frozen=True)
class Verdict:
    """Whether the chosen one is good enough, None if that was not shown; two words and a sentence."""

    good: bool | None
    mark: str
    sentence: str


def verdict(record: SearchRecord) -> Verdict:
    """What came out, in what a reader takes away: good enough, how much faster, what of the sensitivity is lost."""
    found = _verdict(record)
    return replace(found, sentence=" ".join((found.sentence, *_beside(record))))


def _beside(record: SearchRecord) -> Iterator[str]:
    """How much faster the chosen one is than the reference, or than was asked; what it loses on the positive class."""
    chosen = None if record.chosen is None else record.trial(record.chosen)
    if chosen is None or not chosen.latency_ms:
        return
    other_ms = reference_ms(record)
    times = f"{(record.budget_ms if other_ms is None else other_ms) / chosen.latency_ms:.3g} times as fast as"
    yield f"It is {times} {'the budget asks' if other_ms is None else 'the int8 graph of the reference'}."
    for change in record.gate.classes if record.gate is not None else ():
        if change.kind == "sensitivity":
            text = lost_text(change)
            yield f"{text[:1].upper()}{text[1:]}."


def _verdict(record: SearchRecord) -> Verdict:
    if record.chosen is None:
        return Verdict(False, "nothing chosen", f"Nothing was chosen: {why_none(record)}.")
    trial = f"trial {record.chosen}"
    if record.gate is None:
        return Verdict(None, "not compared", f"{trial.capitalize()} was chosen, and compared with no reference.")
    result = record.gate.result
    points = counted(100 * result.gate.margin, "point")
    sure = f"with {result.gate.confidence:.0%} confidence"
    where = f" on {record.gate_split}" if record.gate_split else ""
    if result.verdict == NOT_INFERIOR:
        sentence = f"{trial.capitalize()} is not inferior to the reference{where}: it loses less than {points}, {sure}."
        if record.gate_split == "validation":
            return Verdict(None, "not proven", f"{sentence} The same images chose it, so that proves nothing.")
        return Verdict(True, NOT_INFERIOR, sentence)
    if result.verdict == INFERIOR:
        sentence = f"{trial.capitalize()} is inferior to the reference{where}: it loses more than {points}, {sure}."
        return Verdict(False, INFERIOR, sentence)
    few = f"could not be shown with this few {result.unit}s ({result.units:,})"
    sentence = f"That {trial} loses less than {points} against the reference{where} {few}."
    return Verdict(None, NOT_SHOWN, sentence)
