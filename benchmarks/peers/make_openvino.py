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
    """Ranges by least and greatest value over all images, as the others have them; eight bits everywhere.

    NNCF's own way gives the first layer seven bits, for processors whose 8-bit products overflow. Those with VNNI, and
    ARM's, have none that do; on another one the answers would show it.
    """
    import nncf
    import openvino
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    images = np.load(folder / CALIBRATION_INPUTS)
    quantized = nncf.quantize(
        openvino.Core().read_model(folder / FLOAT),
        nncf.Dataset([image[np.newaxis] for image in images]),
        subset_size=len(images),
        target_device=nncf.TargetDevice.CPU,
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.DISABLE, activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
        ),
    )
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
