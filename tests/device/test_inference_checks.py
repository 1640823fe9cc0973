"""Troubles of the interpreter at work, planted one at a time."""

import dataclasses

import pytest

from edgeleuk.device import inference_checks as checks
from edgeleuk.device.delegate import Coverage
from edgeleuk.device.trial import PROBE_ANSWERS, Trial

replace = dataclasses.replace
POOLS = Coverage(125, 115, 10, {"AVERAGE_POOL_2D": 9, "SOFTMAX": 1})


def with_trial(facts, **changes):
    return replace(facts, trials={"litert": replace(facts.trials["litert"], **changes)})


def with_model(facts, **changes):
    trial = Trial("litert", None, {1: 40.0}, 4, "int8", (), Coverage(10, 10, 1, {}), 96.0)
    return replace(facts, model="model.tflite", model_trial=replace(trial, **changes))


def test_an_interpreter_that_works_is_named_with_who_chose_it(healthy):
    finding = checks.check_backend(healthy)
    assert finding.level == "ok"
    assert finding.found == "litert, chosen by auto; its answers to a test network are right to the bit"


def test_no_interpreter_is_a_problem(healthy):
    finding = checks.check_backend(replace(healthy, backend=None, trials={}))
    assert (finding.level, finding.found) == ("problem", "none to choose from")
    assert finding.advice == "see 'interpreters'"


def test_a_backend_that_was_asked_for_and_is_not_there(healthy):
    finding = checks.check_backend(replace(healthy, requested_backend="tflite-runtime", backend=None))
    assert (finding.level, finding.found) == ("problem", "tflite-runtime is not installed")
    assert "--backend auto" in finding.advice


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("its process was ended by SIGILL", "instructions"),
        ("its process was ended by SIGSEGV", "QEMU"),
        ("its process was ended by SIGKILL", "out of memory"),
        ("litert is installed but cannot be loaded: version `GLIBC_2.34' not found", "see 'libc'"),
        ("something else", ""),
    ],
)
def test_an_interpreter_that_does_not_run(healthy, error, advice):
    finding = checks.check_backend(with_trial(healthy, error=error))
    assert finding.level == "problem"
    assert error in finding.found
    assert advice in finding.advice
    assert bool(advice) == bool(finding.advice)


def test_the_other_interpreter_is_offered_where_it_runs(healthy):
    facts = with_trial(healthy, error="something else")
    facts = replace(facts, trials=facts.trials | {"tflite-runtime": Trial("tflite-runtime")})
    assert checks.check_backend(facts).advice == "--backend tflite-runtime works here"


def test_an_interpreter_that_computes_wrong_is_a_problem(healthy):
    wrong = tuple(-answer for answer in PROBE_ANSWERS["litert"])
    finding = checks.check_backend(with_trial(healthy, output=wrong))
    assert finding.level == "problem"
    assert "computes wrong" in finding.found
    assert "do not use its answers" in finding.advice


def test_another_way_of_rounding_is_noted(healthy):
    first, *rest = PROBE_ANSWERS["litert"]
    finding = checks.check_backend(with_trial(healthy, output=(first + 1, *rest)))
    assert finding.level == "note"
    assert "1 steps off" in finding.found


def test_another_interpreter_that_does_not_work_is_noted(healthy):
    assert checks.check_other_backend(healthy) is None
    facts = replace(healthy, trials=healthy.trials | {"tflite-runtime": Trial("tflite-runtime", "NumPy 2")})
    finding = checks.check_other_backend(facts)
    assert (finding.level, finding.found) == ("note", "tflite-runtime does not run: NumPy 2")


def test_a_model_that_runs(healthy):
    finding = checks.check_model(with_model(healthy, invoke_ms={1: 39.7, 2: 27.3}))
    assert (finding.level, finding.found) == ("ok", "int8 runs in 27.3 ms with 2 threads; 96 MiB in all")


def test_a_model_that_does_not_run_is_a_problem(healthy):
    finding = checks.check_model(with_model(healthy, error="x.tflite has no ModelSpec"))
    assert (finding.level, finding.found) == ("problem", "x.tflite has no ModelSpec")


