"""Fixtures: an image, and the models that `benchmarks.models` keeps; and what a saved run says of the machine."""

import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning
from pytest_benchmark.session import PerformanceRegression

from benchmarks.measure import machine
from benchmarks.models import cell_image
from edgeleuk.store import Store

Report = Callable[[str], None]
_LAST = "test_conversion"  # loads TensorFlow, which no device has: what runs on one is timed before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what needs TensorFlow last."""
    items.sort(key=lambda item: item.path.stem == _LAST)


def pytest_configure() -> None:
    """Let pytest-benchmark warn, of another machine or other versions, where all else that warns fails."""
    warnings.filterwarnings("default", category=PytestBenchmarkWarning)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to compare with nothing, before minutes have gone by."""
    benchmarks = session.config._benchmarksession  # type: ignore[attr-defined]
    if benchmarks.compare and not benchmarks.compared_mapping:
        raise pytest.UsageError(
            f"no saved run to compare with below {benchmarks.storage}; 'make bench' or --benchmark-autosave saves one"
        )


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary() -> Generator[None, None, None]:
    """End with the lines of pytest-benchmark that name what became slower, instead of with its stack trace."""
    try:
        yield
    except PerformanceRegression:
        pytest.exit("slower than the saved run, see above", returncode=1)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """What a time depends on, as the scripts' records have it, and no more: a comparison warns where it differs."""
    found = machine()
    cpu = {"brand_raw": found["processor"], "count": found["cores"]}
    facts = {key: found[key] for key in ("system", "release", "packages")}
    machine_info.clear()
    machine_info.update(cpu=cpu, machine=found["architecture"], python_version=found["python"], **facts)


@pytest.fixture(scope="session")
def image() -> Path:
    """A synthetic cell, 450x450 BMP."""
    return cell_image()


@pytest.fixture
def new_store(tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens another new store each time."""
    numbers = count()
    with ExitStack() as opened:
        yield lambda: opened.enter_context(Store.open(tmp_path / f"{next(numbers)}.db"))


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Print a line that pytest does not capture."""

    def show(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}")

    return show
