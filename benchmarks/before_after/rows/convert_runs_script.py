"""Run by a build: a run and its QAT run of DIR/cells, as training leaves them; `convert_runs_script.py DIR SIZE WIDTH`.

Nothing is trained: weights are random, and the last layer's are such that one class is always found, so that the int8
files agree with their networks whatever those are worth.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Write both runs below the folder."""
    from edgeleuk.data.scan import scan
    from edgeleuk.data.split import make_folds
    from edgeleuk.quantization.qat import qat
    from edgeleuk.training.config import QatConfig, TrainConfig
    from edgeleuk.training.fitting import Fitter
    from edgeleuk.training.run import load_run_folder
    from edgeleuk.training.train import train

    folder, size, width = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    Fitter.run = _settle  # type: ignore[method-assign, assignment]
    config = TrainConfig(weights="none", epochs=1, input_size=size, width=width)
    train(make_folds(scan(folder / "cells")), config, folder / "run", report=_quiet)
    qat(load_run_folder(folder / "run"), QatConfig(epochs=0, samples=32), folder / "qat-run", report=_quiet)


def _settle(fitter: Any, phases: Any) -> Any:
    """In the place of training: no layer is without a bias, and the first class is the answer to everything."""
    del phases
    random = np.random.default_rng(0)
    for layer in fitter.model.layers:
        if hasattr(layer, "beta"):
            layer.beta.assign(random.normal(0, 0.1, layer.beta.shape))
    if not fitter.start_counts:  # of a QAT run the network is there
        head = fitter.model.get_layer("logits")
        head.kernel.assign(head.kernel * 0.01)
        head.bias.assign(np.linspace(2, -2, head.bias.shape[0]))
    return fitter.progress


def _quiet(text: str) -> None:
    del text


if __name__ == "__main__":
    main()
