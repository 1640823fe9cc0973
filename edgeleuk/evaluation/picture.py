"""An evaluation as one PNG."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeleuk.evaluation.evaluate import Evaluation, SubjectResult
from edgeleuk.evaluation.evaluated import caveats_of, scored
from edgeleuk.evaluation.reliability_picture import draw_reliability
from edgeleuk.plots.colours import BLUE, GREEN, GREY, ORANGE
from edgeleuk.plots.figures import new_figure, plain_text, save_figure
from edgeleuk.statistics.metrics import Estimate
from edgeleuk.statistics.resampling import roc_curve
from edgeleuk.text import counted, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL_INCHES = 0.62
_LONGEST_NAME = 32
_CHARACTERS = 36  # of names beside each other below a confusion matrix
_ROOMY = 5  # classes at most whose cells have room for two lines
_NAMED_SUBJECTS = 16
_TONES = 4


def evaluation_figure(evaluation: Evaluation, path: Path) -> None:
    """Write a PNG: confusion matrix, ROC curve (two classes) or recalls, accuracy of each subject, reliability.

    What limits the scores stands below. Raises MissingExtraError without matplotlib, OutputError if path cannot be
    written.
    """
    matrix = max(4.6, _CELL_INCHES * len(evaluation.classes) + 1.2)
    figure = new_figure(max(12.0, 2 * matrix + 3), matrix + 4.2)
    with plain_text():
        (left, right), below = figure.subplots(2, 2, gridspec_kw={"height_ratios": [matrix, 3.6]})
        _draw_confusion(left, evaluation)
        if len(evaluation.classes) == 2 and evaluation.scores.auroc is not None:
            _draw_roc(right, evaluation)
        else:
            _draw_recalls(right, evaluation)
        if evaluation.subjects:
            _draw_subjects(below[0], evaluation)
        else:
            below[0].set_axis_off()
            below[0].text(0.5, 0.5, "no subject is known", ha="center", fontsize=12, color=GREY)
        if evaluation.reliability is not None:
            draw_reliability(below[1], evaluation.reliability)
        figure.suptitle(_title(evaluation), fontsize=13)
        save_figure(figure, path, caveats_of(evaluation.notes))


def _title(evaluation: Evaluation) -> str:
    """Two lines: model, images and groups; accuracy with its interval."""
    scores = evaluation.scores
    counts = f"{scores.image_count:,} images, {counted(scores.group_count, scores.bootstrap.unit)}"
    flatters = f", {evaluation.trained_images:,} of them seen in training" if evaluation.trained_images else ""
    name = shortened(Path(evaluation.model).name)
    return f"{name} on split '{evaluation.split}': {counts}{flatters}\naccuracy {_told(scores.accuracy, evaluation)}"


def _told(estimate: Estimate, evaluation: Evaluation) -> str:
    return scored(estimate, evaluation.scores, ()).text


def _draw_confusion(axes: "Axes", evaluation: Evaluation) -> None:
    """Counts and row shares of the confusion matrix, rows the truth; columns have numbers for names that are long."""
    counts = np.array(evaluation.scores.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [shortened(name, _LONGEST_NAME) for name in evaluation.classes]
    roomy, numbered = len(names) <= _ROOMY, _are_long(names)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        colour = "white" if share > 0.55 else "black"
        text = f"{count:,}\n{share:.1%}" if roomy else f"{count:,}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=13 if roomy else 10)
    numbers = [str(number + 1) for number in range(len(names))]
    sides = [f"{number}  {name}" for number, name in zip(numbers, names, strict=True)]
    axes.set_xticks(range(len(names)), numbers if numbered else names, fontsize=11)
    axes.set_yticks(range(len(names)), sides if numbered else names, fontsize=11)
    axes.set_xlabel("predicted", fontsize=11)
    axes.set_ylabel("truth", fontsize=11)
    axes.set_title("images, and share of the row" if roomy else "images; colour: share of the row", fontsize=11)


def _are_long(names: Sequence[str]) -> bool:
    """Whether names would cover each other below the columns."""
    return len(names) * max(map(len, names)) > _CHARACTERS


def _draw_roc(axes: "Axes", evaluation: Evaluation) -> None:
    """The ROC curve of the positive class (of the second, if none is named) and the model's own decision on it."""
    positive = evaluation.positive_class or evaluation.classes[1]
    number = evaluation.classes.index(positive)
    truth = np.array([p.label == positive for p in evaluation.predictions])
    false_rate, true_rate = roc_curve(truth, np.array([p.probabilities[number] for p in evaluation.predictions]))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
    axes.plot(false_rate, true_rate, color=BLUE, linewidth=2, label="model")
    found, other = evaluation.scores.recall[number], evaluation.scores.recall[1 - number]
    auroc = evaluation.scores.auroc
    if found is not None and other is not None and auroc is not None:
        axes.plot(1 - other.value, found.value, "o", color=ORANGE, markersize=9, label="decision")
        axes.set_title(f"AUROC {_told(auroc, evaluation)}", fontsize=11)
    healthy, ill = (shortened(name, _LONGEST_NAME) for name in (evaluation.classes[1 - number], positive))
    axes.set_xlabel(f"1 - specificity (of {healthy})", fontsize=11)
    axes.set_ylabel(f"sensitivity (to {ill})", fontsize=11)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False, fontsize=11)


