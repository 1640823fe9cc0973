"""Reading a store that this user may not write, with and without a service that writes it."""

import os
import tempfile
import traceback
from pathlib import Path

import pytest

from edgeleuk.errors import StoreError
from edgeleuk.store import Store
from edgeleuk.store.schema import _open_still, _prepared

from .helpers import result

NOBODY = 65534


@pytest.fixture
def path():
    """A store of one result, closed, in a folder that others may read; pytest's own are for nobody else."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(folder / "r.db") as store:
            store.add([result("a")])
        (folder / "r.db").chmod(0o644)
        folder.chmod(0o555)
        yield folder / "r.db"
        folder.chmod(0o755)


def as_another_user(work):
    """What `work` returns or raises as text, in a child that may write nothing here; as root it is another user's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            text = str(work())
        except StoreError as error:
            text = f"StoreError: {error}"
        except BaseException:  # noqa: BLE001 - told to the parent
            text = traceback.format_exc()
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as stream:
        return stream.read()


def count(path):
    with Store.open(path, read_only=True) as store:
        return store.count()


def test_it_is_read_where_no_service_runs_and_nothing_is_left_behind(path):
    assert as_another_user(lambda: count(path)) == "1"
    assert [each.name for each in path.parent.iterdir()] == ["r.db"]


def test_it_is_read_up_to_the_latest_row_where_a_service_runs(path):
    path.parent.chmod(0o755)
    with Store.open(path) as writer:
        writer.add([result("b")])
        path.parent.chmod(0o555)
        assert as_another_user(lambda: count(path)) == "2"
        path.parent.chmod(0o755)


def test_what_only_the_log_holds_is_not_passed_over_in_silence(path):
    path.parent.chmod(0o755)
    with Store.open(path) as writer:
        writer.add([result("b")])
        copies = {name: path.with_name(name).read_bytes() for name in ("r.db", "r.db-wal")}
    for name, content in copies.items():  # as after the power went
        path.with_name(name).write_bytes(content)
        path.with_name(name).chmod(0o644)
    path.parent.chmod(0o555)
    told = as_another_user(lambda: count(path))
    assert told.startswith("StoreError")
    assert "its latest results lie in r.db-wal" in told
    path.parent.chmod(0o755)
    assert count(path) == 2


def test_a_store_that_is_written_to_meanwhile_is_not_read_half_old_half_new(path):
    path.parent.chmod(0o755)
    with Store(path, _prepared(_open_still(path), path, read_only=True)) as reader:
        assert reader.count() == 1
        with Store.open(path) as writer:
            writer.add([result("b")])
        with pytest.raises(StoreError, match="was written to while it was read") as caught:
            reader.count()
    assert caught.value.passing
