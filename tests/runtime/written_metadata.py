"""TFLite Metadata as other tools write them, built table by table with flatbuffers."""

import io
import zipfile

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils


def _offsets(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _floats(builder, values):
    return builder.CreateNumpyVector(np.array(values, np.float32))


def _table(builder, size, **fields):
    """Fields by number: an offset of something made before, or ("byte", value)."""
    builder.StartObject(size)
    for name, value in fields.items():
        number = int(name.removeprefix("f"))
        if isinstance(value, tuple):
            builder.PrependUint8Slot(number, value[1], 0)
        else:
            builder.PrependUOffsetTRelativeSlot(number, value, 0)
    return builder.EndObject()


def metadata(mean, deviation, labels_file):
    """The flatbuffer: ModelMetadata with one image input and one output with a label file."""
    builder = flatbuffers.Builder(256)
    options = _table(builder, 2, f0=_floats(builder, mean), f1=_floats(builder, deviation))
    unit = _table(builder, 2, f0=("byte", 1), f1=options)
    image = _table(builder, 2, f0=("byte", 1))
    content = _table(builder, 3, f0=("byte", 1), f1=image)
    source = _table(builder, 7, f3=content, f4=_offsets(builder, [unit]))
    name = builder.CreateString(labels_file)
    file = _table(builder, 5, f0=name, f2=("byte", 2))
    result = _table(builder, 7, f6=_offsets(builder, [file]))
    subgraph = _table(builder, 8, f2=_offsets(builder, [source]), f3=_offsets(builder, [result]))
    builder.Finish(_table(builder, 8, f3=_offsets(builder, [subgraph])), file_identifier=b"M001")
    return bytes(builder.Output())


def with_metadata(model, mean, deviation, labels, spoil=None, raw=None):
    """A .tflite with these metadata and a label file behind it.

    `spoil`: at how many bytes the metadata are cut off; `raw`: others in their place.
    """
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    held = schema.BufferT()
    held.data = np.frombuffer((raw or metadata(mean, deviation, "names.txt"))[:spoil], np.uint8)
    entry = schema.MetadataT()
    entry.name, entry.buffer = b"TFLITE_METADATA", len(parsed.buffers)
    parsed.buffers.append(held)
    parsed.metadata = [*(parsed.metadata or []), entry]
    stream = io.BytesIO(bytes(flatbuffer_utils.convert_object_to_bytearray(parsed)))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("names.txt", labels)
    return stream.getvalue()
