"""The blocks of docs/commands/results.md about archives work, but for Polars, which is not installed."""

import subprocess
import sys

import pytest

from tests.archive.asked import row_of, write_archive
from tests.archive.test_asking import FACTS, NAMES
from tests.conftest import environment
from tests.docs.pages import ROOT, blocks_of
from tests.subjects.test_errors_known import ROWS, write_evaluation

BLOCKS = [block for block in blocks_of(ROOT / "docs/commands/results.md") if block.not_run == "needs an archive"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pages")
    write_archive(made / "scored", [*map(row_of, FACTS), *NAMES])
    write_evaluation(made / "evaluation", ROWS)
    return made


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.language} {block.line}")
def test_what_the_page_tells_to_type_works(block, folder):
    text = block.text.replace("edgeleuk ", f"{sys.executable} -m edgeleuk ")
    words = [sys.executable, "-c", block.text] if block.language == "python" else ["bash", "-euc", text]
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True)
    assert (done.returncode, "rror" in done.stderr) == (0, False), done.stderr
    assert "S1" in done.stdout


def test_there_are_such_blocks():
    assert [block.language for block in BLOCKS] == ["sh", "python", "python"]
