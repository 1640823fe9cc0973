"""`python -m benchmarks`: every script and suite is known, described and can be recorded."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import SCRIPTS, SLOW, main

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"
MODULES = sorted({command[0] for name, command in SCRIPTS.items() if name != "suites"})
WRITES = "return write_record("
SUITES = sorted(FOLDER.glob("test_*.py"))


def run(*arguments):
    command = [sys.executable, "-m", *map(str, arguments)]
    # pytest-benchmark measures nothing where it finds itself in a worker of pytest-xdist.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, env=alone)


def run_as(module):
    """The module that `python -m` runs."""
    return f"{module}.__main__" if (FOLDER / module.rpartition(".")[2]).is_dir() else module


@pytest.mark.parametrize("module", MODULES)
def test_a_script_has_help_and_a_record(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(run_as(module)).main()
    assert ended.value.code == 0
    assert "--json FILE" in capsys.readouterr().out


def test_every_script_with_bars_is_run():
    scripts = {f"benchmarks.{path.stem}" for path in FOLDER.glob("*.py") if "return finish(" in path.read_text()}
    scripts |= {f"benchmarks.{path.parent.name}" for path in FOLDER.glob("*/__main__.py") if WRITES in path.read_text()}
    assert scripts == set(MODULES)


@pytest.fixture(scope="module")
def collected():
    """The suites that `pytest benchmarks` runs, in order."""
    done = run("pytest", "benchmarks", "--collect-only", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    return list(dict.fromkeys(re.findall(r"^benchmarks/(test_\w+\.py)::", done.stdout, re.MULTILINE)))


def test_suites_are_run_when_asked_for(collected):
    assert set(collected) == {path.name for path in SUITES}


def test_what_needs_tensorflow_comes_last(collected):
    assert collected[-1] == "test_conversion.py"


def test_suites_are_not_run_with_the_tests(pytestconfig):
    assert pytestconfig.getini("testpaths") == ["tests"]


@pytest.mark.parametrize("name", [*(module.rpartition(".")[2] for module in MODULES), *(path.stem for path in SUITES)])
def test_the_readme_describes_it(name):
    assert re.search(rf"\b{name}\b", (FOLDER / "README.md").read_text())


def test_a_comparison_with_no_saved_run_is_refused_at_once(tmp_path):
    done = run(
        *("pytest", "benchmarks/test_preprocessing.py", "--benchmark-only", "--benchmark-compare"),
        *("--benchmark-storage", tmp_path),
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: no saved run to compare with below {tmp_path}" in done.stderr


def test_a_run_that_became_slower_ends_with_1_and_names_it(tmp_path):
    test = "benchmarks/test_preprocessing.py::test_scale_pixels"
    line = ("pytest", test, "--benchmark-only", "--benchmark-storage", tmp_path, "--benchmark-max-time", "0.01")
    assert run(*line, "--benchmark-save", "before").returncode == 0
    (saved,) = tmp_path.rglob("*_before.json")
    record = json.loads(saved.read_text())
    record["benchmarks"][0]["stats"]["median"] /= 1000
    saved.write_text(json.dumps(record))
    done = run(*line, "--benchmark-compare", "--benchmark-compare-fail", "median:100%")
    assert done.returncode == 1
    assert re.search(r"test_scale_pixels .* - Field 'median' has failed", done.stderr)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_saved_run_tells_the_versions_and_not_the_name_of_the_machine(tmp_path):
    saved = tmp_path / "run.json"
    test = "benchmarks/test_preprocessing.py::test_scale_pixels"
    run("pytest", test, "--benchmark-only", "--benchmark-max-time", "0.01", f"--benchmark-json={saved}")
    machine = json.loads(saved.read_text())["machine_info"]
    assert "node" not in machine
    assert machine["packages"]["numpy"]


@pytest.fixture
def two_scripts(monkeypatch, tmp_path):
    """Two scripts in place of all: one that meets its bar, one that misses it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    for name, bar in (("met", 2), ("missed", 0)):
        (tmp_path / f"{name}.py").write_text(
            "import sys\n"
            "from benchmarks.measure import Figure, finish, parser\n"
            f"sys.exit(finish({name!r}, [Figure('one', 1.0, 's', {bar})], parser(None).parse_args()))\n"
        )
    monkeypatch.setattr("benchmarks.__main__.SCRIPTS", {"met": ("met",), "missed": ("missed",)})


def test_a_missed_bar_does_not_keep_the_report_from_being_made(two_scripts, tmp_path, capfd):
    assert main(["--json", "out/bench"]) == 1
    assert capfd.readouterr().out.endswith("missed or failed: missed\n")
    assert {path.name for path in (tmp_path / "out/bench").iterdir()} == {"met.json", "missed.json", "report.html"}
    assert "missed" in (tmp_path / "out/bench/report.html").read_text()


def test_a_record_of_an_earlier_run_is_not_taken_for_this_one(two_scripts, tmp_path):
    assert main(["met", "--json", "out"]) == 0
    (tmp_path / "met.py").write_text("raise SystemExit(1)")
    assert main(["met", "--json", "out"]) == 1
    assert not (tmp_path / "out/met.json").exists()


def test_what_takes_hours_has_to_be_asked_for(two_scripts, monkeypatch):
    monkeypatch.setattr("benchmarks.__main__.SLOW", ("missed",))
    assert main([]) == 0
    assert main(["--full"]) == 1
    assert set(SLOW) < set(SCRIPTS)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [(["memry"], "no such benchmark: memry; known are"), (["--json", "/proc/version/x"], "expected a folder")],
    ids=["unknown name", "no folder"],
)
def test_a_line_that_cannot_be_done_is_refused(line, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
