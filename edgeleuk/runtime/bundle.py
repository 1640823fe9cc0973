"""One file for the device: a .tflite flatbuffer with a ZIP appended, the TFLite convention for associated files.

Interpreters read the flatbuffer and ignore what follows; `unzip -l` lists the rest:

    edgeleuk/spec.json   the ModelSpec
    labels.txt           class names in output order, one a line
    edgeleuk/proof.json  what the conversion proved
    edgeleuk/seen.txt    first 16 hex digits of the SHA-256 of each image it was trained or calibrated on
    edgeleuk/seen_pixels.txt  the same of these images' decoded pixels, where they are known
    edgeleuk/calibrated.txt  the same of each image that temperature, threshold and sets were chosen on; only with them
    edgeleuk/features.npz  training images as points, which the input gate measures distances to; only with one
    edgeleuk/flatbuffer.sha256  of all that lies before these files

A cascade is the file of its large model, whose seen images are then those of both, with two more:

    edgeleuk/cascade.json  the CascadeRule: when the first model answers alone
    edgeleuk/first.tflite  the first model's own file, whole
"""

import io
import re
import stat
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgeleuk.codec import parse_json
from edgeleuk.errors import EdgeleukError, ModelError, SpecError, reading_what_was_named
from edgeleuk.files import new_sha256, sha256_bytes, to_json, write_bytes
from edgeleuk.runtime.foreign import foreign, keras_format
from edgeleuk.runtime.plain_archive import NotPlainError, PlainArchive
from edgeleuk.spec import ModelSpec
from edgeleuk.value import value

if TYPE_CHECKING:
    import zipfile

    from edgeleuk.runtime.appended import Parts
    from edgeleuk.runtime.cascade_rule import CascadeRule

_IDENTIFIER = b"TFL3"
_HEAD = 1024
_END_OF_ZIP = b"PK\x05\x06"
_SPEC, _LABELS, _PROOF, _SEEN = "edgeleuk/spec.json", "labels.txt", "edgeleuk/proof.json", "edgeleuk/seen.txt"
_CALIBRATED, _REFERENCES = "edgeleuk/calibrated.txt", "edgeleuk/features.npz"
_CHECKSUM, _SEEN_PIXELS = "edgeleuk/flatbuffer.sha256", "edgeleuk/seen_pixels.txt"
_RULE, FIRST = "edgeleuk/cascade.json", "edgeleuk/first.tflite"
MAX_FILE_BYTES = 512 << 20
_MAX_BYTES = {_SPEC: 1 << 20, _LABELS: 1 << 20, _PROOF: 1 << 20, _RULE: 1 << 16, _SEEN: 1 << 24, _CHECKSUM: 1 << 8}
_MAX_BYTES[_CALIBRATED] = _MAX_BYTES[_SEEN_PIXELS] = _MAX_BYTES[_SEEN]
_MAX_BYTES[_REFERENCES] = 1 << 24
_SEEN_LINES = re.compile(r"(=?[0-9a-f]{16}\n)*")
_OF_PIXELS = "="


class CascadePart(NamedTuple):
    """What makes a model file a cascade: the rule, and the bytes of the first model's file."""

    rule: "CascadeRule"
    first: bytes


