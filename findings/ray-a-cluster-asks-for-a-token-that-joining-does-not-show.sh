#!/usr/bin/env bash
# Ray 2.60.0: a local ray.init() leaves ~/.ray/auth_token behind. From then on `ray start --head` asks for that token by itself, but ray.init(address=...) of
# the same user on the same machine does not show it: it tries for 20 s and says that it failed to connect. With RAY_AUTH_MODE=token it joins, also a cluster
# that asks for none. A script that joined yesterday fails after somebody tried `ray.init()` once.
# Seen on 2026-11-30: without a token file joined; with one "Failed to connect to Ray cluster", with RAY_AUTH_MODE=token joined.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
export HOME=$folder RAY_USAGE_STATS_ENABLED=0
unset RAY_AUTH_MODE
cd "$folder"
env/bin/python - <<'PYTHON'
import os
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def joins(**variables):
    """Whether a new process joins a new cluster."""
    port = free_port()
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=1", f"--port={port}"]
    start += [f"--ray-client-server-port={free_port()}", "--include-dashboard=false"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    head = subprocess.Popen(start, **quiet)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.2)
        join = f"import ray; ray.init(address='127.0.0.1:{port}')"
        return subprocess.run([sys.executable, "-c", join], env=os.environ | variables, **quiet).returncode == 0
    finally:
        head.terminate()
        head.wait()


found = [joins()]
subprocess.run([sys.executable, "-c", "import ray; ray.init('local', num_cpus=1, include_dashboard=False)"], check=True)
assert os.path.exists(os.path.expanduser("~/.ray/auth_token"))
found += [joins(), joins(RAY_AUTH_MODE="token")]
print(f"joined: before a local ray.init() {found[0]}, after it {found[1]}, with RAY_AUTH_MODE=token {found[2]}")
assert found == [True, False, True], found
PYTHON
