"""`python -m benchmarks.before_after`: ratios, bars and turns; what is measured is not looked at."""

import json
import re
import subprocess
import sys

import pytest

from benchmarks.before_after.__main__ import main
from benchmarks.before_after.builds import ROOT, commit_of, ready_build, this_build
from benchmarks.before_after.comparison import Comparison, line
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import alternated
from benchmarks.before_after.rows import ROWS, row_module
from benchmarks.before_after.turns import Side, Worker, in_turn

README = (ROOT / "benchmarks/README.md").read_text()


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_measured_and_described(name):
    assert callable(row_module(name).measured)
    assert re.search(rf"^\| `{name}` \|", README, re.MULTILINE)


def test_the_ratio_is_the_median_of_the_pairs_with_the_narrowest_interval_that_holds_95_per_cent():
    found = Comparison(1, "it", "ms", (1.0, 2.0, 4.0, 8.0, 1.0, 1.0, 1.0), (0.5, 1.0, 2.0, 4.0, 0.4, 0.6, 3.0), 0.5)
    assert found.ratio.value == 0.5
    assert found.ratio.interval == (0.4, 3.0)  # of seven, the least and the greatest
    assert found.ratio.met


def test_fewer_than_six_pairs_have_no_interval():
    assert Comparison(1, "it", "ms", (1.0,) * 5, (1.0,) * 5).ratio.interval is None


def test_a_bar_about_a_peer_is_not_about_the_build_before():
    found = Comparison(4, "stream", "images/s", (50.0,), (120.0,), 1.3, at_least=True, peer=(100.0,))
    assert found.ratio.value == 1.2
    assert found.ratio.met is False
    assert found.ratio_before.value == 0.5
    assert "peer (was 0.5)" in line(found)
    assert line(found).endswith("bar >= 1.3  NOT MET")


def test_a_row_without_a_bar_is_told_for_information():
    found = line(Comparison(1, "it", "ms", (2.0,), (1.0,)))
    assert "ratio 0.500" in found
    assert "met" not in found.lower()


def test_everything_measured_is_recorded():
    figures = list(Comparison(4, "stream", "images/s", (50.0,), (120.0,), 1.3, True, (100.0,)).figures())
    names = ["before", "now", "peer", "before over peer", "now over peer"]
    assert [figure.name for figure in figures] == [f"4 stream: {name}" for name in names]
    assert [figure.bar for figure in figures] == [None] * 4 + [1.3]


def test_commands_alternate_and_the_first_round_is_not_counted():
    order = []

    def call(name):
        order.append(name)
        return float(len(order))

    found = alternated({"a": lambda: call("a"), "b": lambda: call("b")}, 2)
    assert "".join(order) == "abbaab"
    assert found == {"a": [4.0, 5.0], "b": [3.0, 6.0]}


@pytest.fixture
def script(tmp_path):
    """Calls of two kinds: one that answers, one that fails."""
    path = tmp_path / "calls.py"
    path.write_text(
        "import edgeleuk\n"
        "def calls(arguments):\n"
        "    print('loaded')\n"
        "    return {'sum': lambda: sum(range(arguments['n'])), 'fail': lambda: 1 / 0}\n"
    )
    return path


def test_processes_take_turns_and_give_a_sample_each(script, tmp_path):
    sides = [Side(name, this_build(), script, {"n": 10}) for name in ("before", "now")]
    found = in_turn(sides, "sum", Options(tmp_path, calls=2, turns=2, processes=3))
    assert [len(samples) for samples in found.values()] == [3, 3]
    assert all(sample > 0 for samples in found.values() for sample in samples)


def test_a_worker_runs_this_checkout_and_what_it_prints_is_no_answer(script):
    worker = Worker(this_build(), script, {"n": 1})
    assert worker.calls == ["fail", "sum"]
    worker.close()


def test_a_call_that_fails_ends_the_run(script):
    worker = Worker(this_build(), script, {"n": 1})
    with pytest.raises(SystemExit, match=r"calls\.py of .* ended with 1"):
        worker.seconds("fail", 1, "wall")
    worker.close()


def test_the_interpreter_of_a_build_finds_the_builds_own_code():
    assert this_build().versions()["numpy"]


def test_a_folder_without_environment_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="expected a checkout in which `make venv` was run"):
        ready_build(tmp_path)


def test_a_commit_that_is_not_known_is_refused():
    with pytest.raises(SystemExit, match="no such commit"):
        commit_of("no-such-commit")


def test_the_record_can_be_read_by_the_report(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.before_after.__main__.ready_build", lambda folder: this_build())
    monkeypatch.setattr(
        "benchmarks.before_after.__main__.row_module",
        lambda name: type(
            "Row", (), {"measured": lambda before, now, options: [Comparison(1, "it", "ms", (2.0,), (1.0,), 0.5)]}
        ),
    )
    record = tmp_path / "record.json"
    assert main(["HEAD", "--build", str(tmp_path), "--row", ROWS[0], "--quick", "--json", str(record)]) == 0
    assert "met" in capsys.readouterr().out
    assert json.loads(record.read_text())["facts"]["before"] == commit_of("HEAD")
    command = [sys.executable, "-m", "edgeleuk", "report", record, "-o", tmp_path / "report.html"]
    assert subprocess.run(command, check=False).returncode == 0
