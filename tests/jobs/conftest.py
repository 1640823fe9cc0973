"""A small local Ray cluster that the tests of a file share."""

import os
import sys

import pytest

from edgeleuk.cluster.joining import joined
from edgeleuk.jobs.on_ray import RayWorkers
from edgeleuk.optimize.jobs import job
from tests.conftest import ROOT

PROGRAM = ROOT / "tests" / "optimize" / "jobs.py"


@pytest.fixture(scope="module")
def cluster():
    """Of two cores, on this machine."""
    os.environ["PYTHONPATH"] = str(ROOT)
    with joined("local", 2) as found:
        yield found


@pytest.fixture
def workers(cluster, tmp_path):
    """Two at a time, on the tests' own program, which is told of the folder of the test."""

    def make(at_a_time=2, **given):
        made = RayWorkers(cluster, at_a_time, say=given.pop("say", lambda text: None), **given)
        made.python = (sys.executable, str(PROGRAM), str(tmp_path))
        return made

    return make


@pytest.fixture
def graph(tmp_path):
    """A job that writes a file of this name; its log is its own."""

    def make(name, width=0.5):
        shape = {"input_size": 96, "width": width, "exit": None, "prune": 1.0}
        arguments = {"shape": shape, "class_count": 2, "out": str(tmp_path / name)}
        return job(name, "make_graph", arguments, tmp_path / f"{name}.log")

    return make
