"""The command line: one module a command, imported when it is called, so that `--help` loads no framework."""

import os
import sys

import click

from edgeleuk import __version__
from edgeleuk.cli.commands import CONTEXT, LazyGroup, plain_colours
from edgeleuk.cli.failure import failure_of
from edgeleuk.cli.output import say
from edgeleuk.errors import EdgeleukError

_COMMANDS = {  # name: short help, shown without importing the command
    "data": "Audit, split or synthesize folders of cell images.",
    "train": "Fine-tune InceptionV3 on an index or a folder of images.",
    "qat": "Quantization-aware training, starting from a float run.",
    "prune": "Remove the filters of a float run that matter least for what they cost, and fine-tune.",
    "optimize": "Search for the fastest int8 model within a budget of milliseconds that is still as good.",
    "convert": "Convert a run or a Keras model to one .tflite file, with proof.",
    "cascade": "A small model that answers where it is sure, and a large one for the rest, as one file.",
    "evaluate": "Accuracy of a model on images it was not trained on.",
    "infer": "Classify images: files, folders, a watched folder, a camera.",
    "results": "List, filter and export what a store holds.",
    "serve": "The page for the lab bench: upload, live list, history.",
    "doctor": "What on this device helps or hinders, and what to do about it.",
    "benchmark": "Latency of any .tflite file, here or on a device over ssh, with intervals.",
    "compare": "Whether one benchmark record is slower than another.",
    "report": "Records as one page, Markdown or a table.",
    "inspect": "Show what is inside a .tflite file.",
    "demo": "The whole way on synthetic cells, in minutes.",
}


@click.group(cls=LazyGroup, commands_help=_COMMANDS, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="edgeleuk")
@click.pass_context
def root(context: click.Context) -> None:
    """Blood-cell image classifiers from training to a Raspberry Pi.

    The usual way: data audit, data split, train, qat, convert --int8, evaluate, infer. For research use, not a
    medical device.

    \b
    Exit codes of every command:
      0    done; every gate that was asked for passed
      1    asked rightly, but it failed, or a gate says no
      2    cannot be understood, or names input that is not there or not of its kind
      130  interrupted; another signal that ended it: 128 and its number

    \b
    Completion in a shell, such as bash (zsh and fish likewise):
      eval "$(_EDGELEUK_COMPLETE=bash_source edgeleuk)"
    """
    context.color = plain_colours()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 well, 1 failure, 2 usage, 130 interrupted."""
    try:
        status = root.main(args=arguments, prog_name="edgeleuk", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(_say("interrupted", 130))
    except BrokenPipeError:  # who read the output has enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the interpreter complains while it ends
        sys.exit(1)
    except (click.ClickException, EdgeleukError, OSError) as error:
        sys.exit(_say(*failure_of(error)))
    sys.exit(status if isinstance(status, int) else 0)


def _say(message: str, status: int) -> int:
    say(message)
    return status
