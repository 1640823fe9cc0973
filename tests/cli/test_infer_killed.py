"""`edgeleuk infer DIR --store` killed at any moment: what it printed is stored, and is stored once."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

IMAGES, KILLS = 400, 8


@pytest.fixture
def folder(tmp_path):
    """Small pictures of different contents, every tenth of them as two files."""
    made, noise = tmp_path / "images", np.random.default_rng(0)
    made.mkdir()
    for number in range(IMAGES):
        if number % 10 or number == 0:
            pixels = noise.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(made / f"{number:04}.bmp")
    return made


def stored(path):
    """(path, SHA-256) of each result in the order of the rows, and how many names there are beside them."""
    if not path.exists():
        return [], 0
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        try:
            rows = raw.execute("SELECT path, sha256 FROM results ORDER BY id").fetchall()
            return rows, raw.execute("SELECT count(*) FROM names").fetchone()[0]
        except sqlite3.OperationalError:  # killed before there was a table
            return [], 0


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_no_printed_row_and_doubles_none(small_model, folder, tmp_path):
    chance, db, out = random.Random(0), tmp_path / "r.db", tmp_path / "out"
    program = [sys.executable, "-m", "edgeleuk", "infer", small_model, folder, "--store", db, "--threads", "3"]
    for _ in range(KILLS):
        with out.open("w") as stream, subprocess.Popen(program, stdout=stream) as process:
            before, deadline = len(stored(db)[0]), time.monotonic() + 60
            while process.poll() is None and len(out.read_text()) == 0 and time.monotonic() < deadline:
                time.sleep(0.005)  # amid the work: the start alone is nothing to lose
            time.sleep(chance.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
        printed = [json.loads(line) for line in out.read_text().splitlines(keepends=True) if line.endswith("\n")]
        rows, _ = stored(db)
        assert {row["sha256"] for row in printed} <= {sha256 for _, sha256 in rows}
        assert len({sha256 for _, sha256 in rows}) == len(rows) >= before
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    rows, names = stored(db)
    images = [json.loads(line)["image"] for line in done.stdout.splitlines()]
    assert images == sorted(map(str, folder.iterdir()))
    assert [path for path, _ in rows] == [path for n, path in enumerate(images) if n % 10 or n == 0]
    assert names == IMAGES // 10 - 1
