"""How cost grows: the fit, the count of operations, the material it is measured on, and what it refuses."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.models import FULL, HALF
from benchmarks.scale import PARTS, Curve, fit, main
from benchmarks.scale_data import QUERIES, half_decades, in_turn, insert, queries, result, write_manifest
from benchmarks.scale_models import grid, macs
from edgeleuk.data.audit import audit
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.runtime.graph import Graph, Operator, Tensor, read_graph
from edgeleuk.store import Store

ROOT = Path(__file__).resolve().parents[2]


@given(
    exponent=st.floats(-3, 3),
    factor=st.floats(1e-6, 1e6),
    sizes=st.lists(st.integers(1, 10_000), min_size=3, max_size=12, unique=True),
)
def test_the_exponent_of_an_exact_power_law_is_found(exponent, factor, sizes):
    growth = fit(sizes, [factor * size**exponent for size in sizes])
    assert growth.exponent == pytest.approx(exponent, abs=1e-5)
    assert np.log(growth.factor) == pytest.approx(np.log(factor), abs=1e-3)
    assert growth.half_width == pytest.approx(0, abs=1e-3)
    assert growth.points == len(sizes)


def test_the_interval_is_that_of_students_distribution():
    # Residuals -0.1, 0.2, -0.1: s = sqrt(0.06 / 1 / 2); t of one degree of freedom is 12.706.
    growth = fit(np.exp([0, 1, 2]), np.exp([0, 1.3, 2]))
    assert growth.exponent == pytest.approx(1)
    assert growth.half_width == pytest.approx(12.7062 * 0.03**0.5, rel=1e-5)


def test_a_cost_that_does_not_grow_has_the_exponent_0():
    growth = fit([1, 10, 100], [0.7, 0.7, 0.7])
    assert (growth.exponent, growth.half_width) == (0, 0)
    assert growth.factor == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("sizes", "costs"),
    [([1, 2], [1, 2]), ([5, 5, 5], [1, 2, 3]), ([1, 2, 3], [1, 0, 3]), ([0, 2, 3], [1, 2, 3])],
    ids=["two points", "one size", "no cost", "no size"],
)
def test_what_no_line_goes_through_is_refused(sizes, costs):
    with pytest.raises(ValueError, match="expected three points or more"):
        fit(sizes, costs)


def test_a_curve_fits_the_medians_and_tells_the_greatest_size():
    points = [{"rows": 10**n, "ms": [0, 10.0**n, 1e9]} for n in (3, 1, 2)]
    cost, exponent, half_width = Curve("query", "rows", "ms", "ms", "rows").figures(points)
    assert (cost.name, cost.value, cost.unit) == ("query, 1,000 rows", 1000, "ms")
    assert (exponent.name, exponent.value) == ("query, exponent over rows", pytest.approx(1))
    assert half_width.value == pytest.approx(0, abs=1e-6)
    assert {figure.met for figure in (cost, exponent, half_width)} == {None}


def test_macs_of_a_real_network(float_flatbuffer, int8_flatbuffer):
    # 32 px, stride 2, no padding: 15 x 15 x 8 of 3 x 3 x 3, then 7 x 7 x 16 of 3 x 3 x 8, then 16 x 2.
    expected = 15 * 15 * 8 * 27 + 7 * 7 * 16 * 72 + 16 * 2
    assert macs(read_graph(int8_flatbuffer)) == macs(read_graph(float_flatbuffer)) == expected


@pytest.mark.parametrize(
    ("name", "weights", "output", "expected"),
    [
        ("CONV_2D", (8, 3, 5, 4), (1, 6, 7, 8), 6 * 7 * 8 * 3 * 5 * 4),
        ("DEPTHWISE_CONV_2D", (1, 3, 5, 8), (1, 6, 7, 8), 6 * 7 * 8 * 3 * 5),
        ("FULLY_CONNECTED", (10, 64), (3, 10), 3 * 10 * 64),
        ("ADD", (8, 3, 5, 4), (1, 6, 7, 8), 0),
    ],
)
def test_macs_of_one_operator(name, weights, output, expected):
    tensors = tuple(Tensor("", "int8", shape) for shape in ((1, 12, 14, 4), weights, output))
    graph = Graph(tensors, (Operator(name, (0, 1, -1), (2,)),), (0,), (2,))
    assert macs(graph) == expected


def test_a_grid_has_every_size_with_every_width_and_one_name_for_each():
    shapes = grid(quick=False)
    assert {(shape.input_size_px, shape.width) for shape in shapes} >= {(96, 0.25), (299, 0.25), (96, 1.0), (160, 0.5)}
    assert len({shape.name for shape in shapes}) == len(shapes) == 15
    assert {FULL, HALF} <= set(shapes)
    assert len(grid(quick=True)) == 3


def test_half_decades_grow_threefold():
    sizes = half_decades(1_000, 1_000_000)
    assert sizes == [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000]
    assert all(3 <= after / before < 3.4 for before, after in pairwise(sizes))


def test_runs_take_turns_and_keep_every_value():
    order: list[str] = []

    def run(name):
        order.append(name)
        return {"number": len(order)}

    assert in_turn([lambda: run("a"), lambda: run("b")], 2) == [{"number": [1, 3]}, {"number": [2, 4]}]
    assert order == ["a", "b", "a", "b"]


def test_the_manifest_can_be_audited_and_split(tmp_path):
    write_manifest(tmp_path / "1000.tsv", 1_000)
    found = scan(tmp_path / "1000.tsv")
    report = audit(found)
    assert (report.images, len(report.by_subject), report.ignored_files, report.problems) == (1_000, 10, 0, ())
    assert (report.duplicate_pairs.total, report.merged_subjects, report.errors) == (10, (), ())
    assert len(make_folds(found).images) == 1_000


def test_the_queries_answer_what_they_are_timed_for(tmp_path):
    with Store.open(tmp_path / "results.db") as store:
        assert insert(store, range(1_200)) > 0
        with Store.open(store.path, read_only=True) as reader:
            calls = queries(store, reader, 1_200)
            answers = {name: call() for name, call in calls.items()}
    assert tuple(answers) == QUERIES
    assert [row.id for row in answers["latest 50"]] == list(range(1_200, 1_150, -1))
    assert [row.id for row in answers["50 from the middle"]] == list(range(599, 549, -1))
    assert answers["number of results"] == [1_200]
    assert [row.path for row in answers["lookup"]] == [result(600).path]
    assert [summary.total for summary in answers["subjects"]] == [100] * 12
    tables = {name: answers[f"results{name}"][-2] for name in ("", " --subject", " --label", " --since")}
    assert tables == {
        "": "20 of 1200 results",
        " --subject": "20 of 100 results",
        " --label": "20 of 600 results",
        " --since": "20 of 1000 results",
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (["latncy", "store"], f"no such part: latncy; known are {', '.join(PARTS)}"),
        (["--rounds", "0"], "argument --rounds: '0'; expected a whole number, 1 or more"),
        (["--repeat", "few"], "argument --repeat: 'few'; expected a whole number, 1 or more"),
        (["--quick", "--full"], "not allowed with argument"),
        (["--folder", "not/there"], "not/there is no folder; make it first"),
        (["--json", "/not/there/scale.json"], "/not/there is no folder; make it first"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_line_that_cannot_be_done_is_refused_at_once(line, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["unknown"], "no such network: unknown; known are full-299, half-160, tiny-75, others need --input-size-px"),
        (["tiny-75", "--width", "0.5"], "--input-size-px and --width describe a network together"),
    ],
    ids=["unknown name", "half a description"],
)
def test_a_network_without_a_size_is_refused(arguments, complaint, tmp_path):
    command = [sys.executable, "-m", "benchmarks.models", arguments[0], tmp_path, *arguments[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert list(tmp_path.iterdir()) == []
