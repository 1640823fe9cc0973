"""What the pages tell people to type works: the tutorial from beginning to end, then all else in the folder it leaves.

Commands run as they are written, but for settings that make them small (`_TINY`). What a console shows is compared with
what is printed, numbers aside; a line of `...` stands for any lines.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks, blocks_of, name_of
from tests.terminal import unwrapped

TUTORIAL = ROOT / "docs" / "tutorial.md"
SECONDS = 1800  # for a busy machine; what hangs ends
# Why blocks are not run, and how many of each page: a block that is left out stands here or fails the test below.
NOT_RUN = {
    ("docs/commands/attach.md", "needs a file of others"): 1,
    ("docs/commands/benchmark.md", "the models of Results, measured on an idle machine"): 1,
    ("docs/commands/cells.md", "needs fields of view"): 1,
    ("docs/commands/calibrate.md", "needs 20 held-out subjects and minutes of training"): 1,
    ("docs/commands/compare.md", "the models of Results, measured on an idle machine"): 1,
    ("docs/commands/convert.md", "needs the four-class set and minutes of training"): 1,
    ("docs/commands/explain.md", "needs a network with a map of several places"): 1,
    ("docs/commands/train.md", "needs a Keras model file"): 1,
    ("docs/commands/train.md", "takes minutes of training"): 1,
    ("docs/commands/export.md", "needs an engine in an environment of its own"): 1,
    ("docs/commands/infer.md", "needs a network with a map of several places"): 1,
    ("docs/commands/data.md", "needs BCCD"): 1,
    ("docs/commands/data.md", "needs a folder that came in parts"): 1,
    ("docs/commands/data.md", "needs the four-class set"): 1,
    ("docs/commands/data.md", "needs the manifest of C-NMC 2019"): 2,
    ("docs/howto/own-data.md", "needs a folder with a table"): 1,
    ("docs/commands/demo.md", "takes minutes; tests/test_demo.py runs it smaller"): 1,
    ("docs/commands/drift.md", "needs weeks of pictures"): 1,
    ("docs/commands/evaluate.md", "needs the four-class set"): 1,
    ("docs/commands/evaluate.md", "needs the four-class set and minutes of training"): 1,
    ("docs/commands/index.md", "changes the shell it is typed in"): 1,
    ("docs/commands/infer.md", "needs a field of view"): 1,
    ("docs/commands/infer.md", "needs the four-class model"): 1,
    ("docs/commands/infer.md", "runs until it is stopped"): 1,
    ("docs/commands/install-service.md", "installs services on the machine"): 1,
    ("docs/commands/leakage.md", "trains two networks a fold"): 1,
    ("docs/commands/optimize.md", "trains many networks"): 1,
    ("docs/commands/score.md", "needs a Ray cluster"): 1,
    ("docs/commands/results.md", "needs an archive"): 3,  # tests/archive/test_pages.py runs them
    ("docs/commands/results.md", "needs Polars and an archive"): 1,
    ("docs/commands/serve.md", "runs until it is stopped"): 1,
    ("docs/commands/train.md", "needs the four-class set and minutes of training"): 1,
    ("docs/howto/archive.md", "needs several machines"): 1,
    ("docs/howto/cluster.md", "needs a database"): 1,
    ("docs/howto/cluster.md", "trains many networks"): 1,
    ("docs/howto/engines.md", "needs a model and images"): 2,
    ("docs/howto/engines.md", "needs the extra bioimageio"): 1,
    ("docs/howto/engines.md", "needs the extra onnx"): 2,
    ("docs/howto/engines.md", "needs an engine in an environment of its own"): 2,
    ("docs/howto/engines.md", "needs npm and a browser"): 1,
    ("docs/howto/fields.md", "needs fields of view and a model of that microscope"): 1,
    ("docs/howto/fleet.md", "needs devices"): 3,
    ("docs/howto/own-model.md", "needs a Keras model file"): 2,
    ("docs/howto/own-model.md", "needs a float .tflite file"): 1,
    ("docs/howto/pytorch.md", "needs PyTorch, in an environment of its own, and the four-class set"): 4,
    ("docs/tutorial.md", "installs, from a checkout"): 1,
    ("docs/tutorial.md", "its exit code depends on the training"): 1,
    ("docs/tutorial.md", "needs a Raspberry Pi"): 2,
    ("docs/tutorial.md", "runs until it is stopped"): 1,
    ("README.md", "installs"): 1,
    ("README.md", "takes minutes; tests/test_demo.py runs it smaller"): 1,
}
NOT_COMPARED = {"docs/tutorial.md": 2}  # blocks that are run, but print what differs
_TINY = """
case "$1 $2" in
    "data synth") set -- "$@" --subjects 24 --images-per-subject 4 ;;
    train\\ *) set -- "$@" --weights none --input-size 75 --width 0.125 --exit mixed4 --epochs 1 --batch-size 16 ;;
    qat\\ *) set -- "$@" --epochs 0 --samples 8 --batch-size 8 ;;
    prune\\ *) set -- "$@" --epochs 1 --samples 8 --batch-size 8 --multiple 1 ;;
    convert\\ *) set -- "$@" --samples 8 --fidelity-samples 8 --error-samples 2
        if [[ " $* " == *" --int8 "* ]]; then set -- "$@" --min-agreement 0%; fi ;;
    benchmark\\ *) set -- "$@" --seconds 0.01 --processes 5 --runs 3 ;;
