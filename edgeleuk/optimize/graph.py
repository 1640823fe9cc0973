"""The int8 graph of a shape before anything is trained, and a model file of it: latency does not depend on weights."""

import dataclasses
from typing import Any

import numpy as np

from edgeleuk.data.index import Index
from edgeleuk.data.sampling import draw
from edgeleuk.files import sha256_bytes
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.optimize.config import Shape
from edgeleuk.pruning.channels import find_channels
from edgeleuk.pruning.importance import bn_l1
from edgeleuk.pruning.latency import int8_content
from edgeleuk.pruning.plan import Chooser
from edgeleuk.pruning.ranking import Limits
from edgeleuk.pruning.slicing import slice_network
from edgeleuk.quantization.input_gate import FEWEST_IMAGES, GateImages, fit_gate
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.outputs import expose_outputs, has_output
from edgeleuk.runtime.bundle import pack, with_references
from edgeleuk.runtime.classifier import FEATURES
from edgeleuk.runtime.graph import read_graph
from edgeleuk.training.config import PruneConfig, TrainConfig, macs_budget, percentage
from edgeleuk.training.preparation import new_spec

_OFFSET = 0.5
_GATE_IMAGES = 64  # what the gate costs depends little on how many it was fitted to


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


def model_file(content: bytes, index: Index, config: TrainConfig) -> bytes:
    """The flatbuffer as the file that `convert` would make of it: with its spec and, of enough images, its input gate.

    Raises DataError or ImageError for images that cannot be read.
    """
    extra = (FEATURES,) if has_output(read_graph(content), FEATURES) else ()
    content = expose_outputs(content, extra)
    spec = dataclasses.replace(new_spec(index, config, ""), extra_outputs=extra)
    images = draw(index, index.training(config.fold), _GATE_IMAGES, config.seed)
    if len(images.images) < FEWEST_IMAGES:
        return pack(content, spec, {}, frozenset())
    known = GateImages(images, None, index.sha256)
    fitted = fit_gate(open_flatbuffer(content, spec, many=True), known, sha256_bytes(content))
    packed = pack(content, dataclasses.replace(spec, gate=fitted.spec), {}, frozenset())
    return with_references(packed, fitted.references)


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
