"""What the shell of a remote device is asked to do. It may be any login shell; sh(1) runs what is in here."""

import shlex
from collections.abc import Sequence
from pathlib import Path

MODELS, IMAGES, SCRIPT = "models", "images", "run.sh"
FOLDERS = (
    'folder=$(mktemp -d "${TMPDIR:-/tmp}/edgeleuk-benchmark.XXXXXX")'
    f' && mkdir "$folder/{MODELS}" "$folder/{IMAGES}" && echo "$folder"'
)
# A wheel is a ZIP, so a Python that has all that edgeleuk needs can run it unpacked; else a virtual environment is
# made, and kept for the next time. The folder goes when the script ends: no one may be left to remove it.
_TEXT = r"""#!/bin/sh
set -eu
cd "$(dirname "$0")"
trap 'rm -rf "$PWD"' EXIT
python={python}
wheel={wheel}
if [ -n "$python" ]; then
    "$python" -c 'import sys, click, numpy, PIL; sys.exit(sys.version_info < (3, 11) and "it is older than 3.11")' \
        </dev/null || {{
        echo "error: --remote-python $python cannot run edgeleuk (see above); without this option a venv is made" >&2
        exit 1
    }}
    "$python" -m zipfile -e "$wheel" lib
    export PYTHONPATH="$PWD/lib${{PYTHONPATH:+:$PYTHONPATH}}"
else
    venv="${{XDG_CACHE_HOME:-$HOME/.cache}}/edgeleuk/benchmark-venv"
    python="$venv/bin/python"
    if ! [ -x "$python" ]; then
        python3 -m venv "$venv" </dev/null >&2 || {{
            rm -rf "$venv"
            echo "error: no venv could be made: apt install python3-venv there, or give --remote-python" >&2
            exit 1
        }}
    fi
    pip() {{
        "$python" -m pip install --quiet --no-input --disable-pip-version-check "$@" </dev/null >&2
    }}
    pip --force-reinstall --no-deps "$wheel"
    pip "$wheel"
fi
"$python" -m edgeleuk.cli.tethered {arguments}
"""


def write_script(folder: Path, wheel: str, arguments: Sequence[str], python: str | None) -> Path:
    """Write the script to folder and return its path. It runs edgeleuk from `wheel`, which lies beside it.

    `python`: one that has what edgeleuk needs; None makes a virtual environment.
    """
    path = folder / SCRIPT
    quoted = {"python": shlex.quote(python or ""), "wheel": shlex.quote(wheel)}
    path.write_text(_TEXT.format(arguments=shlex.join(arguments), **quoted), errors="surrogateescape")
    return path
