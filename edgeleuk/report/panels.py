"""The parts of pictures, each drawn on axes it is given."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeleuk.metrics import Estimate
from edgeleuk.resampling import statistics_packages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from edgeleuk.evaluation import Evaluation

# Okabe & Ito 2008, "Color Universal Design": told apart with any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"


def title(evaluation: "Evaluation") -> str:
    """Two lines: model, images and groups; accuracy with its interval."""
    scores = evaluation.scores
    plural = "s" if scores.group_count != 1 else ""
    counts = f"{scores.image_count:,} images, {scores.group_count:,} {scores.bootstrap.unit}{plural}"
    flatters = f", {evaluation.trained_images:,} of them seen in training" if evaluation.trained_images else ""
    interval = _interval(scores.accuracy, evaluation, f" over {scores.bootstrap.unit}s")
    name = Path(evaluation.model).name
    return f"{name} on split '{evaluation.split}': {counts}{flatters}\naccuracy {scores.accuracy.value:.3f}{interval}"


def _interval(estimate: Estimate, evaluation: "Evaluation", over: str = "") -> str:
    if estimate.low is None:
        return ""
    return f" ({evaluation.scores.bootstrap.confidence:.0%} interval{over}: {estimate.low:.3f} to {estimate.high:.3f})"


def draw_confusion(axes: "Axes", evaluation: "Evaluation") -> None:
    """Counts and row shares of the confusion matrix, rows the truth."""
    counts = np.array(evaluation.scores.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = evaluation.classes
    roomy = len(names) <= 5
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        colour = "white" if share > 0.55 else "black"
        text = f"{count:,}\n{share:.1%}" if roomy else f"{count:,}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=13 if roomy else 10)
    slanted: dict[str, Any] = (
        {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 10 else {}
    )
    axes.set_xticks(range(len(names)), names, fontsize=11, **slanted)
    axes.set_yticks(range(len(names)), names, fontsize=11)
    axes.set_xlabel("predicted", fontsize=11)
    axes.set_ylabel("truth", fontsize=11)
    axes.set_title("images, and share of the row" if roomy else "images; colour: share of the row", fontsize=11)


def draw_roc(axes: "Axes", evaluation: "Evaluation") -> None:
    """The ROC curve of the positive class (of the second, where none is named) and the model's own decision on it."""
    metrics, _ = statistics_packages()
    positive = evaluation.positive_class or evaluation.classes[1]
    number = evaluation.classes.index(positive)
    truth = [p.label == positive for p in evaluation.predictions]
    false_rate, true_rate, _ = metrics.roc_curve(truth, [p.probabilities[number] for p in evaluation.predictions])
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
    axes.plot(false_rate, true_rate, color=BLUE, linewidth=2, label="model")
    found, other = evaluation.scores.recall[number], evaluation.scores.recall[1 - number]
    auroc = evaluation.scores.auroc
    if found is not None and other is not None and auroc is not None:
        axes.plot(1 - other.value, found.value, "o", color=ORANGE, markersize=9, label="decision")
        axes.set_title(f"AUROC {auroc.value:.3f}{_interval(auroc, evaluation)}", fontsize=11)
    axes.set_xlabel(f"1 - specificity (of {evaluation.classes[1 - number]})", fontsize=11)
    axes.set_ylabel(f"sensitivity (to {positive})", fontsize=11)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False, fontsize=11)


def draw_recalls(axes: "Axes", evaluation: "Evaluation") -> None:
    """The recall of each class with its interval."""
    for number, recall in enumerate(evaluation.scores.recall):
        if recall is None:
            axes.text(0.02, number, "no image of this class", va="center", color=GREY, fontsize=10)
            continue
        if recall.low is not None and recall.high is not None:
            axes.plot([recall.low, recall.high], [number, number], color=BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot(recall.value, number, "o", color=ORANGE, markersize=8)
        axes.annotate(f"{recall.value:.3f}", (recall.value, number), (0, 9), textcoords="offset points", ha="center")
    axes.set_yticks(range(len(evaluation.classes)), evaluation.classes, fontsize=11)
    axes.set(xlim=(-0.03, 1.03), ylim=(len(evaluation.classes) - 0.5, -0.6))
    axes.set_xlabel("recall", fontsize=11)
    interval = f" with its {evaluation.scores.bootstrap.confidence:.0%} interval"
    axes.set_title(f"recall of each class{interval if evaluation.scores.has_intervals else ''}", fontsize=11)
    axes.grid(alpha=0.3, axis="x")


def draw_layer_errors(axes: "Axes", rows: Sequence[Mapping[str, Any]], named: int = 5) -> None:
    """Signal-to-noise ratios of layers from first to last: each by itself, and accumulated.

    Few layers all have names on the axis; of many, the worst have theirs beside them.
    """
    few = len(rows) <= 30
    own = [row["own_db"] for row in rows]
    places = np.arange(len(rows))
    axes.plot(places, [row["accumulated_db"] for row in rows], color=ORANGE, label="as the network runs")
    axes.plot(places, own, "o", color=BLUE, markersize=5, label="the layer by itself")
    for rank, number in enumerate(np.argsort(own, kind="stable")[: 0 if few else named]):
        right = number > 0.8 * len(rows)
        axes.annotate(
            f"{rows[number]['layer']} {own[number]:.1f}",
            (number, own[number]),
            (-6 if right else 6, -12 if rank % 2 else -4),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=10,
        )
    if few:
        axes.set_xticks(places, [row["layer"] for row in rows], rotation=60, ha="right", fontsize=9)
    axes.set(ylabel="dB, the less the worse", xlabel="layer, from input to output")
    axes.margins(x=0.02, y=0.15)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=11)
