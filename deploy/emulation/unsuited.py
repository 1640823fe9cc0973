"""A pytest plugin for emulation: skips the tests that cannot run there, each with its reason.

A pattern that meets no test any more is an error, so that the list cannot rot. Properties are tried on a tenth of the
usual examples, for Python is some twenty times slower there.
"""

import os
from fnmatch import fnmatch

import pytest
from hypothesis import settings

_TENSORFLOW = "needs TensorFlow, which devices do not get"
_LITERT = "is about LiteRT, and this is tflite-runtime"
_COMPILED_MODEL = "LiteRT 2.3's CompiledModel, which edgeleuk does not use, stops with SIGILL on cores before ARMv8.2"
_NO_SCHEMA = "needs the schema that comes with LiteRT; tflite-runtime has none"
_UNVERIFIED = "tflite-runtime verifies no model: it dies of a cut one, which edgeleuk refuses before for its lost spec"

UNSUITED: dict[str, dict[str, str]] = {  # backend, or "" for both: pattern of test ids: reason
    "": {
        "tests/runtime/test_bundle.py::*tensorflow*": _TENSORFLOW,
        "tests/runtime/test_image_limits.py::test_lack_of_memory*": "a limit of the address space is QEMU's, too",
    },
    "litert": {
        "tests/device/test_trial.py::test_a_signal_without_a_name_has_a_number": "QEMU renumbers real-time signals",
        "tests/device/test_delegate.py::test_it_agrees_with_what_litert_says_of_the_whole*": _COMPILED_MODEL,
    },
    "tflite-runtime": {
        "tests/runtime/test_backend.py::test_litert_is_taken_where_it_is_installed": _LITERT,
        "tests/runtime/test_backend.py::test_a_damaged_model_is_a_model_error": _UNVERIFIED,
        "tests/runtime/test_bundle.py::*litert*": _LITERT,
        "tests/runtime/test_bundle.py::test_a_model_cut_in_half_is_called_damaged": _NO_SCHEMA,
        "tests/runtime/test_classifier.py::test_a_model_cut_in_half_is_refused": _NO_SCHEMA,
        "tests/runtime/test_graph.py::*": _NO_SCHEMA,
        "tests/runtime/test_tflite_metadata.py::*": _NO_SCHEMA,
    },
}


def pytest_configure() -> None:
    """After conftest.py has set its own profile, before the tests are read."""
    settings.register_profile("emulated", settings.get_profile("edgeleuk"), max_examples=10)
    settings.load_profile("emulated")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests; `EDGELEUK_EMULATED_BACKEND` names the backend."""
    reasons = UNSUITED[""] | UNSUITED[os.environ["EDGELEUK_EMULATED_BACKEND"]]
    files = {item.nodeid.partition("::")[0] for item in items}
    for pattern, reason in reasons.items():
        matches = [item for item in items if fnmatch(item.nodeid, pattern)]
        if not matches and any(fnmatch(file, pattern.partition("::")[0]) for file in files):
            raise pytest.UsageError(f"no test is called {pattern}; mend deploy/emulation/unsuited.py")
        for item in matches:
            item.add_marker(pytest.mark.skip(reason=f"under emulation: {reason}"))
