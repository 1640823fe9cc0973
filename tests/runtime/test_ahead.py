"""A large model file is read and checked in a thread, and nothing else is different."""

import threading

import pytest

from edgeleuk.errors import ModelError
from edgeleuk.runtime import ahead
from edgeleuk.runtime.ahead import BundleAhead
from edgeleuk.runtime.bundle import read_bundle


@pytest.fixture
def readers(monkeypatch):
    """Have every file count as large; the threads that have read one."""
    found = []

    def read(path):
        found.append(threading.current_thread())
        return read_bundle(path)

    monkeypatch.setattr(ahead, "read_bundle", read)
    monkeypatch.setattr(ahead, "LEAST_BYTES", 0)
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda pid: {0, 1})
    return found


def test_the_bundle_is_the_same_and_was_read_in_a_thread(readers, small_model):
    assert BundleAhead(small_model).read(small_model) == read_bundle(small_model)
    assert len(readers) == 1
    assert readers[0] is not threading.current_thread()


def test_a_file_that_is_asked_for_again_is_read_again(readers, small_model):
    begun = BundleAhead(small_model)
    assert begun.read(small_model) is not begun.read(small_model)
    assert len(readers) == 2


def test_of_another_file_the_other_is_read(readers, small_model, small_float_model):
    assert BundleAhead(small_model).read(small_float_model) == read_bundle(small_float_model)


def test_what_is_wrong_with_a_file_is_raised_where_it_is_asked_for(readers, small_model, tmp_path):
    content = bytearray(small_model.read_bytes())
    content[len(read_bundle(small_model).flatbuffer) // 2] ^= 1
    path = tmp_path / "damaged.tflite"
    path.write_bytes(content)
    begun = BundleAhead(path)
    with pytest.raises(ModelError, match=r"damaged\.tflite: its weights or its graph are damaged"):
        begun.read(path)
    assert readers[0] is not threading.current_thread()


@pytest.mark.parametrize("name", ["absent.tflite", "a\0b"])
def test_what_is_no_file_is_refused_as_without_it(readers, tmp_path, name):
    path = tmp_path / name
    with pytest.raises(ModelError) as without:
        read_bundle(path)
    with pytest.raises(ModelError) as refused:
        BundleAhead(path).read(path)
    assert str(refused.value) == str(without.value)


def test_a_small_file_is_read_when_it_is_asked_for(readers, monkeypatch, small_model):
    monkeypatch.setattr(ahead, "LEAST_BYTES", 1 << 30)
    begun = BundleAhead(small_model)
    assert readers == []
    assert begun.read(small_model) == read_bundle(small_model)
    assert readers == [threading.current_thread()]


def test_so_is_a_large_one_on_one_core(readers, monkeypatch, small_model):
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda pid: {0})
    assert BundleAhead(small_model).read(small_model) == read_bundle(small_model)
    assert readers == [threading.current_thread()]


def test_so_is_one_where_there_may_be_no_more_threads(readers, monkeypatch, small_model):
    def refused(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ahead.Thread, "start", refused)
    assert BundleAhead(small_model).read(small_model) == read_bundle(small_model)
    assert readers == [threading.current_thread()]
