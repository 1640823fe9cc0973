"""`edgeleuk infer --watch --store` in a process of its own: signals, a model replaced, a kill at any moment."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest
from PIL import Image

from edgeleuk.store import Store

DEADLINE_S = 90


@pytest.fixture
def incoming(tmp_path):
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@contextmanager
def watching(model, folder, store, *more, environment=None):
    """The process; killed at the end where it is still there."""
    program = [sys.executable, "-m", "edgeleuk", "infer", model, "--watch", folder, "--store", store, *more]
    process = subprocess.Popen(
        list(map(str, program)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def eventually(true):
    """Wait until true() is; fails after a deadline that only a hanging process meets."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def count(path):
    if not path.exists():
        return 0
    with Store.open(path, read_only=True) as store:
        return store.count()


def write_many(folder, number):
    """Images of as many contents, quick to write and to decode."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    for n in range(number):
        pixels[0, 0] = n % 256, n // 256, 0
        Image.fromarray(pixels).save(folder / f"{n:05}.bmp")


@pytest.mark.parametrize("way", [(), ("--polling",)])
def test_images_are_classified_as_they_appear_and_a_stop_is_clean(small_model, write_image, incoming, tmp_path, way):
    shutil.copy(write_image("there.bmp"), incoming)
    with watching(small_model, incoming, tmp_path / "r.db", *way) as process:
        assert json.loads(process.stdout.readline())["image"] == str(incoming / "there.bmp")
        shutil.copy(write_image("new.png"), incoming)
        assert json.loads(process.stdout.readline())["image"] == str(incoming / "new.png")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, errors) == (0, "")
    assert count(tmp_path / "r.db") == 2


def test_a_file_written_slowly_is_classified_once_it_is_whole(small_model, write_image, incoming, tmp_path):
    content = write_image("x.bmp", size=(200, 200)).read_bytes()
    with watching(small_model, incoming, tmp_path / "r.db") as process:
        with (incoming / "slow.bmp").open("wb") as stream:
            for start in range(0, len(content), 30_000):
                stream.write(content[start : start + 30_000])
                stream.flush()
                time.sleep(0.2)
        row = json.loads(process.stdout.readline())
    assert "error" not in row
    with Store.open(tmp_path / "r.db", read_only=True) as store:
        assert store.failures() == []


def test_a_bad_image_is_told_and_stored_and_the_watch_goes_on(small_model, write_image, incoming, tmp_path):
    with watching(small_model, incoming, tmp_path / "r.db") as process:
        (incoming / "half.bmp").write_bytes(write_image("x.bmp").read_bytes()[:999])
        assert "truncated" in json.loads(process.stdout.readline())["error"]
        shutil.copy(write_image("good.bmp"), incoming)
        assert json.loads(process.stdout.readline())["label"] in ("all", "hem")
    with Store.open(tmp_path / "r.db", read_only=True) as store:
        assert [failure.path for failure in store.failures()] == [str(incoming / "half.bmp")]


def test_a_hang_up_loads_the_new_model_and_a_bad_one_is_left_alone(
    small_model, small_float_model, write_image, incoming, tmp_path
):
    model = tmp_path / "model.tflite"
    shutil.copy(small_model, model)
    with watching(model, incoming, tmp_path / "r.db") as process:
        shutil.copy(write_image("a.bmp"), incoming)
        first = json.loads(process.stdout.readline())
        model.write_bytes(b"half a model")
        process.send_signal(signal.SIGHUP)
        assert "the old one stays" in process.stderr.readline()
        shutil.copy(write_image("bb.bmp"), incoming)
        second = json.loads(process.stdout.readline())
        shutil.copy(small_float_model, model)
        process.send_signal(signal.SIGHUP)
        assert "model reloaded" in process.stderr.readline()
        shutil.copy(write_image("ccc.bmp"), incoming)
        third = json.loads(process.stdout.readline())
    assert first["model_sha256"] == second["model_sha256"] != third["model_sha256"]


def test_a_store_that_is_locked_for_a_while_loses_nothing(small_model, write_image, incoming, tmp_path):
    Store.open(tmp_path / "r.db").close()
    with (
        closing(sqlite3.connect(tmp_path / "r.db", isolation_level=None)) as other,
        watching(small_model, incoming, tmp_path / "r.db") as process,
    ):
        shutil.copy(write_image("a.bmp"), incoming)
        process.stdout.readline()
        other.execute("BEGIN IMMEDIATE")
        shutil.copy(write_image("bb.bmp"), incoming)
        assert "retrying until it works" in process.stderr.readline()
        other.execute("ROLLBACK")
        assert json.loads(process.stdout.readline())["image"].endswith("bb.bmp")
    assert count(tmp_path / "r.db") == 2


@pytest.mark.slow
@pytest.mark.long
def test_a_hundred_kills_over_two_thousand_images_lose_nothing_and_repeat_nothing(small_model, incoming, tmp_path):
    write_many(incoming, 2000)
    chance, store = random.Random(0), tmp_path / "r.db"
    for _ in range(100):
        with watching(small_model, incoming, store) as process:
            if chance.random() < 0.5:  # amid the start as well as amid the work
                process.stdout.readline()
            time.sleep(chance.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
            process.wait()
    killed_at = count(store)
    with watching(small_model, incoming, store, environment={"PYTHONUNBUFFERED": "1"}) as process:
        for _ in range(2000):
            process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=DEADLINE_S)
    with closing(sqlite3.connect(store)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = raw.execute("SELECT count(*), count(DISTINCT sha256), count(DISTINCT path) FROM results").fetchone()
        failures = raw.execute("SELECT path, error FROM failures").fetchall()
        both = raw.execute("SELECT count(*) FROM results JOIN failures USING (path)").fetchone()
    # On a slow machine an image may by chance be under way at three of the kills: it is listed as passed over.
    assert all(error.startswith("passed over: ") for _, error in failures)
    assert rows == (2000 - len(failures),) * 3
    assert len(failures) < 10
    assert both == (0,)
    assert killed_at > 0
