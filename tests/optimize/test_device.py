import os
import platform
import re
import shutil
from dataclasses import replace

import pytest

from edgeleuk.bench.candidates import Request
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.remote import Remote, UnreachableError
from edgeleuk.bench.session import benchmark
from edgeleuk.errors import DataError, EdgeleukError, UsageError
from edgeleuk.optimize.device import Here, Measured, Scaled, There, scaled_to

QUICK = Protocol(processes=1, runs=3, seconds=0.0)


@pytest.fixture(scope="module")
def recorded(small_model, tmp_path_factory):
    """A record of this machine, with its model beside it."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copy(small_model, folder / "cells.tflite")
    record = benchmark(Request((folder / "cells.tflite",), protocol=QUICK))
    (folder / "record.json").write_text(record.to_json())
    return folder, record


def copied(recorded, tmp_path, **facts):
    folder, record = recorded
    shutil.copy(folder / "cells.tflite", tmp_path)
    (tmp_path / "record.json").write_text(replace(record, **facts).to_json())
    return tmp_path / "record.json"


def test_models_are_measured_here_under_their_names(small_model, small_float_model):
    found = Here(protocol=QUICK).measure({"160px-w0.5": small_model, "96px": small_float_model}, 1).ms
    assert list(found) == ["160px-w0.5", "96px"]
    assert all(ms > 0 for ms in found.values())


class Twice:
    """A machine on which everything takes two milliseconds."""

    label, notes = "twice", ()

    def measure(self, models, threads, images=()):
        return Measured(dict.fromkeys(models, 2.0))


def test_a_record_scales_this_machine_by_the_models_beside_it(recorded, tmp_path):
    made = scaled_to(copied(recorded, tmp_path), 1, Twice())
    theirs = recorded[1].results[0].latency.p50_ms
    assert made.factor == pytest.approx(theirs / 2)
    assert made.measure({"x": tmp_path}, 1).ms == {"x": pytest.approx(theirs)}
    assert "milliseconds are those of this machine times" in made.notes[0]


def test_factors_of_several_models_are_averaged_as_ratios_are():
    made = Scaled("a board", (1.0, 4.0), Twice())
    assert made.factor == pytest.approx(2.0)
    assert "1 to 4 times as long for 2 models" in made.notes[0]


def test_a_record_of_another_architecture_is_refused(recorded, tmp_path):
    other = {"architecture": "aarch64" if platform.machine() != "aarch64" else "x86_64"}
    path = copied(recorded, tmp_path, device=recorded[1].device | other)
    with pytest.raises(UsageError, match=r"architecture (aarch64|x86_64); this machine is .*--ssh"):
        scaled_to(path, 1, Twice())


def test_a_record_without_its_model_or_with_other_threads_is_refused(recorded, tmp_path):
    path = copied(recorded, tmp_path)
    with pytest.raises(UsageError, match="result of 4 threads"):
        scaled_to(path, 4, Twice())
    (tmp_path / "cells.tflite").write_bytes(b"another")
    with pytest.raises(UsageError, match=r"none of the models measured in .*cells.tflite"):
        scaled_to(path, 1, Twice())


def test_a_record_that_was_ended_early_is_refused_and_an_invalid_one_says_so(recorded, tmp_path):
    path = copied(recorded, tmp_path, invalid=("it was hot",))
    assert "not valid: it was hot" in scaled_to(path, 1, Twice()).notes[1]
    with pytest.raises(UsageError, match="ended before it was complete"):
        scaled_to(copied(recorded, tmp_path, partial=True), 1, Twice())


def test_a_file_that_is_no_record_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DataError, match="not a benchmark record"):
        scaled_to(tmp_path / "x.json", 1, Twice())


@pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh here")
def test_a_host_that_does_not_answer_is_tried_again_and_then_says_how_to_go_on(small_model, tmp_path):
    config = tmp_path / "config"
    config.write_text("Host gone\n  HostName 127.0.0.1\n  Port 9\n")
    said = []
    there = There(Remote("gone", config), said.append, protocol=QUICK, pause_s=0.0)
    with pytest.raises(UnreachableError, match=r"\(tried 3 times\).*--resume"):
        there.measure({"x": small_model}, 1)
    assert len(said) == 2
    assert all("Connection refused" in text and "retrying in" in text for text in said)


def make_ssh(folder, monkeypatch, said, status):
    """A program in ssh's place that says why it fails."""
    (folder / "ssh").write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {status}\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("pi@box: Permission denied (publickey).", 255),
        ("Host key verification failed.", 255),
        ("sh: 1: mktemp: not found", 127),
    ],
)
def test_what_another_try_does_not_mend_is_not_tried_again(small_model, tmp_path, monkeypatch, said, status):
    make_ssh(tmp_path, monkeypatch, said, status)
    tries = []
    with pytest.raises(EdgeleukError, match=re.escape(said)) as caught:
        There(Remote("box"), tries.append, protocol=QUICK, pause_s=0.0).measure({"x": small_model}, 1)
    assert not isinstance(caught.value, UnreachableError)
    assert tries == []
