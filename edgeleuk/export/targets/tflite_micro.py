"""tflite-micro, the interpreter for microcontrollers: the flatbuffer as a C array, and the operators that it needs.

Its kernels are LiteRT's builtin ones, to the bit; XNNPACK, which LiteRT uses by default, rounds in its own way.
"""

import re
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.device.microcontroller import arena_limit, method_of, microcontroller
from edgeleuk.errors import ModelError
from edgeleuk.export.apart import answer_for, ask_apart
from edgeleuk.export.ends import Ends, asked, ends_of
from edgeleuk.export.repacked import scores_only
from edgeleuk.export.target import Answers, Need, Source, Target, Written
from edgeleuk.quantization.portable import make_portable
from edgeleuk.runtime.graph import read_graph
from edgeleuk.runtime.preprocessing import pixel_codes
from edgeleuk.spec import ModelSpec

_MODEL, _SPEC = "model.tflite", "spec.json"
_PER_LINE = 20
_COMPARED = 20  # pictures whose bits are compared with LiteRT's builtin kernels, which take as long as tflite-micro's
_RESEARCH = "// For research use, not a diagnosis."


def write(source: Source, place: Path) -> Written:
    """Write model.tflite, model.cc, model.h and operators.h into the folder. Raises ModelError for what cannot run."""
    flatbuffer = make_portable(scores_only(source.bundle.flatbuffer))
    graph = read_graph(flatbuffer)
    found = microcontroller(flatbuffer, graph)
    if found.obstacles:
        raise ModelError(f"{source.path} is nothing for a microcontroller: {'; '.join(found.obstacles)}")
    (place / _MODEL).write_bytes(flatbuffer)
    (place / _SPEC).write_text(source.spec.to_json(), encoding="utf-8")
    (place / "model.cc").write_text(array_source(flatbuffer), encoding="utf-8")
    (place / "model.h").write_text(header(flatbuffer, source.spec, found.arena_bytes), encoding="utf-8")
    (place / "operators.h").write_text(resolver(list(graph.operator_counts())), encoding="utf-8")
    arena = (
        found.note if found.arena_bytes is None else f"arena {found.arena_bytes:,} bytes by tflite-micro's own count"
    )
    facts = {"arena_bytes": found.arena_bytes, "flash_bytes": len(flatbuffer), "operators": graph.operator_counts()}
    return Written(source.spec, (f"{len(flatbuffer):,} bytes of flash, {arena}",), facts)


def array_source(flatbuffer: bytes) -> str:
    """model.cc: the bytes as an array at a multiple of 16, as the schema asks of buffers."""
    rows = (flatbuffer[at : at + _PER_LINE] for at in range(0, len(flatbuffer), _PER_LINE))
    lines = "\n".join("    " + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)
    return (
        f'{_RESEARCH}\n#include "model.h"\n\nalignas(16) const unsigned char g_model[] = {{\n{lines}\n}};\n'
        "const unsigned int g_model_len = sizeof(g_model);\n"
    )


def header(flatbuffer: bytes, spec: ModelSpec, arena_bytes: int | None) -> str:
    """model.h: the array, its length, how large an arena has to be, the class names and the two quantizations."""
    ends, names = ends_of(read_graph(flatbuffer)), ", ".join(map(c_string, spec.classes))
    scales = "".join(
        f"constexpr float k{name}Scale = {tensor.scale!r}f;\nconstexpr int k{name}ZeroPoint = {tensor.zero_point};\n"
        for name, tensor in (("Input", ends.input), ("Score", ends.scores))
        if tensor.scale is not None
    )
    scales += f"// {_pixels_told(ends, spec)}\n"
    arena = ""
    if arena_bytes is not None:
        arena = (
            "// As tflite-micro counts it on a 64-bit computer, reference kernels; optimised ones may need more.\n"
            f"constexpr unsigned int kTensorArenaSize = {arena_bytes};\n"
        )
    return (
        f"{_RESEARCH}\n#ifndef EDGELEUK_MODEL_H_\n#define EDGELEUK_MODEL_H_\n\n"
        "extern const unsigned char g_model[];\nextern const unsigned int g_model_len;\n\n"
        f"{arena}{scales}constexpr int kClassCount = {len(spec.classes)};\n"
        f"constexpr const char* kClassNames[] = {{{names}}};  // in the order of the scores\n\n#endif\n"
    )


