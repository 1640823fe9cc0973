"""Fixtures: an image, and the models that `benchmarks.models` keeps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.models import cell_image

Report = Callable[[str], None]


@pytest.fixture(scope="session")
def image() -> Path:
    """A synthetic cell, 450x450 BMP."""
    return cell_image()


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Print a line that pytest does not capture."""

    def show(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}")

    return show
