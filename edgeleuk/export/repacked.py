"""The same network as another .tflite: other types at its ends, scores alone, files stored as other readers take them.

LiteRT and edgeleuk read what comes out as they read the original: the spec lies in it.
"""

import dataclasses
import io
import zipfile
from collections.abc import Callable
from typing import Any

from edgeleuk.errors import MissingExtraError, ModelError
from edgeleuk.export.target import Source
from edgeleuk.quantization.borders import (
    FLOAT32,
    INT8,
    UINT8,
    border_nodes,
    check_borders,
    io_types,
    preprocessing_for,
    with_borders,
)
from edgeleuk.quantization.portable import make_portable, pack_model
from edgeleuk.quantization.proof import examine
from edgeleuk.runtime.bundle import pack
from edgeleuk.runtime.graph import read_graph
from edgeleuk.runtime.preprocessing import pixel_codes
from edgeleuk.spec import ModelSpec

try:
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    raise MissingExtraError(f"exporting a model ({error.name} is missing)", "train") from error


@dataclasses.dataclass(frozen=True)
class Repacked:
    """A .tflite with its files behind it, its own spec, and the `kind` of its input: "uint8" or "float32"."""

    content: bytes
    spec: ModelSpec
    kind: str
    notes: tuple[str, ...] = ()


def repack(source: Source, finish: Callable[[bytes, ModelSpec], bytes] | None = None) -> Repacked:
    """The source with an input and scores that hosts without int8 take: uint8 if pixels go in as they are, or float32.

    An int8 network gets borders, see `edgeleuk.quantization.borders`; a float32 or uint8 one is left as it is. Only the
    scores are given out. `finish` may change the flatbuffer, of this spec, without changing its graph. Raises
    ModelError for a network of other types.
    """
    inner = scores_only(source.bundle.flatbuffer)
    kind, notes = _kind(inner, source.spec), []
    model, prepare = inner, source.spec.preprocessing
    if io_types(read_graph(inner))[0] == INT8:
        model, prepare = with_borders(inner, kind), preprocessing_for(inner, kind, prepare)
        check_borders(inner, model, kind)
        notes.append(f"the int8 graph stands between {' and '.join(border_nodes(kind))}")
    spec = dataclasses.replace(source.spec, preprocessing=prepare, extra_outputs=(), gate=None)
    if source.spec.gate is not None:
        notes.append("the input gate stays behind: no other engine knows it")
    model = make_portable(model) if finish is None else finish(model, spec)
    spec = _of_network(spec, examine(model, "", prepare).flatbuffer_sha256)
    proof = _proof(source, model, spec, kind)
    content = pack(model, spec, proof, source.bundle.seen, calibrated=source.bundle.calibrated)
    return Repacked(stored(content, len(model)), spec, kind, tuple(notes))


def scores_only(model: bytes) -> bytes:
    """The same .tflite without the outputs behind its scores."""
    if len(read_graph(model).outputs) == 1:
        return model
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    main = parsed.subgraphs[0]
    main.outputs = list(main.outputs)[:1]
    for signature in parsed.signatureDefs or ():
        signature.outputs = [each for each in signature.outputs or () if each.tensorIndex == main.outputs[0]]
    return make_portable(pack_model(parsed))


def stored(content: bytes, length: int) -> bytes:
    """The same with each file behind the flatbuffer of this length as it is: MediaPipe reads no compressed ones."""
    made = io.BytesIO()
    made.write(content[:length])
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(made, "a") as archive:
        for entry in packed.infolist():
            plain = zipfile.ZipInfo(entry.filename, entry.date_time)
            plain.external_attr = entry.external_attr
            archive.writestr(plain, packed.read(entry), zipfile.ZIP_STORED)
    return made.getvalue()


def _kind(model: bytes, spec: ModelSpec) -> str:
    """Which type the input gets."""
    graph = read_graph(model)
    ends, tensor = io_types(graph), graph.tensors[graph.inputs[0]]
    if ends in ((FLOAT32, FLOAT32), (UINT8, UINT8)):
        return ends[0]
    if ends != (INT8, INT8) or tensor.scale is None or tensor.zero_point is None:
        raise ModelError(f"input and scores are {ends[0]} and {ends[1]}; expected both to be int8, uint8 or float32")
    codes = pixel_codes(tensor.scale, tensor.zero_point, spec.preprocessing)
    return UINT8 if codes.tolist() == list(range(-128, 128)) else FLOAT32


def _of_network(spec: ModelSpec, sha256: str) -> ModelSpec:
    """With a calibration, which is of the same answers, named after the network as it is now."""
    if spec.calibration is None:
        return spec
    return dataclasses.replace(spec, calibration=dataclasses.replace(spec.calibration, network_sha256=sha256))


def _proof(source: Source, model: bytes, spec: ModelSpec, kind: str) -> dict[str, Any]:
    """That of the original, with what is true of this graph in the place of what was of that one."""
    former = dict(source.bundle.proof or {})
    found = examine(model, former.get("precision", "unknown"), spec.preprocessing).to_dict()
    now = {name: value for name, value in found.items() if value is not None and value != ()}
    ends = border_nodes(kind) if "int8" in found["tensor_types"] else ()
    if ends and not former.get("io"):
        inner = source.bundle.network_sha256
        former["io"] = {"type": kind, "before": ends[0], "behind": ends[1], "int8_sha256": inner}
    return {**found, **former, **now, "exported_from": source.bundle.network_sha256}
