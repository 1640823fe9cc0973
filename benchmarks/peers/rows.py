"""The rows of the table: which model each engine runs, where, and under which name it is chosen on the command line."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers.environment import PEERS, TFLITE_RUNTIME, Environment

BASELINE = "edgeleuk-ptq"


@dataclass(frozen=True)
class Row:
    """`model`: name of the file in `models.MODELS`. `environment`: None is the one that runs this.

    `expected_fault`: why it is known to compute something else than the float network, with its source.
    """

    name: str
    title: str
    backend: str
    precision: str
    model: str
    environment: Environment | None = None
    expected_fault: str | None = None


ROWS = (
    Row(BASELINE, "edgeleuk, post-training", "litert", "int8", "edgeleuk-int8-ptq.tflite"),
    Row("edgeleuk-qat", "edgeleuk, quantization-aware", "litert", "int8", "edgeleuk-int8-qat.tflite"),
    Row("edgeleuk-float", "edgeleuk, float", "litert", "float32", "edgeleuk-float32.tflite"),
    Row("litert-stock", "LiteRT, stock converter", "litert", "int8", "stock-int8.tflite"),
    Row(
        "tfmot-naive",
        "LiteRT, naive tfmot QAT",
        "litert",
        "int8, partly",
        "naive-qat-int8.tflite",
        expected_fault="quantize_model permutes inputs of concatenations (tensorflow/model-optimization #1061)",
    ),
    Row(
        "tflite-runtime",
        "edgeleuk's int8 in tflite-runtime",
        "tflite-runtime",
        "int8",
        "edgeleuk-int8-ptq.tflite",
        TFLITE_RUNTIME,
    ),
    Row("onnxruntime-float", "ONNX Runtime, float", "onnxruntime", "float32", "float32.onnx", PEERS),
    Row("onnxruntime-int8", "ONNX Runtime, static QDQ", "onnxruntime", "int8", "int8-qdq.onnx", PEERS),
    Row("openvino-float", "OpenVINO, float", "openvino", "float32", "float32.xml", PEERS),
    Row("openvino-int8", "OpenVINO, NNCF", "openvino", "int8", "int8-nncf.xml", PEERS),
)
NAMES = tuple(row.name for row in ROWS)


def chosen(only: Sequence[str], without: Sequence[str]) -> tuple[Row, ...]:
    """Rows in the table's order: those in `only`, or all, but for those in `without`. Raises ValueError for a name."""
    unknown = sorted({*only, *without} - set(NAMES))
    if unknown:
        raise ValueError(f"no such row: {', '.join(unknown)}; known are {', '.join(NAMES)}")
    found = tuple(row for row in ROWS if (not only or row.name in only) and row.name not in without)
    if not found:
        raise ValueError(f"no row is left; known are {', '.join(NAMES)}")
    return found
