"""How large, documented, annotated and entangled a package is, read from its source: nothing of it is imported.

    python -m tools.style [FOLDER]     default: edgeleuk

Prints one row of figures, the longest functions, names that a module gives to two things, and every circle of imports:
of modules by what they import when they are loaded, of packages also by what they import later or for types only.
docs/style.md says where we want to be, and tests/test_style.py holds it.
"""

import argparse
import ast
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
Edges = Mapping[str, set[str]]


@dataclass(frozen=True)
class Module:
    """A source file by its dotted name; `is_package` where it is the __init__ of one."""

    name: str
    source: str
    tree: ast.Module
    is_package: bool

    @property
    def lines(self) -> int:
        """All lines, the empty ones too."""
        return len(self.source.splitlines())


@dataclass(frozen=True)
class Place:
    """A function or class and the module that it is in."""

    module: str
    node: Function | ast.ClassDef

    def __str__(self) -> str:
        return f"{self.module}:{self.node.lineno} {self.node.name}"


def read_package(folder: Path) -> dict[str, Module]:
    """Every module below a package's folder, by name."""
    return {module.name: module for path in sorted(folder.rglob("*.py")) for module in [_read(path, folder)]}


def _read(path: Path, folder: Path) -> Module:
    parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
    is_package = parts[-1] == "__init__"
    source = path.read_text(encoding="utf-8")
    return Module(".".join(parts[:-1] if is_package else parts), source, ast.parse(source), is_package)


def functions(modules: Mapping[str, Module]) -> list[Place]:
    """All of them, methods and inner ones too."""
    nodes = _nodes(modules)
    return [Place(name, node) for name, node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def public(modules: Mapping[str, Module]) -> list[Place]:
    """Functions, methods and classes whose names begin with no underscore."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [Place(name, node) for name, node in _nodes(modules) if isinstance(node, kinds)]
    return [place for place in found if not place.node.name.startswith("_")]


def _nodes(modules: Mapping[str, Module]) -> Iterator[tuple[str, ast.AST]]:
    """Every node and the module that it is in."""
    return ((module.name, node) for module in modules.values() for node in ast.walk(module.tree))


def length(place: Place) -> int:
    """Lines without decorators and docstring."""
    node = place.node
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        first = node.body[0]
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def arguments(place: Place) -> list[ast.arg]:
    """The arguments of a function but self and cls, *args and **kwargs."""
    assert not isinstance(place.node, ast.ClassDef)
    given = place.node.args
    return [each for each in (*given.posonlyargs, *given.args, *given.kwonlyargs) if each.arg not in ("self", "cls")]


def is_command(place: Place) -> bool:
    """Whether decorators of click's make its arguments the options of a command."""
    return any("click" in ast.dump(each) or "option" in ast.dump(each) for each in place.node.decorator_list)


def is_typed(place: Place) -> bool:
    """Whether all arguments are annotated, and the result; __init__ returns nothing."""
    assert not isinstance(place.node, ast.ClassDef)
    given = arguments(place)
    returns = place.node.returns is not None or (place.node.name == "__init__" and bool(given))
    return returns and all(each.annotation is not None for each in given)


def is_documented(place: Place) -> bool:
    """Whether it has a docstring."""
    return ast.get_docstring(place.node) is not None


def bound_twice(modules: Mapping[str, Module]) -> list[str]:
    """Names that are assigned or defined twice at a module's top level, where the second replaces the first.

    Alternatives, the branches of an if or a try, do not count, nor do the signatures of an overload and _.
    """
    counts = {name: Counter(_bound(module.tree.body)) for name, module in modules.items()}
    return [f"{module}.{name}" for module, names in counts.items() for name, count in names.items() if count > 1]


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            names = [] if any("overload" in ast.dump(each) for each in node.decorator_list) else [node.name]
        elif isinstance(node, ast.Assign):
            names = [name for target in node.targets for name in _names(target)]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            names = _names(node.target)
        else:
            names = []
        yield from (name for name in names if name != "_")


def _names(target: ast.expr) -> list[str]:
    """What an assignment to it binds: nothing of an attribute or an item."""
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def module_imports(modules: Mapping[str, Module]) -> Edges:
    """What each module imports of the package when it is loaded."""
    return {name: set(_imported(module, modules, _eager(module.tree.body))) for name, module in modules.items()}


def package_imports(modules: Mapping[str, Module]) -> Edges:
    """What each direct part of the package imports of the others: in functions and for types, too."""
    edges: dict[str, set[str]] = defaultdict(set)
    for module in modules.values():
        part = _part(module.name)
        every = (node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom))
        edges[part] |= {_part(name) for name in _imported(module, modules, every)} - {part}
    return edges


