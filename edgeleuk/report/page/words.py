"""What a report says in words: the method, the protocol, the device, accuracies."""

from typing import Any

from edgeleuk.bench.record import Record
from edgeleuk.evaluation.evaluated import Evaluated
from edgeleuk.report.page.reading import Material
from edgeleuk.report.text.benchmark import conditions_text

METHOD = (
    "Each model is loaded in fresh processes, in turn with the others (A B C A B C), so that what slows the "
    "machine for a while slows all alike.",
    "Load is the time to read the file, build the interpreter and prepare its graph in a new process (files "
    "cached by the system, Python's imports left out); first is the first inference after it.",
    "A process warms up until the medians of its last blocks agree, and those queries do not count. Then the next "
    "query starts when the last is done (MLPerf's single stream, whose figure is the 90th percentile).",
    "Percentiles are over all queries of all processes. Intervals are order statistics of the processes' own "
    "medians and 90th percentiles, free of any assumption about a distribution; queries of one process are not "
    "independent, processes are.",
    "Times as fast: the ratio of two medians over the processes' medians, within one record and one kind of model (of "
    "one index and classes, or one name but for its precision); its interval is a percentile bootstrap that draws "
    "processes. If it holds 1, the processes of either differ as much as the two do.",
    "Memory is the greatest resident memory of such a process, Python and the interpreter's libraries included.",
    "A measurement is not valid if the firmware throttled, a clock changed, other programs or the hypervisor "
    "took the processor, a warm-up did not settle, or the interval is wide. What a device does not report is not "
    "assumed to be well.",
)

_FACTS = {
    "memory_limits_work": "the kernel enforces memory limits",
    "memory_limit_mib": "memory limit of this process, MiB",
    "memory_total_mib": "memory, MiB",
    "quota_cores": "cores by quota",
    "clock_ceiling_mhz": "highest clock allowed, MHz",
    "clock_hardware_mhz": "highest clock of the hardware, MHz",
}
COLUMNS = (
    "inferences/s: 1,000 / median in ms, one after the other.",
    "load, first: a fresh process reads the file and builds its interpreter; then its first inference.",
    "peak: greatest memory of a process, in brackets that of Python and the interpreter before there was a model.",
    "activations: what the interpreter plans for values between operators, without what the delegate takes besides.",
    "in the delegate: operators that XNNPACK runs, of all, and how many pieces the rest cuts them into, at best one.",
)


def encodable(text: str) -> str:
    """Text that UTF-8 can hold: what a record escaped, such as half of a surrogate pair, is escaped again."""
    return text.encode("utf-8", "backslashreplace").decode()


def heading(material: Material) -> str:
    """What kind of report it is."""
    if material.records or material.suites or material.figures:
        return "Benchmark report"
    if material.searches:
        return "Benchmark report" if material.accuracies else "Search report"
    return "Evaluation report"


def device_rows(record: Record) -> tuple[tuple[str, str], ...]:
    """Facts about the device; those it does not report are left out."""
    facts = [(_FACTS.get(name, name.replace("_", " ")), _fact(value)) for name, value in record.device.items()]
    during = [c for result in record.results for process in result.processes for c in process.conditions]
    measured = (
        ("measured", record.created),
        ("measured by", f"edgeleuk {record.edgeleuk_version}"),
        ("conditions", conditions_text([*record.conditions, *during])),
    )
    return (*measured, *((name, text) for name, text in facts if text))


def protocol_rows(record: Record) -> tuple[tuple[str, str], ...]:
    """The protocol, in words a reader can check."""
    protocol = record.protocol
    blocks = f"{protocol.warm_up_blocks} blocks of {protocol.warm_up_block_s:g} s"
    return (
        ("scenario", protocol.scenario),
        ("processes", f"{protocol.processes} of each model, in turn"),
        ("queries", f"at least {protocol.runs} and {protocol.seconds:g} s of each model, over all processes"),
        (
            "warm-up",
            f"until the medians of the last {blocks} differ by at most {protocol.warm_up_tolerance:.0%}, "
            f"at most {protocol.warm_up_limit_s:g} s",
        ),
    )


def accuracy_lines(material: Material) -> tuple[str, ...]:
    """One sentence an evaluation with all that limits it; if its model was not timed, that is said."""
    timed = {result.model.sha256 for record in material.records for result in record.results}
    return tuple(
        f"{found.model}: accuracy {found.accuracy.text} on {found.images:,} images of split '{found.split}'"
        + ("" if found.model_sha256 in timed or not material.records else "; not timed in these records")
        for found in material.accuracies
    )


def accuracy_text(found: Evaluated | None, missing: str = "") -> str:
    """ "0.912 (0.880 to 0.941; 24 subjects)"."""
    return missing if found is None else found.accuracy.text


def caveat_lines(material: Material) -> tuple[str, ...]:
    """What limits the accuracies, each sentence once, with the models that it is of unless it is of all."""
    models: dict[str, list[str]] = {}
    for found in material.accuracies:
        for caveat in found.caveats:
            models.setdefault(caveat, []).append(found.model)
    everyone = len(material.accuracies)
    return tuple(
        f"accuracy{'' if len(names) == everyone else ' of ' + ', '.join(names)}: {caveat}"
        for caveat, names in models.items()
    )


def _fact(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
