"""From the rows of a store to the units that a test counts: a subject, a picture without one, or a day."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeleuk.reliability import Measured
from edgeleuk.statistics.betting import ranks
from edgeleuk.store.record import Result

UNITS = ("subject", "day")
MOST_PICTURES = 50  # of a unit: after so many its mean says little more
UNCERTAIN = "uncertain"
CONFIDENCE = "confidence"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pictures:
    """What a store has of one model, in the order in which it came: of n pictures.

    `values` [n, names], NaN where a picture was not measured. `labels` counts the answers by class.
    """

    names: tuple[str, ...]
    created: list[str] = field(default_factory=list)
    subjects: list[str | None] = field(default_factory=list)
    values: Floats = field(default_factory=lambda: np.empty((0, 0)))
    labels: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Units:
    """What is bet on, in order: `values` [units, names], the mean of each unit's pictures, NaN without any.

    `first` and `last`: time of the first and the last picture that counts; `subjects`: whose they are, None where that
    is not known; `pictures`: how many count.
    """

    values: Floats
    first: list[str]
    last: list[str]
    subjects: list[str | None]
    pictures: list[int]

    def __len__(self) -> int:
        return len(self.first)


def gather(results: Iterable[Result], measures: Mapping[str, Measured], shares: Sequence[str]) -> Pictures:
    """Ranks of each measure among training's, and of each name in `shares` whether the answer has such a warning.

    "uncertain" is the answer's own; any other name stands for all warnings of the gate.
    """
    kept, numbers = Pictures((*measures, *shares)), array("d")
    for result in results:
        kept.created.append(result.created)
        kept.subjects.append(result.subject)
        kept.labels[result.held_label] += 1
        numbers.extend(_values(result, measures))
        numbers.extend(float(_warned(result, name)) for name in shares)
    rows = np.array(numbers).reshape(len(kept.created), len(kept.names))
    for column, measured in enumerate(measures.values()):
        rows[:, column] = ranks(rows[:, column], np.asarray(measured.quantiles))
    order = sorted(range(len(rows)), key=kept.created.__getitem__)
    created, subjects = ([each[place] for place in order] for each in (kept.created, kept.subjects))
    return Pictures(kept.names, created, subjects, rows[order], kept.labels)  # type: ignore[arg-type]


def group(pictures: Pictures, unit: str = "subject") -> tuple[Units, int]:
    """The units that are complete, and how many pictures came too late for theirs or wait for its end.

    A subject's mean is over its first pictures, at most 50, until the next subject begins: pictures that come after it
    are not of another subject, and would be counted as if they were. A picture without a subject is a unit. By "day"
    all pictures of one day (UTC) are one.
    """
    done: set[str] = set()
    made: list[list[int]] = []
    key, rows = "", list[int]()  # of the unit that is not complete
    for row, (created, subject) in enumerate(zip(pictures.created, pictures.subjects, strict=True)):
        name = created[:10] if unit == "day" else subject
        if name is None:
            made.append([row])
            continue
        if name not in done:
            made += [rows] if rows else []
            key, rows = name, []
            done.add(name)
        if name == key and (unit == "day" or len(rows) < MOST_PICTURES):
            rows.append(row)
    full = unit == "subject" and len(rows) == MOST_PICTURES
    made += [rows] if full else []
    return _means(pictures, made), len(pictures.created) - sum(map(len, made))


def _means(pictures: Pictures, made: Sequence[Sequence[int]]) -> Units:
    values = np.full((len(made), len(pictures.names)), np.nan)
    for unit, rows in enumerate(made):
        found = pictures.values[list(rows)]
        known = ~np.isnan(found)
        counts = known.sum(axis=0)
        sums = np.where(known, found, 0.0).sum(axis=0)
        values[unit] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    created, subjects = pictures.created, pictures.subjects
    return Units(
        values,
        [created[rows[0]] for rows in made],
        [created[rows[-1]] for rows in made],
        [subjects[rows[0]] if len({subjects[row] for row in rows}) == 1 else None for rows in made],
        [len(rows) for rows in made],
    )


def _values(result: Result, measures: Mapping[str, Measured]) -> Iterable[float]:
    for name in measures:
        found = result.measures.get(name)
        if found is None and name == CONFIDENCE:
            found = result.probability
        yield float("nan") if found is None else found


def _warned(result: Result, name: str) -> bool:
    uncertain = [warning for warning in result.warnings if is_uncertain(warning)]
    return bool(uncertain) if name == UNCERTAIN else len(uncertain) < len(result.warnings)


def is_uncertain(warning: str) -> bool:
    """Whether it is the answer that is unsure, and not the picture that is strange."""
    return warning.startswith(UNCERTAIN)
