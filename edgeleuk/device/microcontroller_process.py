"""The child's side of measuring an arena: tflite-micro sets one up for a graph and says how large it is."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.processes.child import answer


def main() -> None:
    """Answer a job of `microcontroller.measured_arena`."""
    answer(lambda asked: {"said": _allocations(Path(asked["path"]).read_bytes(), asked["limit_bytes"])})


def _allocations(flatbuffer: bytes, limit_bytes: int) -> str:
    """What it prints of its allocations. Raises ModelError with what it says if it does not take the graph."""
    import tflite_micro

    opened: list[Any] = []

    def open_it() -> None:
        runtime = tflite_micro.runtime
        opened.append(runtime.Interpreter.from_bytes(flatbuffer, arena_size=limit_bytes))

    try:
        said = _said_by(open_it)
    except RuntimeError as error:
        raise ModelError(str(error)) from error
    if not opened:
        raise ModelError(said)
    return _said_by(opened[0].print_allocations)


def _said_by(body: Callable[[], None]) -> str:
    """What native code writes to standard error meanwhile. Raises RuntimeError with it if the body does."""
    shown, held = os.dup(2), os.memfd_create("stderr")
    os.dup2(held, 2)
    try:
        body()
    except RuntimeError as error:
        raise RuntimeError(f"{error}: {_text(held)}") from error
    finally:
        os.dup2(shown, 2)
    return _text(held)


def _text(held: int) -> str:
    """One line of it."""
    os.lseek(held, 0, os.SEEK_SET)
    return " ".join(os.read(held, 1 << 16).decode(errors="replace").split())
