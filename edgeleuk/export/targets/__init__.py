"""One module an engine, each with a `TARGET`. They are imported when they are asked for, and engines later still."""

import importlib

from edgeleuk.errors import UsageError
from edgeleuk.export.target import Target
from edgeleuk.text import nearest

MODULES = {  # name on the command line: module
    "mediapipe": "mediapipe",
    "litertjs": "litertjs",
    "bioimageio": "bioimageio",
    "onnx": "onnx",
    "openvino": "openvino",
    "tflite-micro": "tflite_micro",
}


def target_of(name: str) -> Target:
    """The target of this name. Raises UsageError that suggests the nearest."""
    if name not in MODULES:
        meant = nearest(name, list(MODULES))
        mend = f"did you mean '{meant}'?" if meant else f"there are {', '.join(MODULES)}"
        raise UsageError(f"no engine '{name:.60}' to export for; {mend}")
    target: Target = importlib.import_module(f"{__name__}.{MODULES[name]}").TARGET
    return target
