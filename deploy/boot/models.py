"""Two small int8 models for the boot test, one network under two specs: python -m deploy.boot.models FOLDER."""

import io
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

from benchmarks.models import TINY, model_path
from edgeleuk.runtime.bundle import read_bundle, write_bundle


def main(folder: Path) -> None:
    """Write model.tflite and other.tflite."""
    made = model_path(TINY, "int8")
    bundle = read_bundle(made)
    spec = bundle.require_spec(made)
    (folder / "model.tflite").write_bytes(bundle.content)
    other = replace(spec, preprocessing=replace(spec.preprocessing, crop_px=400))
    write_bundle(folder / "other.tflite", _flatbuffer(bundle.content), other, bundle.proof or {}, frozenset())


def _flatbuffer(content: bytes) -> bytes:
    """The network without the ZIP that is appended to it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return content[: min(entry.header_offset for entry in archive.infolist())]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
