"""LiteRT.js: one static folder with the model, LiteRT's WebAssembly and a page that classifies dropped images.

It is served over http as it is; no server takes part in an answer, and nothing is loaded from another host.
"""

import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.apart import ask_apart
from edgeleuk.export.metadata import Described, with_metadata
from edgeleuk.export.repacked import Repacked, repack
from edgeleuk.export.target import Answers, Need, Source, Target, Written
from edgeleuk.export.vendored import Package, fetch
from edgeleuk.files import sha256_bytes, to_json, write_text
from edgeleuk.runtime.graph import Tensor, read_graph
from edgeleuk.runtime.preprocessing import pixel_codes
from edgeleuk.spec import CROP, SHORTER_SIDE, ModelSpec, Preprocessing

VERSION = "2.5.3"
_CORE = Package(
    "@litertjs/core",
    VERSION,
    "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
)
_UTILS = Package(
    "@litertjs/wasm-utils",
    VERSION,
    "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
)
_VENDOR, _BROWSER = Path("vendor") / "litertjs", "edgeleuk.export.browser"
_WASM = ("litert_wasm_internal", "litert_wasm_compat_internal")  # with relaxed SIMD, and for browsers without
_PAGE = ("index.html", "site.css", "icon.svg", "main.js", "network.js", "pixels.js", "decision.js")
_IMPORTED, _BESIDE = 'from "@litertjs/wasm-utils"', 'from "./wasm-utils.js"'
_LICENCES = """LiteRT.js ({names}), of npm, as they are there but for one import.
Copyright Google LLC, Apache License 2.0: see https://www.apache.org/licenses/LICENSE-2.0
"""


def write(source: Source, place: Path) -> Written:
    """Write the site into the folder. Raises ModelError as `repack`, EdgeleukError if npm fetches nothing."""
    made = repack(source, lambda model, spec: _described(model, source, spec))
    _vendor(place / _VENDOR)
    for name in _PAGE:
        with resources.as_file(resources.files("edgeleuk.export") / "site" / name) as file:
            shutil.copyfile(file, place / name)
    (place / "model.tflite").write_bytes(made.content)
    write_text(place / "spec.json", made.spec.to_json())
    write_text(place / "model.json", to_json(_facts(source, made)))
    _write_offline(place)
    serve = "serve the folder over http, such as with python3 -m http.server"
    return Written(made.spec, (*made.notes, serve), {"input": made.kind, "engine": f"LiteRT.js {VERSION}"})


def answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What the site's network says of pixels, in Chromium. Raises ModelError if it does not run."""
    return ask_apart(_BROWSER, place, spec, pixels)


def answers_to_files(place: Path, spec: ModelSpec, paths: Sequence[Path]) -> Answers:
    """What the page says of image files that it decodes and resizes itself; `pixels` are what it made of them."""
    return ask_apart(_BROWSER, place, spec, files=paths)


def _described(model: bytes, source: Source, spec: ModelSpec) -> bytes:
    if spec.preprocessing.colour_order == "BGR":  # which the metadata cannot say, and the page does not need
        return model
    return with_metadata(model, Described(source.path.stem, spec))


def _vendor(place: Path) -> None:
    fetch(
        _CORE,
        {"dist/index.js": place / "index.js"}
        | {f"wasm/{name}.{end}": place / "wasm" / f"{name}.{end}" for name in _WASM for end in ("js", "wasm")},
    )
    fetch(_UTILS, {"dist/bundle.js": place / "wasm-utils.js"})
    script = place / "index.js"
    text = script.read_text(encoding="utf-8")
    if text.count(_IMPORTED) != 1:
        raise ModelError(f"LiteRT.js {VERSION} imports its helpers otherwise than was tested")
    kept = [line for line in text.replace(_IMPORTED, _BESIDE).splitlines() if not line.startswith("//# sourceMapping")]
    script.write_text("\n".join(kept) + "\n", encoding="utf-8")
    names = ", ".join(f"{each.name} {each.version}" for each in (_CORE, _UTILS))
    (place / "README.txt").write_text(_LICENCES.format(names=names), encoding="utf-8")


def _facts(source: Source, made: Repacked) -> dict[str, Any]:
    """What the page shows and needs beside the spec."""
    graph, spec = read_graph(made.content), made.spec
    first, scores = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    return {
        "schema_version": 1,
        "name": source.path.name,
        "sha256": sha256_bytes(made.content),
        "engine": f"LiteRT.js {VERSION} (WebAssembly)",
        "names": list(spec.shown_names.values()),
        "shown_names": spec.shown_names,
        "image": _image(spec.preprocessing),
        "input": {**_tensor(first), "codes": _codes(first, spec.preprocessing)},
        "output": _tensor(scores),
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"dtype": tensor.dtype, "scale": tensor.scale, "zero_point": tensor.zero_point}


def _codes(tensor: Tensor, prepare: Preprocessing) -> list[int] | None:
    """The code of each pixel of a uint8 input; None if it is the pixel itself."""
    if tensor.dtype != "uint8" or tensor.scale is None or tensor.zero_point is None:
        return None
    codes: list[int] = pixel_codes(tensor.scale, tensor.zero_point, prepare, np.uint8).tolist()
    return None if codes == list(range(256)) else codes


def _image(prepare: Preprocessing) -> str:
    part = {CROP: f"its centre {prepare.crop_px} px", SHORTER_SIDE: f"shorter side to {prepare.shorter_side_px} px"}
    return f"{part.get(prepare.fit, 'all of it, stretched')}; {prepare.resample}, {prepare.colour_order}"


def _write_offline(place: Path) -> None:
    """The service worker, with the list of all files and a version that changes with any of them."""
    files = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    version = sha256_bytes("".join(sha256_bytes((place / name).read_bytes()) for name in files).encode())[:16]
    text = (resources.files("edgeleuk.export") / "site" / "offline.js").read_text(encoding="utf-8")
    kept = ["./", *(name for name in files if not name.endswith(".txt") and "compat" not in name)]
    listed = to_json(kept).strip()
    write_text(place / "offline.js", text.replace("@VERSION@", version).replace("@FILES@", listed))


_NPM = Need("npm", "apt install npm, or Node.js, which brings it", program="npm")
_PLAYWRIGHT = Need("playwright", "pip install playwright", "playwright")
_CHROMIUM = Need("Chromium", "apt install chromium", program="chromium")
TARGET = Target(
    name="litertjs",
    engine="LiteRT.js",
    suffix=None,
    write=write,
    answers=answers,
    answers_to_files=answers_to_files,
    needs=(_NPM,),
    check_needs=(_PLAYWRIGHT, _CHROMIUM),
)
