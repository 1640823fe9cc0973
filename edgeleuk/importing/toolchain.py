"""Errors of Keras, the converter and the quantizer, which are many kinds with pages of text, as one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgeleuk.errors import EdgeleukError, ModelError
from edgeleuk.runtime.native_output import hold_native_stderr
from edgeleuk.text import printable

_LONGEST = 240
_OTHERWISE = "Use another layer there, such as BatchNormalization, or convert the network to --float16 or --dynamic"
_KNOWN = (
    (
        re.compile("signature_key"),
        "an activation with a gradient of its own, such as swish, makes the converter lose the network's signature; "
        "write it as x * sigmoid(x)",
    ),
    (
        re.compile("float16|f16"),
        "the network has operators that TFLite does not, such as convolutions in float16; build a network of policy "
        "'mixed_float16' again with 'float32' and load its weights, or save it whole with model.save(...), which is "
        "read as float32",
    ),
)
_HALF_OPERATOR = re.compile(r"xf16>")
_NO_OPERATOR = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")
_NO_SCALE = re.compile(r"quantization parameters for tensor: (\S+?)\. ")


@contextmanager
def toolchain_errors(doing: str) -> Iterator[None]:
    """Turn what a library raises in the body into ModelError: what was done, and the library's first sentence.

    What it writes to stderr meanwhile is dropped.
    """
    fault: Exception | None = None
    with hold_native_stderr():
        try:
            yield
        except Exception as error:  # noqa: BLE001  TensorFlow, its converter and the quantizer raise many kinds
            fault = error
    if isinstance(fault, EdgeleukError | MemoryError):
        raise fault
    if fault is not None:
        raise ModelError(f"{doing} failed: {_explained(fault)}. Nothing was written") from fault


def _explained(fault: Exception) -> str:
    text = str(fault)
    missing = list(dict.fromkeys(_NO_OPERATOR.findall(text)))
    if missing and not _HALF_OPERATOR.search(text):
        return f"TFLite has no operator for tf.{', tf.'.join(missing)}: use layers that it has"
    unscaled = _NO_SCALE.search(text)
    if unscaled:
        path = unscaled.group(1).split("/")
        layer = printable(path[1] if len(path) > 2 else path[0])
        return f"layer {layer} cannot be int8: the quantizer finds no scale for what it computes. {_OTHERWISE}"
    return next((advice for pattern, advice in _KNOWN if pattern.search(text)), None) or first_sentence(fault)


def refuse_without_int8_form(network: Any) -> None:
    """Raise ModelError for a layer of a Keras network whose sums of squares, made for each image, are never int8."""
    layer = next((layer.name for layer in network.layers if type(layer).__name__ == "GroupNormalization"), None)
    if layer is not None:
        why = "the squares that GroupNormalization sums for each image have no int8 form"
        raise ModelError(f"layer {printable(layer)} cannot be int8: {why}. {_OTHERWISE}. Nothing was written")


def first_sentence(error: BaseException) -> str:
    """The first line of what a library says, short enough for one line of a terminal."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = printable(lines[0]).rstrip(".") if lines else type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
