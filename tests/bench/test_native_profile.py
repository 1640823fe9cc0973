"""Time by operator, from a real library, from none and from a wrong one."""

import json
import re
import shutil

import pytest

from edgeleuk.bench.native_profile import Effort, believable, profile_operators, refuse_unknown, summarize
from edgeleuk.errors import EdgeleukError
from edgeleuk.runtime.backend import open_interpreter

OPERATOR, DELEGATED, DELEGATE_AS_OPERATOR, OTHER = 2, 4, 8, 1

PROFILE = """
import json, pathlib, sys, threading, time
from edgeleuk.bench.native_profile import Effort, profile_operators
from edgeleuk.errors import EdgeleukError
from edgeleuk.runtime.backend import open_interpreter
def tasks():
    return len(list(pathlib.Path("/proc/self/task").iterdir()))
path, threads = pathlib.Path({path!r}), {threads}
opened = open_interpreter(path.read_bytes(), path, 1)
before = tasks()
found = profile_operators(path, opened.get_input_details(), opened.get_output_details(), threads, Effort(5, 0.0))[0]
print(json.dumps([tasks() - before, [operator.name for operator in found]]))
"""


def test_operators_are_summed_by_name_and_the_longest_comes_first():
    once = [("CONV", OPERATOR, 10), ("CONV", OPERATOR, 20), ("ADD", DELEGATED, 80)]
    again = [("CONV", OPERATOR, 10), ("CONV", OPERATOR, 40), ("ADD", DELEGATE_AS_OPERATOR, 60)]
    rows = [(found.name, found.calls, found.ms, found.delegated) for found in summarize([once, again])]
    assert rows == [("ADD", 1.0, 0.07, True), ("CONV", 2.0, 0.04, False)]


def test_an_operator_that_lost_the_processor_once_is_not_the_longest():
    quiet = [("GEMM", DELEGATED, 2), ("CONV", DELEGATED, 90)]
    found = summarize([quiet] * 29 + [[("GEMM", DELEGATED, 6000), ("CONV", DELEGATED, 90)]])
    assert [(operator.name, operator.ms) for operator in found] == [("CONV", 0.09), ("GEMM", 0.002)]


def test_an_operator_in_and_outside_the_delegate_is_two_rows():
    found = summarize([[("ADD", OPERATOR, 4), ("ADD", DELEGATED, 6), ("invoke", OTHER, 99)]])
    assert [(operator.name, operator.delegated) for operator in found] == [("ADD", True), ("ADD", False)]


def test_an_operator_that_seldom_runs_counts_nothing_in_the_median():
    found = summarize([[("CONV", OPERATOR, 4)], [("CONV", OPERATOR, 4), ("IF", OPERATOR, 9)], [("CONV", OPERATOR, 4)]])
    assert [(operator.name, operator.calls, operator.ms) for operator in found] == [("CONV", 1, 0.004), ("IF", 0, 0.0)]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [("invoke", OTHER, 1)],
        [(None, OPERATOR, 1)],
        [("CONV", 3, 1)],
        [("CONV", OPERATOR, 1001)],
        [("CONV", OPERATOR, 1), ("CONV", 94_582_910, 1)],
    ],
)
def test_what_cannot_have_happened_is_no_profile(events):
    with pytest.raises(EdgeleukError, match="returned inconsistent events"):
        believable(events, wall_us=1000.0)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.4.0", "LiteRT 1.4.0 has no profiler to query; 2.1.6 and newer have"),
        ("2.1.5", "LiteRT 2.1.5 has no profiler to query; 2.1.6 and newer have"),
        ("2.4.0", "structures of LiteRT 2.1.6 to before 2.4, not 2.4.0"),
        ("3.0", "structures of LiteRT 2.1.6 to before 2.4, not 3.0"),
    ],
)
def test_releases_with_another_interface_are_not_called(version, said):
    with pytest.raises(EdgeleukError, match=re.escape(said)):
        refuse_unknown(version)


@pytest.mark.parametrize("version", ["2.1.6", "2.3.0.dev7", "2.3.9"])
def test_releases_with_the_known_interface_are_called(version):
    refuse_unknown(version)


