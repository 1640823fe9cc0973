"""Counts instructions of inferences and of decisions from a file on emulated cores of Raspberry Pi 4 and 5.

The counter is the emulated processor's own; it depends on neither time nor machine. What is counted is compared with
golden/instructions.json: a rise of more than 3 % fails, unless other versions of the packages were counted.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from instructions import (
    Change,
    changes,
    figures_without,
    notes,
    other_graphs,
    other_versions,
    problems,
    renewed,
    table,
)
from programs import HERE, ROOT, CommandError, make_userland, run
from whole_system import Asked, Counted, count

CORES = ("cortex-a72", "cortex-a76")  # Raspberry Pi 4 and 5
FOUND = "found-160"  # the shape that a search found: docs/results.md
IMAGES = ("bmp", "jpg", "png")
GOLDEN = HERE / "golden" / "instructions.json"
_MADE_BY = ("tensorflow", "litert-quantizer")  # what makes the graphs
_FULL = "full-299"


def main() -> int:
    """Count, print, compare or keep; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="bookworm", help="release of Raspberry Pi OS: bookworm or trixie")
    parser.add_argument("--all", action="store_true", help="the full-size networks, too: minutes")
    parser.add_argument("--renew", action="store_true", help="keep what is counted as the golden figures")
    parser.add_argument("--code", type=Path, default=ROOT, help="folder with the edgeleuk to count [this checkout]")
    parser.add_argument(
        "--models", type=Path, help="folder to make models in, and to find them again [a temporary one]"
    )
    parser.add_argument("--json", type=Path, help="where to write what was counted")
    given = parser.parse_args()
    userland = make_userland(given.suite, None)
    try:
        with tempfile.TemporaryDirectory(prefix="edgeleuk-counts-") as scratch:
            material = given.models or Path(scratch) / "models"
            make_models(material, given.all)
            found = counted(userland, given.code, material, Path(scratch), given.all)
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        given.json.write_text(json.dumps(record(found), indent=1) + "\n")
    if given.renew:
        GOLDEN.write_text(json.dumps(renewed(record(found), kept()), indent=1) + "\n")
    return 0 if judge(found) else 1


def make_models(folder: Path, full: bool) -> None:
    """What is counted, where it is not in the folder yet."""
    if not (folder / f"{_FULL if full else 'half-160'}-rewritten-int8.tflite").exists():
        run([sys.executable, str(HERE / "models.py"), str(folder), *(["--full"] if full else [])])
    if not (folder / "found").exists():
        make_found(folder)


def counted(userland: Path, code: Path, material: Path, scratch: Path, full: bool) -> dict[str, Counted]:
    """By core, with what `make_models` made in material."""
    with ThreadPoolExecutor() as pool:
        waiting = start(pool, userland, code, material, scratch, full)
        return {core: future.result() for core, future in waiting.items()}


def make_found(folder: Path) -> None:
    """Write a model of a shape that was searched for to folder/found."""
    (folder / "found").mkdir(parents=True)
    run([sys.executable, "-m", "benchmarks.before_after.models", FOUND, str(folder / "found")])


def start(
    pool: Executor, userland: Path, code: Path, material: Path, scratch: Path, full: bool = False
) -> dict[str, Future[Counted]]:
    """Begin to count on each core with what `models.py` made in material, and `make_found`."""
    asked, images = models(material, full), {kind: material / f"cell.{kind}" for kind in IMAGES}
    return {core: pool.submit(count, userland, core, code, asked, images, scratch) for core in CORES}


def models(material: Path, full: bool) -> dict[str, Asked]:
    """What is counted, by name: stock and rewritten graphs, and one of a shape that was searched for."""
    asked = {FOUND: Asked(material / "found" / f"{FOUND}-int8.tflite", IMAGES)}
    for name in ("tiny-75", "half-160"):
        asked[f"{name} stock"] = Asked(material / f"{name}-int8.tflite")
        asked[f"{name} rewritten"] = Asked(material / f"{name}-rewritten-int8.tflite")
    if full:
        for graph, part in (("stock", ""), ("rewritten", "-rewritten")):
            asked[f"{_FULL} {graph}"] = Asked(material / f"{_FULL}{part}-int8.tflite", warm_up=1, repeats=1)
    return asked


def judge(found: Mapping[str, Counted]) -> bool:
    """Print figures, what is other than it was and what that means; returns whether nothing has risen."""
    golden, now = kept(), record(found)
    strange = other_graphs(golden.get("graphs", {}), now["graphs"])
    compared: list[Change] = []
    for core, counts in found.items():
        before = figures_without(strange, golden["instructions"].get(core, {}))
        compared += changes(core, before, counts.instructions)
    print(table(compared))
    if strange:
        print(
            f"NOTE: networks of other shapes than the golden figures are of, which hold nothing: {', '.join(strange)}"
        )
    others = other_versions(golden["versions"], now["versions"])
    if others:
        print(f"NOTE: other versions than those of the golden figures, so none is held: {'; '.join(others)}")
    for note in notes(compared):
        print(f"NOTE: {note}")
    risen = [] if others else problems(compared)
    for problem in risen:
        print(f"PROBLEM: {problem}")
    return not risen


def kept() -> dict[str, Any]:
    """The golden figures; none before they are kept for the first time."""
    golden: dict[str, Any] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {"versions": {}, "instructions": {}}
    return golden


def record(found: Mapping[str, Counted]) -> dict[str, Any]:
    """The golden file: versions, graphs, and the median of each figure's repetitions by core."""
    first = next(iter(found.values()))
    versions = first.versions | {name: metadata.version(name) for name in _MADE_BY}
    figures = {
        core: {change.name: change.now for change in changes(core, {}, counts.instructions)}
        for core, counts in found.items()
    }
    return {"versions": dict(sorted(versions.items())), "graphs": first.graphs, "instructions": figures}


if __name__ == "__main__":
    sys.exit(main())
