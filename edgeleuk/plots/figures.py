"""An empty figure, and how one is saved as PNG."""

import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from edgeleuk.errors import MissingExtraError
from edgeleuk.files import whole_file
from edgeleuk.plots.colours import GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_FOOTER = "edgeleuk: research use, not a diagnosis"
_CHARACTERS_AN_INCH = 12


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of this size in inches; no pyplot, so nothing global and no display.

    Raises MissingExtraError without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingExtraError("a picture", "report") from error
    figure = Figure(figsize=(width, height), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: "Figure", path: Path, caveats: Sequence[str] = ()) -> None:
    """Write it as PNG with the caveats and the sentence on its use. Raises OutputError if path cannot be written."""
    width = int(figure.get_figwidth() * _CHARACTERS_AN_INCH)
    lines = [line for caveat in caveats for line in textwrap.wrap(caveat, width)]
    figure.supxlabel("\n".join([*lines, _FOOTER]), fontsize=9 if not lines else 10, color=GREY)
    with whole_file(path) as partial:
        figure.savefig(partial, format="png")


def plain_text() -> AbstractContextManager[None]:
    """Names with dollar signs are no formulas."""
    import matplotlib as mpl

    context: AbstractContextManager[None] = mpl.rc_context({"text.parse_math": False})
    return context
