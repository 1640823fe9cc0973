"""The audit as text for a terminal."""

import textwrap
from collections.abc import Iterator

from edgeleuk.data.audit import AuditReport, Part
from edgeleuk.data.layouts.left_out import sentences
from edgeleuk.data.near import near_sentences
from edgeleuk.text import counted, examples, printable, table

_WIDTH = 110
_SUBJECTS_SHOWN = 200
_GLUE = "\xa0"  # textwrap does not break lines here
_UNREADABLE_SHOWN = 20
NO_PATIENT_CLAIM = (
    "No subject is known for all images: only identical pictures are kept together, "
    "and no claim about new patients can be made."
)


def render(report: AuditReport) -> str:
    """The report as lines of text; the JSON of `AuditReport.to_dict` holds the lists in full."""
    lines = [*_head(report), *_tables(report), *_subjects(report), *_copies(report), *_findings(report)]
    return "\n".join(map(printable, lines))


def _head(report: AuditReport) -> Iterator[str]:
    yield f"{report.root} (layout: {report.layout})"
    yield (
        f"{counted(report.images, 'usable image')}, {len(report.unreadable):,} unreadable, "
        f"{counted(report.ignored_files, 'ignored file')}; classes {', '.join(report.classes)}"
        + (f", positive {report.positive_class}" if report.positive_class else "")
    )
    yield from report.notes


def _tables(report: AuditReport) -> Iterator[str]:
    for title, parts in (("class", report.by_class), ("fold", report.by_fold), ("split", report.by_split)):
        if parts:
            yield ""
            head = (title, "images", "unreadable", "with copies", "size and mode")
            yield from table([head, *map(_row, parts)], "<>>><")


def _row(part: Part) -> tuple[object, ...]:
    common = sorted(part.formats.items(), key=lambda item: -item[1])
    shown = examples([f"{name} ({number:,})" for name, number in common])
    return part.name, f"{part.images:,}", part.unreadable, part.with_copies, shown or "not read"


def _subjects(report: AuditReport) -> Iterator[str]:
    yield ""
    if not report.subjects_known:
        yield NO_PATIENT_CLAIM
    if report.by_subject:
        shown = ", ".join(_subject(part) for part in report.by_subject[:_SUBJECTS_SHOWN])
        more = (
            f", ... (--json lists all {len(report.by_subject):,})" if len(report.by_subject) > _SUBJECTS_SHOWN else ""
        )
        yield f"{counted(len(report.by_subject), 'subject')} (images, !unreadable, =with copies):"
        lines = textwrap.wrap(shown + more, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        yield from (line.replace(_GLUE, " ") for line in lines)


def _subject(part: Part) -> str:
    marks = [f"!{part.unreadable}"] * bool(part.unreadable) + [f"={part.with_copies}"] * bool(part.with_copies)
    return _GLUE.join([part.name, f"{part.images:,}", *marks])


def _copies(report: AuditReport) -> Iterator[str]:
    pairs = report.duplicate_pairs
    inside = ", ".join(f"{number:,} inside {split}" for split, number in pairs.by_split.items())
    yield ""
    kind = "images with the same pixels" if pairs.other_bytes else "byte-identical images"
    yield f"{counted(pairs.total, 'pair')} of {kind}" + (f" ({inside})" if inside else "")
    if pairs.other_bytes:
        yield f"  {pairs.other_bytes:,} of them in files of other bytes, such as {examples(_recoded(report), 2)}"
    if pairs.total:
        yield (
            f"  across folds {pairs.across_folds:,} (within {pairs.within_folds:,}), "
            f"subjects {pairs.across_subjects:,}, splits {pairs.across_splits:,}, classes {pairs.across_classes:,}; "
            f"same class, subject, fold and split {pairs.identical_place:,}"
        )
    yield from near_sentences(report.near) if report.near else ()
    for subjects in report.merged_subjects:
        yield f"  one subject under several names: {' = '.join(subjects)}"


def _recoded(report: AuditReport) -> list[str]:
    return [" = ".join(entry.paths[:2]) for entry in report.duplicates if entry.other_bytes]


def _findings(report: AuditReport) -> Iterator[str]:
    for number, (path, reason) in enumerate(report.unreadable.items()):
        if number == _UNREADABLE_SHOWN:
            yield f"unreadable: ... (--json lists all {len(report.unreadable):,})"
            break
        yield f"unreadable: {path}: {reason}"
    yield from sentences([row for row in report.left_out if row.reason not in report.unreadable.values()])
    yield from (f"problem: {problem}" for problem in report.problems)
