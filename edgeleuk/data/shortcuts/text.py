"""Shortcuts in words and tables."""

import textwrap
from collections.abc import Iterator

from edgeleuk.data.shortcuts.features import TOGETHER
from edgeleuk.data.shortcuts.judging import OwnSubject, Reached, Shortcuts
from edgeleuk.statistics.metrics import Estimate
from edgeleuk.text import counted, printable, table

_WIDTH = 110
HEAD = ("", "numbers", "accuracy", "95 % interval", "balanced", "AUROC", "logistic")


def render(found: Shortcuts) -> str:
    """All of it for a terminal."""
    return "\n".join(map(printable, _lines(found)))


def _lines(found: Shortcuts) -> Iterator[str]:
    yield f"shortcuts: {how_text(found)}"
    yield from table([HEAD, *rows_text(found)], "<>")
    sentences = [
        f"intervals over {found.unit}s; accuracy, balanced accuracy and AUROC of a random forest, at the right the "
        "accuracy of a logistic regression",
        *(f"note: {note}" for note in found.notes),
        *([] if found.own_subject is None else [f"note: {own_subject_text(found.own_subject, found.tested_on)}"]),
        "note: a network that reaches no more than this has not been shown to see cells",
    ]
    for sentence in sentences:
        yield from textwrap.wrap(sentence, _WIDTH, subsequent_indent="      ", break_on_hyphens=False)


def rows_text(found: Shortcuts) -> Iterator[tuple[str, ...]]:
    """A row of `HEAD` for the most frequent class, and for each group of numbers."""
    yield f"most frequent class ({found.majority_class})", "0", *_share(found.majority), "", "", ""
    for row in found.reached:
        yield row.name, f"{row.features}", *_share(row.accuracy), *_others(row)


def _others(row: Reached) -> tuple[str, ...]:
    return (
        f"{row.balanced_accuracy:.3f}",
        "-" if row.auroc is None else f"{row.auroc:.3f}",
        f"{row.logistic_accuracy:.3f}",
    )


def how_text(found: Shortcuts) -> str:
    """Which images they were fitted on and asked about."""
    if found.folds is None:
        return f"fitted on {counted(found.trained_on, 'image')}, asked about {found.tested_on:,} others"
    return f"{counted(found.tested_on, 'image')}, fitted and asked in {found.folds} parts by turns"


def short_text(found: Shortcuts) -> str:
    """One sentence of what colour reaches, to stand beside an accuracy on the same images."""
    told = [f"the most frequent class ({found.majority_class}) is right on {_told(found.majority)} of them"]
    together = next((row for row in found.reached if row.name == TOGETHER), None)
    if together is not None:
        told.insert(0, f"{together.features} numbers that see neither shape nor texture on {_told(together.accuracy)}")
    if found.colour is None:
        return f"colour is the same in all images; {'; '.join(told)}"
    colour = (
        f"colour alone (mean and deviation of R, G, B in a random forest) is right on {_told(found.colour.accuracy)}"
    )
    return f"{colour} of the images; {'; '.join(told)}"


def explained_text(found: Shortcuts, accuracy: float) -> str:
    """How much of an accuracy on the same images colour alone would explain."""
    share = found.explained(accuracy)
    if found.colour is None:
        return "colour is the same in all images, and explains nothing"
    colour, usual = found.colour.accuracy.value, found.majority.value
    if share is None:
        return f"the model ({accuracy:.3f}) is no better than naming the most frequent class ({usual:.3f})"
    if share >= 1:
        return f"colour alone ({colour:.3f}) reaches as much as the model ({accuracy:.3f}): it may have learned no more"
    return (
        f"of the {100 * (accuracy - usual):.1f} points that the model ({accuracy:.3f}) is above the most frequent "
        f"class ({usual:.3f}), colour alone ({colour:.3f}) would explain {100 * share:.0f} %"
    )


def own_subject_text(found: OwnSubject, tested_on: int) -> str:
    """What recognising the subject would tell of the class."""
    pure = f"{found.pure:,} of {counted(found.subjects, 'subject')} have images of one class alone"
    if not found.known_images:
        return f"{pure}, but no subject is on both sides, so that recognising it tells nothing here"
    return (
        f"{pure}, and {found.known_images:,} of {tested_on:,} images asked about are of a subject that was fitted on: "
        f"the most frequent class of the own subject is right on {_told(found.accuracy)}"
    )


def _share(found: Estimate) -> tuple[str, str]:
    return f"{found.value:.3f}", "no interval" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"


def _told(found: Estimate) -> str:
    return f"{found.value:.3f}" if found.low is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
