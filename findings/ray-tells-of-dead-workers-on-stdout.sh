#!/usr/bin/env bash
# Ray 2.60.0 prints that a worker died into the standard output of the process that started it, also with log_to_driver=False and with the logging level of
# errors, so that a program whose output is read by another one (JSON) must guard it.
# Seen on 2026-11-30: "(raylet) A worker died or was killed while executing a task ..." on standard output, nothing on standard error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
cat >"$folder/dies.py" <<'PYTHON'
import logging
import os
import signal
import time

import ray

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)


@ray.remote(max_retries=0)
def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


try:
    ray.get(die.remote())
except ray.exceptions.WorkerCrashedError:
    time.sleep(3)
PYTHON
RAY_USAGE_STATS_ENABLED=0 "$folder/env/bin/python" "$folder/dies.py" >"$folder/output" 2>"$folder/errors"
cut -c1-120 "$folder/output"
grep -q "(raylet).* A worker died" "$folder/output"
! grep -q "A worker died" "$folder/errors"
