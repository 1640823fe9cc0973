"""Two records, or the results of one: how many times as long, how sure, and whether that is a regression."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.bench.record import Record, Result, best_threads
from edgeleuk.errors import DataError
from edgeleuk.statistics.latency import FEWEST_FOR_RATIO, Ratio, ratio_of_medians, typical_ms
from edgeleuk.text import counted

_MOST_TITLES = 4
DEFAULT_MAX_REGRESSION = 0.05
_DEVICE_FACTS = ("board", "processor", "architecture", "usable_cores", "governors", "clock_ceiling_mhz")


@dataclass(frozen=True)
class Comparison:
    """One pair of results: milliseconds of a typical process of each; `ratio` is the second's over the first's."""

    title: str
    first_ms: float
    second_ms: float
    ratio: Ratio
    max_regression: float

    @property
    def regression(self) -> bool:
        """Whether the second is slower by more than what is allowed, with confidence."""
        return self.ratio.low is not None and self.ratio.low > 1 + self.max_regression

    @property
    def judged(self) -> bool:
        """Whether there were enough processes to tell anything."""
        return self.ratio.low is not None and self.ratio.high is not None

    @property
    def verdict(self) -> str:
        """In words."""
        low, high, allowed = self.ratio.low, self.ratio.high, f"the {self.max_regression:.1%} allowed"
        if low is None or high is None:
            return f"cannot tell: an interval needs {FEWEST_FOR_RATIO} processes on each side"
        if self.regression:
            return f"slower by more than {allowed}"
        if high < 1:
            return "faster"
        found = "slower" if low > 1 else "no difference beyond what noise explains"
        if high <= 1 + self.max_regression:
            return f"{found}, within {allowed}" if low > 1 else found
        return f"{found}; whether by more than {allowed} is not shown, more processes would narrow the interval"


@dataclass(frozen=True)
class Comparisons:
    """All pairs, and what a reader has to know beside them."""

    pairs: tuple[Comparison, ...]
    notes: tuple[str, ...]

    @property
    def regression(self) -> bool:
        """Whether any pair is one."""
        return any(pair.regression for pair in self.pairs)

    @property
    def passed(self) -> bool:
        """Whether every pair was judged and none is a regression: what a gate may rely on."""
        return bool(self.pairs) and all(pair.judged and not pair.regression for pair in self.pairs)


def compare(first: Record, second: Record, max_regression: float = DEFAULT_MAX_REGRESSION) -> Comparisons:
    """Pair results of the same model (by hash, else by name), interpreter and threads; one result each is a pair, too.

    Raises DataError if nothing pairs up.
    """
    pairs = _pairs(first, second)
    if not pairs:
        error = DataError("nothing to compare: pairs are of the same model, interpreter and number of threads")
        for name, record in (("first", first), ("second", second)):
            error.add_note(f"the {name} record has {_titles(record)}")
        raise error
    return Comparisons(
        tuple(_comparison(one, other, max_regression) for one, other in pairs), tuple(_notes(first, second, pairs))
    )


def threads_advice(results: Sequence[Result]) -> tuple[str, ...]:
    """`best_threads` in words, a sentence a model and interpreter."""
    return tuple(_advice(*key, threads) for key, threads in best_threads(results).items())


def _advice(model: str, backend: str, threads: int | None) -> str:
    if threads is None:
        return f"{model}, {backend}: too few processes to say which number of threads is best; {FEWEST_FOR_RATIO} tell"
    return f"{model}, {backend}: take {counted(threads, 'thread')}; no other number is shown to be faster"


def _pairs(first: Record, second: Record) -> list[tuple[Result, Result]]:
    """Each result once, the best match first: same file and name, same file, same name."""
    if len(first.results) == len(second.results) == 1:
        return [(first.results[0], second.results[0])]
    found: dict[int, tuple[Result, Result]] = {}
    left = list(second.results)
    for likeness in (
        lambda result: (result.model.sha256, result.model.name),
        lambda result: result.model.sha256,
        lambda result: result.model.name,
    ):
        for number, one in enumerate(first.results):
            key = (likeness(one), one.backend, one.threads)
            twins = [other for other in left if (likeness(other), other.backend, other.threads) == key]
            if number not in found and twins:
                found[number] = (one, twins[0])
                left.remove(twins[0])
    return [found[number] for number in sorted(found)]


def _comparison(one: Result, other: Result, max_regression: float) -> Comparison:
    title = one.title if one.title == other.title else f"{one.title} -> {other.title}"
    ratio = ratio_of_medians(one.samples, other.samples)
    return Comparison(title, typical_ms(one.samples), typical_ms(other.samples), ratio, max_regression)


def _notes(first: Record, second: Record, pairs: Sequence[tuple[Result, Result]]) -> Iterator[str]:
    for name, record in (("first", first), ("second", second)):
        if record.partial and not record.invalid:
            yield f"the {name} record is partial: its measurement was interrupted"
        for reason in record.invalid:
            yield f"the {name} record is not valid: {reason}"
    for fact in _DEVICE_FACTS:
        one, other = first.device.get(fact), second.device.get(fact)
        if one != other:
            yield f"the devices differ, {fact} {_said(one)} and {_said(other)}: the ratio is of devices, too"
    yield from _protocol_notes(first, second)
    for pair in pairs:
        yield from _pair_notes(*pair)
    unpaired = len(first.results) + len(second.results) - 2 * len(pairs)
    if unpaired:
        yield f"{unpaired} of the results have no counterpart and are left out"


def _protocol_notes(first: Record, second: Record) -> Iterator[str]:
    ones, others = vars(first.protocol), vars(second.protocol)
    for name, one in ones.items():
        if one != others[name]:
            yield f"the protocols differ, {name} {one} and {others[name]}"


def _pair_notes(one: Result, other: Result) -> Iterator[str]:
    if one.model.sha256 != other.model.sha256:
        yield f"{one.title}: the model files differ ({one.model.sha256[:12]} and {other.model.sha256[:12]})"
    if one.threads != other.threads:
        yield f"{one.title}: threads differ, {one.threads} and {other.threads}"
    if one.backend != other.backend:
        yield f"{one.title}: interpreters differ, {one.backend} and {other.backend}"
    elif one.backend_version != other.backend_version:
        yield f"{one.title}: {one.backend} {one.backend_version} and {other.backend_version}"


def _said(fact: Any) -> str:
    if isinstance(fact, list):
        return ", ".join(map(str, fact)) or "none"
    return "not reported" if fact is None else str(fact)


def _titles(record: Record) -> str:
    titles = [result.title for result in record.results]
    more = f"; and {len(titles) - _MOST_TITLES} more" if len(titles) > _MOST_TITLES else ""
    return "; ".join(titles[:_MOST_TITLES]) + more or "no results"
