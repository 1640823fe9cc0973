"""A file that kills the process is passed over after a few times; its neighbours, and a file written anew, are not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.classify.attempts import MOST_TRIES, Attempts, file_key, upload_key
from edgeleuk.classify.model import Model
from edgeleuk.classify.recorder import recorded
from edgeleuk.classify.rows import Row
from edgeleuk.classify.steps import Steps, Way
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.store import Store
from tests.conftest import environment

# In the place of a picture that takes all memory: a harmless one whose decoding ends the process as the kernel would.
_DEADLY = """
import os, signal, sys
from edgeleuk.runtime import classifier
decode = classifier.decode_part
def deadly(content, *more, **named):
    if content.endswith(b"DEADLY"):
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(content, *more, **named)
classifier.decode_part = deadly
from edgeleuk.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


@pytest.fixture
def model(small_model: Path) -> Model:
    return Model.of(read_bundle(small_model), small_model)


def killed(store: Store, *paths: Path, times: int = MOST_TRIES) -> None:
    """What processes leave that are killed over these files."""
    for _ in range(times):
        attempts = Attempts(store)
        for path in paths:
            attempts.begin(file_key(path))


def rows(model: Model, store: Store, *paths: Path) -> "list[Row]":
    """What a watch with this store makes of files, stored."""
    attempts = Attempts(store)
    steps = Steps(model, store, Way("watch"), attempts)
    made = list(recorded(steps.rows((path,) for path in paths), store, "watch"))
    attempts.close()
    return [row for row in made if row is not None]


def test_a_file_that_was_under_way_at_each_of_a_few_kills_is_a_failure_and_the_rest_go_on(
    model: Model, store: Store, write_image: Any
) -> None:
    bad, good = write_image("bad.bmp"), write_image("good.bmp", size=(50, 50))
    killed(store, bad, good, times=1)
    killed(store, bad, times=MOST_TRIES - 1)
    first, second = rows(model, store, bad, good)
    assert first.error is not None
    assert first.error.startswith("skipped: the process was killed 3 times")
    assert second.result is not None
    assert [(failure.path, failure.error) for failure in store.failures()] == [(str(bad), first.error)]


def test_once_less_it_is_tried_again_and_then_forgotten(model: Model, store: Store, write_image: Any) -> None:
    path = write_image("x.bmp")
    killed(store, path, times=MOST_TRIES - 1)
    assert Attempts(store).suspects(path)
    (row,) = rows(model, store, path)
    assert row.result is not None
    assert store.unfinished_attempts() == {}


def test_a_file_written_anew_is_another_one(model: Model, store: Store, write_image: Any) -> None:
    path = write_image("x.bmp")
    killed(store, path)
    os.utime(path, (1, 1))
    (row,) = rows(model, store, path)
    assert row.result is not None
    assert store.unfinished_attempts() == {}


def test_one_that_was_tried_on_request_is_known_from_then_on(model: Model, store: Store, write_image: Any) -> None:
    path = write_image("x.bmp")
    killed(store, path)
    list(recorded(Steps(model, store).rows([(path,)]), store, "file"))  # as `infer` with a name does
    (row,) = rows(model, store, path)
    assert row.known
    assert store.failures() == []


def test_an_end_that_was_asked_for_blames_nobody(store: Store, write_image: Any) -> None:
    path = write_image("x.bmp")
    attempts = Attempts(store)
    for key in (file_key(path), file_key(path), upload_key("ab" * 32)):
        attempts.begin(key)
    assert set(store.unfinished_attempts().values()) == {1}
    attempts.close()
    assert store.unfinished_attempts() == {}


def test_names_that_are_not_utf8_or_look_like_keys_are_files_like_others(store: Store, tmp_path: Path) -> None:
    for name in (os.fsdecode(b"P\xe9.bmp"), "a [00].bmp", "upload 1"):
        path = tmp_path / name
        path.write_bytes(b"")
        killed(store, path)
        assert Attempts(store).passes_over(file_key(path))


def test_a_store_that_cannot_be_written_holds_nobody_up(model: Model, tmp_path: Path, write_image: Any) -> None:
    Store.open(tmp_path / "r.db").close()
    with Store.open(tmp_path / "r.db", read_only=True) as store:
        attempts = Attempts(store)
        (row,) = Steps(model, store, Way("watch"), attempts).rows([(write_image("x.bmp"),)])
        attempts.close()
    assert row is not None
    assert row.result is not None


def test_a_watch_that_is_killed_over_a_file_again_and_again_passes_over_it(
    small_model: Path, write_image: Any, tmp_path: Path
) -> None:
    incoming, database = tmp_path / "incoming", tmp_path / "r.db"
    incoming.mkdir()
    (incoming / "a.bmp").write_bytes(write_image("a.bmp").read_bytes() + b"DEADLY")
    (incoming / "b.bmp").write_bytes(write_image("b.bmp", size=(40, 40)).read_bytes())
    arguments = ["infer", small_model, "--watch", incoming, "--store", database]
    command = [sys.executable, "-c", _DEADLY, *map(str, arguments)]
    for _ in range(MOST_TRIES):
        assert subprocess.run(command, capture_output=True, env=environment(), timeout=90, check=False).returncode == -9
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        lines = {process.stdout.readline() for _ in range(2)}
        process.terminate()
    assert process.returncode == 0
    assert sum("skipped: " in line for line in lines) == 1
    with Store.open(database, read_only=True) as store:
        assert [Path(failure.path).name for failure in store.failures()] == ["a.bmp"]
        assert [Path(result.path).name for result in store.query()] == ["b.bmp"]