@pytest.mark.parametrize("fixture", ["small_model", "small_float_model"])
def test_the_sum_over_operators_is_no_more_than_the_whole(request, fixture):
    import time

    path = request.getfixturevalue(fixture)
    opened = open_interpreter(path.read_bytes(), path, 1)
    details = opened.get_input_details(), opened.get_output_details()
    started = time.perf_counter()
    found, runs = profile_operators(path, *details, 1, Effort(50, 0.0))
    wall_ms = 1000 * (time.perf_counter() - started)
    assert runs == 50
    assert 0 <= 50 * sum(operator.ms for operator in found) < wall_ms  # 0 where each takes less than a microsecond
    assert [operator.ms for operator in found] == sorted((operator.ms for operator in found), reverse=True)
    assert all(operator.calls == int(operator.calls) for operator in found)


def test_profiling_ends_after_its_time_or_its_most(small_model):
    opened = open_interpreter(small_model.read_bytes(), small_model, 1)
    details = opened.get_input_details(), opened.get_output_details()
    assert profile_operators(small_model, *details, 1, Effort(2, 60.0, most=7))[1] == 7
    assert profile_operators(small_model, *details, 1, Effort(3, 0.0))[1] == 3


def test_threads_are_those_asked_for(run_python, small_model):
    started = {}
    for threads in (1, 3):
        done = run_python(PROFILE.format(path=str(small_model), threads=threads))
        assert done.returncode == 0, done.stderr
        started[threads], names = json.loads(done.stdout)
        assert names
    assert started == {1: 0, 3: 2}


def fake_litert(folder, version, library):
    """A LiteRT that consists of a shared library."""
    (folder / "ai_edge_litert").mkdir()
    (folder / "ai_edge_litert" / "__init__.py").write_text("")
    if library is not None:
        shutil.copy(library, folder / "ai_edge_litert" / "libLiteRt.so")
    (folder / "ai_edge_litert-0.dist-info").mkdir()
    (folder / "ai_edge_litert-0.dist-info" / "METADATA").write_text(f"Name: ai-edge-litert\nVersion: {version}\n")
    return folder


@pytest.mark.parametrize(
    ("version", "with_library", "told"),
    [
        ("2.3.9", True, "this LiteRT has no function LiteRtCreateEnvironment"),
        ("2.3.9", False, "this LiteRT comes without the library that has its profiler"),
        ("1.0.1", True, "LiteRT 1.0.1 has no profiler to query"),
    ],
)
def test_a_litert_without_what_is_needed_says_so(run_python, tmp_path, version, with_library, told):
    import _ctypes  # some shared library that is no LiteRT

    folder = fake_litert(tmp_path, version, _ctypes.__file__ if with_library else None)
    done = run_python(
        f"sys.path.insert(0, {str(folder)!r})\nfrom pathlib import Path\n"
        "from edgeleuk.bench.native_profile import profile_operators\nfrom edgeleuk.errors import EdgeleukError\n"
        "try:\n    profile_operators(Path('x'), [], [], 1)\nexcept EdgeleukError as error:\n    print(error)"
    )
    assert (done.stdout.startswith(told), done.stderr) == (True, "")


def test_tensors_that_do_not_fit_the_models_first_signature_are_refused(small_model):
    opened = open_interpreter(small_model.read_bytes(), small_model, 1)
    larger = [detail | {"shape": [1, 999, 999, 3]} for detail in opened.get_input_details()]
    with pytest.raises(EdgeleukError, match="first signature is not its main graph"):
        profile_operators(small_model, larger, opened.get_output_details(), 1)


@pytest.mark.parametrize("change", [{"dtype": "complex64"}, {"shape": [1] * 9}])
def test_tensors_that_the_interface_has_no_name_for_are_refused(small_model, change):
    opened = open_interpreter(small_model.read_bytes(), small_model, 1)
    [detail] = opened.get_input_details()
    with pytest.raises(EdgeleukError, match="takes no tensor of type"):
        profile_operators(small_model, [detail | change], opened.get_output_details(), 1)
