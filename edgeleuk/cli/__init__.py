"""The command line: what is typed most, images of a model, is begun at once; all else is a command of `program`."""

import sys
from collections.abc import Callable
from typing import NoReturn

from edgeleuk.cli.leaving import leave
from edgeleuk.cli.plain_infer import PlainInfer


def as_process() -> None:
    """`main` as a process of its own, which ends sooner where it has but classified images."""
    main(end=leave)


def main(arguments: list[str] | None = None, end: Callable[[int], NoReturn] = sys.exit) -> None:
    """Run the command line and exit: 0 success, 1 failure, 2 usage error, 130 interrupted.

    `end`: how to, where it has but classified images.
    """
    plain = PlainInfer.of(sys.argv[1:]) if arguments is None else None
    if plain is not None:
        end(plain.status())
    from edgeleuk.cli.program import status_of

    sys.exit(status_of(sys.argv[1:] if arguments is None else arguments))
