"""What native code writes to stderr."""

import os
import threading

import pytest

from edgeleuk.runtime.native_output import hold_native_stderr


def fail_natively():
    os.write(2, b"reason\n" * 20_000)
    raise ValueError("the body")


def test_it_is_dropped_when_all_goes_well(capfd):
    with hold_native_stderr():
        os.write(2, b"chatter\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_it_is_shown_when_the_body_fails(capfd):
    with pytest.raises(ValueError, match="body"), hold_native_stderr():
        fail_natively()
    assert capfd.readouterr().err == "reason\n" * 20_000


def test_threads_that_hold_at_the_same_time_give_stderr_back(capfd):
    def hold():
        for _ in range(50):
            with hold_native_stderr():
                os.write(2, b"chatter\n")

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_process_without_stderr_can_hold_it(run_python):
    done = run_python(
        "import os; os.close(2)\n"
        "from edgeleuk.runtime.native_output import hold_native_stderr\n"
        "with hold_native_stderr(): print('well')"
    )
    assert done.stdout == "well\n"
