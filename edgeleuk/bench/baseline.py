"""Whether a measurement can be compared with an older record, known before it takes its minutes."""

import dataclasses

from edgeleuk.bench.candidates import Request, model_facts
from edgeleuk.bench.compare import compare
from edgeleuk.bench.record import Record, Result
from edgeleuk.errors import DataError
from edgeleuk.runtime.backend import interpreter_class
from edgeleuk.statistics.latency import FEWEST_FOR_RATIO


def refuse_incomparable(baseline: Record, request: Request, elsewhere: bool = False) -> None:
    """Raise DataError if nothing in `baseline` can be a pair with what `request` measures, as `compare` would.

    Also if either side has too few processes for an interval: nothing could be told, after minutes of measuring.

    `elsewhere`: on another device, of which it is not known what interpreter "auto" takes there.
    """
    known = tuple(dict.fromkeys(result.backend for result in baseline.results))
    backends: dict[str, None] = {}
    for name in request.backends:
        here = (name,) if elsewhere else (interpreter_class(name)[1],)
        backends |= dict.fromkeys(known if elsewhere and name == "auto" else here)
    processes = max((result.processes for result in baseline.results), key=len, default=())  # as if there were enough
    planned = tuple(
        Result(facts, backend, "", threads, processes)
        for facts in model_facts(request.models)
        for backend in backends
        for threads in request.threads
    )
    pairs = compare(baseline, dataclasses.replace(baseline, results=planned)).pairs
    few = "this measurement" if request.protocol.processes < FEWEST_FOR_RATIO else None
    few = few or next((f"{pair.title} of the baseline" for pair in pairs if not pair.judged), None)
    if few:
        raise DataError(
            f"{few} has too few processes: to tell a regression from noise takes {FEWEST_FOR_RATIO} on each side; "
            f"measure with --processes {FEWEST_FOR_RATIO} or more"
        )
