"""What a file is that was given as a model, by its content and never by its name, in words that say how to go on."""

import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgeleuk.errors import ModelError
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.runtime.foreign import foreign
from edgeleuk.text import printable

HDF5, ZIP, JSON, TFLITE, OTHER = "HDF5", "ZIP", "JSON", "TFLite", "other"
_HEAD = 1024
_BOM = b"\xef\xbb\xbf"  # that editors of Windows put before UTF-8
_MAGIC = {HDF5: b"\x89HDF\r\n\x1a\n", ZIP: b"PK\x03\x04"}
_DOOR = "convert it to a float .tflite and give that"
_SSTABLE_END = bytes.fromhex("57fb808b247547db")  # the index of a TensorFlow checkpoint ends so
_CUT_HDF5 = re.compile(r"truncated file: eof = (\d+).*stored_eof = (\d+)")


def kind_of(path: Path) -> str:
    """HDF5, ZIP, JSON, TFLITE or OTHER. Raises ModelError if it cannot be read."""
    head = _head(path)
    if head[4:8] == b"TFL3":
        return TFLITE
    if head.removeprefix(_BOM).lstrip()[:1] in (b"{", b'"') and not head.startswith(b"\x80"):
        return JSON
    return next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), OTHER)


@contextmanager
def named_as_it_is(path: Path) -> Iterator[Path]:
    """The file under a name that ends as its content is, for Keras, which goes by the name."""
    suffix = {HDF5: ".h5", ZIP: ".keras"}.get(kind_of(path), path.suffix)
    if path.suffix == suffix:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="edgeleuk-") as folder:
        link = Path(folder) / f"model{suffix}"
        link.symlink_to(path.resolve())
        yield link


def refuse_unknown(path: Path) -> None:
    """Raise ModelError that says what a file is that is no model of Keras, and how to go on."""
    raise ModelError(
        f"{path} cannot be read as a Keras 2 (tf_keras) model: it {_what(path)}; expected HDF5 (.h5), a ZIP (.keras), "
        "a SavedModel folder, or an architecture in JSON"
    )


def refuse_weights(path: Path) -> None:
    """Raise ModelError that says what a file is that holds no weights in HDF5."""
    raise ModelError(f"{path} cannot be read as weights of Keras: it {_what(path)}; expected HDF5 (.h5)")


def refuse_zip(path: Path, names: Sequence[str]) -> None:
    """Raise ModelError that says what a ZIP without a Keras configuration is, from the names in it."""
    if any(Path(name).name == "data.pkl" for name in names):
        raise ModelError(f"{path} is a PyTorch file (.pt, .pth), which is not read; {_torch()}")
    if names and all(name.endswith(".npy") for name in names):
        raise ModelError(f"{path} holds NumPy arrays (.npz) and no network; save the whole model with model.save(...)")
    inside = [name for name in names if name.endswith((".h5", ".hdf5", ".keras", ".tflite", "saved_model.pb"))]
    if inside:
        raise ModelError(f"{path} is a ZIP without config.json that holds {printable(inside[0])}; unpack it first")
    listed = f": {', '.join(printable(name) for name in names[:3])}" if names else ", and is empty"
    raise ModelError(f"{path} is a ZIP without config.json, so it is not a Keras model{listed}")


def cut_off(path: Path, error: BaseException) -> ModelError:
    """The error for an HDF5 or ZIP file that its library cannot open."""
    found = _CUT_HDF5.search(str(error))
    if found:
        have, want = (f"{int(number):,}" for number in found.groups())
        return ModelError(f"{path} is damaged or cut off: it has {have} of {want} bytes; copy or download it again")
    if isinstance(error, zipfile.BadZipFile) and "not a zip file" in str(error):
        return ModelError(f"{path} is damaged or cut off: a ZIP without its end; copy or download it again")
    return ModelError(f"{path} is damaged or cut off: {first_sentence(error)}")


def _what(path: Path) -> str:
    head = _head(path)
    return foreign(head) or _of_other_libraries(path, head) or f"begins with {head[:8]!r}"


def _of_other_libraries(path: Path, head: bytes) -> str:
    """A phrase for files of models that Keras does not write; "" if it is not known."""
    if path.name in ("saved_model.pb", "keras_metadata.pb", "fingerprint.pb"):
        return f"is a part of a SavedModel; give its folder, {path.absolute().parent}"
    if head[4:8] == b"TFL3":
        return "is a .tflite file; name it so, and it is taken as one"
    if re.match(rb"\x80[\x02-\x05]", head):
        return (
            f"is a Python pickle (an older .pt or .pth of PyTorch, or of scikit-learn), which can hold code; {_torch()}"
        )
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**31:
        return "is a safetensors file, weights without the network that they belong to"
    if path.suffix.lower() == ".onnx" or (head[:1] == b"\x08" and re.search(rb"pytorch|onnx|tf2onnx", head, re.I)):
        return f"is an ONNX model; {_DOOR}: onnx2tf makes one"
    if head.startswith(b"GGUF"):
        return "is a GGUF file, a language model"
    if head.startswith(b"model_checkpoint_path"):
        return f"names a checkpoint of TensorFlow; {_checkpoint()}"
    if ".data-0" in path.name or _tail(path) == _SSTABLE_END:
        return f"is a checkpoint of TensorFlow, values without a network; {_checkpoint()}"
    return ""


def _torch() -> str:
    return f"{_DOOR}: litert-torch makes one of a PyTorch network"


def _checkpoint() -> str:
    return "load it into its network and save the whole with model.save(...)"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error


def _tail(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 8))
        return stream.read(8)
