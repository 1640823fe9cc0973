"""`edgeleuk benchmark` as a user meets it: in a process of its own."""

import dataclasses
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeleuk.bench.candidates import Request
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import read_record
from edgeleuk.bench.session import benchmark
from edgeleuk.cli import main
from edgeleuk.cli.benchmark import command
from edgeleuk.runtime.backend import BACKENDS

QUICK = ("--processes", 2, "--runs", 4, "--seconds", 0)
COMPARABLE = ("--processes", 5, "--runs", 4, "--seconds", 0)


def waits_until(condition, seconds=20.0):
    """Whether it comes true in this time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid):
    """Whether the process is over, or on its way."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@contextmanager
def heard(*numbers):
    """A child started here hears these signals, also where the tests themselves ignore them, as below nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def start(tmp_path):
    """Start the command and wait until it says these words; it is ended after the test."""
    started = []

    def begin(words, *arguments, before=()):
        said = tmp_path / "stderr"
        program = [*before, sys.executable, "-m", "edgeleuk", "benchmark", *map(str, arguments)]
        with said.open("w") as errors, heard(signal.SIGHUP, signal.SIGINT):
            process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=errors, text=True)
        started.append(process)
        assert waits_until(lambda: words in said.read_text() or process.poll() is not None), said.read_text()
        assert process.poll() is None, said.read_text()
        return process, said

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def workers_of(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.fixture(scope="module")
def baseline(small_model, tmp_path_factory):
    """A record of the small model with one thread and with two."""
    path = tmp_path_factory.mktemp("records") / "baseline.json"
    path.write_text(benchmark(Request((small_model,), threads=(1, 2), protocol=Protocol(5, 4, 0.0))).to_json())
    return path


@pytest.fixture(scope="module")
def one_result(small_model, tmp_path_factory):
    """A record of the small model with one thread."""
    path = tmp_path_factory.mktemp("records") / "one.json"
    path.write_text(benchmark(Request((small_model,), protocol=Protocol(5, 4, 0.0))).to_json())
    return path


def test_it_prints_a_table_and_writes_a_record(run_edgeleuk, small_model, tmp_path, write_image):
    path = tmp_path / "new" / "r.json"
    image = write_image("a.bmp")
    done = run_edgeleuk(
        "benchmark", small_model, *QUICK, "--threads", "1,2", "--images", image, "--device-label", "bench", "-o", path
    )
    assert done.returncode == 0, done.stderr
    record = read_record(path)
    assert [result.title for result in record.results] == [
        "int8.tflite, litert, 1 thread",
        "int8.tflite, litert, 2 threads",
    ]
    assert (record.label, record.protocol.processes, record.protocol.runs) == ("bench", 2, 4)
    assert all(result.title in done.stdout for result in record.results)
    assert "end to end" in done.stdout
    assert re.search(r"times as (fast|slow) \(no interval\) as int8\.tflite, litert, 1 thread", done.stdout)
    assert "NOT VALID" in done.stdout  # two processes are too few
    assert done.stderr.splitlines()[0] == "inspect int8.tflite, litert, 1 thread"
    assert done.stderr.splitlines()[-1] == "round 2 of 2: int8.tflite, litert, 2 threads"


def test_json_is_the_record(run_edgeleuk, small_model, tmp_path):
    done = run_edgeleuk("benchmark", small_model, *QUICK, "--json", "--sustained", 0.002)
    (tmp_path / "r.json").write_text(done.stdout)
    assert read_record(tmp_path / "r.json").results[0].sustained.minutes == pytest.approx(0.002)
    assert done.returncode == 0


def test_strict_fails_where_numbers_should_not_be_quoted(run_edgeleuk, small_model):
    assert run_edgeleuk("benchmark", small_model, *QUICK, "--strict").returncode == 1


def test_a_baseline_is_compared_with(run_edgeleuk, small_model, baseline):
    done = run_edgeleuk(
        "benchmark", small_model, *COMPARABLE, "--threads", 2, "--baseline", baseline, "--max-regression", "100%"
    )
    assert done.returncode == 0, done.stderr
    assert "ratio" in done.stdout
    assert "no counterpart" in done.stdout


def test_a_regression_exits_with_1(run_edgeleuk, small_model, tmp_path, baseline):
    """Of the record of a model that was a thousand times as fast."""
    record = read_record(baseline)
    results = [
        dataclasses.replace(
            result,
            processes=tuple(
                dataclasses.replace(run, samples_ms=tuple(ms / 1000 for ms in run.samples_ms))
                for run in result.processes * 3
            ),
        )
        for result in record.results
    ]
    (tmp_path / "fast.json").write_text(dataclasses.replace(record, results=tuple(results)).to_json())
    done = run_edgeleuk(
        "benchmark",
        small_model,
        "--processes",
        6,
        "--runs",
        6,
        "--seconds",
        0,
        "--json",
        "--baseline",
        tmp_path / "fast.json",
    )
    assert done.returncode == 1
    assert "slower by more than the 5" in done.stderr  # standard output is the record's
    json.loads(done.stdout)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("-o", "{tmp}/r.txt"), 2, "; expected .json, by which"),
        (("-o", "{tmp}/file/r.json"), 1, "file/r.json: Not a directory"),
        (("-o", "{tmp}/folder.json"), 1, "folder.json: it is a folder"),
        (("-o", "/proc/r.json"), 1, "cannot write /proc/r.json"),
        (("--threads", "0"), 2, "'0' is not a list of whole numbers from 1 to 256, such as 1,2,4"),
        (("--threads", "1,,2"), 2, "'1,,2' is not a list of whole numbers"),
        (("--threads", "9999999"), 2, "'9999999' is not a list of whole numbers"),
        (("--threads", "two"), 2, "'two' is not a list of whole numbers"),
        (("--seconds", "nan"), 2, "'nan' is not a number from 0 to 86,400"),
        (("--sustained", "-1"), 2, "'-1' is not a number from 0"),
        (("--runs", "0"), 2, "0 is not in the range"),
        (("--processes", "0"), 2, "0 is not in the range"),
        (("--backend", "onnx"), 2, "'onnx' is not one of auto, litert"),
        (("--max-regression", "fast"), 2, "'fast' is not a share of 0% to 100%, such as 5%"),
        (("--baseline", "{tmp}/absent.json"), 2, "absent.json: no such record"),
        (("--baseline", "{tmp}/file"), 2, "is not JSON"),
        (("--images", "{tmp}/absent"), 2, "no such file or folder"),
        (("--images", "{tmp}/folder.json"), 2, "holds no images"),
        (("--max-regression", "3%"), 2, "needs --baseline"),
        (("--remote-python", "python3"), 2, "need --ssh"),
        (("--ssh-config", "/"), 2, "need --ssh"),
        (("--ssh", "-oProxyCommand=x"), 2, "is not a host"),
    ],
)
def test_a_bad_request_is_refused_before_anything_is_measured(
    run_edgeleuk, small_model, tmp_path, arguments, status, told
):
    (tmp_path / "file").write_text("{")
    (tmp_path / "folder.json").mkdir()
    done = run_edgeleuk("benchmark", small_model, *(word.format(tmp=tmp_path) for word in arguments))
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "inspect" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def small_content(small_model):
    return small_model.read_bytes()


def test_a_folder_without_permission_is_refused_before_anything_is_measured(small_content, unprivileged, capsys):
    model = unprivileged / "model.tflite"
    model.write_bytes(small_content)
    (unprivileged / "closed").mkdir(mode=0o555)
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", str(model), "-o", str(unprivileged / "closed" / "r.json")])
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (1, "")
    assert "Permission denied" in told.err
    assert "inspect" not in told.err


def test_a_baseline_of_nothing_like_it_is_refused_before_anything_is_measured(
    run_edgeleuk, small_float_model, baseline
):
    done = run_edgeleuk("benchmark", small_float_model, *QUICK, "--baseline", baseline)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: nothing to compare")
    assert "inspect" not in done.stderr


def test_too_few_processes_to_tell_are_refused_before_anything_is_measured(
    run_edgeleuk, small_model, baseline, tmp_path
):
    done = run_edgeleuk("benchmark", small_model, *QUICK, "--baseline", baseline)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: this measurement has too few processes")
    record = read_record(baseline)
    few = [dataclasses.replace(result, processes=result.processes[:4]) for result in record.results]
    (tmp_path / "few.json").write_text(dataclasses.replace(record, results=tuple(few)).to_json())
    done = run_edgeleuk("benchmark", small_model, *COMPARABLE, "--baseline", tmp_path / "few.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "1 thread of the baseline has too few processes" in done.stderr


def test_a_baseline_of_other_threads_is_refused_before_anything_is_measured(run_edgeleuk, small_model, baseline):
    done = run_edgeleuk("benchmark", small_model, *QUICK, "--threads", 3, "--baseline", baseline)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: nothing to compare")


def test_one_result_each_are_a_pair_whatever_they_hold(run_edgeleuk, small_float_model, one_result):
    done = run_edgeleuk("benchmark", small_float_model, *COMPARABLE, "--baseline", one_result)
    assert done.returncode in (0, 1), done.stderr
    assert "int8.tflite, litert, 1 thread -> float32.tflite, litert, 1 thread" in done.stdout


def with_custom_operator(flatbuffer, name):
    """The network with its last operator replaced by one of this name."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    [code] = [code for code in model.operatorCodes if code.builtinCode == schema.BuiltinOperator.SOFTMAX]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = name
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("name", ["CountLeukocytes", "FlexBetainc"])
def test_an_unsupported_operator_is_named(run_edgeleuk, tmp_path, float_flatbuffer, name):
    (tmp_path / "m.tflite").write_bytes(with_custom_operator(float_flatbuffer, name))
    done = run_edgeleuk("benchmark", tmp_path / "m.tflite", *QUICK)
    assert (done.returncode, done.stdout) == (1, "")
    [_, line] = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path}/m.tflite cannot be run by litert: ")
    assert name in line


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("absent.tflite", 2, "no such model"),
        ("folder", 2, "is a folder; expected a .tflite file"),
        ("empty.tflite", 2, "is not a TFLite model: it is empty"),
        ("text.tflite", 2, "is not a TFLite model"),
    ],
)
def test_what_is_no_model_is_one_sentence(run_edgeleuk, tmp_path, name, status, told):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.tflite").touch()
    (tmp_path / "text.tflite").write_text("not a model at all")
    done = run_edgeleuk("benchmark", tmp_path / name, *QUICK)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (status, "", 1)
    assert told in done.stderr


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("fixture", ["small_model", "float_flatbuffer"])
def test_a_cut_model_is_one_sentence(run_edgeleuk, request, tmp_path, fixture, share):
    made = request.getfixturevalue(fixture)
    content = made if isinstance(made, bytes) else made.read_bytes()
    (tmp_path / "cut.tflite").write_bytes(content[: int(share * len(content))])
    done = run_edgeleuk("benchmark", tmp_path / "cut.tflite", *QUICK)
    assert (done.returncode in (1, 2), done.stdout) == (True, "")  # 1 where only the interpreter sees it
    *progress, last = done.stderr.splitlines()
    assert last.startswith("error: ")
    assert "cut.tflite" in last
    assert all(line.startswith("inspect") for line in progress)