def _pixels_told(ends: Ends, spec: ModelSpec) -> str:
    """How a pixel becomes the input."""
    fitted = "A pixel p of a picture that was fitted as spec.json says"
    if ends.input.dtype == "float32":
        return f"{fitted} and scaled as it says is the input."
    if ends.input.dtype == "int8":
        codes = pixel_codes(ends.input.scale or 0.0, ends.input.zero_point or 0, spec.preprocessing)
        if np.array_equal(codes, np.arange(256) - 128):
            return f"{fitted} is the input p - 128."
    return f"{fitted} and scaled as it says, x, is the input round(x / kInputScale) + kInputZeroPoint."


def resolver(operators: Sequence[str]) -> str:
    """operators.h: adds the operators of the model, and no more, to a MicroMutableOpResolver of whatever namespace."""
    added = "\n".join(f"  if (auto failed = resolver.{method_of(name)}()) return failed;" for name in operators)
    return (
        "#ifndef EDGELEUK_OPERATORS_H_\n#define EDGELEUK_OPERATORS_H_\n\n"
        "// tflite::MicroMutableOpResolver<kModelOperatorCount> resolver;\n// AddModelOperators(resolver);\n"
        f"constexpr unsigned int kModelOperatorCount = {len(operators)};\n\n"
        "// Returns kTfLiteOk, or what the first operator returned that could not be added.\n"
        "template <typename Resolver>\n"
        f"auto AddModelOperators(Resolver& resolver) -> decltype(resolver.{method_of(operators[0])}()) {{\n{added}\n"
        "  return {};\n}\n\n#endif\n"
    )


def c_string(text: str) -> str:
    """A literal of C++ that holds the text's UTF-8, whatever is in it."""
    escaped = "".join(
        chr(byte) if re.fullmatch(rb"[A-Za-z0-9 _.+-]", bytes([byte])) else f"\\{byte:03o}" for byte in text.encode()
    )
    return f'"{escaped}"'


def answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What tflite-micro's own interpreter says of the pictures, in a process of its own."""
    return ask_apart(__name__, place, spec, pixels)


def main() -> None:
    """The process's side."""
    answer_for(_answers)


def _answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    import tflite_micro

    content = (place / _MODEL).read_bytes()
    graph = read_graph(content)
    interpreter = tflite_micro.runtime.Interpreter.from_bytes(content, arena_size=arena_limit(graph))
    ends, raw = ends_of(graph), []

    def run(values: NDArray[Any]) -> NDArray[Any]:
        interpreter.set_input(values, 0)
        interpreter.invoke()
        said: NDArray[Any] = interpreter.get_output(0).copy()
        raw.append(said)
        return said

    found = asked(run, ends, spec.preprocessing, pixels, f"tflite-micro {version('tflite-micro')}")
    compared = min(_COMPARED, len(pixels))
    builtin = _builtin(content)
    same = sum(
        np.array_equal(builtin(ends.encoded(each, spec.preprocessing)), said)
        for each, said in zip(pixels[:compared], raw, strict=False)
    )
    told = f"scores equal those of LiteRT's builtin kernels to the bit on {same} of {compared} pictures"
    found.facts.update(bits_equal=int(same), bits_compared=compared, notes=[told])
    return found


def _builtin(content: bytes) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """LiteRT without a delegate, in the reference form of its builtin kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    first, last = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(values: NDArray[Any]) -> NDArray[Any]:
        interpreter.set_tensor(first, values)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(last))

    return run


_NEED = Need("tflite-micro", "pip install tflite-micro (x86-64 only)", "tflite_micro")
TARGET = Target("tflite-micro", "tflite-micro", None, write, answers, check_needs=(_NEED,))
