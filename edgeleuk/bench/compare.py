"""Two records, or two sides of one: how many times as long, how sure, and whether that is a regression."""

from collections.abc import Iterator
from dataclasses import dataclass

from edgeleuk.bench.record import Record, Result
from edgeleuk.bench.statistics import Ratio, ratio_of_medians
from edgeleuk.errors import DataError

DEFAULT_MAX_REGRESSION = 0.05


@dataclass(frozen=True)
class Comparison:
    """One pair of results; `ratio` is the second's median over the first's."""

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
    def verdict(self) -> str:
        """In words."""
        low, high = self.ratio.low, self.ratio.high
        if low is None or high is None:
            return "cannot tell: too few processes for an interval"
        if self.regression:
            return f"slower by more than the {self.max_regression:.1%} allowed"
        if low > 1:
            return "slower, but not shown to be by more than is allowed"
        if high < 1:
            return "faster"
        return "no difference that noise does not explain"


@dataclass(frozen=True)
class Comparisons:
    """All pairs, and what a reader has to know beside them."""

    pairs: tuple[Comparison, ...]
    notes: tuple[str, ...]

    @property
    def regression(self) -> bool:
        """Whether any pair is one."""
        return any(pair.regression for pair in self.pairs)


def compare(first: Record, second: Record, max_regression: float = DEFAULT_MAX_REGRESSION) -> Comparisons:
    """Pair results of the same model (by hash, else by name), interpreter and threads; one result each is a pair, too.

    Raises DataError where nothing pairs up.
    """
    pairs = list(_pairs(first, second))
    if not pairs:
        raise DataError(
            f"nothing to compare: the first record has {_titles(first)}; the second {_titles(second)}. Pairs are of "
            "the same model, interpreter and number of threads"
        )
    return Comparisons(
        tuple(_comparison(one, other, max_regression) for one, other in pairs), tuple(_notes(first, second, pairs))
    )


def _pairs(first: Record, second: Record) -> Iterator[tuple[Result, Result]]:
    if len(first.results) == len(second.results) == 1:
        yield first.results[0], second.results[0]
        return
    by_hash = {(result.model.sha256, result.backend, result.threads): result for result in second.results}
    by_name = {(result.model.name, result.backend, result.threads): result for result in second.results}
    for result in first.results:
        twin = by_hash.get((result.model.sha256, result.backend, result.threads))
        twin = twin or by_name.get((result.model.name, result.backend, result.threads))
        if twin is not None:
            yield result, twin


def _comparison(one: Result, other: Result, max_regression: float) -> Comparison:
    title = one.title if one.title == other.title else f"{one.title} -> {other.title}"
    ratio = ratio_of_medians(one.samples, other.samples)
    return Comparison(title, one.latency.p50_ms, other.latency.p50_ms, ratio, max_regression)


def _notes(first: Record, second: Record, pairs: list[tuple[Result, Result]]) -> Iterator[str]:
    for name, record in (("first", first), ("second", second)):
        for reason in record.invalid:
            yield f"the {name} record is not valid: {reason}"
    for fact in ("board", "processor", "architecture"):
        one, other = first.device.get(fact), second.device.get(fact)
        if one != other:
            yield f"the devices differ, {fact} {one} and {other}: the ratio is of devices as much as of models"
    for one, other in pairs:
        if one.model.sha256 != other.model.sha256:
            yield f"{one.title}: the model files differ ({one.model.sha256[:12]} and {other.model.sha256[:12]})"
        if one.backend_version != other.backend_version:
            yield f"{one.title}: {one.backend} {one.backend_version} and {other.backend_version}"
    unpaired = len(first.results) + len(second.results) - 2 * len(pairs)
    if unpaired:
        yield f"{unpaired} results have no counterpart and are left out"


def _titles(record: Record) -> str:
    return "; ".join(result.title for result in record.results) or "no results"


def best_threads(results: tuple[Result, ...]) -> dict[tuple[str, str], int]:
    """By model's name and interpreter, where several numbers of threads were measured: the one to take.

    The fewest threads than which no other number is shown to be faster.
    """
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in sorted(results, key=lambda result: result.threads):
        groups.setdefault((result.model.name, result.backend), []).append(result)
    return {key: _fewest(group) for key, group in groups.items() if len(group) > 1}


def _fewest(group: list[Result]) -> int:
    for result in group:
        ratios = [ratio_of_medians(result.samples, other.samples) for other in group if other is not result]
        if all(ratio.high is None or ratio.high >= 1 for ratio in ratios):
            return result.threads
    return min(group, key=lambda result: result.latency.p50_ms).threads


def threads_advice(results: tuple[Result, ...]) -> tuple[str, ...]:
    """`best_threads` in words, a sentence a model and interpreter."""
    return tuple(
        f"{model}, {backend}: take {threads} thread{'s' if threads != 1 else ''}; no other number is shown to be faster"
        for (model, backend), threads in best_threads(results).items()
    )