def _draw_recalls(axes: "Axes", evaluation: Evaluation) -> None:
    """The recall of each class with its interval; the classes are numbered as in the confusion matrix beside it."""
    names = [shortened(name, _LONGEST_NAME) for name in evaluation.classes]
    for number, recall in enumerate(evaluation.scores.recall):
        if recall is None:
            axes.text(0.02, number, "no image of this class", va="center", color=GREY, fontsize=10)
            continue
        if recall.low is not None and recall.high is not None:
            axes.plot([recall.low, recall.high], [number, number], color=BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot(recall.value, number, "o", color=ORANGE, markersize=8)
        text = f"{recall.value:.3f} ({counted(recall.groups or 0, evaluation.scores.bootstrap.unit)})"
        axes.annotate(text, (0.02, number), (0, 6), textcoords="offset points", fontsize=9)
    heads = [str(number + 1) for number in range(len(names))] if _are_long(names) else names
    axes.set_yticks(range(len(names)), heads, fontsize=11)
    axes.set(xlim=(-0.03, 1.03), ylim=(len(names) - 0.5, -0.6))
    axes.set_xlabel("recall", fontsize=11)
    interval = ", line: interval" if evaluation.scores.has_intervals else ""
    axes.set_title(f"recall of each class{interval}", fontsize=11)
    axes.grid(alpha=0.3, axis="x")


def _draw_subjects(axes: "Axes", evaluation: Evaluation) -> None:
    """The accuracy of each subject, the lowest first: they are what varies, and what an interval is over."""
    rows = sorted(evaluation.subjects, key=lambda row: (row.accuracy, row.subject))
    accuracy = evaluation.scores.accuracy
    axes.axhline(accuracy.value, color=GREY, linewidth=1, linestyle=":")
    if accuracy.low is not None and accuracy.high is not None:
        axes.axhspan(accuracy.low, accuracy.high, color=GREY, alpha=0.15, linewidth=0)
    kinds = sorted({row.labels for row in rows})
    colours = (BLUE, ORANGE, GREEN, GREY) if len(kinds) <= _TONES else (BLUE,)  # more could not be told apart
    for kind, colour in zip(kinds, cycle(colours), strict=False):
        places = [number for number, row in enumerate(rows) if row.labels == kind]
        label = shortened(", ".join(kind), _LONGEST_NAME)
        values, areas = [rows[n].accuracy for n in places], [20 + 60 * rows[n].images / _most(rows) for n in places]
        axes.scatter(places, values, areas, color=colour, alpha=0.75, linewidths=0, label=label)
    few = len(rows) <= _NAMED_SUBJECTS
    axes.set_xticks(range(len(rows)) if few else [], [shortened(row.subject, 12) for row in rows] if few else [])
    axes.tick_params(axis="x", labelrotation=45, labelsize=9)
    axes.set_ylim(-0.03, 1.05)
    axes.set_title(f"accuracy of each of {counted(len(rows), 'subject')}; grey: of all, and its interval", fontsize=11)
    axes.grid(alpha=0.3, axis="y")
    if 1 < len(kinds) <= _TONES:
        axes.legend(loc="lower right", frameon=False, fontsize=10)


def _most(rows: Sequence[SubjectResult]) -> int:
    return max(row.images for row in rows)
