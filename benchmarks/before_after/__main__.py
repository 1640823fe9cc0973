"""This checkout against an earlier commit, A B A B in one run; exits 1 where a bar is missed.

REV's build is made once below the temporary folder, in an environment of its own (minutes).
"""

import argparse
import dataclasses
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.before_after.builds import Build, build_of, commit_of, ready_build, this_build
from benchmarks.before_after.comparison import Comparison, line
from benchmarks.before_after.options import Options
from benchmarks.before_after.rows import ROWS, row_module
from benchmarks.measure import machine, parser, positive, progress, write_record

_QUICK = {"calls": 2, "turns": 1, "processes": 1, "pairs": 1}


def main(line_given: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    arguments = _arguments(line_given)
    now = this_build()
    before = build_of(arguments.revision, arguments.cache) if arguments.build is None else ready_build(arguments.build)
    commit, versions = commit_of(arguments.revision), _same_versions(before, now)
    print(f"before: {commit[:12]}; {machine()['cores']} cores, load {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory() as scratch:
        found = list(_measured(before, now, arguments, Path(scratch)))
    figures = [figure for comparison in found for figure in comparison.figures()]
    return write_record("before_after", figures, arguments, before=commit, versions=versions)


def _measured(before: Build, now: Build, arguments: argparse.Namespace, scratch: Path) -> Iterator[Comparison]:
    for name in arguments.row or ROWS:
        progress(name)
        for comparison in row_module(name).measured(before, now, _options(arguments, scratch)):
            print(line(comparison), flush=True)
            yield comparison


def _options(arguments: argparse.Namespace, scratch: Path) -> Options:
    given = {field.name: getattr(arguments, field.name, None) for field in dataclasses.fields(Options)}
    chosen = {name: value for name, value in given.items() if value is not None}
    return Options(**{**(_QUICK if arguments.quick else {}), **chosen, "scratch": scratch})


def _same_versions(before: Build, now: Build) -> dict[str, dict[str, str | None]]:
    """Of both builds; says where they differ, as a ratio then is not of this code alone."""
    found = {"before": before.versions(), "now": now.versions()}
    for package, version in found["before"].items():
        if version != found["now"][package]:
            progress(f"{package} is {version} before and {found['now'][package]} now")
    return found


def _arguments(line_given: Sequence[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.prog = "python -m benchmarks.before_after"
    made.add_argument("revision", nargs="?", default="c2731ce", metavar="REV", help="commit to compare with")
    made.add_argument("--build", type=Path, metavar="DIR", help="a checkout of REV with its .venv [made]")
    made.add_argument("--row", choices=ROWS, action="append", help="only this one, may be repeated [all]")
    made.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: processor time, on a busy machine")
    made.add_argument("--calls", type=positive, help="calls of a turn [20]")
    made.add_argument("--turns", type=positive, help="turns of a process [6]")
    made.add_argument("--processes", type=positive, help="processes of each side for calls [7]")
    made.add_argument("--pairs", type=positive, help="runs of each side of a whole command [15]")
    made.add_argument("--core", type=int, help="core that work of one thread is pinned to [the last one]")
    made.add_argument("--images", type=Path, metavar="DIR", help="pictures to compare answers on [synthetic cells]")
    made.add_argument("--model", type=Path, action="append", help="int8 model to compare answers of, may be repeated")
    made.add_argument("--found", type=Path, metavar="DIR", help="folder of a complete search, for the row optimize")
    made.add_argument("--cache", type=Path, help="folder of builds, models and pictures [below the temporary folder]")
    made.add_argument(
        "--quick", action="store_true", help="the smallest work, to see that it runs; figures mean nothing"
    )
    given = made.parse_args(line_given)
    if given.core is None:
        given.core = max(os.sched_getaffinity(0))
    return given


if __name__ == "__main__":
    sys.exit(main())
