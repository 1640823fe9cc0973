"""A cascade that was made, as text and as JSON."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.files import sha256_bytes
from edgeleuk.report.text.cascade_rule import rule_lines
from edgeleuk.report.text.noninferiority import render_comparison
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
