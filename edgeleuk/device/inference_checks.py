"""Checks of the interpreter at work: does it run and compute right, what its delegate covers, how many threads pay."""

from edgeleuk.device.delegate import Coverage, describe
from edgeleuk.device.findings import Facts, Finding
from edgeleuk.device.trial import steps_off

_ROUNDING_STEPS = 2  # more than that is no other way of rounding
_WORTH_TELLING = 0.9  # another number of threads that takes less than this share of the time
_SIGNS = {  # in an error: what to do about it
    "SIGILL": "it uses instructions that this processor, or an emulator older than QEMU 10, lacks: try another version",
    "SIGSEGV": "it crashed: try another version, or the other interpreter; emulated, LiteRT 2.2 needs QEMU 10",
    "SIGABRT": "it gave up: try another version of it, or the other interpreter",
    "SIGBUS": "a file of it is damaged, or the disk is: reinstall it, and look at the kernel's log (dmesg)",
    "SIGKILL": "most likely out of memory: close other programs, or use a smaller model",
    "GLIBC": "it was built for a newer system: see 'libc'",
}
_WRONG = (
    "do not use its answers, try the other interpreter. Known from QEMU 7.2's 'max' core; on real hardware suspect "
    "under-voltage, overclocking or bad memory"
)


def check_backend(facts: Facts) -> Finding:
    """Whether the backend that would be used runs, and computes right."""
    chosen, trial = facts.backend, facts.trial
    if chosen is None or trial is None:
        if facts.requested_backend == "auto":
            return Finding("backend", "problem", "none to choose from", "see 'interpreters'")
        advice = "--backend auto takes what is installed"
        return Finding("backend", "problem", f"{facts.requested_backend} is not installed", advice)
    if trial.error is not None:
        found = trial.error if trial.error.startswith(chosen) else f"{chosen} does not run: {trial.error}"
        return Finding("backend", "problem", found, _mend(facts, trial.error))
    steps = steps_off(trial)
    if steps > _ROUNDING_STEPS:
        return Finding("backend", "problem", f"{chosen} computes wrong answers, up to {steps} steps off", _WRONG)
    found = f"{chosen}, chosen by {facts.requested_backend}; its answers to a test network are "
    if steps:
        advice = "answers here need not equal those of other machines to the last bit; please report it with --json"
        return Finding("backend", "note", f"{found}{steps} steps off", advice)
    return Finding("backend", "ok", f"{found}right to the bit")


def check_other_backend(facts: Facts) -> Finding | None:
    """An interpreter that is installed, would not be used, and does not work."""
    for name, trial in facts.trials.items():
        if name != facts.backend and trial.error is not None:
            advice = f"not used as long as {facts.backend} is there; uninstall it if nothing else needs it"
            return Finding("other backend", "note", f"{name} does not run: {trial.error}", advice)
    return None


def check_model(facts: Facts) -> Finding | None:
    """Whether the user's model runs, how fast and in how much memory."""
    trial = facts.model_trial
    if facts.model is None or trial is None:
        return None
    if trial.error is not None:
        return Finding("model", "problem", trial.error, _mend(facts, trial.error))
    best = min(trial.invoke_ms, key=lambda threads: trial.invoke_ms[threads])
    memory = "" if trial.peak_memory_mib is None else f"; {trial.peak_memory_mib:.0f} MiB in all"
    both = "" if trial.stages == 1 else " (a cascade at its worst: both models)"
    found = f"{trial.input_type} runs in {trial.invoke_ms[best]:.1f} ms with {_threads(best)}{both}{memory}"
    if trial.input_type == "float32":
        return Finding("model", "note", found, "an int8 model is smaller and faster: edgeleuk convert --int8")
    return Finding("model", "ok", found)


def check_delegate(facts: Facts) -> Finding | None:
    """How much of the graph XNNPACK runs."""
    trial = facts.model_trial if facts.model is not None else facts.trial
    if trial is None or not trial.ran:
        return None
    if trial.coverage is None:
        return Finding("delegate", "note", f"{trial.backend} does not report what XNNPACK runs")
    found = describe(trial.coverage, "the model" if facts.model is not None else "a test network")
    if facts.model is None:
        found += "; give MODEL to learn about yours"
    if trial.coverage.whole or _nearly_whole(trial.coverage):
        return Finding("delegate", "ok", found)
    level = "note" if trial.coverage.delegated or not facts.host.litert_has_wheel else "warning"
    return Finding("delegate", level, found, _delegate_advice(facts, trial.backend, trial.coverage))


def check_threads(facts: Facts) -> Finding:
    """Threads against the cores that this process may use, and the number that was fastest with the model."""
    processor, trial = facts.processor, facts.model_trial or facts.trial
    usable = min(processor.usable_cores, processor.quota_cores or processor.usable_cores)
    threads = facts.requested_threads or (trial.default_threads if trial else None) or min(4, processor.cores)
    found = f"{_threads(threads)} on {usable:g} of {processor.cores} cores"
    if threads > max(1, usable):
        advice = f"more threads than cores only wait for each other: --threads {max(1, int(usable))}"
        return Finding("threads", "warning", found, advice)
    times = {} if trial is None else trial.invoke_ms
    if len(times) < 2:
        return Finding("threads", "ok", found)
    found += "; " + ", ".join(f"{count}: {median:.1f} ms" for count, median in times.items())
    best = min(times, key=lambda count: times[count])
    if times[best] < _WORTH_TELLING * times.get(threads, times[best]):
        return Finding("threads", "note", found, f"--threads {best} was faster with this model")
    return Finding("threads", "ok", found)


def _mend(facts: Facts, error: str) -> str:
    """Advice on top of an error's own."""
    for sign, advice in _SIGNS.items():
        if sign in error:
            return advice
    others = [name for name, trial in facts.trials.items() if trial.ran and name != facts.backend]
    return f"--backend {others[0]} works here" if others else ""


def _nearly_whole(coverage: Coverage) -> bool:
    """One piece, and next to it no more than a last small operator, as int8's SOFTMAX is."""
    return coverage.partitions == 1 and coverage.operators - coverage.delegated <= 1


def _delegate_advice(facts: Facts, backend: str, coverage: Coverage) -> str:
    if backend == "tflite-runtime":
        advice = "tflite-runtime runs int8 by kernels of its own, which is slower (4 times, measured on a PC)"
        return f"{advice}: pip install ai-edge-litert" if facts.host.litert_has_wheel else advice
    if "AVERAGE_POOL_2D" in coverage.outside:
        return (
            "XNNPACK has no int8 average pool, and each one splits the graph; 'edgeleuk convert --int8' of the float "
            "network puts depthwise convolutions in their place, with which InceptionV3 took 0.8 times as long"
        )
    return "operators outside run by slower kernels, and each change between the two costs time"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