def test_one_model_twice_is_a_usage_error(run_edgeleuk, small_model):
    done = run_edgeleuk("benchmark", small_model, small_model)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a model is named twice" in done.stderr


def test_images_need_a_model_that_says_how_to_prepare_them(run_edgeleuk, tmp_path, int8_flatbuffer, write_image):
    (tmp_path / "bare.tflite").write_bytes(int8_flatbuffer)
    done = run_edgeleuk("benchmark", tmp_path / "bare.tflite", "--images", write_image("a.bmp"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "has no ModelSpec" in done.stderr


def test_a_bad_image_is_named_before_the_first_round(run_edgeleuk, small_model, tmp_path):
    (tmp_path / "bad.bmp").write_text("no image")
    done = run_edgeleuk("benchmark", small_model, "--images", tmp_path / "bad.bmp")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    assert "bad.bmp: not an image" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is not None, reason="tflite-runtime is installed")
def test_an_interpreter_that_is_not_installed(run_edgeleuk, small_model):
    done = run_edgeleuk("benchmark", small_model, "--backend", "litert", "--backend", "tflite-runtime")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith("error: tflite-runtime is not installed: pip install")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_that_is_asked_for_keeps_what_was_measured(start, small_model, tmp_path, number):
    path = tmp_path / "r.json"
    process, said = start("round 2 of 40", small_model, "--seconds", 20, "--processes", 40, "-o", path)
    assert waits_until(lambda: workers_of(process))
    [worker] = workers_of(process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    record = read_record(path)
    assert process.returncode == 128 + number
    assert record.partial
    assert 1 <= len(record.results[0].processes) < 40
    assert record.invalid[0].startswith("interrupted; ")
    assert "interrupted; not all that was asked for" in output
    assert "Traceback" not in said.read_text()
    assert waits_until(lambda: is_gone(worker))


def test_ctrl_c_before_anything_was_measured_leaves_the_old_record(start, small_model, one_result, tmp_path):
    path = tmp_path / "r.json"
    shutil.copy(one_result, path)
    process, said = start("inspect", small_model, "-o", path)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert said.read_text().splitlines()[-1] == "interrupted"
    assert path.read_text() == one_result.read_text()


def test_a_worker_that_is_killed_on_the_way_leaves_what_was_measured(start, small_model, tmp_path):
    path = tmp_path / "r.json"
    process, said = start("round 2 of 3", small_model, "--seconds", 6, "--processes", 3, "-o", path)
    assert waits_until(lambda: workers_of(process))
    os.kill(workers_of(process)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=30)
    record = read_record(path)
    assert process.returncode == 1
    assert (record.partial, len(record.results[0].processes)) == (True, 1)
    assert "ended by SIGKILL" in record.invalid[0]
    assert "NOT VALID" in output
    last = said.read_text().splitlines()[-1]
    assert last.startswith("error: ")
    assert "its process was ended by SIGKILL; Linux does that" in last


def test_nohup_is_respected(start, small_model, tmp_path):
    process, _ = start("round 1 of 2", small_model, *QUICK, "-o", tmp_path / "r.json", before=["nohup"])
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 0
    assert not read_record(tmp_path / "r.json").partial


def test_backends_on_offer_are_those_of_the_runtime():
    [backends] = [parameter for parameter in command.params if parameter.name == "backends"]
    assert tuple(backends.type.choices) == BACKENDS


def test_every_option_has_help():
    assert all(parameter.help for parameter in command.params if parameter.param_type_name == "option")


def test_a_model_has_to_be_named():
    assert CliRunner().invoke(command, []).exit_code == 2


def test_help_loads_no_numpy(run_python):
    done = run_python(
        "from edgeleuk.cli import main\ntry:\n    main(['benchmark', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('numpy', 'PIL', 'ai_edge_litert') if name in sys.modules], file=sys.stderr)"
    )
    assert done.stderr == "[]\n"


def test_the_base_install_is_enough(run_edgeleuk, small_model):
    import importlib.metadata

    device = {"numpy", "PIL", "click", "ai_edge_litert", "edgeleuk"}
    others = tuple(sorted(set(importlib.metadata.packages_distributions()) - device))
    done = run_edgeleuk("benchmark", small_model, *QUICK, blocked=others)
    assert done.returncode == 0, done.stderr
