"""What a benchmark found of a cascade as text: both models on their own, the worst case, and what is expected."""

from collections.abc import Iterator
from statistics import fmean

from edgeleuk.bench.record import FIRST_MODEL, LARGE_MODEL, Result
from edgeleuk.bench.stages import END_TO_END


def cascade_lines(result: Result) -> Iterator[str]:
    """Nothing for other models."""
    cascade, expected = result.model.cascade, result.expected_ms
    if cascade is None or expected is None:
        return
    first, large = result.part_ms(FIRST_MODEL), result.part_ms(LARGE_MODEL)
    yield (
        f"cascade: {FIRST_MODEL} {first:.4g} ms, {LARGE_MODEL} {large:.4g} ms, worst case (both in turn) "
        f"{result.latency.p50_ms:.4g} ms; expected {expected:.4g} ms if the first answers "
        f"{cascade.share_first:.1%}, as on {cascade.images:,} validation images"
    )
    if result.share_first is not None:
        mean, share = fmean(result.stage_samples()[END_TO_END]), result.share_first
        yield f"cascade: the first answered {share:.1%} of the images here; {mean:.4g} ms an image on average"