@value
class Bundle:
    """A model file's content. `spec` and `proof` are None in files that edgeleuk did not make.

    `appended_at` is where the flatbuffer ends and the appended files begin; `cascade` is None but in cascades.
    `seen` and `calibrated` hold the first 16 hex digits of the SHA-256 of each image, `seen` behind "=" of its pixels.
    `references` is what `edgeleuk.runtime.gate.read_references` reads, if there is an input gate.
    """

    content: bytes
    spec: ModelSpec | None = None
    proof: dict[str, Any] | None = None
    seen: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    appended_at: int | None = None
    cascade: CascadePart | None = None
    calibrated: frozenset[str] = frozenset()
    references: bytes = b""

    @property
    def seen_images(self) -> int:
        """How many images it is known to have been trained or calibrated on."""
        return len(_of_bytes(self.seen))

    @property
    def flatbuffer(self) -> bytes:
        """The content without what is appended to it."""
        return self.content[: self.appended_at]

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file."""
        return self._digests[1]

    @reading_what_was_named()
    def require_spec(self, path: Path) -> ModelSpec:
        """The spec. Raises SpecError if there is none, and says how to give it one; ModelError if it was cut off."""
        if self.spec is None:
            _check_whole(self.content, path)
            raise SpecError(
                f"{path} has no ModelSpec, so nothing says how an image becomes its input; give it one with 'edgeleuk "
                "attach MODEL.tflite --spec SPEC.json -o NEW.tflite', or make it with 'edgeleuk convert'"
            )
        return self.spec

    @property
    def network_sha256(self) -> str:
        """SHA-256 of the flatbuffer."""
        return self._digests[0]

    @cached_property
    def _digests(self) -> tuple[str, str]:
        """Of the flatbuffer and of the whole file, which is gone through once."""
        whole = memoryview(self.content)
        end = len(whole) if self.appended_at is None else self.appended_at
        digest = new_sha256(len(whole))
        digest.update(whole[:end])
        network = digest.hexdigest()
        digest.update(whole[end:])
        return network, digest.hexdigest()

    @reading_what_was_named()
    def check_calibration(self, path: Path) -> None:
        """Raise SpecError if temperature, threshold and sets were chosen for another network than the one here."""
        found = None if self.spec is None else self.spec.calibration
        if found is not None and found.network_sha256 != self.network_sha256:
            raise SpecError(
                f"{path} was calibrated for another network ({found.network_sha256[:12]}, not "
                f"{self.network_sha256[:12]}), whose probabilities mean something else; run 'edgeleuk calibrate' on it "
                "again"
            )


def pack(
    model: bytes,
    spec: ModelSpec,
    proof: dict[str, Any],
    seen: frozenset[str],
    cascade: CascadePart | None = None,
    calibrated: frozenset[str] = frozenset(),
) -> bytes:
    """Append spec, labels, proof and seen images to the flatbuffer `model`; the same input gives the same bytes.

    So is its SHA-256, by which `parse_bundle` notices damaged weights.
    """
    import zipfile  # for what reads, it need not be loaded

    stream = io.BytesIO(model)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, text in (
            (_SPEC, spec.to_json()),
            (_LABELS, "".join(f"{label}\n" for label in spec.classes)),
            (_PROOF, _proof_text(proof)),
            (_SEEN, _lines(_of_bytes(seen))),
            (_CHECKSUM, f"{sha256_bytes(model)}\n"),
        ):
            _add(archive, name, text)
        if pixels := seen - _of_bytes(seen):
            _add(archive, _SEEN_PIXELS, _lines(pixels))
        if calibrated:
            _add(archive, _CALIBRATED, _lines(_of_bytes(calibrated)))
        if cascade is not None:
            _add(archive, _RULE, cascade.rule.to_json())
            _add(archive, FIRST, cascade.first, deflated=False)  # weights hardly shrink, and load sooner
    return stream.getvalue()


def with_references(packed: bytes, references: bytes) -> bytes:
    """What `pack` returned with one file more: what the input gate compares with. As it is if there is nothing."""
    if not references:
        return packed
    import zipfile

    stream = io.BytesIO()
    stream.write(packed)
    with zipfile.ZipFile(stream, "a") as archive:
        _add(archive, _REFERENCES, references, deflated=False)
    return stream.getvalue()


def _of_bytes(digits: frozenset[str]) -> frozenset[str]:
    return frozenset(each for each in digits if not each.startswith(_OF_PIXELS))


def _lines(digits: frozenset[str]) -> str:
    return "".join(f"{each}\n" for each in sorted(digits))


def _add(archive: "zipfile.ZipFile", name: str, content: str | bytes, deflated: bool = True) -> None:
    import zipfile

    if len(content) > _MAX_BYTES.get(name, MAX_FILE_BYTES):
        raise ModelError(f"{name} has {len(content):,} characters, more than can be read back")
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def own_files() -> frozenset[str]:
    """Names of the appended files that edgeleuk writes."""
    return frozenset({*_MAX_BYTES, FIRST})


def is_cascade(content: bytes) -> bool:
    """Whether a whole model file is a cascade, by the list of appended files at its end, without reading them."""
    return _RULE.encode() in content[-4096:]


def _proof_text(proof: dict[str, Any]) -> str:
    try:
        return to_json(proof)
    except ValueError as error:
        raise ModelError(f"a number of the proof is not finite ({error}); nothing was written") from error


def write_bundle(path: Path, model: bytes, spec: ModelSpec, proof: dict[str, Any], seen: frozenset[str]) -> None:
    """Write `pack`'s bytes to path atomically. Raises OutputError."""
    write_bytes(path, pack(model, spec, proof, seen))


