"""A picture as an SVG element for a page: small, in the page's font and colour, on light and dark ground alike."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from edgeleuk.errors import MissingExtraError
from edgeleuk.plots.colours import BLUE, GREEN, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito 2008, "Color Universal Design": told apart with any colour vision.
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
INK = "#123456"  # stands for the page's own colour, and is replaced by it
GRID: dict[str, Any] = {"alpha": 0.25, "color": INK, "linewidth": 0.6}
ROOM = 58  # characters that fit beside each other
SIDE = 0.22  # inches at the left with nothing but half a number
_WIDTH = 5.2  # inches; at 72 units an inch about as wide as a phone
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.0,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}
Draw = Callable[["list[Axes]"], None]


@dataclass(frozen=True)
class Margins:
    """Inches around the panels."""

    left: float = 0.66
    top: float = 0.1
    right: float = 0.15
    bottom: float = 0.48

    def shares(self, height: float) -> dict[str, float]:
        """Edges of the panels as shares of a picture of this height."""
        return {
            "left": self.left / _WIDTH,
            "right": 1 - self.right / _WIDTH,
            "bottom": self.bottom / height,
            "top": 1 - self.top / height,
        }


DEFAULT_MARGINS = Margins()


def svg(name: str, label: str, height: float, draw: Draw, panels: int = 1, margins: Margins = DEFAULT_MARGINS) -> str:
    """One picture `height` inches high, of panels one below the other.

    `name` keeps its identifiers apart from those of others on the page; `label` is what it is to those who cannot see
    it. Raises MissingExtraError without the 'report' extra.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("a report page", "report") from error
    stream = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # The page's own fonts draw what matplotlib's lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = Figure(figsize=(_WIDTH, height))
        FigureCanvasSVG(figure)
        axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        figure.subplots_adjust(**margins.shares(height), hspace=0.45)
        draw(list(axes))
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inlined(stream.getvalue(), label)


def name_above(axes: "Axes", names: Sequence[str], lift: float) -> None:
    """Names above the rows 0, 1, ... instead of beside them, where a phone has the width for them."""
    for position, text in enumerate(names):
        axes.text(0.008, position - lift, text, transform=axes.get_yaxis_transform(), fontsize=8.5, va="center")
    axes.set_yticks([])


def _inlined(text: str, label: str) -> str:
    """The svg element alone, as wide as its place allows, without what would leak onto the page or only takes space."""
    body = text[text.index("<svg") :]
    box = re.search(r'viewBox="[^"]*"', body)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    inside = _squeezed(body[body.index(">") + 1 :])
    return f'<svg {box[0] if box else ""} role="img" aria-label="{escape(label)}">{inside}'


def _squeezed(body: str) -> str:
    """Tags without groups' names, fonts and needless digits; the text between them is left as it is."""
    parts = re.split(r"(<[^>]*>)", body)
    return "".join(_tag(part) if part.startswith("<") else part for part in parts if part.strip())


def _tag(tag: str) -> str:
    tag = re.sub(r' id="[A-Za-z0-9_.]*_\d+"', "", tag)
    tag = re.sub(r' transform="rotate\(-0 [^"]*"', "", tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    tag = re.sub(r"(\d+\.\d\d)\d+", r"\1", tag)
    tag = re.sub(r"\s+", " ", tag).replace(": ", ":").replace("; ", ";")
    return tag.replace("xlink:href", "href").replace(INK, "currentColor")
