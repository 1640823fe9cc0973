"""What a reader takes away from a report, before any number: whether it counts, how much faster, how much is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgeleuk.bench.record import Record, Result
from edgeleuk.evaluation.evaluated import Evaluated, change_between
from edgeleuk.report.page.reading import Material
from edgeleuk.report.page.rows import Row, rows_of_record
from edgeleuk.report.page.words import caveat_lines
from edgeleuk.report.text.benchmark import interval_text
from edgeleuk.text import counted, minute, shortened

_MOST_RECORDS = 3  # told one by one
_MOST_SENTENCES = 4


@dataclass(frozen=True)
class Told:
    """Sentences, the first the most important, and what limits them; `good` is None if it was not shown."""

    good: bool | None
    sentences: tuple[str, ...]
    caveats: tuple[str, ...] = ()


def told(material: Material, rows: Sequence[Row]) -> tuple[Told, ...]:
    """Of each record, or of many together, and of evaluations that stand alone."""
    if len(material.records) > _MOST_RECORDS:
        return (_of_many(material),)
    found = [_of_record(record, rows_of_record(record, rows), material) for record in material.records]
    if material.accuracies and not material.records:
        found.append(Told(None, tuple(_of_evaluations(material.accuracies)), caveat_lines(material)))
    return tuple(found)


def _of_many(material: Material) -> Told:
    bad = [record for record in material.records if record.invalid]
    count = len(material.records)
    first = f"{count - len(bad)} of {counted(count, 'record')} are valid."
    reasons = tuple(f"{_title(record)}: {_because(record)}" for record in bad[:_MOST_SENTENCES])
    more = (f"and {len(bad) - _MOST_SENTENCES} more, see below",) if len(bad) > _MOST_SENTENCES else ()
    return Told(not bad, (first,), (*reasons, *more, *caveat_lines(material)))


def _of_record(record: Record, rows: Sequence[Row], material: Material) -> Told:
    lead = f"{_title(record)}: " if len(material.records) > 1 else ""
    evaluated = any(material.accuracy_of(row.result.model.sha256) for row in rows)
    caveats = caveat_lines(material) if evaluated else ()
    if record.invalid:
        sentences = [f"{lead}{_because(record)}", *_changes(rows, material)]
        return Told(False, (_capital(sentences[0]), *sentences[1:]), caveats)
    sentences = list(_comparisons(rows, material)) or [_alone(row, material) for row in rows]
    more = len(sentences) - _MOST_SENTENCES
    shown = sentences[:_MOST_SENTENCES] + ([f"And {more} more, see the table."] if more > 0 else [])
    if lead and shown:
        shown[0] = lead + shown[0]
    return Told(True, tuple(shown), caveats)


def _because(record: Record) -> str:
    others = len(record.invalid) - 1
    more = f", and {counted(others, 'more reason')}" if others else ""
    return f"not valid, because {record.invalid[0]}{more}."


def _comparisons(rows: Sequence[Row], material: Material) -> Iterator[str]:
    """Those of results under equal conditions first; of others only if there are no such."""
    compared = [row for row in rows if row.speed is not None]
    alike = [
        row for row in compared if row.speed is not None and _conditions(row.result) == _conditions(row.speed.base)
    ]
    for row in alike or compared:
        speed = row.speed
        if speed is None:
            continue
        times = f"{row.summary.p50_ms:.4g} against {speed.base.summary.p50_ms:.4g} ms"
        lost = _lost(speed.base, row.result, material)
        yield f"{row.name} is {_pace(row)} {_name(speed.base)} ({times})" + (f", and {lost}." if lost else ".")


def _pace(row: Row) -> str:
    speed = row.speed
    if speed is None or (not speed.told and speed.low is not None):
        return f"no faster or slower, as far as {len(row.result.processes)} processes can tell, than"
    value = speed.value if speed.value >= 1 else 1 / speed.value
    sure = "" if speed.low is not None else " (too few processes for an interval)"
    return f"{value:.2g} times as {'fast' if speed.value >= 1 else 'slow'}{sure} as"


def _changes(rows: Sequence[Row], material: Material) -> Iterator[str]:
    """Of accuracy alone: timing that does not count leaves it as it is."""
    seen = set()
    for row in rows:
        base = None if row.speed is None else row.speed.base
        lost = None if base is None else _lost(base, row.result, material, _name(base))
        if base is not None and lost and row.result.model.sha256 not in seen:
            seen.add(row.result.model.sha256)
            yield f"{_name(row.result)} is {lost}."


def _alone(row: Row, material: Material) -> str:
    found = material.accuracy_of(row.result.model.sha256)
    accuracy = "" if found is None else f", accuracy {found.accuracy.text}"
    interval = "" if row.summary.p50_interval is None else f" ({interval_text(row.summary.p50_interval)})"
    return f"{row.name}: median {row.summary.p50_ms:.4g} ms{interval}{accuracy}."


def _lost(base: Result, result: Result, material: Material, than: str = "") -> str:
    """ "1.1 points less accurate, which 6 subjects cannot tell from nothing"; empty if either is not evaluated."""
    one, other = (material.accuracy_of(each.model.sha256) for each in (base, result))
    if one is None or other is None or one is other:
        return ""
    return change_text(one, other, than)


def change_text(one: Evaluated, other: Evaluated, than: str = "") -> str:
    """How much less accurate the other is than one, by this name, and whether that is more than nothing."""
    change = change_between(one, other)
    points = 100 * change.difference
    subjects = counted(change.groups, "subject")
    if abs(points) < 0.05:
        return f"as accurate{f' as {than}' if than else ''} on {_images(one)}"
    text = f"{abs(points):.1f} points {'more' if points > 0 else 'less'} accurate{f' than {than}' if than else ''}"
    if change.low is None or change.high is None:
        return f"{text}, and {subjects if change.groups else 'images of no known subject'} cannot tell by how much"
    if not change.told:
        return f"{text}, which {subjects} cannot tell from nothing"
    return f"{text} ({100 * change.low:+.1f} to {100 * change.high:+.1f}; {subjects})"


def _images(found: Evaluated) -> str:
    """ "180 images of 6 subjects"; if no subject is known the images alone."""
    images = counted(found.images, "image")
    return f"{images} of {found.accuracy.count}" if found.subjects else images


def _of_evaluations(found: Sequence[Evaluated]) -> Iterator[str]:
    first, *others = found
    yield f"{first.model}: accuracy {first.accuracy.text} on {counted(first.images, 'image')} of split '{first.split}'."
    for other in others:
        yield f"{other.model}: accuracy {other.accuracy.text}; {change_text(first, other, first.model)}."


def _conditions(result: Result) -> tuple[str, int]:
    return result.backend, result.threads


def _name(result: Result) -> str:
    return shortened(result.model.name.removesuffix(".tflite"))


def _title(record: Record) -> str:
    return f"{shortened(record.label)}, {minute(record.created)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
