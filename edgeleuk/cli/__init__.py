"""The command line: one module a command, imported when it is called, so that `--help` loads no framework."""

import importlib
import sys

import click

from edgeleuk import __version__
from edgeleuk.errors import EdgeleukError, UsageError

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


class _LazyGroup(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"edgeleuk.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgeleuk")
def root() -> None:
    """Blood-cell image classifiers from training to a Raspberry Pi.

    The usual way: data audit, data split, train, qat, convert --int8, evaluate, infer. For research use, not a
    medical device.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 well, 1 failure, 2 usage, 130 interrupted."""
    try:
        status = root.main(args=arguments, prog_name="edgeleuk", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(_say("interrupted", 130))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except EdgeleukError as error:
        sys.exit(_say(f"error: {error}", 2 if isinstance(error, UsageError) else 1))
    except KeyboardInterrupt:
        sys.exit(_say("interrupted", 130))
    except OSError as error:  # a disk or a pipe that failed where no command expected it
        sys.exit(_say(f"error: {error}", 1))
    sys.exit(status if isinstance(status, int) else 0)


def _say(message: str, status: int) -> int:
    click.echo(message, err=True)
    return status
