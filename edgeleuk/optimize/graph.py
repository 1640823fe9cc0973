"""The int8 graph of a shape before anything is trained: latency does not depend on the weights."""

from typing import Any

import numpy as np

from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.optimize.config import Shape
from edgeleuk.pruning.channels import find_channels
from edgeleuk.pruning.importance import bn_l1
from edgeleuk.pruning.latency import int8_content
from edgeleuk.pruning.plan import Chooser
from edgeleuk.pruning.ranking import Limits
from edgeleuk.pruning.slicing import slice_network
from edgeleuk.training.config import PruneConfig, macs_budget, percentage

_OFFSET = 0.5


def untrained_int8(shape: Shape, class_count: int) -> bytes:
    """A .tflite flatbuffer. Raises UsageError for a shape that cannot be built or pruned so far.

    A pruned shape keeps those filters that random weights would: as many operations as a trained one, in other layers
    by chance.
    """
    tf_keras.utils.set_random_seed(0)
    model = build_network(NetworkConfig(class_count, shape.input_size, shape.width, exit=shape.exit))
    _keep_from_fading(model)
    if shape.prune < 1:
        model = _pruned(model, shape.prune)
    return int8_content(model)


def _keep_from_fading(model: Any) -> None:
    """Give batch normalization an offset: random weights alone let a narrow network's activations fade to nothing, and
    the delegate refuses int8 scales of 1e-12.
    """
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.beta.assign(np.full(layer.beta.shape, _OFFSET, np.float32))


def _pruned(model: Any, share: float) -> Any:
    config = PruneConfig(macs=percentage(share), criterion="bn-l1")
    limits = Limits(config.multiple, config.least_share)
    chooser = Chooser(model, bn_l1(model, find_channels(model)), limits)
    plan = chooser.within_macs(config, macs_budget(percentage(share), chooser.ranking.full_macs))
    return slice_network(model, plan.positions)
