"""What tests share: a small real network as .tflite, images, planted file systems, edgeleuk in its own process.

Under pytest-xdist networks are trained and converted once for all workers: see `Shared`.
"""

import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from edgeleuk.files import sha256_bytes, write_bytes
from edgeleuk.runtime.bundle import CascadePart, pack
from edgeleuk.runtime.cascade_rule import CascadeRule
from edgeleuk.spec import ModelSpec, Preprocessing
from tests.shared import Shared

Plant = Callable[[dict[str, str]], Path]
ROOT = Path(__file__).resolve().parents[1]
NOBODY = 65534

# Times vary with what else the machine does; a fixture that many examples share is not a mistake here.
# CI draws the same examples each time: a change is judged by what it changed. Elsewhere new ones are looked for.
settings.register_profile(
    "edgeleuk",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize="EDGELEUK_SAME_EXAMPLES" in os.environ,
)
settings.load_profile("edgeleuk")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each worker has a core of its own: more threads would only wait for one another. Read when TensorFlow starts.
    for _threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(_threads, "1")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell has it for what it starts in the background; the processes that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest first, so that no worker is left alone with one of them at the end.

    A long test takes about as long as twenty slow ones.
    """
    weight = Counter(item.path for item in items if item.get_closest_marker("slow"))
    for item in items:
        if item.get_closest_marker("long"):
            weight[item.path] += 20
    items.sort(key=lambda item: -weight[item.path])


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What the workers share; of a single process the only one uses it."""
    base = tmp_path_factory.getbasetemp()
    return Shared((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared")


@pytest.fixture(scope="session")
def small_spec() -> ModelSpec:
    """Two classes, the centre 64 px of an image resized to 32 px."""
    return ModelSpec(("all", "hem"), Preprocessing(input_size_px=32, crop_px=64), positive_class="all")


@pytest.fixture(scope="session")
def float_flatbuffer(shared: Shared) -> bytes:
    """A convolutional network of random weights for 32 px, as a float32 .tflite without anything appended."""
    return _kept(shared, "float32.flatbuffer", _make_float)


def _make_float() -> bytes:
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.quantization.freeze import convert_float

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    network = tf_keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            # A layer without biases is one that tflite-runtime's int8 kernels on ARM processors do not survive.
            layers.Dense(2, activation="softmax", bias_initializer="random_normal"),
        ]
    )
    return convert_float(network)


@pytest.fixture(scope="session")
def int8_flatbuffer(shared: Shared, float_flatbuffer: bytes) -> bytes:
    """The same network as int8."""
    return _kept(shared, "int8.flatbuffer", lambda: _make_int8(float_flatbuffer))


