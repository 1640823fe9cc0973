"""The model files: what makes each, of what, and where they are kept.

Each is made once, by a process of its own, in a folder below the system's temporary one whose name holds a digest of
the code that makes them.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import edgeleuk
from benchmarks.models import Shape
from benchmarks.peers.environment import CONVERTER, PEERS, Environment, UnavailableError, make_environment
from benchmarks.peers.make_network import WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
_FLOAT = "stock-float32.tflite"


@dataclass(frozen=True)
class Model:
    """`maker`: the module that makes it, in `environment`; `needs`: files it is made of; `parts`: all that it is."""

    maker: str
    needs: tuple[str, ...] = (WEIGHTS,)
    environment: Environment | None = None
    parts: tuple[str, ...] = ()


MODELS = {
    WEIGHTS: Model("make_network", ()),
    "edgeleuk-float32.tflite": Model("make_tflite"),
    "edgeleuk-int8-ptq.tflite": Model("make_tflite"),
    "edgeleuk-int8-qat.tflite": Model("make_tflite"),
    _FLOAT: Model("make_tflite"),
    "stock-int8.tflite": Model("make_tflite"),
    "naive-qat-int8.tflite": Model("make_tflite"),
    "float32.onnx": Model("make_onnx", (_FLOAT,), CONVERTER),
    "int8-qdq.onnx": Model("make_onnx", ("float32.onnx",), PEERS),
    "float32.xml": Model("make_openvino", ("float32.onnx",), PEERS, ("float32.xml", "float32.bin")),
    "int8-nncf.xml": Model("make_openvino", ("float32.xml",), PEERS, ("int8-nncf.xml", "int8-nncf.bin")),
}
Run = Callable[[Sequence[str], dict[str, str]], None]


class Workshop:
    """Makes the files of one shape when they are asked for, in `folder`."""

    def __init__(
        self,
        shape: Shape,
        folder: Path | None = None,
        run: Run | None = None,
        environments: Callable[[Environment], Path] = make_environment,
    ) -> None:
        """Without `folder`, the one that is kept for this code."""
        self.shape, self.folder = shape, (folder or default_cache()) / shape.name
        self._run, self._environments = run or _run, environments
        self._failures: dict[str, str] = {}

    def made(self, name: str) -> Path:
        """The file, made if it was not. Raises UnavailableError, the same one again where it has failed before."""
        if name in self._failures:
            raise UnavailableError(self._failures[name])
        try:
            return self._made(name)
        except UnavailableError as error:
            self._failures[name] = str(error)
            raise

    def _made(self, name: str) -> Path:
        model, path = MODELS[name], self.folder / name
        for need in model.needs:
            self.made(need)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            print(f"making {name}, {self.shape.name}", file=sys.stderr, flush=True)
            python, variables = self._python(model.environment)
            module = f"benchmarks.peers.{model.maker}"
            self._run([python, "-m", module, name, self.shape.name, str(self.folder)], variables)
        return path

    def _python(self, environment: Environment | None) -> tuple[str, dict[str, str]]:
        """And the environment's variables: with CI set, OpenVINO's and NNCF's tools send nothing home."""
        if environment is None:
            return sys.executable, {}
        found = str(self._environments(environment))
        return (sys.executable, {"PYTHONPATH": found}) if environment.folder_only else (found, {"CI": "true"})


def parts(path: Path) -> list[Path]:
    """All files that a model consists of."""
    return [path.with_name(name) for name in MODELS[path.name].parts or (path.name,)]


def default_cache() -> Path:
    """Folder of the files that this code makes."""
    package, here = Path(edgeleuk.__file__).parent, Path(__file__).parent
    sources = [
        package / "keras/network.py",
        *sorted((package / "optimize").glob("*.py")),
        *sorted((package / "quantization").glob("*.py")),
        here.parent / "models.py",
        *sorted(here.glob("make_*.py")),
        *sorted(here.glob("requirements-*.txt")),
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return Path(tempfile.gettempdir()) / f"edgeleuk-peers-models-{digest[:12]}"


def _run(command: Sequence[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise UnavailableError(f"{command[3]} could not be made: {last}")
