"""The tree of commands, one module each, imported when it is called, so that `--help` loads no framework."""

import os

import click

from edgeleuk import __version__
from edgeleuk.cli.commands import CONTEXT, LazyGroup, plain_colours
from edgeleuk.cli.failure import failure_of
from edgeleuk.cli.output import say
from edgeleuk.errors import EdgeleukError

_COMMANDS = {  # title, then name: short help, along the way of the data; shown without importing the command
    "Data": {"data": "Audit, split or synthesize folders of cell images."},
    "Training": {
        "train": "Fine-tune InceptionV3 on an index or a folder of images.",
        "qat": "Quantization-aware training, starting from a float run.",
        "prune": "Remove the filters that matter least for their cost from a float run, and fine-tune.",
        "optimize": "Search for the fastest int8 model within a latency budget that is still as accurate.",
    },
    "Models": {
        "spec": "Write, show or describe a spec: how a picture becomes a network's input.",
        "convert": "Convert a run or a Keras model to one .tflite file, with proof.",
        "attach": "Give a .tflite file of others a spec, so that all other commands take it.",
        "cascade": "Pack a small model with a large one, asked if the small one is unsure, as one file.",
        "calibrate": "Make a model's probabilities mean what they say; choose its operating point and abstention.",
        "export": "Write a model for another engine, and check it there against LiteRT.",
        "inspect": "Show what is inside a .tflite file.",
    },
    "Evaluation": {
        "evaluate": "Measure the accuracy of a model on images it was not trained on.",
        "explain": "Show where a model looked in an image, as a picture; with --lime for any model.",
        "leakage": "Show what it is worth that images of one subject are in training and test.",
        "benchmark": "Measure the latency of any .tflite file, here or over ssh, with intervals.",
        "compare": "Tell whether one benchmark record is slower than another.",
        "report": "Write one page, Markdown or a table from records.",
        "card": "Write a model card, of what records say of a model and nothing else.",
    },
    "Archives": {"score": "Classify an archive of images on all cores, or on a Ray cluster, into Parquet."},
    "On the device": {
        "cells": "Find the white cells in whole fields of view; boxes, outlines for QuPath, CSV, VOC and COCO.",
        "infer": "Classify images: files, folders, a watched folder, a camera.",
        "serve": "Serve the page for the lab bench: upload, live list, history.",
        "install-service": "Install the services for a watched folder and the page, on Debian or Raspberry Pi OS.",
        "results": "List, filter, correct and export stored results.",
        "drift": "Tell whether the pictures in a store are still like those of training.",
        "doctor": "Check this device (interpreter, CPU, memory, camera, clock) and suggest fixes.",
    },
    "Demo": {"demo": "Run every step on synthetic cells, in minutes."},
}


_EPILOG = """\b
Exit codes of every command:
  0    done; every gate that was asked for passed
  1    failure, or a gate was not passed
  2    usage error: unknown option, missing input or input of the wrong kind
  130  interrupted; after another signal: 128 plus its number

\b
Shell completion, here for bash (zsh_source and fish_source for the others):
  eval "$(_EDGELEUK_COMPLETE=bash_source edgeleuk)"
"""


@click.group(cls=LazyGroup, sections=_COMMANDS, epilog=_EPILOG, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="edgeleuk")
@click.pass_context
def root(context: click.Context) -> None:
    """Blood-cell image classifiers from training to a Raspberry Pi.

    The usual order: data audit, data split, train, qat, convert --int8, evaluate, infer. 'edgeleuk demo' runs all
    of it on synthetic cells. For research use, not a medical device.
    """
    context.color = plain_colours()


def status_of(arguments: list[str]) -> int:
    """Run the command line; returns its exit code."""
    try:
        status = root.main(args=arguments, prog_name="edgeleuk", standalone_mode=False)
    except BaseException as error:
        return ended_by(error)
    return status if isinstance(status, int) else 0


def ended_by(error: BaseException) -> int:
    """The exit code of a command that raised this, which is said; raises what no command should raise."""
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        return _say("interrupted", 130)
    if isinstance(error, BrokenPipeError):  # the reader of the output closed it, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the interpreter complains at exit
        return 1
    if isinstance(error, click.ClickException | EdgeleukError | OSError):
        return _say(*failure_of(error))
    raise error


def _say(message: str, status: int) -> int:
    say(message)
    return status
