"""Run by `worker` in each build: an epoch as `train` fits it, and a bare Keras `fit` of the same network on arrays."""

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def calls(arguments: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """One epoch of each kind: the same network, batch size, optimizer and loss. Both have been run once."""
    model, data = _network_and_images(arguments)
    from edgeleuk.training.fitting import Fitter

    fitter = Fitter(model, data, Path(tempfile.gettempdir()), patience=1, seed=0)
    batches = list(data.training.in_order())
    images, labels = (np.concatenate([batch[part] for batch in batches]) for part in (0, 1))
    weights = data.class_weights[labels].astype(np.float32)
    batch_size = arguments["batch_size"]
    found: dict[str, Callable[[], object]] = {
        "epoch": lambda: fitter._fit_once(1),
        "bare": lambda: model.fit(images, labels, sample_weight=weights, batch_size=batch_size, verbose=0),
    }
    for call in found.values():
        call()
    return found


def _network_and_images(arguments: dict[str, Any]) -> tuple[Any, Any]:
    """The compiled network and the streams; modules lay elsewhere in the build that targets were set on."""
    from edgeleuk.data.index import Index
    from edgeleuk.spec import Preprocessing
    from edgeleuk.training.preparation import fit_data

    earlier = importlib.util.find_spec("edgeleuk.keras") is None
    keras = "edgeleuk.training" if earlier else "edgeleuk.keras"
    tf_keras = importlib.import_module(f"{keras}.framework").tf_keras
    network = importlib.import_module(f"{keras}.network")
    extra = () if earlier else (importlib.import_module(f"{keras}.augmentation").PLAIN,)
    index, size = Index.load(Path(arguments["index"])), arguments["size"]
    tf_keras.utils.set_random_seed(0)
    model = network.build_network(network.NetworkConfig(len(index.classes), size, arguments["width"]))
    loss = tf_keras.losses.SparseCategoricalCrossentropy()
    model.compile(tf_keras.optimizers.Adam(1e-4), loss, weighted_metrics=[], metrics=["accuracy"])
    spec = Preprocessing(size, arguments["crop"])
    return model, fit_data(index, 0, spec, arguments["batch_size"], 0, *extra)
