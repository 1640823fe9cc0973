"""Networks of `tf_keras.applications` through `convert --int8`: all int8 or not, pieces of the graph, and agreement.

Weights are random, for none can be shipped; the statistics of batch normalization are those of the images, and the head
is fitted to the labels by ridge regression on the pooled features. Random features hardly tell images apart, so that
rounding turns many labels: their agreement is for information. --body takes a network that was trained.
"""

import argparse
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, finish, parser
from benchmarks.models import write_images

AGREEMENT_BAR = 0.98
_SETTLING, _BATCH, _RIDGE, _SHARPNESS = 4, 32, 3.0, 20.0
# What each takes, by name: the scaling of its input, and what else its function is given.
_UNIT, _RAW, _CAFFE = (1 / 127.5, -1.0), (1.0, 0.0), (1.0, (-103.939, -116.779, -123.68))
NETWORKS: dict[str, Any] = {
    "MobileNetV2": _UNIT,
    "MobileNetV3Small": _RAW,
    "MobileNetV3Large": _RAW,
    "EfficientNetB0": _RAW,
    "EfficientNetV2B0": _RAW,
    "ResNet50": _CAFFE,
    "DenseNet121": _UNIT,
    "NASNetMobile": _UNIT,
    "InceptionV3": _UNIT,
}


@dataclass(frozen=True)
class Row:
    """What became of one network; `error` is why there is no model, "" if there is one."""

    name: str
    agreement: float = 0.0
    images: int = 0
    accuracy: tuple[float, float] = (0.0, 0.0)  # of the float network and of the int8 model
    float_tensors: int = 0
    rescalings: int = 0
    partitions: int = 0
    operators: int = 0
    error: str = ""


def main() -> int:
    """Convert each; returns the exit code."""
    arguments = _arguments()
    warnings.filterwarnings("ignore", category=UserWarning)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.images or _synthetic(Path(scratch))
        names = [arguments.body.stem] if arguments.body else arguments.network or list(NETWORKS)
        rows = [_told(_row(name, folder, arguments, Path(scratch))) for name in names]
    return finish("networks", [figure for row in rows for figure in _figures(row, bool(arguments.body))], arguments)


def _told(row: Row) -> Row:
    print(_line(row), flush=True)
    return row


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--images", type=Path, help="class folders [synthetic cells]")
    made.add_argument("--network", action="append", choices=list(NETWORKS), help="only this one; may be repeated")
    made.add_argument("--body", type=Path, help="a trained Keras file: its layers before the first dense one")
    made.add_argument("--pixel-scale", type=float, default=1 / 127.5, help="of that file's input [1/127.5]")
    made.add_argument("--pixel-offset", type=float, default=-1.0, help="of that file's input [-1]")
    made.add_argument("--size", type=int, default=96, help="input in pixels [96]")
    made.add_argument("--count", type=int, default=1000, help="most images that a head is fitted to [1000]")
    made.add_argument("--epochs", type=int, default=0, help="train the whole network so long first [0]")
    return made.parse_args()


def _synthetic(scratch: Path) -> Path:
    write_images(scratch / "cells", 40)
    return scratch / "cells"


def _row(name: str, folder: Path, arguments: argparse.Namespace, scratch: Path) -> Row:
    """Make the network, save it, and convert the file as the command does."""
    from edgeleuk.data.split import open_images
    from edgeleuk.errors import EdgeleukError
    from edgeleuk.quantization.convert import Request, convert
    from edgeleuk.quantization.mixed import Keep
    from edgeleuk.quantization.source import load_source

    index = open_images(folder)
    spec = _spec(name, sorted({str(image.label) for image in index.images}), arguments)
    path, written = scratch / f"{name}.h5", scratch / f"{name}.json"
    _fitted(name, index, spec, arguments).save(path)
    written.write_text(spec.to_json())
    told = Keep(min_agreement=0.0, most=0)  # the bar is judged here
    request = Request("int8", index, keep=told, gate_samples=0, error_samples=4, samples=64, fidelity_samples=200)
    try:
        proof = convert(load_source(path, written), request).proof
    except EdgeleukError as error:
        return Row(name, error=str(error))
    fidelity, accuracy, delegate = proof.fidelity[0], proof.accuracy, proof.delegate or {}
    return Row(
        name,
        fidelity.label_agreement,
        fidelity.images,
        (0.0, 0.0) if accuracy is None else (accuracy["networks"]["float network"], accuracy["model"]),
        proof.float_tensors,
        proof.int8_rescales,
        delegate.get("partitions", 0),
        sum(proof.operators.values()),
    )


