"""Whether a measurement will be comparable with an older record, known before it takes its minutes."""

import dataclasses

from edgeleuk.bench.candidates import Request, model_facts
from edgeleuk.bench.compare import compare
from edgeleuk.bench.record import Record, Result
from edgeleuk.runtime.backend import interpreter_class


def refuse_incomparable(baseline: Record, request: Request, elsewhere: bool = False) -> None:
    """Raise DataError where nothing in `baseline` can be a pair with what `request` measures, as `compare` would.

    `elsewhere`: on another device, of which it is not known what interpreter "auto" takes there.
    """
    known = tuple(dict.fromkeys(result.backend for result in baseline.results))
    backends: dict[str, None] = {}
    for name in request.backends:
        here = (name,) if elsewhere else (interpreter_class(name)[1],)
        backends |= dict.fromkeys(known if elsewhere and name == "auto" else here)
    processes = baseline.results[0].processes if baseline.results else ()  # only names are looked at
    planned = tuple(
        Result(facts, backend, "", threads, processes)
        for facts in model_facts(request.models)
        for backend in backends
        for threads in request.threads
    )
    compare(baseline, dataclasses.replace(baseline, results=planned))
