"""What a layer does to pixels, if that is no more than a scale and an offset of each channel, or less."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras

_LAYERS = tf_keras.layers
# Layers that change nothing at inference.
TRAINING_ONLY = (
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
    "RandomHeight",
    "RandomWidth",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
)
_DROPOUTS = ("Dropout", "SpatialDropout2D")
_MULTIPLY = ("math.multiply", "multiply", "__operators__.mul")
_DIVIDE = ("math.divide", "math.truediv", "divide", "truediv", "realdiv")
_ADD = ("math.add", "add", "__operators__.add", "nn.bias_add")
_SUBTRACT = ("math.subtract", "subtract")
_NOTHING = ("identity", "stop_gradient", "convert_to_tensor")
_OPERAND_NAMES = ("y", "x", "bias", "value")

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """p to p * scale + offset, float64 [channels] each; `turned`: of the channels in reverse order."""

    scale: Numbers
    offset: Numbers
    turned: bool = False

    @classmethod
    def identity(cls, channels: int) -> "Affine":
        """What leaves pixels as they are."""
        return cls(np.ones(channels), np.zeros(channels))

    def then(self, scale: Any, offset: Any) -> "Affine":
        """This, and behind it another scale and offset: numbers, or one for each channel."""
        scales = np.asarray(scale, np.float64).reshape(-1)
        offsets = np.asarray(offset, np.float64).reshape(-1)
        return Affine(self.scale * scales, self.offset * scales + offsets, self.turned)

    def reversed(self) -> "Affine":
        """This, and behind it the channels in reverse order."""
        return Affine(self.scale[::-1], self.offset[::-1], not self.turned)


def pixel_step(layer: Any, entry: dict[str, Any], before: Affine) -> Affine | None:
    """What a picture has become behind a layer that does no more than that; None if it does more.

    `entry` is the layer's in a `KerasGraph`.
    """
    kind = type(layer).__name__
    if kind in TRAINING_ONLY or kind in _DROPOUTS:
        return before
    if kind == "Activation" and layer.activation is tf_keras.activations.linear:
        return before
    if kind == "Rescaling":
        return _applied(before, layer.scale, layer.offset)
    if kind == "Normalization":
        return _normalized(layer, before)
    if kind == "BatchNormalization":
        return _batch_normalized(layer, before)
    if kind in ("TFOpLambda", "SlicingOpLambda"):
        return _operation(str(entry["config"].get("function")), _first(entry["inbound_nodes"]), before)
    return None


def _applied(before: Affine, scale: Any, offset: Any) -> Affine | None:
    """None if the numbers are not one, or one for each channel."""
    channels = len(before.scale)
    for values in (np.asarray(scale), np.asarray(offset)):
        plain = values.size == 1 or (values.size == channels and values.shape[-1] == channels)
        if not plain or not np.isfinite(values.astype(np.float64)).all():
            return None
    return before.then(scale, offset)


def _normalized(layer: Any, before: Affine) -> Affine | None:
    """(x - mean) / max(deviation, epsilon), as the layer says, or the other way round."""
    if layer.mean is None or layer.variance is None:
        return None
    mean = np.asarray(layer.mean, np.float64)
    deviation = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), tf_keras.backend.epsilon())
    if getattr(layer, "invert", False):
        return _applied(before, deviation, mean)
    return _applied(before, 1 / deviation, -mean / deviation)


def _batch_normalized(layer: Any, before: Affine) -> Affine | None:
    if tuple(layer.axis) != (3,):
        return None
    scale = 1 / np.sqrt(layer.moving_variance.numpy().astype(np.float64) + layer.epsilon)
    scale = scale * layer.gamma.numpy() if layer.scale else scale
    offset = -layer.moving_mean.numpy() * scale
    return _applied(before, scale, offset + (layer.beta.numpy() if layer.center else 0.0))


def _operation(function: str, call: list[Any] | None, before: Affine) -> Affine | None:
    if call is None:
        return None
    settings = call[3] if len(call) > 3 and isinstance(call[3], dict) else {}
    if function in _NOTHING or (function == "cast" and _keeps_values(settings.get("dtype"), before)):
        return before
    if _turns_channels(function, settings):
        return before.reversed()
    constant_first = call[0] == "_CONSTANT_VALUE"
    other = call[2] if constant_first else next((settings[n] for n in _OPERAND_NAMES if n in settings), None)
    numbers = _numbers(other)
    if numbers is None:
        return None
    if function in _MULTIPLY:
        return _applied(before, numbers, 0.0)
    if function in _DIVIDE and not constant_first and np.all(numbers):
        return _applied(before, 1 / numbers, 0.0)
    if function in _ADD:
        return _applied(before, 1.0, numbers)
    if function in _SUBTRACT:
        return _applied(before, -1.0, numbers) if constant_first else _applied(before, 1.0, -numbers)
    return None


def _first(inbound: Any) -> list[Any] | None:
    """The one call of an operation layer."""
    while isinstance(inbound, list | tuple) and len(inbound) == 1:
        inbound = inbound[0]
    called = isinstance(inbound, list | tuple) and len(inbound) >= 3 and isinstance(inbound[0], str)
    return list(inbound) if called else None


def _numbers(value: Any) -> Numbers | None:
    if value is None or isinstance(value, str | dict | bool):
        return None
    try:
        return np.asarray(value, np.float64)
    except (ValueError, TypeError):
        return None


def _keeps_values(dtype: Any, before: Affine) -> bool:
    """Whether a cast changes nothing: to floating point, or to integers of what is still the pixels."""
    kind = tf.as_dtype(dtype)
    pixels = bool(np.all(before.scale == 1) and np.all(before.offset == 0))
    return bool(kind.is_floating or (kind.is_integer and kind.size >= 2 and pixels))


def _turns_channels(function: str, settings: dict[str, Any]) -> bool:
    """Whether it is x[..., ::-1], or the same written otherwise."""
    if function == "reverse":
        axis = settings.get("axis")
        return (list(axis) if isinstance(axis, list | tuple) else [axis]) in ([-1], [3])
    cuts = settings.get("slice_spec")
    if function != "__operators__.getitem" or not isinstance(cuts, list | tuple) or not cuts:
        return False
    *others, last = cuts
    whole = [None, None]
    plain = all(
        not isinstance(cut, dict) or [cut.get("start"), cut.get("stop"), cut.get("step")] == [*whole, None]
        for cut in others
    )
    reach = len(others) == 3 or any(cut is Ellipsis for cut in others)
    turned = isinstance(last, dict) and [last.get("start"), last.get("stop"), last.get("step")] == [*whole, -1]
    return bool(plain and reach and turned)
