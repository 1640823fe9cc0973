"""Skips that fail a run, in pytest runs of their own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import environment

Ran = Callable[..., "subprocess.CompletedProcess[str]"]
TESTS = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="no device of a kind")
def test_of_a_device(): pass

def test_of_a_tool(): pytest.skip("no tool")

@pytest.mark.xfail(reason="known")
def test_of_a_fault(): assert False
"""


@pytest.fixture
def ran(tmp_path: Path) -> Ran:
    """Run these tests with this list."""

    def run(listed: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "test_some.py").write_text(TESTS)
        (tmp_path / "test_whole.py").write_text("import pytest\npytest.skip('no module', allow_module_level=True)\n")
        (tmp_path / "skips.txt").write_text(listed)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "pytest", "-p", "tests.allowed_skips", "--allowed-skips", "skips.txt"]
        return subprocess.run(
            [*command, "-q", *arguments],
            cwd=tmp_path,
            env=environment() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


ALL = "# why\n\ntest_some.py::test_of_a_device | no device of *\n*_tool | no tool\ntest_whole.py | no module\n"


def test_skips_on_the_list_pass(ran: Ran) -> None:
    done = ran(ALL)
    assert done.returncode == 0, done.stdout
    assert "not allowed" not in done.stdout


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        ("*_tool | no tool\n", "test_some.py::test_of_a_tool: no tool"),
        ("test_whole.py | no module\n", "test_whole.py: no module"),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")])
def test_any_other_skip_fails_and_is_named(ran: Ran, lacking: str, named: str, workers: tuple[str, ...]) -> None:
    done = ran(ALL.replace(lacking, ""), *workers)
    assert done.returncode == 1
    assert "skips that are not allowed" in done.stdout
    assert done.stdout.count(named) >= 1


def test_a_skip_for_another_reason_fails(ran: Ran) -> None:
    done = ran(ALL.replace("no device of *", "no camera"))
    assert done.returncode == 1
    assert "test_some.py::test_of_a_device: no device of a kind" in done.stdout


def test_a_line_without_a_reason_is_refused(ran: Ran) -> None:
    done = ran("test_some.py::*\n")
    assert done.returncode == 4
    assert "expected 'TEST | REASON'" in done.stderr
