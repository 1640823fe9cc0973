"""A network pruned to half its operations, against itself before and against networks of that size from scratch.

The pruned network is fine-tuned for a fifth of the epochs that the whole one was trained for; two others are trained
from scratch for as long: one of the pruned network's own shape, and one of even width with no fewer operations.
Accuracy is on the test split, or the validation fold where the index has none. `--run` takes a run that was trained
from scratch, `--index` trains one, and without either synthetic cells are drawn. With `--folder` it goes on where it
was ended.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, finish, parser
from benchmarks.models import synthetic_index
from edgeleuk.data.index import Index
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.pruning.macs import count_macs
from edgeleuk.pruning.prune import prune
from edgeleuk.training.config import CRITERIA, PruneConfig, TrainConfig
from edgeleuk.training.fitting import Fitter, Phase, validate
from edgeleuk.training.preparation import fit_data, stream_of
from edgeleuk.training.results import load_float_network
from edgeleuk.training.run import Run, load_run_folder
from edgeleuk.training.train import train, train_everything

SHARE_BAR, POINTS_BAR = 0.5, 1.0
EPOCHS_SHARE = 5
_SCRATCH_LEARNING_RATE = 2e-3  # that of `edgeleuk train --weights none`
_WIDTH_STEPS = 64
_TOO_NARROW = 1 / 64  # the width that leaves layers of 32 filters none


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        whole = load_run_folder(arguments.run) if arguments.run else _trained(arguments, folder)
        settings = json.loads((whole.folder / "config.json").read_text(encoding="utf-8"))
        epochs = max(1, round((arguments.epochs or settings["epochs"]) / EPOCHS_SHARE))
        config = PruneConfig(
            macs=f"{SHARE_BAR:.0%}",
            criterion=arguments.criterion,
            multiple=arguments.multiple,
            epochs=epochs,
            batch_size=settings["batch_size"],
            seed=arguments.seed,
        )
        pruned = prune(whole, config, folder / "pruned", resume=True, report=_tell)
        figures = _figures(whole, pruned, epochs, settings)
    return finish("pruning", figures, arguments, epochs=epochs, settings=settings)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--run", type=Path, help="float run, trained from scratch, that is pruned")
    made.add_argument("--index", type=Path, help="index.json to train one on [synthetic cells]")
    made.add_argument("--folder", type=Path, help="keep runs and cells here, and go on with what is there")
    made.add_argument("--epochs", type=int, help="epochs of the whole network [those of --run, else 20]")
    made.add_argument("--input-size", type=int, default=96, help="side of its input in pixels, without --run")
    made.add_argument("--width", type=float, default=0.25, help="its width, without --run")
    made.add_argument("--subjects", type=int, default=24, help="synthetic subjects, at least 12")
    made.add_argument("--cells", type=int, default=30, help="synthetic cells of each")
    made.add_argument("--criterion", choices=CRITERIA, default=CRITERIA[0], help="what filters are ranked by")
    made.add_argument("--multiple", type=int, default=8, help="filters of a layer stay a multiple of this")
    made.add_argument("--seed", type=int, default=0, help="seed of every training")
    given = made.parse_args()
    if given.run and given.index:
        made.error("--run has an index of its own; leave --index out")
    return given


def _trained(arguments: argparse.Namespace, folder: Path) -> Run:
    """The whole network's run, on the index or on synthetic cells."""
    path = arguments.index or synthetic_index(folder, arguments.subjects, arguments.cells)
    config = TrainConfig(
        weights="none",
        input_size=arguments.input_size,
        width=arguments.width,
        epochs=arguments.epochs or 20,
        robust="off",
        seed=arguments.seed,
    )
    return train(Index.load(path), config, folder / "whole", resume=True, report=_tell)


def _figures(whole: Run, pruned: Run, epochs: int, settings: dict[str, Any]) -> list[Figure]:
    before, after = load_float_network(whole), load_float_network(pruned)
    full, left = count_macs(before), count_macs(after)
    points = {"whole": _accuracy(before, whole), "pruned": _accuracy(after, whole)}
    even = even_network(whole.inception, left)
    shapes = {"its shape": pruned.inception, f"width {even.width:g}": even}
    scratch = {name: _from_scratch(network, whole, epochs, settings) for name, network in shapes.items()}
    one_image = 100 / len(_test_images(whole))
    return [
        Figure("operations of the pruned network over the whole one's", left / full, "x", SHARE_BAR),
        *(Figure(f"accuracy, {name}", value, "%") for name, value in points.items()),
        *(
            Figure(f"accuracy, {name} from scratch, {epochs} epochs", value, "%")
            for name, (value, _) in scratch.items()
        ),
        *(Figure(f"operations, {name}", macs / full, "x") for name, (_, macs) in scratch.items()),
        Figure("points lost by pruning", points["whole"] - points["pruned"], "points", POINTS_BAR),
        *(
            Figure(f"points above {name} from scratch", points["pruned"] - value, "points", one_image, at_least=True)
            for name, (value, _) in scratch.items()
        ),
    ]


def even_network(whole: NetworkConfig, macs: int) -> NetworkConfig:
    """The narrowest network of even width that has no fewer operations than `macs`, to 1/64 of the whole's width."""
    enough, short = _WIDTH_STEPS, int(_WIDTH_STEPS * _TOO_NARROW / whole.width)
    while enough - short > 1:
        middle = (enough + short) // 2
        found = count_macs(build_network(_even(whole, middle)))
        enough, short = (middle, short) if found >= macs else (enough, middle)
    return _even(whole, enough)


def _even(whole: NetworkConfig, steps: int) -> NetworkConfig:
    return dataclasses.replace(whole, weights="none", width=whole.width * steps / _WIDTH_STEPS, filters={})


def _from_scratch(network: NetworkConfig, whole: Run, epochs: int, settings: dict[str, Any]) -> tuple[float, int]:
    """Accuracy in percent, and operations, of a network trained from scratch for so many epochs on the run's images."""
    _tell(f"train from scratch at width {network.width:g}{', pruned shape' if network.filters else ''}")
    tf_keras.utils.set_random_seed(settings["seed"])
    model = build_network(dataclasses.replace(network, weights="none"))
    data = fit_data(
        whole.index,
        whole.fold,
        whole.spec.preprocessing,
        settings["batch_size"],
        settings["seed"],
        whole.strengths.augmentation,
    )
    rate = settings.get("learning_rate") or _SCRATCH_LEARNING_RATE
    with tempfile.TemporaryDirectory() as folder:
        fitter = Fitter(model, data, Path(folder), patience=epochs, seed=settings["seed"])
        fitter.run([Phase("scratch", epochs, rate, train_everything)])
    return _accuracy(model, whole), count_macs(model)


def _accuracy(model: Any, whole: Run) -> float:
    """Percent of the run's test images."""
    stream = stream_of(whole.index, _test_images(whole), whole.spec.preprocessing, 32)
    return 100 * validate(model, stream)["val_accuracy"]


def _test_images(whole: Run) -> Any:
    return whole.index.test() or whole.index.validation(whole.fold)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
