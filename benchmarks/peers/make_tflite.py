"""The .tflite files: edgeleuk's three, the stock converter's, and what tfmot makes without any help."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.models import SHAPES, Shape, spec
from benchmarks.peers.make_network import CALIBRATION, arguments, load_network, scaled
from edgeleuk.files import write_bytes
from edgeleuk.keras.rewrite import rewrite
from edgeleuk.quantization.freeze import convert_float, convert_quantization_aware
from edgeleuk.quantization.network import measure_ranges, quantize_network, set_ranges, share_ranges
from edgeleuk.quantization.post_training import quantize_int8
from edgeleuk.quantization.proof import check_int8, examine
from edgeleuk.quantization.toolkit import tf, tfmot
from edgeleuk.runtime.bundle import write_bundle


def main() -> None:
    """Make the file that the command line names."""
    given = arguments(__doc__)
    shape = SHAPES[given.size]
    pixels: NDArray[np.uint8] = np.load(given.folder / CALIBRATION)
    _MAKERS[given.what](load_network(given.folder, shape), pixels, shape, given.folder / given.what)


def _edgeleuk_float(model: Any, pixels: NDArray[np.uint8], shape: Shape, path: Path) -> None:
    del pixels
    _write(path, convert_float(rewrite(model).network), "float32", shape)


def _edgeleuk_post_training(model: Any, pixels: NDArray[np.uint8], shape: Shape, path: Path) -> None:
    input_range = spec(shape).preprocessing.on_int8_grid().input_range
    images = _one_by_one(scaled(pixels, shape, on_int8_grid=True))
    _write(path, quantize_int8(convert_float(rewrite(model).network), images, input_range), "int8", shape)


def _edgeleuk_quantization_aware(model: Any, pixels: NDArray[np.uint8], shape: Shape, path: Path) -> None:
    """With ranges set as `edgeleuk qat` sets them, before the first step."""
    images = scaled(pixels, shape, on_int8_grid=True)
    model = rewrite(model).network
    ranges = share_ranges(model, measure_ranges(model, np.array_split(images, max(1, len(images) // 16))))
    quantized = quantize_network(model)
    set_ranges(quantized, ranges, spec(shape).preprocessing.on_int8_grid().input_range)
    _write(path, convert_quantization_aware(quantized), "int8", shape)


def _stock_float(model: Any, pixels: NDArray[np.uint8], shape: Shape, path: Path) -> None:
    """What tf2onnx reads."""
    del pixels, shape
    write_bytes(path, convert_float(model))


def _stock(model: Any, pixels: NDArray[np.uint8], shape: Shape, path: Path) -> None:
    """Post-training quantization by `from_keras_model`, as TensorFlow's documentation has it."""
    converter = _int8_converter(model)
    converter.representative_dataset = lambda: ([image] for image in _one_by_one(scaled(pixels, shape)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    write_bytes(path, bytes(converter.convert()))


def _naive_quantization_aware(model: Any, pixels: NDArray[np.uint8], shape: Shape, path: Path) -> None:
    """As tfmot's documentation has it, before the first step: time does not depend on what training would add."""
    del pixels, shape
    write_bytes(path, bytes(_int8_converter(tfmot.quantize_model(model)).convert()))


def _int8_converter(model: Any) -> Any:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter


def _one_by_one(images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    return (image[np.newaxis] for image in images)


def _write(path: Path, content: bytes, precision: str, shape: Shape) -> None:
    described = spec(shape)
    proof = examine(content, precision, described.preprocessing)
    if precision == "int8":
        check_int8(proof)
    write_bundle(path, content, described, proof.to_dict(), frozenset())


_MAKERS: dict[str, Callable[[Any, NDArray[np.uint8], Shape, Path], None]] = {
    "edgeleuk-float32.tflite": _edgeleuk_float,
    "edgeleuk-int8-ptq.tflite": _edgeleuk_post_training,
    "edgeleuk-int8-qat.tflite": _edgeleuk_quantization_aware,
    "stock-float32.tflite": _stock_float,
    "stock-int8.tflite": _stock,
    "naive-qat-int8.tflite": _naive_quantization_aware,
}


if __name__ == "__main__":
    main()
