"""A package for bioimage.io: its description is valid, and its golden tensors are what its weights give."""

import io
import json
import re
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.export.exporting import Request, export
from edgeleuk.export.targets import target_of
from edgeleuk.export.targets.bioimageio import identifiers, validated

if find_spec("tf2onnx") is None or find_spec("bioimageio") is None:
    pytest.skip("BIOIMAGE.IO IS NOT TESTED: pip install 'edgeleuk[bioimageio]'", allow_module_level=True)


def test_channels_have_identifiers_that_differ():
    assert identifiers(("all", "Pre-B", "3rd", "Pre B")) == ["all", "Pre_B", "class_3rd", "Pre_B_3"]


@pytest.mark.slow
def test_a_package_is_valid_and_its_golden_output_is_what_the_weights_give(small_model, tmp_path):
    import onnxruntime

    path = tmp_path / "package.zip"
    exported = export(small_model, target_of("bioimageio"), path, Request(count=20))
    assert exported.comparison.label_agreement == 1
    assert any("license" in note for note in exported.written.notes)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
        rdf = json.loads(archive.read("rdf.yaml"))
        given, golden = (np.load(io.BytesIO(archive.read(f"test_{end}.npy"))) for end in ("input", "output"))
        session = onnxruntime.InferenceSession(archive.read("weights.onnx"))
        readme = archive.read("README.md").decode()
    assert "license" in validated(tmp_path / "unpacked" / "rdf.yaml")
    (tmp_path / "unpacked" / "test_input.npy").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"bioimageio\.spec does not take the description"):
        validated(tmp_path / "unpacked" / "rdf.yaml")
    scaling = rdf["inputs"][0]["preprocessing"][1]["kwargs"]
    values = given.astype(np.float32) * np.float32(scaling["gain"]) + np.float32(scaling["offset"])
    scores = session.run(None, {session.get_inputs()[0].name: values})[0]
    assert np.abs(scores - golden).max() <= 1 / 256
    assert (given.dtype, given.shape) == (np.uint8, (1, 32, 32, 3))
    assert rdf["outputs"][0]["axes"][1]["channel_names"] == ["all", "hem"]
    assert "For research use, not a diagnosis." in readme
    assert re.search("^# Validation$", readme, re.M)
