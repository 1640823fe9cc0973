"""The commands that make a candidate's model again, one step a line."""

import dataclasses
import shlex
from collections.abc import Iterator
from typing import Any

from edgeleuk.optimize.config import FLOAT, PRUNED, QAT, Candidate
from edgeleuk.optimize.halving import Halving


def commands_of(halving: Halving, candidate: Candidate) -> tuple[str, ...]:
    """Command lines, to be run beside the search's folder; the runs they make are named float, pruned and qat."""
    return tuple(map(shlex.join, _commands(halving, candidate)))


def _commands(halving: Halving, candidate: Candidate) -> Iterator[list[str]]:
    config = halving.config.training(candidate, str(halving.teacher))
    yield ["edgeleuk", "train", str(halving.folder / "index.json"), *_options(config), "-o", FLOAT]
    last = FLOAT
    for command, settings in halving.steps(candidate).items():
        if settings is not None:
            made = {"prune": PRUNED, "qat": QAT}[command]
            yield ["edgeleuk", command, last, *_options(settings), "-o", made]
            last = made
    yield ["edgeleuk", "convert", last, "--int8", "-o", "model.tflite"]


def _options(config: Any) -> list[str]:
    """What differs from the defaults."""
    given = []
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if value != item.default and value is not None:
            given += [f"--{item.name.replace('_', '-')}", str(value)]
    return given
