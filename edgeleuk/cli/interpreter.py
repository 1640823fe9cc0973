"""Options that choose the interpreter and its threads; for commands of the base install."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgeleuk.cli.commands import Choice

Command = TypeVar("Command", bound=Callable[..., Any])


def interpreter_options(
    threads_help: str = "Threads of the interpreter. Default: the cores, at most 4.",
    backend_help: str = "Interpreter; auto takes LiteRT if it is installed.",
) -> Callable[[Command], Command]:
    """Add --threads and --backend."""

    def add(function: Command) -> Command:
        backends = Choice(["auto", "litert", "tflite-runtime"])
        function = click.option("--backend", type=backends, default="auto", show_default=True, help=backend_help)(
            function
        )
        return click.option("--threads", type=click.IntRange(1), help=threads_help)(function)

    return add
