"""What runs on the device: an image file in, a label with probabilities out.

`open_model("model.tflite").predict("cell.bmp").label` is all there is to it; `Classifier.load` is the same. Whatever
trains, converts or measures belongs elsewhere.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeleuk.runtime.classifier import Classifier, Prediction
    from edgeleuk.runtime.models import open_model

__all__ = ["Classifier", "Prediction", "open_model"]


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `edgeleuk.runtime.graph` and others need not pay for the interpreter."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "open_model":
        from edgeleuk.runtime.models import open_model

        return open_model
    from edgeleuk.runtime import classifier

    return getattr(classifier, name)
