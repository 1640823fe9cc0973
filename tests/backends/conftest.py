"""The second environment, and models that suit or break an interpreter."""

import importlib.util
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tflite_python() -> Path:
    """Python of the environment with tflite-runtime; EDGELEUK_TFLITE_ENVIRONMENT names another folder for it."""
    maker = _maker()
    folder = Path(os.environ.get("EDGELEUK_TFLITE_ENVIRONMENT", maker.DEFAULT)).absolute()
    try:
        python: Path = maker.make_environment(folder)
    except maker.UnavailableError as error:
        pytest.skip(f"TFLITE-RUNTIME IS NOT TESTED: {error}")
    return python


@pytest.fixture(scope="session")
def run_tflite(tflite_python: Path) -> Run:
    """Run Python with arguments in that environment; `mixed_in` puts one of its folders first on the import path."""

    def run(*arguments: object, mixed_in: str | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more
        if mixed_in is not None:
            environment["PYTHONPATH"] = str(tflite_python.parents[1] / mixed_in)
        command = [str(tflite_python), *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=600, check=False
        )

    return run


@pytest.fixture(scope="session")
def newer_model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model, but its convolutions are of a version that no interpreter knows yet; the spec is still there."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    from edgeleuk.runtime.bundle import read_bundle, write_bundle

    bundle = read_bundle(small_model)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bundle.content, 0))
    [convolution] = [code for code in model.operatorCodes if code.builtinCode == schema.BuiltinOperator.CONV_2D]
    convolution.version = 99
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path_factory.mktemp("newer") / "newer.tflite"
    write_bundle(path, bytes(builder.Output()), bundle.require_spec(small_model), {}, frozenset())
    return path


@pytest.fixture(scope="session")
def damaged_model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model with its appended files whole and the offset of its first table gone astray."""
    content = bytearray(small_model.read_bytes())
    content[:4] = (2**31 - 1).to_bytes(4, "little")
    path = tmp_path_factory.mktemp("damaged") / "damaged.tflite"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="session")
def noise_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of noise, from coarse to fine."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    for number in range(40):
        size = 1 + 2 * number
        noise = Image.fromarray(random.integers(0, 256, (size, size, 3), dtype=np.uint8))
        noise.resize((64, 64), Image.Resampling.BILINEAR).save(folder / f"{number:02}.bmp")
    return folder


def _maker() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        "make_environment", Path(__file__).parent / "make_environment.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
