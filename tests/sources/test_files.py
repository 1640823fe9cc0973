"""Images named on a command line."""

import os
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import DataError, UsageError
from edgeleuk.sources.files import named_images, names_from


def images(*names):
    return list(chain.from_iterable(named_images(list(map(str, names)))))


def piped(content):
    """A descriptor that gives content and then ends."""
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    return reader


def test_folders_are_searched_with_their_subfolders_in_order(write_image, tmp_path):
    for name in ("b.bmp", "a.PNG", "sub/c.jpg"):
        write_image(name)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "folder.bmp").mkdir()
    assert [str(path.relative_to(tmp_path)) for path in images(tmp_path)] == ["a.PNG", "b.bmp", "sub/c.jpg"]


def test_a_named_file_is_taken_whatever_its_suffix_and_order_is_kept(write_image, tmp_path):
    write_image("folder/z.bmp")
    odd = tmp_path / "capture.raw"
    odd.write_bytes(b"")
    assert images(odd, tmp_path / "folder") == [odd, tmp_path / "folder" / "z.bmp"]


def test_a_pattern_stands_for_what_it_matches(write_image, tmp_path):
    for name in ("b.bmp", "sub/c.bmp", "sub/d.png"):
        write_image(name)
    assert images(tmp_path / "*.bmp") == [tmp_path / "b.bmp"]
    assert images(tmp_path / "**" / "*.bmp") == [tmp_path / "b.bmp", tmp_path / "sub" / "c.bmp"]


@pytest.mark.parametrize("patterns", [["**"], ["cells/**"], ["cells/*"], ["cells", "cells/**"], ["cells", "cells/a"]])
def test_each_image_of_matched_folders_comes_once(write_image, tmp_path, patterns):
    for name in ("cells/x.bmp", "cells/a/y.bmp", "cells/a/b/z.bmp"):
        write_image(name)
    (tmp_path / "cells" / "empty").mkdir()
    (tmp_path / "cells" / "a" / "notes.txt").write_text("")
    found = sorted(str(path.relative_to(tmp_path)) for path in images(*[tmp_path / pattern for pattern in patterns]))
    assert found == ["cells/a/b/z.bmp", "cells/a/y.bmp", "cells/x.bmp"]


def test_a_pattern_of_empty_folders_alone_is_an_error(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no images"):
        images(tmp_path / "**")


def test_what_is_named_twice_comes_once_and_what_a_folder_leaves_out_still_comes(write_image, tmp_path):
    first, odd, hidden = write_image("a/x.bmp"), tmp_path / "a" / "capture.raw", write_image("a/.old/y.bmp")
    odd.write_bytes(b"")
    assert images(first, first, tmp_path / "a" / ".." / "a" / "x.bmp") == [first]
    assert images(odd, hidden, tmp_path / "a") == [odd, hidden, first]
    assert images(tmp_path / "a" / "*.raw", tmp_path / "a") == [odd, first]


def test_a_name_that_exists_is_no_pattern(write_image, tmp_path):
    odd = write_image("cell[1].bmp")
    assert images(odd) == [odd]


@pytest.mark.parametrize("name", ["absent", "*.bmp", "[x]"])
def test_what_stands_for_nothing_is_a_usage_error(tmp_path, name):
    with pytest.raises(UsageError, match=r"no such file or folder|no file or folder matches"):
        images(tmp_path / name)


def test_a_folder_without_images_is_an_error_before_the_first_image(write_image, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no images; expected files ending in \.bmp"):
        named_images([str(write_image("x.bmp")), str(tmp_path / "empty")])


def test_a_dangling_link_is_left_to_be_reported_as_an_image(tmp_path):
    link = tmp_path / "x.bmp"
    link.symlink_to(tmp_path / "absent")
    assert images(link) == images(tmp_path) == [link]


def test_standard_input_cannot_be_read_twice():
    with pytest.raises(UsageError, match="only once"):
        named_images(["-", "-"])


@given(names=st.lists(st.binary(min_size=1).filter(lambda name: b"\0" not in name and b"\n" not in name)))
@pytest.mark.parametrize("separator", [b"\n", b"\0"])
def test_names_on_a_pipe_come_out_byte_by_byte(names, separator):
    reader = piped(separator.join(names))
    try:
        found = [os.fsencode(path) for batch in names_from(reader, separator) for path in batch]
    finally:
        os.close(reader)
    assert found == [os.fsencode(Path(os.fsdecode(name))) for name in names]


def test_names_with_line_breaks_need_a_zero_byte(tmp_path):
    reader = piped(b"a\nb.bmp\0c.bmp\0")
    assert [str(path) for batch in names_from(reader, b"\0") for path in batch] == ["a\nb.bmp", "c.bmp"]
    os.close(reader)


def test_an_empty_batch_says_that_no_name_came_for_a_while():
    reader, writer = os.pipe()
    os.write(writer, b"a.bmp\nb.b")
    batches = names_from(reader)
    assert [str(path) for path in next(batches)] == ["a.bmp"]
    assert next(batches) == ()
    os.write(writer, b"mp")
    os.close(writer)
    assert [str(path) for batch in batches for path in batch] == ["b.bmp"]
    os.close(reader)
