"""TFLite Metadata of other tools."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import ModelError
from edgeleuk.runtime.tflite_metadata import ImageMetadata, read_metadata

NUMBERS = st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=3).map(tuple)
LABELS = st.lists(st.from_regex(r"[a-z][a-z ]{0,8}[a-z]", fullmatch=True), min_size=1, max_size=5).map(tuple)


@pytest.fixture(scope="module")
def described():
    # LiteRT's schema and flatbuffers, which tflite-runtime comes without.
    return pytest.importorskip("tests.runtime.written_metadata").with_metadata


def test_a_file_without_metadata_says_nothing(float_flatbuffer):
    assert read_metadata(float_flatbuffer) is None


@given(mean=NUMBERS, deviation=NUMBERS, labels=LABELS)
def test_what_was_written_is_read(described, float_flatbuffer, mean, deviation, labels):
    content = described(float_flatbuffer, mean, deviation, "\r\n".join(labels))
    assert read_metadata(content) == ImageMetadata(mean, deviation, False, labels)


@given(st.data())
def test_damaged_metadata_are_refused_or_read(described, float_flatbuffer, data):
    from tests.runtime.written_metadata import metadata

    whole = metadata((1.0, 2.0, 3.0), (4.0,), "names.txt")
    damaged = bytearray(whole)
    for place in data.draw(st.lists(st.integers(8, len(whole) - 1), min_size=1, max_size=6)):
        damaged[place] = data.draw(st.integers(0, 255))
    content = described(float_flatbuffer, (1.0,), (1.0,), "a\n", raw=bytes(damaged))
    try:
        found = read_metadata(content)
    except ModelError:
        return
    assert isinstance(found, ImageMetadata)


def test_a_label_file_that_is_not_there_is_named(described, float_flatbuffer):
    whole = described(float_flatbuffer, (1.0,), (1.0,), "a\n")
    renamed = whole.replace(b"names.txt", b"other.txt", 1)  # in the metadata; the list of files comes after them
    with pytest.raises(ModelError, match="TFLite Metadata are damaged"):
        read_metadata(renamed)
