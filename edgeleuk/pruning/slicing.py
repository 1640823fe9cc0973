"""A network without some of its filters: every layer's weights sliced to the channels that are left.

Exact if what is removed is zero: the answers are then the same up to float rounding.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import KerasGraph
from edgeleuk.pruning.channels import Channels, find_channels

Kept = Mapping[str, NDArray[np.intp]]  # convolution: positions of the filters that stay, ascending
_LAYERS = tf_keras.layers


def kept_filters(channels: Channels, keep: NDArray[np.bool_]) -> dict[str, NDArray[np.intp]]:
    """Positions of the filters that stay of each convolution that loses some; `keep` is bool [groups]."""
    masks = {name: keep[channels.makes[name]] for name in channels.convolutions}
    return {name: np.flatnonzero(mask) for name, mask in masks.items() if not mask.all()}


def slice_network(model: Any, kept: Kept) -> Any:
    """A new model with the filters that `kept` names; of convolutions that it does not name, all.

    Raises ModelError if `kept` asks for what cannot be: an unknown convolution or filter, one filter without those
    that it is tied to, a convolution without any, or filters that must stay.
    """
    channels = find_channels(model)
    keep = _groups_kept(channels, kept)
    graph = KerasGraph(model)
    for name in graph.entries:
        graph.set(name)  # its shape may change without any of its settings
    for name in channels.convolutions:
        graph.set(name, filters=int(keep[channels.makes[name]].sum()))
    sliced = graph.build(keep_weights=False)
    for layer in sliced.layers:
        if layer.weights:
            layer.set_weights(_sliced(model.get_layer(layer.name), channels, keep))
    return sliced


def _groups_kept(channels: Channels, kept: Kept) -> NDArray[np.bool_]:
    keep = np.ones(len(channels.free), bool)
    for name, positions in kept.items():
        groups = _groups_of(channels, name)
        _check_positions(name, positions, len(groups))
        keep[np.delete(groups, positions)] = False
    for name in channels.convolutions:
        groups = channels.makes[name]
        wanted = groups[kept[name]] if name in kept else groups
        if not keep[wanted].all():
            _refuse(channels, name, int(wanted[np.argmin(keep[wanted])]), kept)
    bad = [name for name in channels.convolutions if not (keep | channels.free)[channels.makes[name]].all()]
    if bad:
        raise ModelError(f"filters of {bad[0]} that were to go must stay: {channels.fixed[bad[0]]}")
    return keep


def _groups_of(channels: Channels, name: str) -> NDArray[np.intp]:
    if name not in channels.convolutions:
        raise ModelError(f"{name} is not a convolution of the network whose filters can be removed")
    return channels.makes[name]


def _check_positions(name: str, positions: NDArray[np.intp], filters: int) -> None:
    if len(positions) == 0:
        raise ModelError(f"nothing would be left of {name}; keep at least one of its {filters} filters")
    if (np.diff(positions) <= 0).any() or positions[0] < 0 or positions[-1] >= filters:
        raise ModelError(f"the filters to keep of {name} are not ascending positions of its {filters} filters")


def _refuse(channels: Channels, name: str, group: int, kept: Kept) -> None:
    others = [other for other in kept if other != name and group in channels.makes[other]]
    raise ModelError(f"a filter of {name} that stays is tied to one of {', '.join(others) or name} that goes")


def _sliced(layer: Any, channels: Channels, keep: NDArray[np.bool_]) -> Iterable[NDArray[np.float32]]:
    """The weights of a layer for the channels that stay."""
    weights = layer.get_weights()
    if layer.name not in channels.makes:
        return weights
    reads, makes = keep[channels.reads[layer.name]], keep[channels.makes[layer.name]]
    if isinstance(layer, _LAYERS.BatchNormalization):
        return [weight[makes] for weight in weights]
    if isinstance(layer, _LAYERS.DepthwiseConv2D):  # [h, w, channels, multiplier], [channels * multiplier]
        return [weights[0][:, :, reads], *(bias[makes] for bias in weights[1:])]
    # Convolutions [..., read, made] and dense layers [read, made], with [made].
    return [weights[0][..., reads, :][..., makes], *(bias[makes] for bias in weights[1:])]
