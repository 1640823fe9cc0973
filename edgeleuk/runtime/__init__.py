"""What runs on the device: an image file in, a label with probabilities out.

`Classifier.load("model.tflite").predict("cell.bmp").label` is all there is to it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeleuk.runtime.classifier import Classifier, Prediction

__all__ = ["Classifier", "Prediction"]


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `edgeleuk.runtime.graph` and others need not pay for the interpreter."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from edgeleuk.runtime import classifier

    return getattr(classifier, name)
