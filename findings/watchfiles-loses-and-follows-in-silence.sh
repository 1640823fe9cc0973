#!/usr/bin/env bash
# watchfiles 1.3.0 (notify 8.0.0) on Linux: a symbolic link inside the watched folder is followed, without a setting against it, so that a link to /usr
# takes a watch of the kernel's for each folder below /usr; and events that the kernel's queue had no room for are missing without a word.
# Seen on 2026-11-28: 1 watch without the link, thousands with it; of 20,000 files made while the process was stopped, fewer were told, and no error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check watchfiles==1.3.0
cd "$folder"
mkdir plain linked flood
ln -s /usr linked/link
env/bin/python - <<'PYTHON'
import os
import subprocess
import sys
from pathlib import Path

from watchfiles import watch


def watches() -> int:
    """How many folders the kernel watches for this process."""
    return sum(path.read_text().count("inotify wd:") for path in Path("/proc/self/fdinfo").iterdir() if path.exists())


counts = {}
for name in ("plain", "linked"):
    changes = watch(name, rust_timeout=100, yield_on_timeout=True)
    next(changes)
    counts[name] = watches()
    changes.close()
print(f"watches: {counts['plain']} without a link, {counts['linked']:,} with a link to /usr")

changes = watch("flood", watch_filter=None, rust_timeout=1000, yield_on_timeout=True)
next(changes)
program = (
    f"import os, signal\nos.kill({os.getpid()}, signal.SIGSTOP)\n"
    "for n in range(20_000):\n    open(f'flood/{n}', 'wb').close()\n"
    f"os.kill({os.getpid()}, signal.SIGCONT)\n"
)
helper = subprocess.Popen([sys.executable, "-c", program])
told = set()
quiet = 0
while quiet < 3:
    found = next(changes)
    told |= {path for _, path in found}
    quiet = 0 if found or helper.poll() is None else quiet + 1
print(f"told of {len(told):,} of {len(os.listdir('flood')):,} files, without an error")
assert counts["plain"] == 1, counts
assert counts["linked"] > 100, counts
assert len(told) < 20_000, "all were told: the kernel's queue is longer here (fs.inotify.max_queued_events), or it is mended"
PYTHON
