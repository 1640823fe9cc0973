"""An evaluation as one PNG."""

from pathlib import Path

from edgeleuk.evaluation.evaluate import Evaluation
from edgeleuk.evaluation.panels import draw_confusion, draw_recalls, draw_reliability, draw_roc, draw_subjects, title
from edgeleuk.evaluation.scored import caveats_of
from edgeleuk.plots.colours import GREY
from edgeleuk.plots.figures import new_figure, plain_text, save_figure

_CELL_INCHES = 0.62


def evaluation_figure(evaluation: Evaluation, path: Path) -> None:
    """Write a PNG: confusion matrix, ROC curve (two classes) or recalls, accuracy of each subject, reliability.

    What limits the scores stands below. Raises MissingExtraError without matplotlib, OutputError if path cannot be
    written.
    """
    matrix = max(4.6, _CELL_INCHES * len(evaluation.classes) + 1.2)
    figure = new_figure(max(12.0, 2 * matrix + 3), matrix + 4.2)
    with plain_text():
        (left, right), below = figure.subplots(2, 2, gridspec_kw={"height_ratios": [matrix, 3.6]})
        draw_confusion(left, evaluation)
        if len(evaluation.classes) == 2 and evaluation.scores.auroc is not None:
            draw_roc(right, evaluation)
        else:
            draw_recalls(right, evaluation)
        if evaluation.subjects:
            draw_subjects(below[0], evaluation)
        else:
            below[0].set_axis_off()
            below[0].text(0.5, 0.5, "no subject is known", ha="center", fontsize=12, color=GREY)
        draw_reliability(below[1], evaluation)
        figure.suptitle(title(evaluation), fontsize=13)
        save_figure(figure, path, caveats_of(evaluation.notes))
