"""Where a network looked: class activation maps, exact for one that ends in a mean over its last map and a dense layer.

Zhou et al. 2016, "Learning Deep Features for Discriminative Localization": a class's logit is its bias and the mean,
over the places of the last feature map, of that place's features times the class's weights. These products are the map.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.runtime.backend import Network
from edgeleuk.runtime.classifier import MAP, Classifier, Prediction

NO_MAP = (
    "this model does not give out its last feature map, so nothing says where it looked; make it again with "
    "'edgeleuk convert SOURCE -o MODEL.tflite --explain', a cascade of two models made so"
)
_HEADS = ("FULLY_CONNECTED", "CONV_2D")
_DELEGATE, _DEQUANTIZE = "DELEGATE", "DEQUANTIZE"


@dataclass(frozen=True)
class DenseLayer:
    """A network's last layer as real numbers: `weights` float32 [classes, channels], `bias` float32 [classes]."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def centred(self) -> "DenseLayer":
        """Less the mean over the classes: the softmax, and with it every probability, is the same.

        Of all layers with these probabilities it is the one whose maps sum to zero over the classes at each place, so
        that what speaks for one class speaks against the others; with two classes the maps are mirror images.
        """
        return DenseLayer(self.weights - self.weights.mean(axis=0), self.bias - self.bias.mean())


@dataclass(frozen=True)
class ActivationMap:
    """`values` float32 [height, width]: how much each place speaks for the label, below zero against it, as a logit.

    Their mean and `bias` are the label's logit less the mean logit of all classes, to within quantization.
    """

    label: str
    values: NDArray[np.float32]
    bias: float

    @property
    def places(self) -> str:
        """Its size in words: "8 x 8"."""
        return " x ".join(map(str, self.values.shape))


def activation_map(classifier: Classifier, prediction: Prediction) -> ActivationMap:
    """The map of the class that was answered, by the network that did. Raises ModelError if its map was not kept."""
    answering = classifier.answering(prediction.stage)
    if prediction.map is None:
        raise ModelError(missing_map(prediction.stage))
    layer = dense_layer(answering.network).centred()
    number = answering.spec.classes.index(prediction.label)
    scale, zero_point = answering.network.extra[MAP]["quantization"]
    maps = class_maps(real_numbers(prediction.map, scale, zero_point), layer)
    return ActivationMap(prediction.label, maps[..., number], float(layer.bias[number]))


def missing_map(stage: int | None) -> str:
    """Why there is no map of what the model of this stage answers, and what to do; None is a single model."""
    if stage is None:
        return NO_MAP
    which = "first" if stage == 1 else "large"
    return f"the cascade's {which} model is one of whose answers there is no map: {NO_MAP}"


def class_maps(features: NDArray[np.float32], layer: DenseLayer) -> NDArray[np.float32]:
    """Return float32 [height, width, classes] of the last feature map [height, width, channels], as real numbers."""
    return np.asarray(features @ layer.weights.T, np.float32)


def real_numbers(codes: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Return float32 of the same shape: scale * (q - zero_point); the numbers themselves at scale 0, of floats."""
    return np.asarray(scale * (codes - np.float64(zero_point)) if scale else codes, np.float32)


def dense_layer(network: Network) -> DenseLayer:
    """The layer that makes the network's scores, from the file. Raises ModelError if it is not one dense layer."""
    operations = [operation for operation in network.operations() if operation["op_name"] != _DELEGATE]
    made_by = {int(output): operation for operation in operations for output in operation["outputs"]}
    heads = [operation for operation in operations if operation["op_name"] in _HEADS]
    if not heads:
        raise ModelError("the network has no dense layer, so no class activation map can be made")
    _, weights, *bias = (_constant(int(tensor), made_by) for tensor in heads[-1]["inputs"])
    channels, classes = int(network.extra[MAP]["shape"][-1]), network.class_count
    values = network.constant(weights)
    if values.size != classes * channels:
        raise ModelError(
            f"the last layer's weights have the shape {list(values.shape)}; expected {[classes, channels]}, which a "
            "class activation map needs"
        )
    own = network.constant(bias[0]) if bias and bias[0] >= 0 else np.zeros(classes, np.float32)
    return DenseLayer(values.reshape(classes, channels), own.reshape(classes))


def _constant(tensor: int, made_by: Mapping[int, dict[str, Any]]) -> int:
    """The tensor itself, or what is kept in its place as float16."""
    operation = made_by.get(tensor)
    kept = operation is not None and operation["op_name"] == _DEQUANTIZE
    return int(operation["inputs"][0]) if operation is not None and kept else tensor