esac
"""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Typed:
    """A command that was typed: where it is written, its exit code, and what the terminal showed."""

    place: str
    command: str
    expected: list[str]
    status: int
    wanted: int
    shown: str


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """That of a user's terminal, whose `edgeleuk` adds the tiny settings."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "edgeleuk"
    program.write_text(f'#!/bin/bash\n{_TINY}exec {sys.executable} -m edgeleuk "$@"\n')
    program.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "200"}


@pytest.fixture(scope="session")
def tutorial(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Typed]]:
    """The folder that the tutorial leaves, and all that was typed on the way."""
    folder = tmp_path_factory.mktemp("tutorial")
    typed = [each for block in _run(blocks_of(TUTORIAL)) for each in _type(block, folder, environment)]
    return folder, typed


@pytest.fixture
def workshop(tutorial: tuple[Path, list[Typed]], tmp_path: Path) -> Path:
    """A copy of that folder, with one image called cell.bmp, as the other pages have it."""
    folder = tmp_path / "workshop"
    shutil.copytree(tutorial[0], folder)
    shutil.copy(next((folder / "incoming").glob("*.bmp")), folder / "cell.bmp")
    return folder


def _run(found: Iterator[Block]) -> list[Block]:
    return [block for block in found if block.not_run is None and block.language in ("sh", "console", "python")]


def _type(block: Block, folder: Path, environment: dict[str, str]) -> Iterator[Typed]:
    for command, expected in block.commands:
        status, shown = _in_terminal(["bash", "-euo", "pipefail", "-c", command], folder, environment)
        yield Typed(
            f"{block.page}:{block.line}", command, expected if block.compared else [], status, block.status, shown
        )


def _in_terminal(words: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Exit code and text of a command that believes to be on a terminal; of a line that was overwritten, the last."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        ["timeout", str(SECONDS), *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    chunks = []
    while chunk := _read(mine):
        chunks.append(chunk)
    os.close(mine)
    text = _ESCAPES.sub("", b"".join(chunks).decode("utf-8", "replace").replace("\r\n", "\n"))
    return process.wait(), "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so when the last writer has gone
        return b""


def _assert_as_written(typed: Typed) -> None:
    where = f"{typed.place}: {typed.command}\n{typed.shown}"
    assert typed.status == typed.wanted, where
    shown, at = [_skeleton(line) for line in unwrapped(typed.shown).splitlines()], 0
    for line in typed.expected:
        if line.strip() in ("", "..."):
            continue
        assert _skeleton(line) in shown[at:], f"not printed, or not there: {line}\n{where}"
        at += shown[at:].index(_skeleton(line)) + 1


def _skeleton(line: str) -> str:
    """A line without its numbers, hashes and the spaces that line them up."""
    line = re.sub(r"\b[0-9a-f]{16,}\b", "#", line)
    line = re.sub(r"[-+]?\d+(?:[.,:]\d+)*", "0", line)
    return " ".join(line.split()).replace("0.", "0")


@pytest.mark.slow
@pytest.mark.long
def test_the_tutorial_goes_from_a_folder_of_images_to_a_classified_folder(tutorial: tuple[Path, list[Typed]]) -> None:
    folder, typed = tutorial
    assert len(typed) >= 14
    for each in typed:
        _assert_as_written(each)
    for name in ("model.tflite", "report.html", "results.db", "evaluation/evaluation.json"):
        assert (folder / name).stat().st_size > 0


_TYPED = {line for block in _run(blocks_of(TUTORIAL)) for command, _ in block.commands for line in command.splitlines()}
_OTHERS = [
    block
    for page in PAGES
    if page != TUTORIAL
    for block in _run(blocks_of(page))
    if not set(block.text.splitlines()) <= _TYPED  # which the tutorial has run
]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("page", sorted({block.page for block in _OTHERS}))
def test_what_a_page_tells_to_type_works(page: str, workshop: Path, environment: dict[str, str]) -> None:
    for block in _OTHERS:
        if block.page != page:
            continue
        if block.language == "python":
            status, shown = _in_terminal([sys.executable, "-c", block.text], workshop, environment)
            assert (status, "Traceback" in shown) == (0, False), f"{block.page}:{block.line}\n{shown}"
            continue
        for typed in _type(block, workshop, environment):
            _assert_as_written(typed)


def test_no_block_is_left_out_silently() -> None:
    left_out = Counter((block.page, block.not_run) for block in blocks("sh", "console", "python") if block.not_run)
    assert left_out == Counter(NOT_RUN)
    assert Counter(block.page for block in blocks("sh", "console") if not block.compared) == Counter(NOT_COMPARED)


def test_marks_stand_before_a_block() -> None:
    for page in PAGES:
        marks = re.findall(r"^ *<!-- (?:not run|not compared|exit): .*-->$", page.read_text(encoding="utf-8"), re.M)
        marked = [block for block in blocks_of(page) if block.not_run or block.status or not block.compared]
        assert len(marks) == len(marked), name_of(page)


def test_pages_that_are_run_begin_where_the_tutorial_ends() -> None:
    assert "docs/tutorial.md" not in {block.page for block in _OTHERS}
    assert len({block.page for block in _OTHERS}) > 10
