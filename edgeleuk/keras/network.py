"""InceptionV3 of any width and input size, as one flat graph that ends in class probabilities.

Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision"; the layers are those of
`tf_keras.applications`. Flat, because the quantization toolkit rejects a model nested in another. It is trained with
its average pools as they stand and rewritten exactly when it is quantized; `edgeleuk.keras.rewrite` says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.errors import ModelError, UsageError
from edgeleuk.keras.choices import AVERAGE, EXITS, POOLS, WIDEST
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import KerasGraph
from edgeleuk.keras.rewrite import rewrite, rewrite_graph

MINIMUM_INPUT_SIZE_PX = 75  # below this the last blocks have no pixels left
_NARROWEST = 32  # filters of the narrowest convolutions at width 1
_CONVOLUTIONS = 94  # of the stock network
_WITH_WEIGHTS, _HEAD = ("Conv2D", "BatchNormalization"), "logits"
_KNOWN: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}  # its configuration by shape, exit, precision; by pools
_SCRATCH_BATCH_NORM_MOMENTUM = 0.95  # Keras' 0.99 needs some 400 steps before validation means anything


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the network.

    `width` multiplies the filters of every convolution, rounded to 8, at least 8. `pools` says how average pools are
    written: "average", as they stand in `tf_keras`, or "depthwise", as convolutions behind their branch's 1x1
    convolution: the same answers from the same weights, but another training. `filters` says how many a convolution has
    where pruning left it fewer than `width` gives it, by the layer's name. `exit` names the mixed block behind which
    the network ends, mixed3 to mixed9; None leaves it whole.
    """

    class_count: int
    input_size_px: int = 299
    width: float = 1.0
    dropout: float = 0.2
    weights: str = "none"
    pools: str = "average"
    filters: Mapping[str, int] = field(default_factory=dict)
    exit: str | None = None

    @property
    def pretrained(self) -> bool:
        """Whether the backbone starts from trained weights."""
        return self.weights != "none"


def build_network(config: NetworkConfig) -> Any:
    """Return a tf_keras.Model: float32 [batch, size, size, 3] in [-1, 1] to float32 [batch, class_count] summing to 1.

    Raises UsageError for a size or width that cannot be built, ModelError if weights are unavailable.
    """
    _check(config)
    tf_keras.backend.clear_session()  # layer names then do not depend on what was built before
    backbone = _backbone(config)
    features = tf_keras.layers.GlobalAveragePooling2D(name="average")(backbone.output)
    # No seed here: Keras would count it up at each tracing, and a resumed run would draw other masks.
    features = tf_keras.layers.Dropout(config.dropout, name="dropout")(features)
    # float32 also under mixed precision: a softmax in float16 loses small probabilities.
    logits = tf_keras.layers.Dense(config.class_count, name=_HEAD, dtype="float32")(features)
    probabilities = tf_keras.layers.Softmax(name="probabilities", dtype="float32")(logits)
    return tf_keras.Model(backbone.input, probabilities, name="inception_v3")


def _check(config: NetworkConfig) -> None:
    if config.input_size_px < MINIMUM_INPUT_SIZE_PX:
        raise UsageError(f"input size is {config.input_size_px} px; InceptionV3 needs at least {MINIMUM_INPUT_SIZE_PX}")
    if not 0 < config.width <= WIDEST:
        raise UsageError(f"width is {config.width}; expected a number above 0, at most {WIDEST}")
    if round(_NARROWEST * config.width) == 0:
        least = f"the least that leaves it a filter is above {0.5 / _NARROWEST:g}"
        raise UsageError(f"width is {config.width}, which rounds a layer of {_NARROWEST} filters to nothing; {least}")
    if config.filters and config.pretrained:
        raise UsageError(f"weights are {config.weights!r}; they fit no pruned network, whose own are in its run")
    if config.weights == "imagenet" and config.width != 1.0:
        raise UsageError(f"ImageNet weights fit width 1.0, not {config.width}; use --weights none or --width 1.0")
    if config.pools not in POOLS:
        raise UsageError(f"pools is {config.pools!r}; expected {' or '.join(POOLS)}")
    if config.exit not in (None, *EXITS):
        raise UsageError(f"exit is {config.exit!r}; expected {', '.join(EXITS)}, or nothing for the whole network")


def _backbone(config: NetworkConfig) -> Any:
    shape = (config.input_size_px, config.input_size_px, 3)
    if not config.pretrained:
        return _scratch_backbone(shape, config)
    backbone = _imagenet_backbone(shape) if config.weights == "imagenet" else _backbone_from_file(shape, config)
    if config.exit is not None:
        # Anew: the layers that stay would otherwise go on listing the dropped ones as their readers.
        backbone = KerasGraph(_cut(backbone, config.exit)).build()
    return rewrite(backbone).network if config.pools == "depthwise" else backbone


