"""What is appended to a model may come from a stranger: bounded before it is unpacked, refused in a sentence."""

import io
import os
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import EdgeleukError, ModelError
from edgeleuk.runtime.bundle import FIRST, pack, parse_bundle, read_bundle
from edgeleuk.spec import ModelSpec, Preprocessing

SPEC = ModelSpec(("all", "hem"), Preprocessing(32, 64))
MODEL = b"\x1c\0\0\0TFL3" + bytes(64)
NAME = Path("x.tflite")
_MOST_BYTES = 40 << 20  # of memory, whatever a file of a few hundred kilobytes says


def appended(*files: "tuple[str, bytes]", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A model with a ZIP of these files behind it."""
    stream = io.BytesIO(MODEL)
    with zipfile.ZipFile(stream, "a", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def refusal(content: bytes) -> str:
    """Why a model file is refused; that takes little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(ModelError) as raised:
            parse_bundle(content, NAME)
        assert tracemalloc.get_traced_memory()[1] < _MOST_BYTES
    finally:
        tracemalloc.stop()
    message = str(raised.value)
    assert message.startswith("x.tflite: ")
    assert len(message) < 400
    return message


@pytest.mark.parametrize("name", ["edgeleuk/spec.json", "labels.txt", "edgeleuk/proof.json", "edgeleuk/seen.txt"])
def test_a_file_that_unpacks_beyond_its_bound_is_refused_before_it_is(name: str) -> None:
    assert "would unpack from" in refusal(appended((name, b" " * (50 << 20))))


def test_neither_more_nor_less_is_unpacked_than_the_list_of_files_says() -> None:
    content = bytearray(appended(("labels.txt", b" " * (20 << 20))))
    for signature, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):  # sizes in the list and before the file
        struct.pack_into("<I", content, content.index(signature) + place, 1000)
    assert "x.tflite: " in refusal(bytes(content))


def test_a_long_list_of_files_is_refused_before_it_is_read() -> None:
    assert "the list of files takes" in refusal(appended(*((f"{number}.txt", b"") for number in range(6000))))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_compressing_are_refused(method: int) -> None:
    spec = SPEC.to_json().encode()
    assert "compressed by method" in refusal(appended(("edgeleuk/spec.json", spec), method=method))


def test_a_first_model_that_was_compressed_is_refused(small_model: Path, write_cascade, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_cascade(tmp_path / "cascade.tflite")) as archive:
        rule = archive.read("edgeleuk/cascade.json")
    content = appended(("edgeleuk/cascade.json", rule), (FIRST, bytes(50 << 20)))
    assert "would unpack from" in refusal(content)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("edgeleuk/proof.json", "[" * 2000 + "]" * 2000, "nested"),
        ("edgeleuk/proof.json", '{"a": NaN}', "NaN"),
        ("edgeleuk/proof.json", '{"a": 1e999}', "finite"),
        ("edgeleuk/proof.json", '{"a": 1' + "0" * 400 + "}", "64 bits"),
        ("edgeleuk/proof.json", r'{"a": "\ud800"}', "ud800"),
        ("edgeleuk/seen.txt", "no hash\n", "16 hex digits"),
        ("edgeleuk/seen.txt", "0123456789abcdef", "16 hex digits"),
        ("labels.txt", "hem\nall\n", "does not hold the classes"),
        ("labels.txt", "all\nhem\nmore\n", "does not hold the classes"),
    ],
)
def test_what_contradicts_the_spec_or_cannot_be_is_refused(name: str, text: str, message: str) -> None:
    assert message in refusal(appended(("edgeleuk/spec.json", SPEC.to_json().encode()), (name, text.encode())))


def test_a_pipe_a_device_and_a_huge_file_are_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ModelError, match="is a pipe or device"):
            read_bundle(path)
    with (tmp_path / "huge.tflite").open("wb") as stream:
        stream.truncate(600 << 20)
    with pytest.raises(ModelError, match="at most 536,870,912"):
        read_bundle(tmp_path / "huge.tflite")


@given(st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6))
def test_any_damage_to_what_is_appended_is_our_error_or_none(
    small_model: Path, changes: "list[tuple[int, bytes]]"
) -> None:
    content = bytearray(small_model.read_bytes())
    start = content.index(b"PK\x03\x04")
    for place, new in changes:
        place = start + place % (len(content) - start)
        content[place : place + len(new)] = new
    with suppress(EdgeleukError):
        parse_bundle(bytes(content), NAME)


def test_what_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(ModelError, match=r"proof\.json has 2,097,\d+ characters"):
        pack(MODEL, SPEC, {"note": "x" * (2 << 20)}, frozenset())
