"""A process that has but classified images ends at once, with all that an end owes to others."""

import json
import subprocess
import sys

import pytest

from tests.conftest import environment


def test_what_was_registered_runs_and_what_was_printed_is_written(run_python):
    done = run_python(
        "import atexit, sys\nfrom edgeleuk.cli.leaving import leave\n"
        "atexit.register(lambda: print('registered', end=''))\n"
        "print('out', end=' ')\nprint('error', end='', file=sys.stderr)\nleave(3)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "out registered", "error")


TELLING = "import os\n_exit = os._exit\nos._exit = lambda status: (print('sooner', flush=True), _exit(status))\n"


@pytest.mark.parametrize(
    ("reason", "is_sooner"),
    [
        ("", True),
        ("sys.setprofile(lambda *_: None)", False),
        ("sys.settrace(lambda *_: None)", False),
        ("threading.Thread(target=time.sleep, args=(0.3,)).start()", False),
        ("os.environ['PYTHONINSPECT'] = ''", False),
    ],
)
def test_who_watches_or_still_works_gets_the_usual_end(run_python, reason, is_sooner):
    done = run_python(
        f"import os, sys, threading, time\nfrom edgeleuk.cli.leaving import leave\n{TELLING}{reason}\n"
        "try:\n    leave(0)\nfinally:\n    os.environ.pop('PYTHONINSPECT', None)"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("sooner\n" if is_sooner else "")


@pytest.mark.parametrize("closed", ["sys.stdout = None", "sys.stdout.close()"])
def test_a_closed_output_does_not_hinder_it(run_python, closed):
    assert run_python(f"import sys\nfrom edgeleuk.cli.leaving import leave\n{closed}\nleave(1)").returncode == 1


def test_output_that_cannot_be_written_is_told_as_always(run_python):
    found = [
        run_python(f"import sys\nfrom edgeleuk.cli.leaving import leave\nsys.stdout = open('/dev/full', 'w')\n{end}")
        for end in ("print(1)\nleave(0)", "print(1)\nsys.exit(0)")
    ]
    assert found[0].returncode == found[1].returncode
    assert found[0].stderr == found[1].stderr


@pytest.mark.parametrize(("name", "status"), [("good.bmp", 0), ("absent.bmp", 2)])
def test_the_program_answers_and_ends_as_main_does(run_edgeleuk, small_model, write_image, name, status):
    given = [str(small_model), str(write_image("good.bmp").parent / name)]
    command = [sys.executable, "-m", "edgeleuk", "infer", *given]
    program = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), check=False)
    main = run_edgeleuk("infer", *given)
    assert program.returncode == main.returncode == status
    assert program.stderr == main.stderr
    for done in (program, main):
        answers = [json.loads(line) | {"prepare_ms": 0, "invoke_ms": 0} for line in done.stdout.splitlines()]
        done.answers = answers
    assert program.answers == main.answers
