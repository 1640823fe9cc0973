"""CHANGELOG.md, its news fragments and the version."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeleuk import __version__

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("added", "changed", "fixed", "removed")


def draft(folder: Path) -> "subprocess.CompletedProcess[str]":
    """What towncrier would write for a version of that project."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.8.7", "--date", "2030-01-02"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what towncrier reads."""
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "changelog.d", tmp_path / "changelog.d")
    return tmp_path


def test_fragments_become_the_next_versions_entry(project: Path) -> None:
    for kind in KINDS:
        (project / "changelog.d" / f"+{kind}.{kind}.md").write_text(f"This was {kind}.\n")
    (project / "changelog.d" / "12.fixed.md").write_text("An issue's fault is mended.\n")
    done = draft(project)
    assert done.returncode == 0, done.stderr
    assert "## [9.8.7] - 2030-01-02" in done.stdout
    titles = re.findall(r"^### (\w+)$", done.stdout, re.MULTILINE)
    assert [title.lower() for title in titles] == list(KINDS)
    assert all(f"- This was {kind}." in done.stdout for kind in KINDS)
    assert "- An issue's fault is mended. (#12)" in done.stdout


def test_a_release_puts_the_entry_above_the_older_ones(project: Path) -> None:
    (project / "changelog.d" / "+this.added.md").write_text("This was added.\n")
    command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "9.8.7", "--date", "2030-01-02"]
    subprocess.run(command, cwd=project, capture_output=True, check=True)
    text = (project / "CHANGELOG.md").read_text()
    assert text.index("release notes start") < text.index("## [9.8.7] - 2030-01-02") < text.index("## [0.2.0]")
    assert not list((project / "changelog.d").glob("+*"))


def test_the_fragments_that_lie_there_can_be_built() -> None:
    done = draft(ROOT)
    assert done.returncode == 0, done.stderr
    names = [path.name for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    assert all(re.fullmatch(rf"(\d+|\+[\w-]+)\.({'|'.join(KINDS)})(\.\d+)?\.md", name) for name in names), (
        f"{names}: see changelog.d/README.md"
    )


def test_the_version_is_that_of_the_latest_entry_and_of_the_citation() -> None:
    entry = re.search(r"^## \[(.+)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    citation = (ROOT / "CITATION.cff").read_text()
    assert entry is not None
    assert entry[1] == __version__
    assert f"\nversion: {entry[1]}\n" in citation
    assert f'\ndate-released: "{entry[2]}"\n' in citation
