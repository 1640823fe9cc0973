"""What all commands share: help with groups and examples, suggestions for mistyped names, an end by a signal."""

import importlib
import math
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from edgeleuk.cli.output import MOST_COLUMNS
from edgeleuk.cli.paths import Place, refuse_replacing
from edgeleuk.text import nearest

_ASKING = (signal.SIGTERM, signal.SIGHUP)
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": MOST_COLUMNS}
Groups = Mapping[str, Sequence[str]]


@contextmanager
def ended_by_signals() -> Iterator[list[int]]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt in the body; the list holds what came. What is ignored stays so."""
    seen: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in _ASKING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Command(click.Command):
    """A command whose help ends in examples. `groups`: titles with the options below them, by their long names."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), groups: Groups | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.groups = dict(groups or {})

    def invoke(self, ctx: click.Context) -> Any:
        """Look at every place that was named before the command begins; then run it."""
        places = [(each, each.type) for each in self.params if isinstance(each.type, Place) and each.name in ctx.params]
        for parameter, place in places:
            ctx.params[parameter.name] = place.checked(ctx.params[parameter.name], parameter, ctx)
        refuse_replacing([(place, ctx.params[parameter.name]) for parameter, place in places])
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options group by group, and what belongs to none last."""
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Option)]
        shown = {option: text for option in options if (text := option.get_help_record(ctx))}
        for title, names in self.groups.items():
            _section(formatter, title, [shown.pop(each) for each in list(shown) if set(each.opts) & set(names)])
        _section(formatter, "Other options" if self.groups else "Options", list(shown.values()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, as they can be typed."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A group that suggests the nearest command."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Raises click.UsageError that suggests the nearest name."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            meant = nearest(name, known)
            mend = f"did you mean '{meant}'?" if meant else f"there are {', '.join(known)}"
            ctx.fail(f"no such command '{name}'; {mend}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with the whole first sentence of its help."""
        rows = [
            (name, self.commands[name].get_short_help_str(limit=2 * MOST_COLUMNS)) for name in sorted(self.commands)
        ]
        _section(formatter, "Commands", rows)


class LazyGroup(Group):
    """A group that imports a command on first use. `sections`: titles, each with names of commands and short helps."""

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = {title: dict(helps) for title, helps in sections.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of use."""
        return [name for helps in self.sections.values() for name in helps]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"edgeleuk.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands section by section, without importing them, their helps in one column."""
        longest = max(map(len, self.list_commands(ctx)))
        for title, helps in self.sections.items():
            _section(formatter, title, [(f"{name:{longest}}", text) for name, text in helps.items()])


class Choice(click.Choice):  # type: ignore[type-arg] # at run time click 8.1 takes no type here
    """One of a set of words; for an unknown one the nearest is suggested."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word. Raises click.BadParameter."""
        if value not in self.choices:
            meant = nearest(str(value), self.choices)
            mend = f"; did you mean '{meant}'?" if meant else ""
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}{mend}", param, ctx)
        return str(value)


class Number(click.FloatRange):
    """A number within bounds; NaN, which is neither below nor above any, and infinity are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises click.BadParameter."""
        found: float = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return found


class OrFile(Choice):
    """One of some words, or a file, both of which a shell completes."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it is; what it stands for is looked at by the command."""
        return str(value)

    def get_metavar(self, *args: Any, **kwargs: Any) -> str:
        """The words and FILE."""
        return f"[{'|'.join(self.choices)}|FILE]"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Words that begin so, then files."""
        words = super().shell_complete(ctx, param, incomplete)
        return words or [click.shell_completion.CompletionItem(incomplete, type="file")]


class Words(click.ParamType):  # type: ignore[type-arg] # likewise
    """Words of some, separated by commas, which a shell completes one after the other."""

    name = "text"

    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = tuple(choices)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """What was typed with each word that the last part may become."""
        before, comma, last = incomplete.rpartition(",")
        words = [word for word in self.choices if word.startswith(last) and word not in before.split(",")]
        return [click.shell_completion.CompletionItem(f"{before}{comma}{word}") for word in words]


def edgeleuk_command(
    examples: Sequence[str] = (), groups: Groups | None = None
) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a `Command`, as @click.command() does."""
    return click.command(cls=Command, examples=examples, groups=groups, context_settings=CONTEXT)


def plain_colours() -> bool | None:
    """False if the user wants no colours (https://no-color.org); None to ask the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _section(formatter: click.HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)
