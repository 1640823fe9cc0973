"""An export as text: what was written, and how the engine's answers compare with LiteRT's."""

from pathlib import Path
from typing import TYPE_CHECKING

from edgeleuk.text import percent

if TYPE_CHECKING:
    from edgeleuk.export.comparison import Comparison
    from edgeleuk.export.exporting import Exported


def render_export(exported: "Exported", output: Path) -> str:
    """For a terminal, ending in a newline."""
    lines = [f"export        {output}, for {exported.target.engine}"]
    lines += [f"note          {note}" for note in exported.written.notes]
    found = exported.comparison
    lines += ["check         not done (--no-check)"] if found is None else _comparison(found)
    return "\n".join(lines) + "\n"


def _comparison(found: "Comparison") -> list[str]:
    agreement = f"({percent(found.label_agreement)})"
    engine = "not timed" if found.engine_ms is None else f"{found.engine_ms:.2f} ms"
    lines = [
        f"engine        {found.engine}, beside {found.reference} on the original file",
        f"labels        {found.labels_equal} of {found.images} {found.pictures} equal {agreement}",
        f"probabilities differ by at most {found.largest_difference:.6f}, by {found.mean_difference:.6f} on average",
        f"inference     {engine}; {found.reference} {found.reference_ms:.2f} ms, one thread (medians)",
        *(f"note          {note}" for note in found.facts.get("notes", ())),
    ]
    own = found.own_reading
    if own is not None:
        agreement = f"({percent(own.labels_equal / found.images)})"
        lines += [
            f"files         {own.labels_equal} of {found.images} labels equal {agreement} where the engine decodes and "
            f"resizes the files itself; its pixels are ours in {own.pictures_with_equal_pixels} of them and differ by "
            f"at most {own.largest_pixel_difference}, {own.mean_pixel_difference:.4f} on average"
        ]
    return lines
