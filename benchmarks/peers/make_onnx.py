"""The ONNX files: float by tf2onnx from the stock float .tflite, int8 by ONNX Runtime's own static quantization."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.make_network import CALIBRATION_INPUTS, arguments
from edgeleuk.files import whole_file

FLOAT, INT8 = "float32.onnx", "int8-qdq.onnx"
_OPERATOR_SET = 17


def main() -> None:
    """Make the file that the command line names."""
    given = arguments(__doc__)
    {FLOAT: _float, INT8: _int8}[given.what](given.folder)


def _float(folder: Path) -> None:
    """Runs where TensorFlow is: tf2onnx imports it for a .tflite, too."""
    from tf2onnx import convert

    with whole_file(folder / FLOAT) as partial:
        convert.from_tflite(str(folder / "stock-float32.tflite"), opset=_OPERATOR_SET, output_path=str(partial))


def _int8(folder: Path) -> None:
    """Quantize operators and their inputs (QDQ), one scale an output channel, ranges by least and greatest value."""
    import numpy as np
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self, name: str) -> None:
            self._images = self._each(name)

        def _each(self, name: str) -> Iterator[dict[str, Any]]:
            for image in np.load(folder / CALIBRATION_INPUTS, mmap_mode="r"):
                yield {name: np.array(image[np.newaxis])}

        def get_next(self) -> dict[str, Any] | None:
            return next(self._images, None)

    with tempfile.TemporaryDirectory() as scratch, whole_file(folder / INT8) as partial:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(str(folder / FLOAT), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(partial),
            Reader(_input_name(prepared)),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )


def _input_name(path: Path) -> str:
    import onnx

    return str(onnx.load(path, load_external_data=False).graph.input[0].name)


if __name__ == "__main__":
    main()
