"""A cascade as text: its rule, what making it found, and what a benchmark did."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from edgeleuk.bench.measured import END_TO_END, FIRST_MODEL, LARGE_MODEL
from edgeleuk.bench.record import Result
from edgeleuk.files import sha256_bytes
from edgeleuk.report.text.noninferiority import render_comparison
from edgeleuk.runtime.cascade_rule import CascadeRule
from edgeleuk.text import counted

if TYPE_CHECKING:
    from edgeleuk.cascade.latency import CascadeTimes, Times
    from edgeleuk.cascade.making import MadeCascade, Part


def render_cascade(made: "MadeCascade", output: Path) -> str:
    """What was made, for a terminal, ending in a newline."""
    lines = [
        f"cascade       {output}, {len(made.content):,} bytes",
        f"first         {_part(made.first)}",
        f"large         {_part(made.large)}",
        *rule_lines(made.rule),
        "",
        render_comparison(made.comparison).rstrip(),
        "",
        *_times(made.times, made.rule.share_first),
        "",
        *(f"note: {note}" for note in made.notes),
    ]
    return "\n".join(lines) + "\n"


def record_of(made: "MadeCascade", output: Path) -> dict[str, Any]:
    """What JSON can hold of it."""
    share = made.rule.share_first
    return {
        "schema_version": 1,
        "path": str(output),
        "sha256": sha256_bytes(made.content),
        "size_bytes": len(made.content),
        "rule": dataclasses.asdict(made.rule),
        "share_first": share,
        "against": dataclasses.asdict(made.comparison),
        "times": dataclasses.asdict(made.times)
        | {
            "inference": dataclasses.asdict(made.times.inference(share)),
            "image_to_decision": dataclasses.asdict(made.times.whole_way(share)),
        },
        "notes": list(made.notes),
    }


def rule_lines(rule: CascadeRule) -> Iterator[str]:
    """When the first model answers, and what that came to on the validation images."""
    yield (
        f"rule          the first model answers if its confidence, at temperature {rule.temperature:.4g}, is "
        f"{rule.threshold:.6g} or more"
    )
    yield (
        f"validation    {rule.answered_first:,} of {rule.images:,} images of fold {rule.fold} answered by the first "
        f"({rule.share_first:.1%})"
    )
    first, large, both = (
        f"{100 * right / rule.images:.2f} %" for right in (rule.right_first, rule.right_large, rule.right_cascade)
    )
    lost = 100 * (rule.right_large - rule.right_cascade) / rule.images
    change = f"{lost:.2f} points below" if lost >= 0 else f"{-lost:.2f} points above"
    yield (
        f"accuracy      first {first}, large {large}, cascade {both}: {change} the large one, if at most "
        f"{rule.max_drop_points:g} below was allowed"
    )


def cascade_lines(result: Result) -> Iterator[str]:
    """Both models on their own, the worst case, and what is expected; nothing for other models."""
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


def _part(part: "Part") -> str:
    spec, size = part.classifier.spec.preprocessing, len(part.bundle.content)
    kind = part.classifier.network.input["dtype"].__name__
    return f"{part.path}, {kind} at {spec.input_size_px} px, {size:,} bytes"


def _times(times: "CascadeTimes", share: float) -> Iterator[str]:
    threads = counted(times.threads, "thread")
    yield f"{f'ms here, {threads}':24}  large alone  cascade expected   at its worst"
    for name, found in (("inference", times.inference(share)), ("image file to decision", times.whole_way(share))):
        yield f"{name:24}  {found.large_ms:11.4g}  {_ratio(found, found.expected_ms)}  {_ratio(found, found.worst_ms)}"
    yield (
        f"expected: if {share:.1%} of images are answered by the first model ({times.first.invoke_ms:.4g} ms), "
        "as on validation; at its worst: both models run"
    )


def _ratio(found: "Times", value: float) -> str:
    return f"{value:8.4g} ({value / found.large_ms:4.0%})"
