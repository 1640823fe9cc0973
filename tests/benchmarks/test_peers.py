"""Other engines beside edgeleuk: what is asked of them, how they are judged, the way from rows to record and table."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from benchmarks.models import TINY
from benchmarks.peers.__main__ import main
from benchmarks.peers.agreement import Agreement, agreement
from benchmarks.peers.child import run_task
from benchmarks.peers.environment import CONVERTER, PEERS, TFLITE_RUNTIME, UnavailableError, make_environment
from benchmarks.peers.make_network import widest_gap
from benchmarks.peers.models import MODELS, Workshop, parts
from benchmarks.peers.rows import BASELINE, NAMES, ROWS, chosen
from benchmarks.peers.session import Place, Plan, record_of, run_plan
from benchmarks.peers.table import render
from benchmarks.peers.worker import Task
from edgeleuk.bench.compare import compare
from edgeleuk.bench.measured import ProcessRun, Protocol
from edgeleuk.bench.record import read_record
from edgeleuk.report.page.reading import read_material
from edgeleuk.runtime.classifier import Classifier

ENVIRONMENTS = (PEERS, CONVERTER, TFLITE_RUNTIME)
REFERENCE = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]], np.float32)


def row(name):
    [found] = chosen([name], [])
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda environment: environment.name)
def test_every_requirement_is_pinned_and_names_no_host(environment):
    lines = [line for line in environment.text.splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r'[a-z0-9-]+==[0-9.]+(; python_version (<|>=) "3\.\d+")?', line), line


def test_numpy_and_engines_are_there_for_every_python_that_edgeleuk_supports():
    from packaging.requirements import Requirement

    found = [Requirement(line) for line in PEERS.text.splitlines() if not line.startswith("#")]
    for version in ("3.11", "3.12", "3.13"):
        given_here = [one.name for one in found if not one.marker or one.marker.evaluate({"python_version": version})]
        assert sorted(given_here) == ["nncf", "numpy", "onnx", "onnxruntime", "openvino"]


def test_every_row_has_a_model_that_something_makes():
    assert {each.model for each in ROWS} <= set(MODELS)
    for name, model in MODELS.items():
        assert all(need in MODELS for need in model.needs), name
    assert len(set(NAMES)) == len(ROWS)


def test_rows_are_chosen_and_left_out_by_name_and_keep_their_order():
    assert [each.name for each in chosen(["openvino-int8", BASELINE], [])] == [BASELINE, "openvino-int8"]
    assert [each.name for each in chosen([], NAMES[1:])] == [BASELINE]
    assert chosen([], []) == ROWS


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (["--only", "openvin"], "no such row: openvin; known are edgeleuk-ptq"),
        (["--only", "openvino-int8", "--without", "openvino-int8"], "no row is left"),
        (["--threads", "1,0"], "'0'; expected a whole number, 1 or more"),
        (["--rounds", "-1"], "'-1'; expected a whole number"),
        (["--seconds", "nan"], "--seconds is nan; expected 0 or more"),
        (["--json", "record.txt"], "record.txt: expected a name that ends in .json"),
        (["--json", "/not/there/record.json"], "in a folder that is there"),
    ],
)
def test_a_line_that_cannot_be_done_is_refused_at_once(line, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert complaint in " ".join(capsys.readouterr().err.split())


# Agreement


@given(st_numpy.arrays(np.float32, (5, 3), elements=st.floats(0, 1, width=32)))
def test_a_network_agrees_with_itself(scores):
    found = agreement(scores, scores)
    assert (found.labels, found.mean_difference, found.largest_difference) == (1, 0, 0)
    assert found.correlation == pytest.approx(1) or np.all(scores.std(axis=0) < 1e-6)


def test_differences_are_over_all_images_and_classes():
    found = agreement(REFERENCE, np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]], np.float32))
    assert (found.images, found.labels) == (4, 0.75)
    assert found.mean_difference == pytest.approx(0.05)
    assert found.largest_difference == pytest.approx(0.2)
    centred = np.array([0.4, -0.3, 0.1, -0.2])
    others = np.array([0.45, -0.25, -0.05, -0.15])
    assert found.correlation == pytest.approx(np.corrcoef(centred, others)[0, 1], abs=1e-6)


def test_answers_that_never_change_do_not_correlate():
    found = agreement(REFERENCE, np.full_like(REFERENCE, 0.5))
    assert (found.labels, found.correlation) == (0.5, 0)


def test_an_answer_that_is_no_number_is_no_agreement():
    found = agreement(REFERENCE, np.full_like(REFERENCE, np.nan))
    assert not found.same("int8")


def test_answers_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(4, 3\); expected \(4, 2\)"):
        agreement(REFERENCE, np.zeros((4, 3), np.float32))


@pytest.mark.parametrize(
    ("precision", "labels", "correlation", "largest", "same"),
    [
        ("float32", 1.0, 1.0, 5e-4, True),
        ("float32", 1.0, 1.0, 0.01, False),
        ("int8", 0.95, 0.98, 0.4, True),
        ("int8", 0.5, 0.98, 0.4, False),
        ("int8", 0.95, 0.3, 0.4, False),
    ],
)
def test_a_float_engine_has_to_be_close_and_an_int8_one_to_agree(precision, labels, correlation, largest, same):
    assert Agreement(64, labels, correlation, 0.01, largest).same(precision) is same


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 1, 2, 6, 7, 8, 9, 10], 4), ([10, 0, 9, 1, 8, 2, 7, 6], 4), ([0, 90, 91, 93, 94, 95, 96, 200], 92)],
    ids=["in order", "in any order", "never at the ends"],
)
def test_the_border_lies_in_the_widest_gap_of_the_middle_half(values, expected):
    assert widest_gap(np.array(values, np.float64)) == expected


# Environments and models


class Pip:
    """Keeps commands in place of running them, makes what they would; `broken`: how often installing fails."""

    def __init__(self, broken=0):
        self.commands, self.broken = [], broken

    def __call__(self, command):
        self.commands.append(list(command))
        if "pip" in command and self.broken:
            self.broken -= 1
            raise UnavailableError("no wheel")
        target = command[command.index("--target") + 1] if "--target" in command else command[-1]
        if "-r" not in command or "--target" in command:
            Path(target).mkdir(parents=True)


def test_an_environment_is_made_once(tmp_path):
    pip = Pip()
    python = make_environment(PEERS, tmp_path, pip)
    assert python == make_environment(PEERS, tmp_path, pip)
    assert python.parent.name == "bin"
    assert python.is_relative_to(tmp_path)
    made, installed = pip.commands
    assert made[1:3] == ["-m", "venv"]
    assert installed[0] == str(python)
    assert installed[-1].endswith("requirements-onnx-openvino.txt")


def test_the_converter_is_a_folder_of_packages_without_their_dependencies(tmp_path):
    pip = Pip()
    folder = make_environment(CONVERTER, tmp_path, pip)
    [command] = pip.commands
    assert command[0] == sys.executable
    assert "--no-deps" in command
    assert command[command.index("--target") + 1] == str(folder)


def test_an_environment_that_failed_is_tried_again_and_then_made_anew(tmp_path):
    with pytest.raises(UnavailableError, match="no wheel"):
        make_environment(PEERS, tmp_path, Pip(broken=3), pause_s=0)
    pip = Pip(broken=1)
    make_environment(PEERS, tmp_path, pip, pause_s=0)
    assert [command[2] for command in pip.commands] == ["venv", "pip", "pip"]


def test_a_python_without_a_wheel_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    unknown = dataclasses.replace(TFLITE_RUNTIME, pythons=("2.7",))
    with pytest.raises(UnavailableError, match=r"wheels for Python 2\.7 only"):
        make_environment(unknown, tmp_path, Pip())


def test_what_a_model_is_made_of_is_made_first_and_once(tmp_path):
    made, variables = [], {}

    def run(command, given_variables):
        made.append((Path(command[0]).parent.name, command[3]))
        variables[command[3]] = given_variables
        Path(command[5], command[3]).touch()

    workshop = Workshop(TINY, tmp_path, run, lambda environment: tmp_path / environment.name)
    path = workshop.made("int8-nncf.xml")
    assert path == tmp_path / TINY.name / "int8-nncf.xml"
    workshop.made("float32.onnx")
    here, peers = Path(sys.executable).parent.name, tmp_path.name
    assert made == [
        (here, "network.npz"),
        (here, "stock-float32.tflite"),
        (here, "float32.onnx"),
        (peers, "float32.xml"),
        (peers, "int8-nncf.xml"),
    ]
    assert variables["float32.onnx"] == {"PYTHONPATH": str(tmp_path / "tf2onnx")}
    assert variables["int8-nncf.xml"] == {"CI": "true"}


def test_a_model_that_cannot_be_made_is_not_tried_again(tmp_path):
    tries = []

    def run(command, variables):
        tries.append(command[3])
        raise UnavailableError("out of memory")

    workshop = Workshop(TINY, tmp_path, run)
    for name in ("stock-int8.tflite", "edgeleuk-int8-ptq.tflite"):
        with pytest.raises(UnavailableError, match="out of memory"):
            workshop.made(name)
    assert tries == ["network.npz"]


def test_a_model_of_two_files_is_both():
    assert [part.name for part in parts(Path("float32.xml"))] == ["float32.xml", "float32.bin"]
    assert [part.name for part in parts(Path("float32.onnx"))] == ["float32.onnx"]


# From rows to record and table


@dataclasses.dataclass
class Engines:
    """Answers in place of engines; `broken`: calls that fail; `stop`: so many are measured before Ctrl-C."""

    scores: dict = dataclasses.field(default_factory=dict)
    cores: dict = dataclasses.field(default_factory=dict)
    broken: tuple = ()
    stop: int | None = None
    calls: list = dataclasses.field(default_factory=list)

    def __call__(self, task, python):
        self.calls.append((task.do, task.backend, task.threads))
        measured = sum(call[0] == "measure" for call in self.calls)
        if self.stop is not None and measured > self.stop:
            raise KeyboardInterrupt
        if (task.do, task.backend, self.calls.count(self.calls[-1])) in self.broken:
            raise UnavailableError("its process was ended by SIGILL")
        if task.do == "check":
            tensor = {"name": "image", "dtype": "float32", "shape": [1, 4, 4, 3]}
            scores = self.scores.get(task.backend, REFERENCE).tolist()
            facts = {"version": "1.0", "inputs": [tensor], "outputs": [tensor], "coverage": None}
            return facts | {"scores": scores}
        ms = {"litert": 2.0, "onnxruntime": 3.0, "openvino": 1.0}[task.backend] / task.threads
        samples = [ms + 0.001 * measured, ms, ms]
        run = ProcessRun(0.0, 5.0, 9.0, (ms,), True, tuple(samples), 50.0)
        raw = json.loads(json.dumps(dataclasses.asdict(run)))  # as it comes from a process
        return {"run": raw, "cores": self.cores.get(task.backend, 1.0)}


@pytest.fixture
def plan(tmp_path):
    np.save(tmp_path / "reference.npy", REFERENCE)
    return Plan("tiny-75", tmp_path, (1, 2), Protocol(processes=6, runs=6, seconds=0))


@pytest.fixture
def locate(tmp_path):
    """Model files that hold their own name."""

    def place(found):
        if found.environment is TFLITE_RUNTIME:
            raise UnavailableError("there are wheels for Python 3.11 only")
        for part in parts(tmp_path / found.model):
            part.write_bytes(b"\0\0\0\0TFL3" + part.name.encode())
        return Place(tmp_path / found.model, "python")

    return place


def outcome_of(plan, locate, engines, *names):
    return run_plan(plan, chosen(names, []), locate, engines, lambda text: None)


def test_engines_take_turns_in_every_round(plan, locate):
    engines = Engines()
    outcome = outcome_of(plan, locate, engines, BASELINE, "onnxruntime-int8")
    one_round = [("litert", 1), ("onnxruntime", 1), ("litert", 2), ("onnxruntime", 2)]
    assert [call[1:] for call in engines.calls if call[0] == "measure"] == one_round * 6
    assert not outcome.failed
    assert [len(candidate.runs) for candidate in outcome.measured] == [6] * 4


def test_the_record_is_read_by_report_and_compare(plan, locate, tmp_path):
    outcome = outcome_of(plan, locate, Engines(), BASELINE, "openvino-float")
    path = tmp_path / "record.json"
    path.write_text(record_of(plan, outcome).to_json())
    record = read_record(path)
    assert [result.title for result in record.results] == [
        "edgeleuk-int8-ptq.tflite, litert, 1 thread",
        "float32.xml, openvino, 1 thread",
        "edgeleuk-int8-ptq.tflite, litert, 2 threads",
        "float32.xml, openvino, 2 threads",
    ]
    assert record.invalid == ()
    assert record.device["libraries"]["openvino"] == "1.0"
    assert record.results[1].model.size_bytes == sum(part.stat().st_size for part in parts(tmp_path / "float32.xml"))
    assert any("100.0% of labels as the float network" in note for note in record.results[1].notes)
    assert len(read_material([path]).records) == 1
    assert {pair.ratio.value for pair in compare(record, record).pairs} == {1.0}


def test_the_table_gives_ratios_to_edgeleuk_with_as_many_threads(plan, locate):
    text = render(outcome_of(plan, locate, Engines(), BASELINE, "onnxruntime-int8", "openvino-int8"))
    head, *lines = text.splitlines()
    cells = [dict(zip(re.split(r"\s{2,}", head), re.split(r"\s{2,}", line), strict=True)) for line in lines[:6]]
    assert [line["threads"] for line in cells] == ["1", "1", "1", "2", "2", "2"]
    assert [line["over edgeleuk's int8"] for line in cells] == [
        "1",
        "1.50 (1.50 to 1.50)",
        "0.50 (0.50 to 0.50)",
    ] * 2
    assert cells[1] | {"over edgeleuk's int8": ""} == {
        "engine": "ONNX Runtime, static QDQ",
        "version": "onnxruntime 1.0",
        "precision": "int8",
        "threads": "1",
        "p50 ms": "3",
        "95 % interval": "3 to 3",
        "p90 ms": cells[1]["p90 ms"],
        "peak MiB": "50",
        "file MB": "0.00",
        "over edgeleuk's int8": "",
        "labels as float": "100.0%",
    }
    assert 3 <= float(cells[1]["p90 ms"]) < 3.1


def test_without_edgeleuks_row_there_is_no_ratio(plan, locate):
    text = render(outcome_of(plan, locate, Engines(), "openvino-int8"))
    assert re.search(r"OpenVINO, NNCF .* - +100\.0%", text)


def test_a_row_that_is_not_available_is_a_line_and_a_failure(plan, locate):
    outcome = outcome_of(plan, locate, Engines(), BASELINE, "tflite-runtime")
    assert outcome.failed
    assert len(outcome.measured) == 2
    assert "edgeleuk's int8 in tflite-runtime: not available: there are wheels for Python" in render(outcome)


def test_an_engine_that_crashes_is_left_out_from_then_on(plan, locate):
    engines = Engines(broken=(("measure", "openvino", 3),))
    outcome = outcome_of(plan, locate, engines, BASELINE, "openvino-int8")
    assert outcome.failed
    assert [candidate.row.name for candidate in outcome.measured] == [BASELINE] * 2
    assert "OpenVINO, NNCF, threads: 1: its process was ended by SIGILL" in render(outcome)
    assert [call for call in engines.calls if call[0] == "measure"].count(("measure", "openvino", 1)) == 3


def test_what_computes_something_else_is_marked_and_fails(plan, locate):
    outcome = outcome_of(
        plan, locate, Engines(scores={"onnxruntime": REFERENCE[:, ::-1]}), BASELINE, "onnxruntime-int8"
    )
    assert outcome.failed
    text = render(outcome)
    assert "ONNX Runtime, static QDQ *" in text
    assert text.count("* ONNX Runtime, static QDQ: computes something else; 0.0% of labels") == 1
    assert any(note.startswith("FAULT: computes") for note in record_of(plan, outcome).results[1].notes)


def test_a_fault_that_a_row_is_known_for_is_marked_and_does_not_fail(plan, locate):
    outcome = outcome_of(plan, locate, Engines(scores={"litert": REFERENCE[:, ::-1]}), "tfmot-naive")
    assert "LiteRT, naive tfmot QAT *" in render(outcome)
    assert "model-optimization #1061" in render(outcome)
    assert not outcome.failed


def test_an_engine_that_takes_more_cores_than_it_was_told_is_marked(plan, locate):
    outcome = outcome_of(plan, locate, Engines(cores={"openvino": 1.9}), "openvino-int8")
    assert "OpenVINO, NNCF: used 1.90 cores, told to use 1" in render(outcome)
    assert [bool(candidate.faults) for candidate in outcome.measured] == [True, False]
    assert outcome.failed


def test_ctrl_c_keeps_what_was_measured(plan, locate):
    outcome = outcome_of(plan, locate, Engines(stop=5), BASELINE, "onnxruntime-int8")
    assert outcome.partial
    record = record_of(plan, outcome)
    assert record.partial
    assert record.invalid[0] == "interrupted: fewer processes than asked for"
    assert [len(result.processes) for result in record.results] == [2, 1, 1, 1]


def test_ctrl_c_before_anything_was_measured_leaves_nothing(plan, locate):
    outcome = outcome_of(plan, locate, Engines(stop=0), BASELINE)
    assert render(outcome) == "nothing was measured\n"
    assert record_of(plan, outcome).results == ()


# For real, with the interpreter of this environment


@pytest.fixture(scope="module")
def small_plan(small_model, small_float_model, tmp_path_factory):
    """The small networks under names of the table, with images and what the float one says of them."""
    folder = tmp_path_factory.mktemp("peers")
    shutil.copy(small_model, folder / "edgeleuk-int8-ptq.tflite")
    shutil.copy(small_float_model, folder / "edgeleuk-float32.tflite")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    inputs = (pixels / 127.5 - 1).astype(np.float32)
    np.save(folder / "evaluation.npy", pixels)
    np.save(folder / "evaluation-inputs.npy", inputs)
    network = Classifier.load(small_float_model, threads=1).network
    np.save(folder / "reference.npy", np.stack([network.scores(image[np.newaxis]) for image in inputs]))
    return Plan("tiny-75", folder, (1,), Protocol(processes=2, runs=6, seconds=0.1, warm_up_limit_s=0.5))


def test_both_precisions_are_checked_and_measured_in_fresh_processes(small_plan):
    rows = chosen([BASELINE, "edgeleuk-float"], [])
    outcome = run_plan(
        small_plan, rows, lambda found: Place(small_plan.folder / found.model, sys.executable), run_task, print
    )
    assert outcome.failures == {}
    int8, exact = outcome.measured
    assert exact.agreement.largest_difference < 1e-6
    assert 0 < int8.agreement.mean_difference < 0.05
    assert (int8.result.model.inputs[0].dtype, exact.result.model.inputs[0].dtype) == ("int8", "float32")
    assert all(candidate.result.model.spec is not None for candidate in outcome.measured)
    assert all(candidate.result.coverage.partitions == 1 for candidate in outcome.measured)
    for candidate in outcome.measured:
        assert all(len(run.samples_ms) >= 3 and run.peak_memory_mib > 10 for run in candidate.runs)
        assert all(0 < cores < 1.15 for cores in candidate.cores)


def test_a_model_that_the_engine_does_not_take_is_said(small_plan, tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"\0\0\0\0TFL3")
    task = Task("check", str(broken), "litert", "tiny-75", str(small_plan.folder))
    with pytest.raises(UnavailableError, match=r"litert cannot run it: .*broken\.tflite"):
        run_task(task, sys.executable)


def test_an_engine_that_is_not_there_is_said(small_plan):
    task = Task("check", str(small_plan.folder / "float32.onnx"), "onnxruntime", "tiny-75", str(small_plan.folder))
    with pytest.raises(UnavailableError, match="onnxruntime cannot run it: "):
        run_task(task, sys.executable)


_STATISTICS = """
import numpy as np
from benchmarks.peers.make_network import fit_head, settle_statistics
from edgeleuk.keras.framework import tf_keras

layers = tf_keras.layers
tf_keras.utils.set_random_seed(0)
source = layers.Input((8, 8, 3))
normalized = layers.BatchNormalization(name="normalized", scale=False)(layers.Conv2D(16, 3)(source))
average = layers.GlobalAveragePooling2D(name="average")(layers.Activation("relu")(normalized))
model = tf_keras.Model(source, layers.Softmax()(layers.Dense(2, name="logits")(average)))
images = np.random.default_rng(0).normal(5, 3, (32, 8, 8, 3)).astype(np.float32)
bright = np.arange(32) % 2 == 1
images[bright] += 4
settle_statistics(model, images)
found = tf_keras.Model(source, normalized).predict(images, verbose=0)
np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 2, atol=1e-2)
np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, atol=1e-2)
assert model.get_layer("normalized").momentum == 0.99
fit_head(model, images)
scores = model.predict(images, verbose=0)
assert ((scores[:, 0] > 0.5) == bright).mean() in (0, 1)
assert 0.05 < np.abs(scores[:, 0] - 0.5).mean() < 0.45
"""


def test_the_network_neither_vanishes_nor_explodes_and_its_labels_mean_something():
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _STATISTICS], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