def _spec(name: str, classes: list[str], arguments: argparse.Namespace) -> Any:
    from edgeleuk.spec import ModelSpec, Preprocessing

    own = (arguments.pixel_scale, arguments.pixel_offset)
    scale, offset = own if arguments.body else NETWORKS[name]
    order = "RGB" if arguments.body or NETWORKS[name] is not _CAFFE else "BGR"
    prepare = Preprocessing(
        arguments.size, fit="stretch", colour_order=order, pixel_scale=scale, pixel_offset=offset, resample="bilinear"
    )
    return ModelSpec(tuple(classes), prepare)


def _fitted(name: str, index: Any, spec: Any, arguments: argparse.Namespace) -> Any:
    """The network with statistics of the images and a head that tells their classes apart."""
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.keras.stream import ImageStream

    tf_keras.utils.set_random_seed(0)
    images = index.select(lambda image: image.split == "train")[::2]
    chosen = np.random.default_rng(0).permutation(len(images))[: arguments.count]
    paths = [index.path_of(images[position]) for position in chosen]
    labels = [spec.classes.index(images[position].label) for position in chosen]
    stream = ImageStream(paths, labels, spec.preprocessing, _BATCH)
    body = _trained_body(arguments.body) if arguments.body else _random_body(name, arguments.size, stream)
    head = tf_keras.layers.Dense(len(spec.classes), activation="softmax", name="predictions")
    network = tf_keras.Model(body.input, head(body.output))
    if arguments.epochs:
        _train(network, stream, arguments.epochs)
    else:
        _fit_head(head, body, stream)
    return network


def _trained_body(path: Path) -> Any:
    from edgeleuk.importing.keras_file import load_keras_file
    from edgeleuk.keras.framework import tf_keras

    network = load_keras_file(path)
    first = next(layer for layer in network.layers if isinstance(layer, tf_keras.layers.Dense))
    return tf_keras.Model(network.input, first.input)


def _random_body(name: str, size: int, stream: Any) -> Any:
    from edgeleuk.keras.framework import tf_keras

    build = getattr(tf_keras.applications, name)
    body = build(include_top=False, weights=None, pooling="avg", input_shape=(size, size, 3))
    _settle(body, stream)
    return body


def _settle(body: Any, stream: Any) -> None:
    """Give batch normalization gains, and the statistics of one large batch: at inference it sees the same again."""
    from edgeleuk.keras.framework import tf_keras

    random = np.random.default_rng(0)
    norms = [layer for layer in body.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
        if norm.scale:
            norm.gamma.assign(random.uniform(0.7, 1.3, norm.gamma.shape))
    batches = [images for (images, _), _ in zip(stream.in_order(), range(_SETTLING), strict=False)]
    body(np.concatenate(batches), training=True)
    for norm in norms:
        norm.momentum = 0.9


def _fit_head(head: Any, body: Any, stream: Any) -> None:
    """Ridge regression of the classes on standardized features, sharpened, as the weights of a dense layer."""
    pairs = [(body.predict_on_batch(images), labels) for images, labels in stream.in_order()]
    features: NDArray[np.float64] = np.concatenate([each for each, _ in pairs]).astype(np.float64)
    labels = np.concatenate([each for _, each in pairs])
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation = deviation + deviation.mean()  # a feature that hardly varies gets no weight beyond all others
    normal = (features - mean) / deviation
    wanted = np.eye(head.units)[labels] - np.bincount(labels, minlength=head.units) / len(labels)
    gram = normal.T @ normal / len(normal) + _RIDGE * np.eye(normal.shape[1])
    weights = np.linalg.solve(gram, normal.T @ wanted / len(normal)) * _SHARPNESS
    kernel = weights / deviation[:, np.newaxis]
    head.set_weights([kernel.astype(np.float32), (-mean @ kernel).astype(np.float32)])


def _train(network: Any, stream: Any, epochs: int) -> None:
    from edgeleuk.keras.framework import tf_keras

    rate = tf_keras.optimizers.schedules.CosineDecay(1e-3, epochs * stream.batch_count)
    network.compile(tf_keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    for epoch in range(epochs):
        losses = [network.train_on_batch(images, labels) for images, labels in stream.shuffled(epoch)]
        print(f"  epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)


def _line(row: Row) -> str:
    if row.error:
        return f"| {row.name} | {row.error} |"
    before, after = row.accuracy
    return (
        f"| {row.name} | {row.operators} | {'yes' if not row.float_tensors else f'no: {row.float_tensors}'} | "
        f"{row.rescalings} | {row.partitions} | {100 * row.agreement:.2f} % of {row.images} | "
        f"{100 * before:.1f} / {100 * after:.1f} % |"
    )


def _figures(row: Row, trained: bool) -> list[Figure]:
    bar = AGREEMENT_BAR if trained else None
    made = Figure(f"{row.name}: agreement", row.agreement, "", bar, at_least=True)
    return [made, Figure(f"{row.name}: float tensors", row.float_tensors if not row.error else np.inf, "", 0.0)]


if __name__ == "__main__":
    raise SystemExit(main())
