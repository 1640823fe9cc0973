"""One step in several threads with results in order."""

import threading
import time
from itertools import count

import pytest

from edgeleuk.runtime.pipeline import mapped, overlapped


def test_results_come_in_order_however_long_each_takes():
    def slow(number):
        time.sleep(0.01 * (number % 3))
        return -number

    assert list(overlapped(([n] for n in range(30)), slow, workers=4)) == [-n for n in range(30)]


def test_as_many_items_are_worked_on_at_once_as_there_are_workers():
    all_of_them = threading.Barrier(3, timeout=30)  # passes only if three wait at once

    def meet(number):
        all_of_them.wait()
        return number

    assert list(overlapped([range(9)], meet, workers=3)) == list(range(9))


def test_one_worker_never_does_two_at_once():
    inside = threading.Lock()

    def alone(number):
        assert inside.acquire(blocking=False)
        time.sleep(0.001)
        inside.release()
        return number

    assert len(list(overlapped([range(50)], alone))) == 50


def test_only_a_few_items_of_an_endless_source_are_taken():
    taken = []

    def source():
        for number in count():
            taken.append(number)
            yield [number]

    results = overlapped(source(), lambda n: n, ahead=5)
    assert [next(results) for _ in range(10)] == list(range(10))
    results.close()
    assert len(taken) <= 15


def test_an_empty_batch_finishes_what_is_under_way():
    assert list(overlapped([[1, 2], [], [3]], lambda n: n)) == [1, 2, None, 3]


def test_a_step_that_returns_none_is_a_result_of_its_own():
    assert list(mapped([1, 0, 2], lambda n: n or None, workers=2)) == [1, None, 2]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_comes_at_its_turn_and_ends_the_iteration(workers):
    def fail_at_two(number):
        if number == 2:
            raise ValueError("two")
        return number

    results = overlapped(([n] for n in range(9)), fail_at_two, workers)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    assert list(results) == []


def test_no_thread_is_left_behind_when_the_caller_stops_early():
    before = threading.active_count()
    results = overlapped(([n] for n in count()), lambda n: n)
    next(results)
    results.close()
    assert threading.active_count() == before


INTERRUPTED_ANYWHERE = """
import faulthandler, itertools, sys, threading
from edgeleuk.runtime.pipeline import mapped, overlapped

faulthandler.dump_traceback_later(60, exit=True)


def interrupt(at):
    \"\"\"Take results and raise KeyboardInterrupt at instruction `at` of this thread, as a signal would; was it?\"\"\"
    passed = itertools.count()

    def trace(frame, event, argument):
        frame.f_trace_opcodes = True
        if event == "opcode" and next(passed) == at:
            raise KeyboardInterrupt
        return trace

    results = overlapped(([n] for n in itertools.count()), lambda n: n, ahead=2)
    assert next(results) == 0
    sys.settrace(trace)
    try:
        return [next(results) for _ in range(3)] != [1, 2, 3]
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
        results.close()


ways = next(at for at in itertools.count() if not interrupt(at))
assert ways > 100, ways
assert threading.active_count() == 1, threading.enumerate()
print("each ended")
"""


def test_an_interrupt_between_any_two_instructions_ends_the_iteration(run_python):
    done = run_python(INTERRUPTED_ANYWHERE)
    assert done.stdout == "each ended\n", done.stderr


def test_an_iteration_that_is_never_closed_does_not_keep_the_interpreter_from_ending(run_python):
    done = run_python(
        "import itertools\n"
        "from edgeleuk.runtime.pipeline import overlapped\n"
        "results = overlapped(([n] for n in itertools.count()), lambda n: n)\n"
        "print(next(results))"
    )
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)
