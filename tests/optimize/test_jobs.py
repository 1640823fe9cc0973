"""The real program of a search's jobs."""

import json
import os
import subprocess
import sys

from edgeleuk.jobs.workers import Workers
from edgeleuk.optimize.jobs import WORK, job


def test_a_place_that_cannot_be_written_to_is_told_from_a_failure(tmp_path, cells, small_model):
    cells.save(tmp_path / "index.json")
    (tmp_path / "file").write_text("in the way")
    what: dict[str, object] = {"model": str(small_model), "reference": str(small_model)}
    what |= {"index": str(tmp_path / "index.json"), "split": "test", "margin": 0.1, "seed": 0}
    good, full, absent = Workers(1).run(
        [
            job("it", "judge", what | {"out": str(tmp_path / "evaluation")}, tmp_path / "log.txt", alone=False),
            job(
                "it", "judge", what | {"out": str(tmp_path / "file" / "evaluation")}, tmp_path / "log.txt", alone=False
            ),
            job(
                "it",
                "judge",
                what | {"out": str(tmp_path / "absent"), "model": "absent"},
                tmp_path / "log.txt",
                alone=False,
            ),
        ]
    )
    assert (good.failure, good.output) == (None, False)
    assert "file" in full.failure
    assert [outcome.output for outcome in (full, absent)] == [True, False]


def test_a_job_whose_parent_is_gone_ends(tmp_path):
    """The real program, for its tether is its own."""
    reading, writing = os.pipe()
    process = subprocess.Popen([sys.executable, "-m", WORK, "0"], stdin=reading, stderr=subprocess.PIPE)
    os.close(reading)
    asked = {
        "action": "make_graph",
        "shape": {"input_size": 75, "width": 0.125},
        "class_count": 2,
        "out": "/dev/null/x",
    }
    os.write(writing, json.dumps(asked).encode() + b"\n")
    os.close(writing)
    assert process.wait(60) == 130
    process.stderr.close()
