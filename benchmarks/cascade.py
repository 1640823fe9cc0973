"""A cascade of a small and a large model, against the large model alone: accuracy, and mean latency on the same images.

The threshold is chosen on the validation fold of the index; accuracy and latency are of another split, which it has not
seen. Each image goes through both in turn, from its file, the large model first at every other one. `--small`,
`--large` and `--index` take what `edgeleuk convert` and `data split` made; without them two small networks are trained
on synthetic cells, the first of which ends early. With `--folder` that goes on where it was ended.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.measure import Figure, finish, median_figure, parser, positive, progress, ratios
from benchmarks.models import synthetic_index
from edgeleuk.cascade.making import MadeCascade, Request, make_cascade
from edgeleuk.data.index import Index
from edgeleuk.evaluation.comparison import compare_with
from edgeleuk.evaluation.evaluate import Evaluation, evaluate
from edgeleuk.evaluation.evaluate import Request as EvaluationRequest
from edgeleuk.files import write_bytes
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.statistics.noninferiority import Gate

POINTS_BAR, SHARE_BAR = 0.3, 0.4
LARGE = {"input_size": 96, "width": 0.375, "epochs": 12}
SMALL = {"input_size": 75, "width": 0.125, "epochs": 12, "exit": "mixed3"}


@dataclass(frozen=True)
class Given:
    """The two model files and the index that they were trained with."""

    small: Path
    large: Path
    index: Path


@dataclass(frozen=True)
class Means:
    """Means over the images of one round, in ms: of what the networks took, and of the way from file to decision."""

    inference_ms: float
    whole_ms: float


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        given = Given(arguments.small, arguments.large, arguments.index) if arguments.small else _trained(folder)
        index = Index.load(given.index)
        made = make_cascade(Request(given.small, given.large, arguments.max_drop / 100), index, progress)
        path = folder / "cascade.tflite"
        write_bytes(path, made.content)
        request = EvaluationRequest(arguments.split)
        evaluations = {name: _evaluated(model, index, request) for name, model in (("large", given.large), ("", path))}
        bounds = compare_with(given.large, evaluations[""], given.index, request, Gate(arguments.max_drop / 100))
        files = [index.root / each.path for each in evaluations[""].predictions]
        rounds = [_round(given.large, path, files, arguments) for _ in range(arguments.rounds)]
        figures = [*_accuracies(evaluations["large"], evaluations[""], made), *_latencies(rounds)]
    facts = {"rule": vars(made.rule), "split": arguments.split, "verdict": bounds.result.verdict}
    print(f"loss of {arguments.max_drop:g} points on '{arguments.split}': {bounds.result.verdict}")
    return finish("cascade", figures, arguments, **facts)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--small", type=Path, help="first model, a .tflite file [trained on synthetic cells]")
    made.add_argument("--large", type=Path, help="large model, of the same classes and fold")
    made.add_argument("--index", type=Path, help="index.json that both were trained with")
    made.add_argument("--split", default="test", choices=["test", "validation"], help="what both are judged on")
    made.add_argument("--max-drop", type=float, default=POINTS_BAR, help="points that the threshold may cost")
    made.add_argument("--threads", type=positive, default=1, help="threads of each inference")
    made.add_argument("--rounds", type=positive, default=5, help="times that every image goes through both")
    made.add_argument("--folder", type=Path, help="keep runs, cells and the cascade here, and go on with what is there")
    given = made.parse_args()
    if len({given.small is None, given.large is None, given.index is None}) != 1:
        made.error("--small, --large and --index go together")
    return given


def _trained(folder: Path) -> Given:
    """Two int8 models of synthetic cells."""
    index = synthetic_index(folder, 60, 40)
    small, large = (_converted(folder, name, index, how) for name, how in (("small", SMALL), ("large", LARGE)))
    return Given(small, large, index)


def _converted(folder: Path, name: str, index: Path, settings: dict[str, Any]) -> Path:
    from edgeleuk.quantization.convert import Request as Conversion
    from edgeleuk.quantization.convert import convert, write_conversion
    from edgeleuk.quantization.source import load_source
    from edgeleuk.training.config import TrainConfig
    from edgeleuk.training.train import train

    out = folder / f"{name}.tflite"
    if not out.exists():
        config = TrainConfig(weights="none", crop=300, robust="off", **settings)
        run = train(Index.load(index), config, folder / name, resume=True, report=progress)
        write_conversion(convert(load_source(run.folder), Conversion("int8", fidelity_samples=0)), out)
    return out


def _evaluated(model: Path, index: Index, request: EvaluationRequest) -> Evaluation:
    return evaluate(Classifier.load(model), index, model, request)


def _round(large: Path, cascade: Path, files: Sequence[Path], arguments: argparse.Namespace) -> dict[str, Means]:
    """Every image through both, in turn, by networks that were loaded anew."""
    models = {name: Classifier.load(path, arguments.threads) for name, path in (("large", large), ("cascade", cascade))}
    for model in models.values():
        model.try_out()
    found: dict[str, list[Any]] = {name: [] for name in models}
    for number, file in enumerate(files):
        names = list(models) if number % 2 else list(models)[::-1]
        for name in names:
            found[name].append(models[name].predict(file))
    return {
        name: Means(
            fmean(each.invoke_ms for each in predictions),
            fmean(each.prepare_ms + each.invoke_ms for each in predictions),
        )
        for name, predictions in found.items()
    }


def _accuracies(large: Evaluation, cascade: Evaluation, made: MadeCascade) -> list[Figure]:
    accuracy, reference = (100 * each.scores.accuracy.value for each in (cascade, large))
    count = cascade.scores.image_count
    return [
        Figure("images judged on", count, ""),
        Figure("answered by the first model there", 100 * (cascade.answered_first or 0) / count, "%"),
        Figure("answered by the first model on validation", 100 * made.rule.share_first, "%"),
        Figure("accuracy of the large model", reference, "%"),
        Figure("accuracy of the cascade", accuracy, "%"),
        Figure("points lost by the cascade", round(reference - accuracy, 9), "points", POINTS_BAR),
    ]


def _latencies(rounds: Sequence[dict[str, Means]]) -> list[Figure]:
    """Medians over the rounds of means over the images."""
    inference, whole = (
        {name: [getattr(each[name], part) for each in rounds] for name in ("large", "cascade")}
        for part in ("inference_ms", "whole_ms")
    )
    return [
        *(median_figure(f"mean inference, {name}", values, "ms") for name, values in inference.items()),
        median_figure("mean inference, cascade over large", ratios(*_pair(inference)), "x", SHARE_BAR),
        *(median_figure(f"mean from image file to decision, {name}", values, "ms") for name, values in whole.items()),
        median_figure("mean from image file to decision, cascade over large", ratios(*_pair(whole)), "x"),
    ]


def _pair(times: dict[str, list[float]]) -> tuple[list[float], list[float]]:
    return times["cascade"], times["large"]


if __name__ == "__main__":
    sys.exit(main())
