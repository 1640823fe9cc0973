"""Model files that nobody should load: harmless to look at, and each refused with a sentence."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from edgeleuk.runtime.bundle import FIRST, parse_bundle

_SPEC = "edgeleuk/spec.json"


def _with(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda spec: spec | changes


def _prepared(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda spec: spec | {"preprocessing": spec["preprocessing"] | changes}


def _decided(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda spec: spec | {"decision": spec["decision"] | changes}


SPECS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "a scale of 400 digits": _prepared(pixel_scale=10**400),
    "a scale of NaN": _prepared(pixel_scale=float("nan")),
    "an infinite scale": _prepared(pixel_scale=float("inf")),
    "an offset of NaN": _prepared(pixel_offset=float("nan")),
    "an infinite offset": _prepared(pixel_offset=float("-inf")),
    "a crop of 65536 px": _prepared(crop_px=65536),
    "a crop of 13000 px": _prepared(crop_px=13000),
    "a crop of 400 digits": _prepared(crop_px=10**400),
    "an input of 4096 px": _prepared(input_size_px=4096),
    "another input": _prepared(input_size_px=33),
    "an infinite temperature": _decided(temperature=float("inf")),
    "a temperature of NaN": _decided(temperature=float("nan")),
    "a temperature of 400 digits": _decided(temperature=10**400),
    "a threshold of NaN": _decided(threshold=float("nan")),
    "half a character": _with(classes=["all", "\ud800"], positive_class="all"),
    "an escape sequence": _with(classes=["all", "\x1b[2J"], positive_class="all"),
    "three classes": _with(classes=["all", "hem", "more"]),
    "one class": _with(classes=["all"]),
    "classes of another type": _with(classes=[["all"], {"hem": 1}]),
    "a version of 400 digits": _with(schema_version=10**400),
    "tools that are no text": lambda spec: spec | {"provenance": {"tool_versions": {"a": [[[1]]]}}},
}


def hostile_models(model: bytes) -> dict[str, bytes]:
    """From a good model's file, files by what is wrong with them."""
    flatbuffer = parse_bundle(model, io).flatbuffer  # type: ignore[arg-type] # (the path is for messages)
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    spec = json.loads(files[_SPEC])
    made = {name: packed(flatbuffer, files | {_SPEC: json.dumps(change(spec))}) for name, change in SPECS.items()}
    made["a spec nested deeply"] = packed(flatbuffer, files | {_SPEC: "[" * 3000 + "]" * 3000})
    made["a spec of 50 MB"] = packed(flatbuffer, files | {_SPEC: " " * (50 << 20)})
    made["a proof nested deeply"] = packed(flatbuffer, files | {"edgeleuk/proof.json": "[" * 3000 + "]" * 3000})
    made["seen images of 50 MB"] = packed(flatbuffer, files | {"edgeleuk/seen.txt": "0" * (50 << 20)})
    made["a first model without a rule"] = packed(flatbuffer, files | {FIRST: model})
    made["an empty file"] = b""
    made["half of it"] = model[: len(model) // 2]
    return made


def packed(flatbuffer: bytes, files: "dict[str, Any]") -> bytes:
    """A flatbuffer with a ZIP of files behind it."""
    stream = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()
