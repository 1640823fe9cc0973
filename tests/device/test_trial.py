"""Interpreters tried in processes of their own; some of these processes come to a bad end."""

import sys
from pathlib import Path

import pytest

from edgeleuk.device.trial import PROBE, PROBE_ANSWERS, Request, Trial, steps_off, try_interpreter
from edgeleuk.runtime.graph import read_graph

PYTHON = [sys.executable, "-I"]


def test_litert_runs_the_probe_and_computes_right():
    trial = try_interpreter(Request("litert"))
    assert trial.error is None
    assert trial.output == PROBE_ANSWERS["litert"]
    assert trial.coverage.whole
    assert trial.input_type == "int8"
    assert list(trial.invoke_ms) == [trial.default_threads]
    assert trial.peak_memory_mib > 10


def test_the_probe_is_small_and_has_what_inception_is_made_of():
    graph = read_graph(PROBE.read_bytes())
    assert set(graph.dtype_counts()) == {"int8", "int32"}
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "CONCATENATION", "MEAN", "FULLY_CONNECTED"} == set(
        graph.operator_counts()
    )
    assert PROBE.stat().st_size < 20_000


@pytest.mark.parametrize(("fixture", "kind"), [("small_model", "int8"), ("small_float_model", "float32")])
def test_a_model_is_timed_with_each_number_of_threads(request, fixture, kind):
    trial = try_interpreter(Request("litert", str(request.getfixturevalue(fixture)), (1, 2)))
    assert (trial.error, trial.input_type, trial.output) == (None, kind, ())
    assert set(trial.invoke_ms) == {1, 2}
    assert all(median > 0 for median in trial.invoke_ms.values())


def test_of_a_cascade_both_models_are_timed(write_cascade, tmp_path):
    trial = try_interpreter(Request("litert", str(write_cascade(tmp_path / "cascade.tflite")), (1,)))
    assert (trial.error, trial.input_type, trial.stages) == (None, "float32", 2)


def test_what_the_runtime_refuses_is_the_trials_error(tmp_path, int8_flatbuffer):
    assert "No such file" in try_interpreter(Request("litert", str(tmp_path / "absent.tflite"))).error
    (tmp_path / "foreign.tflite").write_bytes(int8_flatbuffer)
    assert "has no ModelSpec" in try_interpreter(Request("litert", str(tmp_path / "foreign.tflite"))).error


@pytest.mark.parametrize("name", ["SIGILL", "SIGSEGV", "SIGKILL", "SIGBUS"])
def test_a_crash_is_the_trials_error_by_the_signals_name(tool, name):
    trial = try_interpreter(Request("litert"), [tool(f"echo 'loading XNNPACK' >&2; kill -{name[3:]} $$")])
    assert not trial.ran
    memory = "; Linux does that to what takes more memory than there is" if name == "SIGKILL" else ""
    assert trial.error == f"its process was ended by {name} after saying: loading XNNPACK{memory}"


def test_a_signal_without_a_name_has_a_number(tool):
    assert "ended by signal 40" in try_interpreter(Request("litert"), [tool("kill -40 $$")]).error


def test_a_traceback_is_told_by_its_last_line(tool):
    body = "printf 'Traceback:\\n  File x\\nModuleNotFoundError: No module named numpy\\n' >&2; exit 1"
    assert try_interpreter(Request("litert"), [tool(body)]).error == "ModuleNotFoundError: No module named numpy"


@pytest.mark.parametrize(
    ("body", "error"),
    [("exit 3", "its process ended with exit code 3"), ("echo chatter", "its process ended without an answer")],
)
def test_a_process_that_says_nothing_of_use(tool, body, error):
    assert try_interpreter(Request("litert"), [tool(body)]).error == error


def test_a_process_that_hangs_is_given_up(tool):
    assert try_interpreter(Request("litert"), [tool("exec sleep 60")], timeout_s=0.3).error == "no answer within 0.3 s"


def test_a_python_that_is_gone(tmp_path):
    assert "could not be started" in try_interpreter(Request("litert"), [str(tmp_path / "absent")]).error


def test_the_child_imports_what_the_parent_would(tmp_path, monkeypatch):
    (tmp_path / "ai_edge_litert").mkdir()
    (tmp_path / "ai_edge_litert" / "__init__.py").write_text("")
    (tmp_path / "ai_edge_litert" / "interpreter.py").write_text(
        'raise ImportError("/lib/aarch64-linux-gnu/libc.so.6: version `GLIBC_2.34\' not found")'
    )
    monkeypatch.syspath_prepend(tmp_path)
    error = try_interpreter(Request("litert")).error
    assert error.startswith("litert is installed but cannot be loaded")
    assert "GLIBC_2.34" in error


def test_a_module_in_the_working_folder_does_not_get_in_the_way(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong json')")
    (tmp_path / "numpy.py").write_text("raise RuntimeError('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    assert try_interpreter(Request("litert")).ran


@pytest.mark.parametrize(("change", "steps"), [(0, 0), (1, 1), (-90, 90)])
def test_wrong_answers_are_counted_in_steps(change, steps):
    right = PROBE_ANSWERS["tflite-runtime"]
    assert steps_off(Trial("tflite-runtime", output=(right[0], right[1] + change, *right[2:]))) == steps


def test_an_answer_of_another_length_is_wrong():
    assert steps_off(Trial("litert", output=(1, 2))) == 256


def test_recorded_answers_use_the_range_of_int8():
    for answers in PROBE_ANSWERS.values():
        assert len(set(answers)) > 10
        assert min(answers) < -60 < 60 < max(answers)
    pairs = zip(*PROBE_ANSWERS.values(), strict=True)
    assert max(abs(first - second) for first, second in pairs) == 1  # XNNPACK rounds in its own way


def test_the_probe_lies_in_the_package():
    assert Path("edgeleuk/device/probe.tflite").parts == PROBE.parts[-3:]
