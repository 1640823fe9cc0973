"""The bounds of docs/style.md, and that the measure of them sees what it should."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.style import (
    Module,
    arguments,
    bound_twice,
    circles,
    functions,
    is_command,
    is_documented,
    is_typed,
    length,
    module_imports,
    package_imports,
    percentile,
    public,
    read_package,
    share,
)

KNOWN = {
    "edgeleuk.optimize.work.judge",  # a job's arguments are the keys of the JSON that it is asked with
    "edgeleuk.pruning.prune.prune",  # what trains: as `train` and `qat`, and the clock that tests give it
}


@pytest.fixture(scope="module")
def edgeleuk() -> dict[str, Module]:
    return read_package(ROOT / "edgeleuk")


def test_a_module_has_at_most_400_lines(edgeleuk: dict[str, Module]) -> None:
    assert {name: module.lines for name, module in edgeleuk.items() if module.lines > 400} == {}


def test_nine_functions_in_ten_have_at_most_25_lines_and_none_has_above_45(edgeleuk: dict[str, Module]) -> None:
    every = functions(edgeleuk)
    assert percentile(map(length, every), 0.9) <= 25
    assert [f"{place}: {length(place)} lines" for place in every if length(place) > 45] == []


def test_a_function_has_at_most_6_arguments_options_of_a_command_aside(edgeleuk: dict[str, Module]) -> None:
    crowded = [place for place in functions(edgeleuk) if len(arguments(place)) > 6 and not is_command(place)]
    assert {f"{place.module}.{place.node.name}" for place in crowded} <= KNOWN


def test_every_function_is_annotated(edgeleuk: dict[str, Module]) -> None:
    assert [str(place) for place in functions(edgeleuk) if not is_typed(place)] == []


def test_nine_public_names_in_ten_are_documented(edgeleuk: dict[str, Module]) -> None:
    assert share(is_documented(place) for place in public(edgeleuk)) >= 0.9


def test_no_module_gives_a_name_to_two_things(edgeleuk: dict[str, Module]) -> None:
    assert bound_twice(edgeleuk) == []


def test_no_modules_import_one_another_in_a_circle(edgeleuk: dict[str, Module]) -> None:
    assert circles(module_imports(edgeleuk)) == []


def test_no_packages_import_one_another_in_a_circle_in_functions_and_for_types_neither(
    edgeleuk: dict[str, Module],
) -> None:
    assert circles(package_imports(edgeleuk)) == []


@pytest.fixture
def planted(tmp_path: Path) -> dict[str, Module]:
    """Packages a, b and c; a imports b when it is loaded, b imports a in a function, c imports a for types."""
    files = {
        "__init__.py": "",
        "a/__init__.py": "from ..b import one",
        "b/__init__.py": "",
        "b/one.py": "def f():\n    from box.a import g\n",
        "c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from box import a\n    import box.b.one\n",
    }
    for name, text in files.items():
        path = tmp_path / "box" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_package(tmp_path / "box")


def test_only_what_is_imported_when_loaded_counts_between_modules(planted: dict[str, Module]) -> None:
    assert module_imports(planted) == {
        "box": set(),
        "box.a": {"box.b.one"},
        "box.b": set(),
        "box.b.one": set(),
        "box.c": set(),
    }
    assert circles(module_imports(planted)) == []


def test_every_import_counts_between_packages(planted: dict[str, Module]) -> None:
    assert dict(package_imports(planted)) == {"box": set(), "a": {"b"}, "b": {"a"}, "c": {"a", "b"}}
    assert circles(package_imports(planted)) == [["a", "b"]]


def test_a_docstring_and_decorators_are_no_lines_of_a_function(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    text = '@decorated\ndef f(self, a: int, *, b=2) -> None:\n    """One.\n\n    Two.\n    """\n    return None\n'
    (tmp_path / "box" / "m.py").write_text(text)
    [place] = functions(read_package(tmp_path / "box"))
    assert length(place) == 2
    assert [each.arg for each in arguments(place)] == ["a", "b"]
    assert not is_typed(place)
    assert is_documented(place)


def test_a_name_that_a_module_gives_to_two_things_is_found(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    lines = [
        "LITTLE = 500",
        "(LITTLE, other), other.field = f()",
        "declared: int",
        "declared: int = 1",
        "def f() -> None: ...",
        "class f: ...",
        "@typing.overload",
        "def g(a: int) -> int: ...",
        "def g(a): ...",
        "try:",
        "    fast = 1",
        "except ValueError:",
        "    fast = None",
        "if fast:",
        "    way = 1",
        "else:",
        "    way = 2",
    ]
    (tmp_path / "box" / "m.py").write_text("\n".join(lines))
    assert bound_twice(read_package(tmp_path / "box")) == ["box.m.LITTLE", "box.m.f"]