def circles(edges: Edges) -> list[list[str]]:
    """Groups of names each of which leads to all others of its group, the largest first."""
    after = {name: _reachable(name, edges) for name in edges}
    groups = {frozenset(other for other in after[name] if name in after.get(other, ())) for name in edges}
    return sorted((sorted(group) for group in groups if len(group) > 1), key=lambda group: (-len(group), group))


def _part(name: str) -> str:
    """The top-level module or package below the root; of the root itself its name."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else name


def _eager(body: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when a module is loaded: none in functions or under TYPE_CHECKING."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _eager(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
            yield from _eager(ast.iter_child_nodes(node))


def _imported(
    module: Module, modules: Mapping[str, Module], nodes: Iterable[ast.Import | ast.ImportFrom]
) -> Iterator[str]:
    """Names of modules of the package, as exactly as the statement says."""
    for node in nodes:
        for names in _meant(module, node):
            found = next((name for name in names if name in modules), module.name)
            if found != module.name:
                yield found


def _meant(module: Module, node: ast.Import | ast.ImportFrom) -> list[list[str]]:
    """Absolute names that each alias may mean, the longest first."""
    if isinstance(node, ast.Import):
        return [[alias.name] for alias in node.names]
    base = node.module or ""
    if node.level:
        above = module.name.split(".")[: None if module.is_package else -1]
        above = above[: len(above) - (node.level - 1)]
        base = ".".join([*above, *([base] if base else [])])
    return [[f"{base}.{alias.name}", base] for alias in node.names]


def _reachable(start: str, edges: Edges) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += edges.get(name, ())
    return seen


def percentile(values: Iterable[int], share: float) -> int:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]


def share(flags: Iterable[bool]) -> float:
    """Of those that hold."""
    known = list(flags)
    return sum(known) / max(len(known), 1)


def _spread(values: list[int]) -> str:
    return f"{statistics.median(values):.0f}/{percentile(values, 0.9)}/{max(values)}"


def main() -> None:
    """Print the figures of a package."""
    parser = argparse.ArgumentParser(prog="python -m tools.style", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("edgeleuk"))
    modules = read_package(parser.parse_args().folder.resolve())
    every, names = functions(modules), public(modules)
    row = {
        "modules": f"{len(modules)}",
        "lines": f"{sum(module.lines for module in modules.values())}",
        "module median/p90/max": _spread([module.lines for module in modules.values()]),
        "function median/p90/max": _spread([length(place) for place in every]),
        "most arguments": f"{max(len(arguments(place)) for place in every if not is_command(place))}",
        "documented": f"{share(is_documented(place) for place in names):.1%}",
        "typed": f"{share(is_typed(place) for place in every):.1%}",
    }
    print("| " + " | ".join(row) + " |")
    print("|" + "---|" * len(row))
    print("| " + " | ".join(row.values()) + " |")
    for place in sorted(every, key=length, reverse=True)[:5]:
        print(f"longest: {length(place):3d} {place}")
    print(f"bound twice: {', '.join(bound_twice(modules)) or 'none'}")
    for kind, edges in (("modules", module_imports(modules)), ("packages", package_imports(modules))):
        found = circles(edges)
        print(f"circles of {kind}: {len(found)}")
        for circle in found:
            print(" ", " ".join(circle))


if __name__ == "__main__":
    main()
