"""What a network saw, its class activation map and LIME's superpixels beside each other, as PNG."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.classify.maps import seen_crop
from edgeleuk.classify.overlay import AGAINST, FOR, coloured
from edgeleuk.errors import UsageError
from edgeleuk.plots.figures import new_figure, plain_text, save_figure
from edgeleuk.report.explanation.superpixels import Superpixels, superpixels
from edgeleuk.runtime.activation_map import ActivationMap, activation_map, missing_map
from edgeleuk.runtime.classifier import Classifier, Prediction
from edgeleuk.text import printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = 4.2
_LONGEST_NAME = 40
_CAVEAT = (
    "The map is exact, but says where and not why, to within one of its places. LIME's weights are those of a linear "
    "model fitted to the network's answers on perturbed pictures, which are unlike any cell."
)


@dataclass(frozen=True)
class Explanation:
    """What is known of one answer; `map` is None of a network that gives none out, `lime` if it was not asked for."""

    shown_label: str
    prediction: Prediction
    crop: Image.Image
    map: ActivationMap | None
    lime: Superpixels | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        found, lime = self.map, self.lime
        return {
            "label": self.prediction.label,
            "probabilities": self.prediction.probabilities,
            "stage": self.prediction.stage,
            "warnings": list(self.prediction.warnings),
            "map": None if found is None else {"values": found.values.tolist(), "bias": found.bias},
            "lime": None if lime is None else {"superpixels": lime.count, "fit_r2": lime.fit, "samples": lime.samples},
        }

    def to_text(self, picture: Path) -> str:
        """Lines of a name and its text."""
        lines = [f"answer        {self.shown_label} {self.prediction.probability:.3f}"]
        if self.prediction.warnings:
            lines.append(f"warnings      {printable(', '.join(self.prediction.warnings))}")
        if self.map is not None:
            lines.append(f"map           {self.map.places} places")
        if (lime := self.lime) is not None:
            lines.append(f"LIME          {lime.count} superpixels, fit R² {lime.fit:.2f} on {lime.samples:,} pictures")
        return "\n".join([*lines, f"picture       {picture}"])


def explain(
    classifier: Classifier, image: Image.Image, with_lime: bool = False, samples: int = 1000, seed: int = 0
) -> Explanation:
    """Classify an image and find where the network looked. Raises UsageError if there is nothing that could tell."""
    prediction = classifier.predict(image, keep_map=True)
    if prediction.map is None and not with_lime:
        raise UsageError(f"{missing_map(prediction.stage)}. Or add --lime, which takes any model")
    found = None if prediction.map is None else activation_map(classifier, prediction)
    lime = superpixels(classifier, image, prediction, samples, seed) if with_lime else None
    name = classifier.spec.shown_names[prediction.label]
    return Explanation(name, prediction, seen_crop(classifier.answering(prediction.stage), image), found, lime)


def explanation_figure(explanation: Explanation, path: Path) -> None:
    """Write it as PNG. Raises MissingExtraError without matplotlib, OutputError if path cannot be written."""
    panels: list[tuple[str, Image.Image]] = [("what the network saw", explanation.crop)]
    if explanation.map is not None:
        title = f"class activation map, {explanation.map.places} places"
        panels.append((title, coloured(explanation.crop, explanation.map.values)))
    if explanation.lime is not None:
        lime = explanation.lime
        title = f"LIME, {lime.count} superpixels, fit R² {lime.fit:.2f}"
        panels.append((title, coloured(explanation.crop, lime.values)))
    figure = new_figure(_INCHES * len(panels) + 0.8, _INCHES + 1.6)
    with plain_text():
        axes: NDArray[Any] = np.atleast_1d(figure.subplots(1, len(panels)))
        for place, (title, picture) in zip(axes, panels, strict=True):
            place.imshow(np.asarray(picture))
            place.set_title(title, fontsize=10)
            place.set_axis_off()
        _draw_scale(figure, axes[-1])
        figure.suptitle(f"{shortened(explanation.shown_label, _LONGEST_NAME)} {explanation.prediction.probability:.2f}")
        warnings = (
            [f"Warnings: {', '.join(explanation.prediction.warnings)}."] if explanation.prediction.warnings else []
        )
        save_figure(figure, path, [*warnings, _CAVEAT])


def _draw_scale(figure: "Figure", place: "Axes") -> None:
    """The colours in words: what speaks against the answer, and for it."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    tones = [np.asarray(colour) / 255 for colour in (AGAINST, (255, 255, 255), FOR)]
    scale = ScalarMappable(Normalize(-1, 1), LinearSegmentedColormap.from_list("for and against", tones))
    bar = figure.colorbar(scale, ax=place, shrink=0.8, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["against", "neither", "for"])
