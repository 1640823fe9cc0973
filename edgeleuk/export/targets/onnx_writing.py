"""The child's side of writing ONNX: tf2onnx, then what it should have done."""

from pathlib import Path
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.export.onnx_codes import as_uint8
from edgeleuk.export.targets.onnx import OPSET, metadata
from edgeleuk.processes.child import answer
from edgeleuk.spec import ModelSpec


def main() -> None:
    """Answer a job of `onnx.convert`."""
    answer(_convert)


def _convert(job: dict[str, Any]) -> dict[str, Any]:
    import onnx
    from tf2onnx import convert

    try:
        model, _ = convert._convert_common(None, name="edgeleuk", tflite_path=job["model"], opset=OPSET)
    except Exception as error:  # it raises whatever its parts raise
        raise ModelError(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}") from error
    changed = as_uint8(model)
    for key, value in metadata(ModelSpec.from_json(job["spec"])).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    model.doc_string = "For research use, not a diagnosis."
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(Path(job["place"])))
    return {"opset": OPSET, "as_uint8": changed, "bytes": Path(job["place"]).stat().st_size}
