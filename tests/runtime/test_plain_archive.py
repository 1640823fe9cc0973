"""What edgeleuk writes behind a model is read without zipfile, as zipfile reads it; of all else nothing is."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.runtime.appended import Parts
from edgeleuk.runtime.bundle import pack, with_references
from edgeleuk.runtime.plain_archive import NotPlainError, PlainArchive
from edgeleuk.spec import ModelSpec, Preprocessing

MODEL = b"\x1c\0\0\0TFL3" + bytes(range(64))
MOST = 1 << 20
PACKED = with_references(pack(MODEL, ModelSpec(("all", "hem"), Preprocessing(32, 64)), {"a": 1}, frozenset()), b"npz")


def _content(archive):
    return {name: (archive.read(name, MOST), archive.stored_bytes(name)) for name in archive.names}


def _zipped(change=lambda archive: None, **options):
    stream = io.BytesIO(MODEL)
    with zipfile.ZipFile(stream, "a", **options) as archive:
        archive.writestr("labels.txt", "all\nhem\n")
        change(archive)
    return stream.getvalue()


@pytest.mark.parametrize("content", [PACKED, _zipped(), _zipped(compression=zipfile.ZIP_DEFLATED)])
def test_what_is_written_is_read_as_zipfile_reads_it(content):
    plain, theirs = PlainArchive(content), Parts(content)
    assert (plain.names, plain.begins_at) == (theirs.names, theirs.begins_at)
    assert plain.begins_at == len(MODEL)
    assert _content(plain) == _content(theirs)


def _commented(archive):
    archive.comment = b"a word"


def _twice(archive):
    with pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("labels.txt", "hem\nall\n")


def _with_fields(archive):
    entry = zipfile.ZipInfo("more.txt")
    entry.extra = b"\x99\x99\0\0"
    archive.writestr(entry, "more")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        MODEL,
        _zipped(_commented),
        _zipped(_twice),
        _zipped(_with_fields),
        _zipped(lambda archive: archive.writestr("zellen_\xe4.txt", "")),
        _zipped(compression=zipfile.ZIP_BZIP2),
        PACKED + b"\0",
        b"\0" + PACKED,
        PACKED[:200] + PACKED[201:],
    ],
)
def test_what_edgeleuk_would_not_write_is_left_to_zipfile(content):
    with pytest.raises(NotPlainError):
        PlainArchive(content)


def test_a_file_that_is_not_there_or_too_long_is_left_to_zipfile():
    archive = PlainArchive(_zipped(lambda archive: archive.writestr("a", bytes(1 << 16), zipfile.ZIP_DEFLATED)))
    for asked in (
        lambda: archive.read("absent", MOST),
        lambda: archive.stored_bytes("absent"),
        lambda: archive.read("labels.txt", 7),
        lambda: archive.read("a", MOST),  # it shrank more than two hundred times
    ):
        with pytest.raises(NotPlainError):
            asked()


@given(place=st.integers(len(MODEL), len(PACKED) - 1), value=st.integers(0, 255))
def test_of_damaged_bytes_nothing_is_read_that_zipfile_would_not_read(place, value):
    content = bytearray(PACKED)
    content[place] = value
    try:
        plain = PlainArchive(bytes(content))
        found = _content(plain)
    except NotPlainError:
        return
    theirs = Parts(bytes(content))
    assert (found, plain.begins_at) == (_content(theirs), theirs.begins_at)
