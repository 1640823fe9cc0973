"""What README and docs promise is held by a test: each sentence is named, and what holds it exists.

Promises that no other test holds are held here.
"""

import ast
import importlib.util
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from importlinter.cli import lint_imports
from PIL import Image

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.errors import LeakError
from edgeleuk.evaluation.selection import choose_images
from edgeleuk.spec import ModelSpec, Preprocessing
from tests.docs.pages import ROOT
from tests.promises import REGISTRY, TABLE, Promise, promises, rendered, sentences

WRITTEN = list(sentences())
PROMISES = promises()


def test_every_sentence_that_promises_is_in_the_registry() -> None:
    missing = [each for each in WRITTEN if not any(promise.says in each[1] for promise in PROMISES)]
    assert missing == [], f"name them in {REGISTRY.relative_to(ROOT)} with the test that holds them"


@pytest.mark.parametrize("promise", PROMISES, ids=[promise.says[:60] for promise in PROMISES])
def test_every_promise_is_written_somewhere_and_held_by_what_exists(promise: Promise) -> None:
    assert any(promise.says in sentence for _, sentence in WRITTEN)
    assert promise.held_by
    assert [each for each in promise.held_by if not _exists(each)] == []


def test_the_table_of_promises_is_that_of_the_registry() -> None:
    assert TABLE.read_text(encoding="utf-8") == rendered(), "python -m tests.promises writes it"


def _exists(holder: str) -> bool:
    module = re.fullmatch(r"python -m (benchmarks[\w.]*).*", holder)
    if module:
        return importlib.util.find_spec(module[1]) is not None
    file, _, name = holder.partition("::")
    path = ROOT / file
    return path.is_file() and any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def _imports(path: Path) -> set[str]:
    """Top-level names of all that a module imports, at its head or within a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_library_imports_no_click() -> None:
    package = ROOT / "edgeleuk"
    modules = [path for path in package.rglob("*.py") if "cli" not in path.relative_to(package).parts]
    assert len(modules) > 200
    assert [path for path in modules if "click" in _imports(path)] == []


def test_imports_point_down_those_of_functions_and_for_types_included() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert not settings.get("exclude_type_checking_imports")
    assert lint_imports(str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True) == 0


class Trained:
    """A model of two classes that was trained on some images, by their content."""

    def __init__(self, images: Iterable[ImageRecord]) -> None:
        self.spec = ModelSpec(("all", "hem"), Preprocessing(8, 8))
        self.trained_on = frozenset(image.sha256[:16] for image in images)
        self.calibrated_on: frozenset[str] = frozenset()

    def probabilities(self, paths: Iterable[Path]) -> Iterator[Any]:
        """Never asked."""
        raise NotImplementedError


def test_images_that_were_copied_elsewhere_under_other_names_are_known_as_seen(tmp_path: Path) -> None:
    for number in range(8):
        label = ("all", "hem")[number % 2]
        for place in (tmp_path / "cells" / label / f"{number}.png", tmp_path / "new" / label / f"x{number}.png"):
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (number, 0, 7)).save(place)
    trained, copied = make_folds(scan(tmp_path / "cells"), 2), make_folds(scan(tmp_path / "new"), 3)
    assert trained.sha256 != copied.sha256
    with pytest.raises(LeakError, match="3 of 8 images"):
        choose_images(copied, Trained(trained.images[:3]), "all")
