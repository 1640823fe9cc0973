"""Greatest resident memory of a whole command."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

from benchmarks.measure import MIB

# The peak that wait4(2) tells counts that of whoever started the process as well: hence a small one in between.
_STARTER = """
import json, os, sys
null = os.open(os.devnull, os.O_RDWR)
quiet = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(child, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_maxrss]))
"""


def peak_mib(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Peak of a command that is run to its end, in MiB, however it ends. Raises SystemExit if it fails."""
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *command]
    done = subprocess.run(starter, check=True, capture_output=True, text=True, env=environment)
    code, peak_kib = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return float(peak_kib * 1024 / MIB)