def _make_int8(float_flatbuffer: bytes) -> bytes:
    from edgeleuk.quantization.post_training import quantize_int8

    random = np.random.default_rng(0)
    images = [random.uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")  # by the calibrator
        return quantize_int8(float_flatbuffer, images, (-1.0, 1.0))


@pytest.fixture(scope="session")
def small_model(
    shared: Shared, int8_flatbuffer: bytes, small_spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The int8 network as the file that goes to a device."""
    content = _kept(shared, "int8.tflite", lambda: _pack(int8_flatbuffer, "int8", small_spec))
    return _written(tmp_path_factory, "int8.tflite", content)


@pytest.fixture(scope="session")
def small_map_model(
    shared: Shared, int8_flatbuffer: bytes, small_spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The int8 network, which also gives out its last feature map, [1, 7, 7, 16]."""
    spec = dataclasses.replace(small_spec, extra_outputs=("map",))
    content = _kept(shared, "map.tflite", lambda: _make_map(int8_flatbuffer, spec))
    return _written(tmp_path_factory, "map.tflite", content)


def _make_map(flatbuffer: bytes, spec: ModelSpec) -> bytes:
    from edgeleuk.quantization.outputs import expose_outputs

    return _pack(expose_outputs(flatbuffer, spec.extra_outputs), "int8", spec)


@pytest.fixture(scope="session")
def small_float_model(
    shared: Shared, float_flatbuffer: bytes, small_spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The float32 network as the file that goes to a device."""
    content = _kept(shared, "float32.tflite", lambda: _pack(float_flatbuffer, "float32", small_spec))
    return _written(tmp_path_factory, "float32.tflite", content)


@pytest.fixture(scope="session")
def write_cascade(float_flatbuffer: bytes, small_model: Path, small_spec: ModelSpec) -> Callable[..., Path]:
    """Write a cascade of the int8 and the float32 network to a path, with any threshold, rule or large spec."""

    def write(path: Path, threshold: float = 0.5, spec: ModelSpec = small_spec, **rule: Any) -> Path:
        first = small_model.read_bytes()
        facts: dict[str, Any] = {
            "threshold": threshold,
            "temperature": 1.0,
            "max_drop_points": 0.3,
            "first_sha256": sha256_bytes(first),
        }
        facts |= {"large_sha256": "ab" * 32, "index_sha256": "cd" * 32, "fold": 0, "images": 40, "answered_first": 30}
        facts |= {"right_first": 35, "right_large": 39, "right_cascade": 39}
        part = CascadePart(CascadeRule(**facts | rule), first)
        path.write_bytes(pack(float_flatbuffer, spec, {}, frozenset({"0123456789abcdef", "fedcba9876543210"}), part))
        return path

    return write


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images that EDGELEUK_TEST_DATA names."""
    path = Path(os.environ.get("EDGELEUK_TEST_DATA", "none"))
    if not path.is_dir():
        pytest.skip("no real images: EDGELEUK_TEST_DATA names no folder")
    return path


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Path]:
    """A folder of the user that the test runs as, who may do no more than others; root becomes nobody until it ends."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory() as folder:  # below tmp_path nobody but its owner may look
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


WriteImage = Callable[..., Path]


@pytest.fixture
def write_image(tmp_path: Path) -> WriteImage:
    """Write a noise image of a mode to tmp_path; the suffix of the name decides on the format."""

    def write(name: str, mode: str = "RGB", size: tuple[int, int] = (64, 64)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(len(name)).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        if mode == "I;16":
            image = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
        else:
            image = Image.fromarray(noise).convert(mode)
        image.save(path)
        return path

    return write


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write files by path below a folder of their own, which stands for the root of a file system."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return write


@pytest.fixture
def tool(tmp_path: Path) -> Callable[[str], str]:
    """Write an executable shell script; returns its path."""

    def write(body: str) -> str:
        path = tmp_path / "tool"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture(scope="session")
def run_edgeleuk() -> Run:
    """Run `edgeleuk ARGUMENTS` in a process of its own; `blocked` top-level modules cannot be imported there."""

    def run(
        *arguments: object, blocked: tuple[str, ...] = (), patience_s: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        program = f"{BLOCKER}\nblock({blocked!r})\nfrom edgeleuk.cli import main\nmain()"
        command = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=patience_s, env=environment(), check=False
        )

    return run


BLOCKER = """
import sys

class Blocker:
    def __init__(self, names):
        self.names = frozenset(names)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)

def block(names):
    sys.meta_path.insert(0, Blocker(names))
"""


@pytest.fixture(scope="session")
def run_python() -> Run:
    """Run a program in a process of its own, in which `block(names)` forbids to import modules."""

    def run(program: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", f"{BLOCKER}\n{program}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), check=False)

    return run


def environment() -> dict[str, str]:
    """The environment with this repository first on the import path."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def _written(factory: pytest.TempPathFactory, name: str, content: bytes) -> Path:
    path = factory.mktemp("model") / name
    path.write_bytes(content)
    return path


def _pack(model: bytes, precision: str, spec: ModelSpec) -> bytes:
    from edgeleuk.quantization.proof import examine

    return pack(model, spec, examine(model, precision, spec.preprocessing).to_dict(), frozenset({"0123456789abcdef"}))


def _kept(shared: Shared, name: str, make: Callable[[], bytes]) -> bytes:
    """What `make` returns, made once; kept in the folder EDGELEUK_TEST_MODELS beyond this run, where that is set.

    A run with TensorFlow so prepares the models for machines without.
    """
    keeper = Shared(Path(os.environ["EDGELEUK_TEST_MODELS"])) if "EDGELEUK_TEST_MODELS" in os.environ else shared
    with keeper.making(name) as needed:
        if needed and not (keeper.folder / name).exists():
            write_bytes(keeper.folder / name, make())
    return (keeper.folder / name).read_bytes()


@pytest.fixture(scope="session")
def cells_index(shared: Shared) -> Path:
    """An index of 72 synthetic cells of 12 subjects in three folds."""
    from edgeleuk.data.scan import scan
    from edgeleuk.data.split import make_folds
    from edgeleuk.data.synthetic.synth import write_cells

    path = shared.folder / "cells" / "index.json"
    with shared.making("cells") as needed:
        if needed:
            write_cells(path.parent / "cells", subjects=12, images_per_subject=6)
            make_folds(scan(path.parent / "cells")).save(path)
    return path


@pytest.fixture(scope="session")
def gated_model(
    shared: Shared, int8_flatbuffer: bytes, cells_index: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The int8 network with an input gate, as if it had been trained on the synthetic cells but for fold 0."""
    content = _kept(shared, "gated.tflite", lambda: _make_gated(int8_flatbuffer, cells_index))
    return _written(tmp_path_factory, "gated.tflite", content)


def _make_gated(int8_flatbuffer: bytes, cells_index: Path) -> bytes:
    import dataclasses

    from edgeleuk.data.index import Index
    from edgeleuk.data.sampling import ImageSet
    from edgeleuk.quantization.input_gate import GateImages, fit_gate
    from edgeleuk.quantization.judging import open_flatbuffer
    from edgeleuk.quantization.outputs import expose_outputs
    from edgeleuk.runtime.bundle import with_references

    index, model = Index.load(cells_index), expose_outputs(int8_flatbuffer, ("features",))
    spec = ModelSpec(("all", "hem"), Preprocessing(32, 300), "all", extra_outputs=("features",))
    images = GateImages(ImageSet(index, index.training(0)), ImageSet(index, index.validation(0)), index.sha256)
    fitted = fit_gate(open_flatbuffer(model, spec), images, sha256_bytes(model))
    packed = pack(model, dataclasses.replace(spec, gate=fitted.spec), {}, frozenset())
    return with_references(packed, fitted.references)


@pytest.fixture(scope="session")
def tiny_settings() -> dict[str, Any]:
    """TrainConfig fields of the smallest InceptionV3 there is; so small a one learns too little from hard images."""
    network = {"weights": "none", "input_size": 75, "crop": 300, "width": 0.125}
    return network | {"epochs": 2, "batch_size": 8, "robust": "off"}


@pytest.fixture(scope="session")
def float_run(shared: Shared, cells_index: Path, tiny_settings: dict[str, Any]) -> Path:
    """A float run of a tiny InceptionV3 on the synthetic cells."""
    from edgeleuk.data.index import Index
    from edgeleuk.training.config import TrainConfig
    from edgeleuk.training.train import train

    out = shared.folder / "runs" / "float"
    with shared.making("float") as needed:
        if needed:
            out.parent.mkdir()
            train(Index.load(cells_index), TrainConfig(**tiny_settings), out, report=lambda text: None)
    return out


@pytest.fixture(scope="session")
def camera_run(shared: Shared, cells_index: Path, tiny_settings: dict[str, Any]) -> Path:
    """An untrained float run with what `train` does by default to images: camera, and colours made constant."""
    from edgeleuk.data.index import Index
    from edgeleuk.training.config import TrainConfig
    from edgeleuk.training.train import train

    settings = TrainConfig(**tiny_settings | {"epochs": 0, "robust": TrainConfig().robust})
    out = shared.folder / "camera" / "float"
    with shared.making("camera") as needed:
        if needed:
            out.parent.mkdir()
            train(Index.load(cells_index), settings, out, report=lambda text: None)
    return out


@pytest.fixture(scope="session")
def stock_run(shared: Shared, cells_index: Path, tiny_settings: dict[str, Any]) -> Path:
    """An untrained float run with average pools, which its run.json does not name: as old runs are."""
    from edgeleuk.data.index import Index
    from edgeleuk.training.config import TrainConfig
    from edgeleuk.training.train import train

    settings = TrainConfig(**tiny_settings | {"epochs": 0, "pools": "average"})
    out = shared.folder / "stock" / "float"
    with shared.making("stock") as needed:
        if needed:
            out.parent.mkdir()
            train(Index.load(cells_index), settings, out, report=lambda text: None)
            manifest = out / "run.json"
            described = json.loads(manifest.read_text())
            del described["network"]["pools"]
            manifest.write_text(json.dumps(described))
    return out


@pytest.fixture(scope="session")
def qat_run(shared: Shared, float_run: Path) -> Path:
    """A QAT run that started from `float_run`."""
    from edgeleuk.quantization.qat import qat
    from edgeleuk.training.config import QatConfig
    from edgeleuk.training.run import load_run_folder

    out = float_run.parent / "qat"
    with shared.making("qat") as needed:
        if needed:
            config = QatConfig(epochs=1, batch_size=8, samples=32)
            qat(load_run_folder(float_run), config, out, report=lambda text: None)
    return out


@pytest.fixture(scope="session")
def converted(shared: Shared, float_run: Path, qat_run: Path) -> dict[str, Any]:
    """Conversions of both runs by name: float32, ptq, qat; each also written as NAME.tflite beside the runs."""
    kept = shared.folder / "converted.pickle"
    with shared.making("converted") as needed:
        if needed:
            kept.write_bytes(pickle.dumps(_convert(float_run, qat_run)))
    made: dict[str, Any] = pickle.loads(kept.read_bytes())
    return made


def _convert(float_run: Path, qat_run: Path) -> dict[str, Any]:
    from edgeleuk.quantization.convert import Request, convert, write_conversion
    from edgeleuk.quantization.mixed import Keep
    from edgeleuk.quantization.source import load_source

    any_agreement = Keep(min_agreement=0.0, most=0)  # of networks of two epochs
    float_source, qat_source = load_source(float_run), load_source(qat_run)
    made = {
        "float32": convert(float_source, Request("float32", keep=any_agreement)),
        "ptq": convert(float_source, Request("int8", samples=32, keep=any_agreement)),
        "qat": convert(qat_source, Request("int8", keep=any_agreement)),
    }
    for name, conversion in made.items():
        write_conversion(conversion, float_run.parent / f"{name}.tflite")
    return made
