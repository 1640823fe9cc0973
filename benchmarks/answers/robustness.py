"""Section "What an accuracy is made of": how far models hold under ten changes that a camera or a file makes."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.answers.rows import Row
from benchmarks.robustness import AS_IT_IS, CHANGED_BAR, CLEAN_BAR, CONFIDENCE_BAR, Held, held
from edgeleuk.data.index import Index

SECTION = "robust training"


def rows(models: Sequence[Path] = (), index: Path | None = None, barred: bool = True) -> list[Row]:
    """Rows of each int8 model on the test split of the index; without bars, each change is only told.

    A file that is missing makes a row that says so.
    """
    missing = [path.name for path in (*models, *([index] if index else [])) if not path.is_file()]
    if missing or not models or index is None:
        needed = ", ".join(missing) or "models with their index"
        return [Row(SECTION, "accuracy under ten changes", f"not run: no {needed}")]
    images = Index.load(index)
    return [row for model in models for row in rows_of(model.stem, held(model, images, images.test()), barred)]


def rows_of(name: str, found: Sequence[Held], barred: bool = True) -> list[Row]:
    """A model's rows: as it is, the worst of the changes, the confidence that is furthest off, and each change."""
    clean = next(each for each in found if each.change == AS_IT_IS)
    changed = [each for each in found if each.change != AS_IT_IS]
    worst = min(changed, key=lambda each: each.accuracy)
    furthest = max(found, key=lambda each: each.gap)
    bars = [
        (f"{name}: accuracy, {AS_IT_IS}", _share(clean), f">= {CLEAN_BAR:g}", clean.accuracy >= CLEAN_BAR),
        (
            f"{name}: accuracy, worst of {len(changed)} changes ({worst.change})",
            _share(worst),
            f">= {CHANGED_BAR:g}",
            worst.accuracy >= CHANGED_BAR,
        ),
        (
            f"{name}: mean confidence off by, at most ({furthest.change})",
            f"{furthest.gap:.3f}",
            f"<= {CONFIDENCE_BAR:g}",
            furthest.gap <= CONFIDENCE_BAR,
        ),
    ]
    told = [
        Row(SECTION, f"{name}: {each.change}", f"{_share(each)}, confidence {each.confidence:.3f}") for each in found
    ]
    return [Row(SECTION, *bar) if barred else Row(SECTION, *bar[:2]) for bar in bars] + told


def _share(found: Held) -> str:
    if found.low is None or found.high is None:
        return f"{found.accuracy:.3f}"
    return f"{found.accuracy:.3f} ({found.low:.3f} to {found.high:.3f})"
