"""One file for the device: a .tflite flatbuffer with a ZIP appended, the TFLite convention for associated files.

Interpreters read the flatbuffer and ignore what follows; `unzip -l` lists the rest:

    edgeleuk/spec.json   the ModelSpec
    labels.txt           class names in output order, one a line
    edgeleuk/proof.json  what the conversion proved
    edgeleuk/seen.txt    first 16 hex digits of the SHA-256 of each image it was trained or calibrated on

A cascade is the file of its large model, whose seen images are then those of both, with two more:

    edgeleuk/cascade.json  the CascadeRule: when the first model answers alone
    edgeleuk/first.tflite  the first model's own file, whole
"""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.errors import EdgeleukError, ModelError, SpecError
from edgeleuk.files import sha256_bytes, write_bytes
from edgeleuk.runtime.cascade_rule import CascadeRule
from edgeleuk.spec import ModelSpec

_IDENTIFIER = b"TFL3"
_END_OF_ZIP = b"PK\x05\x06"
_SPEC, _LABELS, _PROOF, _SEEN = "edgeleuk/spec.json", "labels.txt", "edgeleuk/proof.json", "edgeleuk/seen.txt"
_RULE, FIRST = "edgeleuk/cascade.json", "edgeleuk/first.tflite"


@dataclass(frozen=True)
class CascadePart:
    """What makes a model file a cascade: the rule, and the bytes of the first model's file."""

    rule: CascadeRule
    first: bytes


@dataclass(frozen=True)
class Bundle:
    """A model file's content. `spec` and `proof` are None in files that edgeleuk did not make.

    `appended_at` is where the flatbuffer ends and the appended files begin; `cascade` is None but in cascades.
    """

    content: bytes
    spec: ModelSpec | None = None
    proof: dict[str, Any] | None = None
    seen: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    appended_at: int | None = None
    cascade: CascadePart | None = None

    @property
    def flatbuffer(self) -> bytes:
        """The content without what is appended to it."""
        return self.content[: self.appended_at]

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file."""
        return sha256_bytes(self.content)

    def require_spec(self, path: Path) -> ModelSpec:
        """The spec. Raises SpecError where there is none, and says how to give it one; ModelError if it was cut off."""
        if self.spec is None:
            _check_whole(self.content, path)
            raise SpecError(
                f"{path} has no ModelSpec, so nothing says how an image becomes its input; make it with 'edgeleuk "
                "convert SOURCE -o MODEL.tflite' from a run, or from a Keras model with --spec SPEC.json"
            )
        return self.spec


def pack(
    model: bytes, spec: ModelSpec, proof: dict[str, Any], seen: frozenset[str], cascade: CascadePart | None = None
) -> bytes:
    """Append spec, labels, proof and seen images to the flatbuffer `model`; the same input gives the same bytes."""
    stream = io.BytesIO(model)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, text in (
            (_SPEC, spec.to_json()),
            (_LABELS, "".join(f"{label}\n" for label in spec.classes)),
            (_PROOF, json.dumps(proof, indent=2, ensure_ascii=False) + "\n"),
            (_SEEN, "".join(f"{digits}\n" for digits in sorted(seen))),
        ):
            _add(archive, name, text)
        if cascade is not None:
            _add(archive, _RULE, cascade.rule.to_json())
            _add(archive, FIRST, cascade.first, zipfile.ZIP_STORED)  # weights hardly shrink, and load sooner
    return stream.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: str | bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = method
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def is_cascade(content: bytes) -> bool:
    """Whether a whole model file is a cascade, by the list of appended files at its end, without reading them."""
    return _RULE.encode() in content[-4096:]


def write_bundle(path: Path, model: bytes, spec: ModelSpec, proof: dict[str, Any], seen: frozenset[str]) -> None:
    """Write `pack`'s bytes to path, whole or not at all. Raises OutputError."""
    write_bytes(path, pack(model, spec, proof, seen))


def read_bundle(path: Path) -> Bundle:
    """Read a .tflite file and what is appended to it. Raises ModelError where it is missing or not a TFLite model."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    return parse_bundle(content, path)


def parse_bundle(content: bytes, path: Path) -> Bundle:
    """The same of content that was read already; `path` names it in messages."""
    if content[4:8] != _IDENTIFIER:
        raise ModelError(f"{path} is not a TFLite model ({len(content):,} bytes, no TFL3 identifier)")
    if _END_OF_ZIP not in content[-65558:]:  # the longest a ZIP's end record with its comment can be
        if _SPEC.encode() in content:
            raise ModelError(f"{path} is damaged or cut off: the files appended to the model are not whole")
        return Bundle(content)
    try:
        return _unpack(content)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, RuntimeError, OSError) as error:
        raise ModelError(f"{path}: the files appended to the model are damaged ({error})") from error


def _unpack(content: bytes) -> Bundle:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        return Bundle(
            content,
            ModelSpec.from_json(archive.read(_SPEC)) if _SPEC in names else None,
            _json_object(archive.read(_PROOF)) if _PROOF in names else None,
            frozenset(archive.read(_SEEN).decode().split()) if _SEEN in names else frozenset(),
            tuple(names),
            min((entry.header_offset for entry in archive.infolist()), default=None),
            _cascade(archive, content),
        )


def _cascade(archive: zipfile.ZipFile, content: bytes) -> CascadePart | None:
    """What makes it a cascade. Raises ModelError or KeyError where a part is missing or damaged."""
    names = {_RULE, FIRST}.intersection(archive.namelist())
    if not names:
        # Behind the end of the first model's own ZIP, a cascade that was cut off would pass for that model's file.
        if _RULE.encode() in content:
            raise ModelError("it is damaged or cut off: a cascade whose list of appended files is not its own")
        return None
    return CascadePart(CascadeRule.from_json(archive.read(_RULE)), archive.read(FIRST))


def _json_object(text: bytes) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{_PROOF} is a {type(value).__name__}, not a JSON object")
    return value


def _check_whole(content: bytes, path: Path) -> None:
    """Raise ModelError where the flatbuffer was cut off, and with it all that followed."""
    from edgeleuk.runtime.graph import read_graph  # only after something went wrong: it slows the start

    try:
        read_graph(content, str(path))
    except ModelError:
        raise
    except EdgeleukError:
        pass  # tflite-runtime comes without a schema: no more can be said of the file