def _scratch_backbone(shape: tuple[int, int, int], config: NetworkConfig) -> Any:
    graph = _scaled(_unscaled(shape, config.exit, config.pools), config.width)
    _narrow(graph, config.filters)
    for entry in graph.entries.values():
        if entry["class_name"] == "BatchNormalization":
            graph.set(entry["name"], momentum=_SCRATCH_BATCH_NORM_MOMENTUM)
    return graph.build(keep_weights=False)


def _unscaled(shape: tuple[int, int, int], exit_block: str | None, pools: str) -> KerasGraph:
    """The stock network up to that block, its pools written so. It is built once in a process, and known from then."""
    policy = tf_keras.mixed_precision.global_policy().name  # each layer's configuration holds it
    known = _KNOWN.get(key := (shape, exit_block, policy))
    if known is None:
        stock = _cut(_stock(shape), exit_block)
        known = _KNOWN[key] = {each: _written(stock, each).config for each in POOLS}
    else:
        for _ in range(_CONVOLUTIONS):  # draws what building it anew would draw, so that a seed gives the same weights
            tf_keras.initializers.GlorotUniform()((1,))
    return KerasGraph.of_config(known[pools])


def layers_with_weights(config: NetworkConfig) -> list[str]:
    """Names of the layers that have weights, in the order of the weights of the network with average pools."""
    shape = (config.input_size_px, config.input_size_px, 3)
    entries = _unscaled(shape, config.exit, AVERAGE).entries.values()
    return [entry["name"] for entry in entries if entry["class_name"] in _WITH_WEIGHTS] + [_HEAD]


def _written(backbone: Any, pools: str) -> KerasGraph:
    """The graph of a backbone with its pools as they stand, or as convolutions."""
    graph = KerasGraph(backbone)
    if pools == "depthwise":
        rewrite_graph(graph)
    return graph


def _backbone_from_file(shape: tuple[int, int, int], config: NetworkConfig) -> Any:
    path = Path(config.weights)
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file; expected imagenet, none or an .h5 file")
    stock = _stock(shape)
    backbone = stock if config.width == 1.0 else _scaled(KerasGraph(stock), config.width).build(keep_weights=False)
    _load_weights(backbone, path)
    return backbone


def _cut(backbone: Any, exit_block: str | None) -> Any:
    """The backbone up to that block, of the same layers."""
    if exit_block is None:
        return backbone
    return tf_keras.Model(backbone.input, backbone.get_layer(exit_block).output, name=backbone.name)


def _stock(shape: tuple[int, int, int]) -> Any:
    return tf_keras.applications.InceptionV3(include_top=False, weights=None, input_shape=shape)


def _imagenet_backbone(shape: tuple[int, int, int]) -> Any:
    try:
        return tf_keras.applications.InceptionV3(include_top=False, weights="imagenet", input_shape=shape)
    except Exception as error:  # the download helper raises bare Exception
        raise ModelError(
            f"the ImageNet weights cannot be downloaded ({error}); use --weights none, or --weights FILE, "
            "a copy of inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
        ) from error


def _scaled(graph: KerasGraph, width: float) -> KerasGraph:
    """The same graph with scaled filters."""
    for entry in graph.entries.values():
        if entry["class_name"] == "Conv2D":
            graph.set(entry["name"], filters=scaled_filters(entry["config"]["filters"], width))
    return graph


def _narrow(graph: KerasGraph, filters: Mapping[str, int]) -> None:
    """Give convolutions the fewer filters that pruning left them. Raises ModelError if that cannot be."""
    for name, count in filters.items():
        entry = graph.entries.get(name, {"class_name": None})
        if entry["class_name"] != "Conv2D":
            raise ModelError(f"the network has no convolution {name!r}, of which {count!r} filters were kept")
        most = entry["config"]["filters"]
        if type(count) is not int or not 1 <= count <= most:
            raise ModelError(f"{name} is said to keep {count!r} filters; expected 1 to {most}")
        graph.set(name, filters=count)


def scaled_filters(filters: int, width: float) -> int:
    """Filters times width, rounded to a multiple of 8 (what SIMD kernels like), at least 8; unchanged at width 1."""
    return filters if width == 1.0 else max(8, round(filters * width / 8) * 8)


def _load_weights(backbone: Any, path: Path) -> None:
    try:
        backbone.load_weights(str(path))
    except Exception as error:  # h5py and Keras raise many kinds for a file that does not fit
        raise ModelError(
            f"{path} does not hold weights of InceptionV3 without its top at this width: {error}"
        ) from error
