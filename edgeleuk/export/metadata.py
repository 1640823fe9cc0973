"""Writing TFLite Metadata: what a host of TFLite models reads of its input and its scores.

A table of flatbuffers' own (root `ModelMetadata`, identifier "M001") in a buffer of the model that its metadata names
"TFLITE_METADATA", and the labels as an associated file in the ZIP behind it. Tables and field numbers are those of
metadata_schema.fbs, which MediaPipe keeps (mediapipe/tasks/metadata, Apache-2.0; TFLite Support, where it began, has
ended). Its Python writers cannot be used: `mediapipe.tasks.python.metadata` of 1.2.3 imports a module that the package
lacks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np

from edgeleuk.errors import SpecError
from edgeleuk.quantization.portable import pack_model
from edgeleuk.spec import GREY, ModelSpec, Preprocessing

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    from edgeleuk.errors import MissingExtraError

    raise MissingExtraError(f"writing TFLite Metadata ({error.name} is missing)", "train") from error

BUFFER_NAME = b"TFLITE_METADATA"
LABELS = "labels.txt"  # what `edgeleuk.runtime.bundle` calls the class names, one a line
IDENTIFIER = b"M001"
_RGB, _GRAYSCALE = 1, 2
_TENSOR_AXIS_LABELS = 2
_IMAGE_PROPERTIES, _FEATURE_PROPERTIES = 2, 1  # of the union ContentProperties
_NORMALIZATION, _THRESHOLDING = 1, 3  # of the union ProcessUnitOptions
_PARSER = "1.0.0"


@dataclass(frozen=True)
class Described:
    """What is said: the name of the model, how pixels become the input, and what the scores are called."""

    name: str
    spec: ModelSpec

    @property
    def normalization(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each channel: input = (pixel - mean) / deviation."""
        prepare = self.spec.preprocessing
        deviations = tuple(1 / scale for scale in prepare.channel_scales)
        pairs = zip(prepare.channel_offsets, prepare.channel_scales, strict=True)
        return tuple(-offset / scale for offset, scale in pairs), deviations


def with_metadata(model: bytes, described: Described) -> bytes:
    """The same flatbuffer with TFLite Metadata, in the place of what it had. The labels file is for who packs it.

    Of a quantized input, which takes pixels as they are, the normalization is what they stand for: hosts of uint8
    models quantize what was normalized, or know that the two cancel. Raises SpecError for what the schema cannot say.
    """
    table = metadata_buffer(described)
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(table, np.uint8)
    parsed.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = BUFFER_NAME, len(parsed.buffers) - 1
    kept = [each for each in parsed.metadata or () if bytes(each.name) != BUFFER_NAME]
    parsed.metadata = [*kept, entry]
    return pack_model(parsed)


def metadata_buffer(described: Described) -> bytes:
    """The root table `ModelMetadata`."""
    builder = flatbuffers.Builder(1024)
    prepare = described.spec.preprocessing
    if prepare.colour_order == "BGR":
        raise SpecError("colour_order is BGR, which TFLite Metadata cannot say: hosts hand over RGB")
    image, score = _image_tensor(builder, described), _score_tensor(builder)
    graph = _table(
        builder,
        10,
        {2: _offset(_vector(builder, [image])), 3: _offset(_vector(builder, [score]))},
    )
    texts = {0: described.name, 1: _description(prepare), 7: _PARSER}
    fields = {slot: _offset(builder.CreateString(text)) for slot, text in texts.items()}
    root = _table(builder, 8, {**fields, 3: _offset(_vector(builder, [graph]))})
    builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _description(prepare: Preprocessing) -> str:
    how = {
        "crop": f"the centre {prepare.crop_px} px of a picture",
        "stretch": "the whole picture, stretched",
        "shorter_side": f"a picture scaled to {prepare.shorter_side_px} px on its shorter side, its centre cut out",
    }[prepare.fit]
    size = f"{prepare.width_px}x{prepare.input_size_px}"
    return f"The input is {how}, resized ({prepare.resample}) to {size} px. For research use, not a diagnosis."


def _image_tensor(builder: Any, described: Described) -> int:
    prepare = described.spec.preprocessing
    (means, deviations), (low, high) = described.normalization, _range(prepare)
    size = _table(builder, 2, {0: _number("Uint32", prepare.width_px), 1: _number("Uint32", prepare.input_size_px)})
    colours = _GRAYSCALE if prepare.colour_order == GREY else _RGB
    image = _table(builder, 2, {0: _number("Int8", colours), 1: _offset(size)})
    content = _table(builder, 3, {0: _number("Uint8", _IMAGE_PROPERTIES), 1: _offset(image)})
    scaling = {0: _offset(_floats(builder, means)), 1: _offset(_floats(builder, deviations))}
    normalization = _table(builder, 2, scaling)
    unit = _table(builder, 2, {0: _number("Uint8", _NORMALIZATION), 1: _offset(normalization)})
    units = _vector(builder, [unit])
    stats = _table(builder, 2, {0: _offset(_floats(builder, (high,))), 1: _offset(_floats(builder, (low,)))})
    name = builder.CreateString("image")
    return _table(
        builder,
        7,
        {0: _offset(name), 3: _offset(content), 4: _offset(units), 5: _offset(stats)},
    )


def _range(prepare: Preprocessing) -> tuple[float, float]:
    ends = [
        (offset, 255 * scale + offset)
        for scale, offset in zip(prepare.channel_scales, prepare.channel_offsets, strict=True)
    ]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _score_tensor(builder: Any) -> int:
    file_name, description = builder.CreateString(LABELS), builder.CreateString("class names in output order")
    fields = {0: _offset(file_name), 1: _offset(description), 2: _number("Int8", _TENSOR_AXIS_LABELS)}
    files = _vector(builder, [_table(builder, 5, fields)])
    feature = _table(builder, 0, {})
    content = _table(builder, 3, {0: _number("Uint8", _FEATURE_PROPERTIES), 1: _offset(feature)})
    stats = _table(builder, 2, {0: _offset(_floats(builder, (1.0,))), 1: _offset(_floats(builder, (0.0,)))})
    name = builder.CreateString("score")
    return _table(builder, 7, {0: _offset(name), 3: _offset(content), 5: _offset(stats), 6: _offset(files)})


Put = Callable[[Any, int], None]


def _offset(value: int) -> Put:
    return lambda builder, slot: builder.PrependUOffsetTRelativeSlot(slot, value, 0)


def _number(kind: str, value: int) -> Put:
    return lambda builder, slot: getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)


def _table(builder: Any, slots: int, fields: dict[int, Put]) -> int:
    """A table with these of its `slots` fields; what they point to was made before."""
    builder.StartObject(slots)
    for slot, put in fields.items():
        put(builder, slot)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    return int(builder.CreateNumpyVector(np.asarray(values, np.float32)))
