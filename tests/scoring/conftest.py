"""One small cluster for the tests of a module; it ends with them, for a process can be in one cluster alone."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.cluster.joining import Cluster, joined
from edgeleuk.scoring import command
from edgeleuk.scoring.command import Request, Summary, run


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with joined("local", 2) as found:
            yield found


@pytest.fixture
def score(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Summary]:
    """`edgeleuk score` on that cluster."""
    monkeypatch.setattr(command, "joined", lambda address, cores: nullcontext(cluster))

    def call(model: Path, source: object, output: Path, **options: Any) -> Summary:
        return run(Request(model, str(source), str(output), **{"workers": 2} | options), lambda text: None)

    return call
