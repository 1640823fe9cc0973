"""The OpenVINO files: float from the ONNX file, int8 by NNCF's post-training quantization."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.make_network import CALIBRATION_INPUTS, arguments

FLOAT, INT8 = "float32.xml", "int8-nncf.xml"


def main() -> None:
    """Make the file that the command line names; its weights lie beside it, with the suffix .bin."""
    given = arguments(__doc__)
    {FLOAT: _float, INT8: _int8}[given.what](given.folder)


def _float(folder: Path) -> None:
    import openvino

    _save(openvino.Core().read_model(folder / "float32.onnx"), folder / FLOAT)


def _int8(folder: Path) -> None:
    import nncf
    import openvino

    images = np.load(folder / CALIBRATION_INPUTS)
    calibration = nncf.Dataset([image[np.newaxis] for image in images])
    model = openvino.Core().read_model(folder / FLOAT)
    quantized = nncf.quantize(model, calibration, subset_size=len(images), target_device=nncf.TargetDevice.CPU)
    _save(quantized, folder / INT8)


def _save(model: Any, path: Path) -> None:
    """In full: OpenVINO saves float weights as float16 unless told. The .xml comes last: it says that all is there."""
    import openvino

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        partial = Path(scratch) / path.name
        openvino.save_model(model, partial, compress_to_fp16=False)
        partial.with_suffix(".bin").replace(path.with_suffix(".bin"))
        partial.replace(path)


if __name__ == "__main__":
    main()