def test_a_float_model_is_noted(healthy):
    finding = checks.check_model(with_model(healthy, input_type="float32"))
    assert finding.level == "note"
    assert "int8" in finding.advice


def test_without_a_model_nothing_is_said_of_one(healthy):
    assert checks.check_model(healthy) is None


def test_the_delegate_covers_the_test_network(healthy):
    finding = checks.check_delegate(healthy)
    assert finding.level == "ok"
    assert "8 of the 8 operators of a test network, in 1 partition; give MODEL" in finding.found


def test_average_pools_that_split_the_graph_are_named(healthy):
    finding = checks.check_delegate(with_model(healthy, coverage=POOLS))
    assert finding.level == "note"
    assert finding.found == (
        "XNNPACK runs 115 of the 125 operators of the model, in 10 partitions; outside: 9 AVERAGE_POOL_2D, 1 SOFTMAX"
    )
    assert "depthwise" in finding.advice


def test_a_softmax_at_the_end_is_nothing_to_worry_about(healthy):
    finding = checks.check_delegate(with_model(healthy, coverage=Coverage(125, 124, 1, {"SOFTMAX": 1})))
    assert (finding.level, finding.advice) == ("ok", "")


def test_tflite_runtimes_int8_is_a_warning_where_litert_could_be_had(healthy):
    none = Coverage(125, 0, 0, {"CONV_2D": 94})
    facts = with_model(healthy, backend="tflite-runtime", coverage=none)
    finding = checks.check_delegate(facts)
    assert finding.level == "warning"
    assert finding.found == "XNNPACK runs none of the 125 operators of the model"
    assert "pip install ai-edge-litert" in finding.advice
    on_32_bit = replace(facts, host=replace(facts.host, pointer_bits=32))
    assert checks.check_delegate(on_32_bit).level == "note"
    assert "pip install" not in checks.check_delegate(on_32_bit).advice


def test_an_interpreter_that_does_not_tell_of_its_delegate(healthy):
    assert "does not report" in checks.check_delegate(with_model(healthy, coverage=None)).found


@pytest.mark.parametrize("error", ["it crashed"])
def test_of_a_model_that_does_not_run_no_coverage_is_told(healthy, error):
    assert checks.check_delegate(with_model(healthy, error=error)) is None


def test_as_many_threads_as_cores(healthy):
    finding = checks.check_threads(healthy)
    assert (finding.level, finding.found) == ("ok", "4 threads on 4 of 4 cores")


@pytest.mark.parametrize(
    ("limits", "usable", "advice"),
    [({"usable_cores": 2}, "2", "--threads 2"), ({"quota_cores": 1.5}, "1.5", "--threads 1")],
)
def test_more_threads_than_this_process_may_use_cores(healthy, limits, usable, advice):
    finding = checks.check_threads(replace(healthy, processor=replace(healthy.processor, **limits)))
    assert (finding.level, finding.found) == ("warning", f"4 threads on {usable} of 4 cores")
    assert advice in finding.advice


def test_less_than_one_core_still_takes_a_thread(healthy):
    limited = replace(healthy.processor, quota_cores=0.5)
    assert checks.check_threads(replace(healthy, processor=limited, requested_threads=1)).level == "ok"


def test_the_fastest_number_of_threads_is_told(healthy):
    finding = checks.check_threads(with_model(healthy, invoke_ms={1: 40.0, 2: 22.0, 4: 31.0}))
    assert finding.level == "note"
    assert finding.found.endswith("1: 40.0 ms, 2: 22.0 ms, 4: 31.0 ms")
    assert finding.advice == "--threads 2 was faster with this model"


def test_a_small_difference_is_not_worth_telling(healthy):
    assert checks.check_threads(with_model(healthy, invoke_ms={1: 40.0, 2: 22.0, 4: 22.9})).level == "ok"


def test_the_time_of_a_cascade_is_said_to_be_its_worst(healthy):
    found = checks.check_model(with_model(healthy, stages=2)).found
    assert found == "int8 runs in 40.0 ms with 1 thread (a cascade at its worst: both models); 96 MiB in all"
