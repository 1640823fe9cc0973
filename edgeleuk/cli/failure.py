"""The message and the exit code of an error, by one rule for every command.

2: what was asked cannot be understood, or names something that is not there or not of its kind.
1: it was asked rightly, but failed. A gate that says no exits with 1 too, without an error.
"""

import click

from edgeleuk.errors import EdgeleukError, UsageError
from edgeleuk.text import nearest, printable

FAILED, MISUSED = 1, 2


def failure_of(error: Exception) -> tuple[str, int]:
    """The message and the exit code. It is one line, with a line for each note of the error, or a help text."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error), MISUSED
    if isinstance(error, click.ClickException):
        return printable(f"error: {_of_click(error)}"), MISUSED if isinstance(error, click.UsageError) else FAILED
    if isinstance(error, EdgeleukError):
        lines = (f"error: {error}", *(f"  {note}" for note in getattr(error, "__notes__", ())))
        code = MISUSED if isinstance(error, UsageError) or error.of_name else FAILED
        return "\n".join(map(printable, lines)), code
    return printable(f"error: {_of_system(error)}"), FAILED


def _of_click(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    help_line = f"'{context.command_path} --help' says what it takes" if context is not None else ""
    if isinstance(error, click.NoSuchOption):
        return _joined(f"no such option {error.option_name}{_meant(error, context)}", help_line)
    if isinstance(error, click.MissingParameter):
        return _joined(_uncapitalized(error.format_message().splitlines()[0]), help_line)
    if isinstance(error, click.BadParameter):
        return _joined(f"{_name(error, context)}{_uncapitalized(error.message)}", help_line)
    return _joined(_uncapitalized(error.format_message()), help_line)


def _joined(what: str, mend: str) -> str:
    """A question ends with its mark: "did you mean --threads? 'edgeleuk infer --help' says ..."."""
    return f"{what}{' ' if what.endswith('?') else '; '}{mend}" if mend else what


def _meant(error: click.NoSuchOption, context: click.Context | None) -> str:
    parameters = context.command.get_params(context) if context else []
    options = [name for each in parameters if isinstance(each, click.Option) for name in each.opts]
    known = {name.lstrip("-"): name for name in options}  # every option has dashes: they say nothing about likeness
    meant = nearest(error.option_name.lstrip("-"), known)
    return f"; did you mean {known[meant]}?" if meant else ""


def _name(error: click.BadParameter, context: click.Context | None) -> str:
    if error.param is None:
        return ""
    hint = error.param_hint or (error.param.get_error_hint(context) if context else error.param.name)
    names = hint if isinstance(hint, str) else " / ".join(hint or ())
    return f"{names.replace(chr(39), '')}: "


def _uncapitalized(sentence: str) -> str:
    text = sentence.strip().removesuffix(".")
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _of_system(error: Exception) -> str:
    reason, name = getattr(error, "strerror", None), getattr(error, "filename", None)
    return f"{name}: {reason}" if reason and name is not None else str(reason or error)