@reading_what_was_named()
def read_bundle(path: Path) -> Bundle:
    """Read a .tflite file and what is appended to it. Raises ModelError if it is missing or not a TFLite model."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise ModelError(f"{path} is a pipe or device; expected a model file")
        if found.st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path} has {found.st_size:,} bytes; expected a model of at most {MAX_FILE_BYTES:,}")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"{str(path)!r}: {getattr(error, 'strerror', None) or error}") from error
    return parse_bundle(content, path)


@reading_what_was_named()
def parse_bundle(content: bytes, path: Path) -> Bundle:
    """The same of content that was read already; `path` names it in messages."""
    if content[4:8] != _IDENTIFIER:
        what = foreign(content[:_HEAD]) or keras_format(content[:_HEAD])
        found = f": it {what}" if what else f" ({len(content):,} bytes, no TFL3 identifier)"
        raise ModelError(f"{path} is not a TFLite model{found}")
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
    except (ValueError, KeyError, EOFError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: the files appended to the model are damaged ({reason:.200})") from error


def _unpack(content: bytes) -> Bundle:
    try:
        return _unpacked(content, PlainArchive(content))
    except NotPlainError:
        from edgeleuk.runtime.appended import Parts

        return _unpacked(content, Parts(content))


def _unpacked(content: bytes, archive: "PlainArchive | Parts") -> Bundle:
    parts = {name: archive.read(name, most) for name, most in _MAX_BYTES.items() if name in archive.names}
    spec = ModelSpec.from_json(parts[_SPEC]) if _SPEC in parts else None
    if spec is not None and _LABELS in parts:
        _check_labels(parts[_LABELS], spec)
    bundle = Bundle(
        content,
        spec,
        _json_object(parts[_PROOF]) if _PROOF in parts else None,
        _digits(parts, _SEEN) | _digits(parts, _SEEN_PIXELS),
        archive.names,
        archive.begins_at,
        _cascade(archive),
        _digits(parts, _CALIBRATED),
        parts.get(_REFERENCES, b""),
    )
    is_whole = parts.get(_CHECKSUM, b"").strip() == bundle.network_sha256.encode()
    if bundle.cascade is None and not is_whole and _RULE.encode() in content:
        # Behind the end of the first model's own ZIP, a cascade that was cut off would pass for that model's file.
        raise ModelError("it is damaged or cut off: a cascade whose list of appended files is not its own")
    if _CHECKSUM in parts:
        _check_flatbuffer(bundle, parts[_CHECKSUM].decode().strip())
    return bundle


def _check_flatbuffer(bundle: Bundle, expected: str) -> None:
    """Raise ModelError if weights or graph are not those that were written: an interpreter would not notice."""
    stated = {expected, (bundle.proof or {}).get("flatbuffer_sha256", expected)}
    if stated != {bundle.network_sha256}:
        raise ModelError("its weights or its graph are damaged: their SHA-256 is not the one stated; copy it again")


def _check_labels(text: bytes, spec: ModelSpec) -> None:
    """Other programs read labels.txt: they are not to name the outputs otherwise than the spec does."""
    if tuple(text.decode().split("\n")) != (*spec.classes, ""):
        raise ModelError(f"{_LABELS} does not hold the classes of {_SPEC}, one a line")


def _digits(parts: Mapping[str, bytes], name: str) -> frozenset[str]:
    lines = parts.get(name, b"").decode()
    if not _SEEN_LINES.fullmatch(lines):
        raise ModelError(f"{name} does not hold 16 hex digits a line")
    return frozenset(lines.split())


def _cascade(archive: "PlainArchive | Parts") -> CascadePart | None:
    """What makes it a cascade, if it is one. Raises ModelError or KeyError if a part is missing or damaged."""
    if not {_RULE, FIRST}.intersection(archive.names):
        return None
    from edgeleuk.runtime.cascade_rule import CascadeRule  # what a model alone need not load

    rule, most = archive.read(_RULE, _MAX_BYTES[_RULE]), archive.stored_bytes(FIRST)  # so the file itself bounds it
    return CascadePart(CascadeRule.from_json(rule), archive.read(FIRST, most))


def _json_object(text: bytes) -> dict[str, Any]:
    value = parse_json(text, _PROOF, ModelError)
    if not isinstance(value, dict):
        raise ValueError(f"{_PROOF} is a {type(value).__name__}, not a JSON object")
    return value


def _check_whole(content: bytes, path: Path) -> None:
    """Raise ModelError if the flatbuffer was cut off, and with it all that followed."""
    from edgeleuk.runtime.graph import read_graph  # only after something went wrong: it slows the start

    try:
        read_graph(content, str(path))
    except ModelError:
        raise
    except EdgeleukError:
        pass  # tflite-runtime comes without a schema: no more can be said of the file
