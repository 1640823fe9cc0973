"""Every bar, one after the other, each in a process of its own: `python -m benchmarks`; exits 1 where one is missed."""

import argparse
import subprocess
import sys
from pathlib import Path

_SCRIPTS = {
    "suites": ("pytest", "benchmarks", "--benchmark-only", "--benchmark-columns=min,median,iqr,rounds", "-q"),
    "overhead": ("benchmarks.overhead",),
    "infer_process": ("benchmarks.infer_process",),
    "memory": ("benchmarks.memory",),
    "streaming": ("benchmarks.streaming",),
    "watch_idle": ("benchmarks.watch_idle",),
    "serve": ("benchmarks.serve",),
    "conversion": ("benchmarks.conversion",),
    "rewriting": ("benchmarks.rewriting",),
    "conversion-full": ("benchmarks.conversion", "--full"),
}
_SLOW = ("conversion-full",)


def main() -> int:
    """Run what is asked for; returns 1 where any of it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"{', '.join(_SCRIPTS)} [all but the full conversion]")
    parser.add_argument("--full", action="store_true", help="the full-size conversion too: minutes and several GB")
    parser.add_argument("--json", type=Path, metavar="DIR", help="folder for one record of each")
    given = parser.parse_args()
    unknown = sorted(set(given.only) - set(_SCRIPTS))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; known are {', '.join(_SCRIPTS)}")
    names = given.only or [name for name in _SCRIPTS if given.full or name not in _SLOW]
    if given.json is not None:
        given.json.mkdir(parents=True, exist_ok=True)
    missed = [name for name in names if not _run(name, given.json)]
    print(f"missed or failed: {', '.join(missed)}" if missed else f"all bars met: {', '.join(names)}")
    return int(bool(missed))


def _run(name: str, folder: Path | None) -> bool:
    command = [sys.executable, "-m", *_SCRIPTS[name]]
    if folder is not None:
        record = (folder / f"{name}.json").resolve()
        command += [f"--benchmark-json={record}"] if name == "suites" else ["--json", str(record)]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
