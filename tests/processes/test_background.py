import os
import time
from pathlib import Path

import pytest

from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.processes.background import in_background

DRAW = "edgeleuk.data.synthetic.process"


def test_the_job_is_done_meanwhile_and_its_answer_waited_for(tmp_path: Path) -> None:
    job = {"out": str(tmp_path / "cells"), "subjects": 8, "images_per_subject": 1, "folds": 2}
    with in_background(DRAW, job) as drawn:
        assert drawn() == drawn() == 8
    assert len(list((tmp_path / "cells").rglob("*.bmp"))) == 8


@pytest.mark.parametrize(
    ("job", "kind", "told"),
    [
        ({"subjects": 1}, UsageError, "subjects is 1"),
        ({"out": "/dev/null/cells", "subjects": 12}, OutputError, "/dev/null/cells"),
        ({"unknown": 1}, EdgeleukError, "unknown"),
    ],
)
def test_what_the_job_fails_of_is_raised(job: dict, kind: type, told: str, tmp_path: Path) -> None:
    with in_background(DRAW, {"out": str(tmp_path / "cells")} | job) as drawn, pytest.raises(kind, match=told):
        drawn()


def test_a_block_that_is_left_ends_the_process(tmp_path: Path) -> None:
    job = {"out": str(tmp_path / "cells"), "subjects": 400, "images_per_subject": 400}
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), in_background(DRAW, job):  # noqa: PT012 # what the block does is tested
        while not list(tmp_path.iterdir()):
            time.sleep(0.02)
        raise KeyboardInterrupt
    assert time.monotonic() - begun < 60
    assert not (tmp_path / "cells").exists()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
