"""`make emulate`: edgeleuk's wheel on an emulated Raspberry Pi, compared bit by bit with this machine.

Installs the wheel by the emulated pip, runs `edgeleuk infer` and the networks themselves on each core and backend, and
the tests of what runs on a device; counts instructions in whole emulated systems. Exit codes: 0 all identical and well,
1 not, 75 the userland is unavailable here.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from compare import CORES, SOFTMAX_STEPS, Observed, Row, check_core, compare, compare_infer, table
from counts import judge, make_found, start
from programs import (
    CORE_OF_LARGE,
    HERE,
    LARGE,
    MEDIUM,
    ROOT,
    TESTS,
    CommandError,
    Emulation,
    infer,
    make_userland,
    native_python,
    observe,
    run,
    run_tests,
)

THIS_MACHINE = "this machine"
UNAVAILABLE = 75  # as emulate.sh


class UnavailableError(Exception):
    """Something that this needs from elsewhere is unavailable."""


def main() -> int:
    """Do it all; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make emulate", description=__doc__)
    parser.add_argument("--suite", default="bookworm", help="release of Raspberry Pi OS: bookworm or trixie")
    parser.add_argument("--userland", help="folder of the userland [below the user's cache]")
    parser.add_argument("--no-tests", action="store_true", help="compare only, do not run the tests")
    given = parser.parse_args()
    started = time.monotonic()
    try:
        userland = make_userland(given.suite, given.userland)
        with tempfile.TemporaryDirectory(prefix="edgeleuk-emulate-") as scratch:
            good = check(userland, Path(scratch), with_tests=not given.no_tests)
    except UnavailableError as error:
        print(f"\n\n======== NO EMULATED PI: {error}", file=sys.stderr)
        return UNAVAILABLE
    except CommandError as error:
        print(f"\n{error}", file=sys.stderr)
        good = False
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"make emulate: {'all well' if good else 'FAILED'} after {minutes} min {seconds} s")
    return 0 if good else 1


def check(userland: Path, scratch: Path, with_tests: bool) -> bool:
    """Prepare, run everything on as many cores as there are, print; returns whether all is well."""
    here = Emulation(userland, scratch / "installed", scratch / "material")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(make_material, here), pool.submit(install_wheel, here, scratch)]
        waiting.append(pool.submit(make_found, here.material))
        for future in waiting:
            future.result()
        counting = start(pool, userland, here.installed, here.material, scratch / "systems")
        wanted = [group for group in TESTS if with_tests and group[0] in here.backends]
        tests = [(*group, pool.submit(run_tests, here, *group)) for group in wanted]
        rows, problems = compare_all(here, pool)
        failed = [(b, names) for b, names, done in tests if not show_tests(b, names, done.result())]
        counts = {core: future.result() for core, future in counting.items()}
    print(table(rows))
    problems += [] if judge(counts) else ["instructions have risen"]
    problems += [f"emulated tests failed on {backend}: {', '.join(names)}" for backend, names in failed]
    problems += [f"{row.core}, {row.backend}, {row.model}: not identical" for row in rows if not row.good]
    for problem in problems or ([] if rows else ["nothing was compared"]):
        print(f"PROBLEM: {problem}")
    return bool(rows) and not problems


def make_material(here: Emulation) -> None:
    """Models and images to compare on, those that TensorFlow makes and the committed ones; and the tests' models."""
    run([sys.executable, str(HERE / "models.py"), str(here.material)])
    for path in (HERE / "golden").iterdir():
        if path.suffix != ".json":
            shutil.copy(path, here.material)
    keeping = {"EDGELEUK_TEST_MODELS": str(here.material.parent / "test-models")}
    users = (
        "runtime/test_classifier.py",
        "runtime/test_gate.py",
        "classify/test_maps.py",
    )  # of every model that is kept
    tests = [f"tests/{name}" for name in users]
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], keeping)


def install_wheel(here: Emulation, scratch: Path) -> None:
    """Build the wheel here, install it by the emulated pip, and lay the tests beside it."""
    make = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        run([*make, "--timeout", "60", "--retries", "5", "--wheel-dir", str(scratch), str(ROOT)], tries=3)
    except CommandError as error:  # pip fetches what builds it
        raise UnavailableError(f"the project's wheel cannot be built here: {error}") from error
    [wheel] = scratch.glob("edgeleuk-*.whl")
    pip = [here.python("litert"), "-m", "pip", "--isolated", "--disable-pip-version-check"]
    tools = {"PYTHONPATH": str(here.userland / "pip")}
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--root-user-action", "ignore"]
    run([*pip, "install", *options, "--target", str(here.installed), str(wheel)], tools)
    print(run([*pip, "check"], {"PYTHONPATH": f"{here.userland / 'pip'}:{here.installed}"}).strip(), flush=True)
    shutil.copytree(ROOT / "tests", here.installed / "tests")
    for path in (ROOT / "pyproject.toml", HERE / "unsuited.py"):
        shutil.copy(path, here.installed)


def compare_all(here: Emulation, pool: ThreadPoolExecutor) -> tuple[list[Row], list[str]]:
    """Rows of each core, backend and model, and what else is wrong."""
    natives = find_natives(here.backends)
    references = {b: pool.submit(observe, here, python, b, LARGE) for b, python in natives.items()}
    said = {b: pool.submit(infer, here, python, b, "") for b, python in natives.items()}
    futures = {}
    for core in CORES:
        for backend in here.backends:
            largest = LARGE if core == CORE_OF_LARGE else MEDIUM
            observing = pool.submit(observe, here, here.python(backend), backend, largest, core)
            futures[core, backend] = (observing, pool.submit(infer, here, here.python(backend), backend, core))
    rows: list[Row] = []
    problems: list[str] = []
    for (core, backend), (observing, inferring) in futures.items():
        try:
            observed = observing.result()
            problems += filter(None, [check_core(core, observed["machine"])])
            rows += compare(core, backend, "golden values", observed, golden(backend))
            if backend in references:
                fresh = compare(core, backend, THIS_MACHINE, observed, references[backend].result())
                rows += [_with_infer(row, said[backend], inferring, observed) for row in fresh]
        except CommandError as error:
            problems.append(f"{core}, {backend}: {error}")
    return rows, problems


def find_natives(backends: list[str]) -> dict[str, str]:
    """This machine's Python by backend; what is unavailable is reported and left out."""
    natives = {}
    for backend in backends:
        try:
            natives[backend] = native_python(backend)
        except CommandError as error:
            print(f"NOTE: {backend} is compared with its golden values only, for this machine has none: {error}")
    return natives


def golden(backend: str) -> Observed:
    """What is committed."""
    values: Observed = json.loads((HERE / "golden" / f"{backend}.json").read_text())
    return values


def _with_infer(row: Row, expected: Future[Any], found: Future[Any], observed: Observed) -> Row:
    """The row with what `edgeleuk infer` said, where it was asked."""
    if row.model not in found.result():
        return row
    images = observed["models"][row.model]["images"]
    steps = SOFTMAX_STEPS[row.backend]
    return replace(row, infer=compare_infer(expected.result()[row.model], found.result()[row.model], images, steps))


def show_tests(backend: str, names: tuple[str, ...], done: "subprocess.CompletedProcess[str]") -> bool:
    """Print how the tests went, all of it if not well."""
    lines = done.stdout.splitlines() or ["nothing ran"]
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
    else:
        print("\n".join(line for line in lines if line.startswith("SKIPPED")))
    print(f"tests/{' '.join(names)} on {backend}, emulated: {lines[-1].strip('= ')}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
