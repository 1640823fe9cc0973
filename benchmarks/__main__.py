"""Every bar, one after the other, each in a process of its own: `python -m benchmarks`; exits 1 where one is missed."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SCRIPTS = {
    "suites": (
        *("pytest", "benchmarks", "--benchmark-only", "--benchmark-autosave"),
        *("--benchmark-columns=min,median,iqr,rounds", "-q"),
    ),
    "overhead": ("benchmarks.overhead",),
    "infer_process": ("benchmarks.infer_process",),
    "memory": ("benchmarks.memory",),
    "streaming": ("benchmarks.streaming",),
    "score": ("benchmarks.score",),
    "asking": ("benchmarks.asking",),
    "watch_idle": ("benchmarks.watch_idle",),
    "watch_large": ("benchmarks.watch_large",),
    "serve": ("benchmarks.serve",),
    "conversion": ("benchmarks.conversion",),
    "rewriting": ("benchmarks.rewriting",),
    "qat_networks": ("benchmarks.qat_networks",),
    "networks": ("benchmarks.networks",),
    "colour": ("benchmarks.colour",),
    "pruning": ("benchmarks.pruning",),
    "optimize": ("benchmarks.optimize",),
    "folds": ("benchmarks.folds",),
    "cascade": ("benchmarks.cascade",),
    "robustness": ("benchmarks.robustness",),
    "trust": ("benchmarks.trust",),
    "engines": ("benchmarks.engines",),
    "report_page": ("benchmarks.report_page",),
    "fields": ("benchmarks.fields",),
    "intervals": ("benchmarks.intervals",),
    "false_alarms": ("benchmarks.false_alarms",),
    "scale": ("benchmarks.scale", "--quick"),
    "notebook_model": ("benchmarks.notebook_model",),
    "conversion-full": ("benchmarks.conversion", "--full"),
    "before_after": ("benchmarks.before_after",),
    "workers": ("benchmarks.workers",),
    "scale-full": ("benchmarks.scale", "--full"),
}
SLOW = (
    "score",
    "watch_large",
    "qat_networks",
    "networks",
    "pruning",
    "optimize",
    "folds",
    "cascade",
    "robustness",
    "intervals",
    "false_alarms",
    "notebook_model",
    "conversion-full",
    "before_after",
    "workers",
    "scale-full",
)
REPORT = "report.html"


def main(line: Sequence[str] | None = None) -> int:
    """Run what is asked for; returns 1 where any of it failed."""
    given = _arguments(line)
    names = given.only or [name for name in SCRIPTS if given.full or name not in SLOW]
    missed = [name for name in names if not _run(name, given.json)]
    if given.json is not None and not _report(given.json, names):
        missed.append(REPORT)
    print(f"missed or failed: {', '.join(missed)}" if missed else f"all bars met: {', '.join(names)}")
    return int(bool(missed))


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"{', '.join(SCRIPTS)} [all but {', '.join(SLOW)}]")
    parser.add_argument("--full", action="store_true", help=f"{', '.join(SLOW)}, too: hours and gigabytes")
    parser.add_argument(
        "--json", type=Path, metavar="DIR", help=f"folder for one record of each, and {REPORT}, which is made of them"
    )
    given = parser.parse_args(line)
    unknown = sorted(set(given.only) - set(SCRIPTS))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; known are {', '.join(SCRIPTS)}")
    if given.json is not None:
        try:
            given.json.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--json {given.json}: {error.strerror}; expected a folder, or a place where one can be made")
    return given


def _run(name: str, folder: Path | None) -> bool:
    command = [sys.executable, "-m", *SCRIPTS[name]]
    if folder is not None:
        record = _record(name, folder)
        record.unlink(missing_ok=True)  # that of an earlier run must not stand for this one
        command += [f"--benchmark-json={record}"] if name == "suites" else ["--json", str(record)]
    print(f"== {name}", flush=True)
    return subprocess.run(command, check=False).returncode == 0


def _record(name: str, folder: Path) -> Path:
    return (folder / f"{name}.json").resolve()


def _report(folder: Path, names: Sequence[str]) -> bool:
    """Render what was measured in this run, also where bars were missed."""
    records = [str(record) for name in names if (record := _record(name, folder)).exists()]
    if not records:
        print("no record was written, so there is nothing to report")
        return False
    command = [sys.executable, "-m", "edgeleuk", "report", *records, "-o", str(folder / REPORT)]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
