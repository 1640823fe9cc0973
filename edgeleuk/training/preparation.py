"""From an index to what a training needs: a spec, checked images, streams and class weights."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.groups import refuse_leaks
from edgeleuk.data.index import ImageRecord, Index, verify_files
from edgeleuk.data.sizes import crop_side, sizes_of
from edgeleuk.errors import DataError, UsageError
from edgeleuk.files import sha256_bytes, to_json
from edgeleuk.keras.augmentation import PLAIN, Augmentation
from edgeleuk.keras.stream import ImageStream
from edgeleuk.spec import ModelSpec, Preprocessing, Provenance
from edgeleuk.training.config import PruneConfig, QatConfig, TrainConfig
from edgeleuk.training.fitting import FitData
from edgeleuk.training.run import Run, inherited_files


def new_spec(index: Index, config: TrainConfig, config_json: str) -> ModelSpec:
    """The ModelSpec of an InceptionV3 to be trained on the index."""
    crop = config.crop or crop_side(sizes_of(index, index.training(config.fold)))
    preprocessing = Preprocessing(config.input_size, crop, config.resample, colour_constancy=config.constancy)
    return spec_of(index, preprocessing, config.fold, config_json)


def spec_of(index: Index, preprocessing: Preprocessing, fold: int, config_json: str) -> ModelSpec:
    """The ModelSpec of a network that is to be trained on the index and shown such pictures."""
    return ModelSpec(
        classes=index.classes,
        preprocessing=preprocessing,
        positive_class=index.positive_class,
        provenance=Provenance(
            index_sha256=index.sha256,
            config_sha256=sha256_bytes(config_json.encode()),
            fold=fold,
        ),
    )


def child_texts(source: Run, config: QatConfig | PruneConfig, out: Path) -> dict[str, str]:
    """Text by name of what the run `out` begins with, made from `source`: settings, spec, index, what it inherits."""
    config_json = to_json(dataclasses.asdict(config) | {"fold": source.fold, "parent_sha256": source.sha256})
    texts = {
        "config.json": config_json,
        "spec.json": _child_spec(source, config_json).to_json(),
        "index.json": source.index.to_json(out),
    }
    return texts | inherited_files(source)


def _child_spec(parent: Run, config_json: str) -> ModelSpec:
    """The parent's, with its own provenance."""
    provenance = dataclasses.replace(
        parent.spec.provenance,
        index_sha256=parent.index.sha256,
        config_sha256=sha256_bytes(config_json.encode()),
        parent_sha256=parent.sha256,
    )
    return dataclasses.replace(parent.spec, provenance=provenance)


def check_images(index: Index, fold: int, leaks_wanted: bool = False) -> None:
    """Refuse an index that cannot be trained on: leaks, empty sides, classes without images, files that changed.

    With `leaks_wanted` it has to be one that was dealt at random, and is marked so.
    """
    if not 0 <= fold < index.fold_count:
        raise UsageError(f"fold is {fold}; the index has the folds 0 to {index.fold_count - 1}")
    training, validation = index.training(fold), index.validation(fold)
    for name, images in (("train on", training), ("validate on", validation)):
        if not images:
            raise DataError(f"fold {fold} leaves no images to {name}")
    missing = set(index.classes) - {image.label for image in training}
    if missing:
        raise DataError(f"fold {fold} leaves no training images of {', '.join(sorted(missing))}; use fewer folds")
    if not leaks_wanted:
        refuse_leaks(index, fold)
    elif index.leaks is None:
        raise UsageError("--split random deals the folds of a cross-validation anew; give --cross-validate, too")
    verify_files(index, training + validation)


def stream_of(
    index: Index,
    images: Sequence[ImageRecord],
    preprocessing: Preprocessing,
    batch_size: int,
    seed: int = 0,
    augmentation: Augmentation = PLAIN,
) -> ImageStream:
    """A stream of these images with their class numbers."""
    paths = [index.path_of(image) for image in images]
    return ImageStream(paths, class_numbers(index.classes, images), preprocessing, batch_size, seed, augmentation)


def class_numbers(classes: Sequence[str], images: Sequence[ImageRecord]) -> list[int]:
    """Position of each image's label among the classes. Raises DataError for a label that is none of them."""
    numbers = {name: number for number, name in enumerate(classes)}
    unknown = {str(image.label) for image in images} - set(numbers)
    if unknown:
        raise DataError(f"labels {', '.join(sorted(unknown))} are not among the classes {', '.join(classes)}")
    return [numbers[str(image.label)] for image in images]


def fit_data(
    index: Index, fold: int, preprocessing: Preprocessing, batch_size: int, seed: int, augmentation: Augmentation
) -> FitData:
    """Streams of both sides of the fold, and balanced class weights."""
    training = stream_of(index, index.training(fold), preprocessing, batch_size, seed, augmentation)
    validation = stream_of(index, index.validation(fold), preprocessing, batch_size)
    return FitData(training, validation, balanced_weights(training.labels, len(index.classes)))


def balanced_weights(labels: Sequence[int], class_count: int) -> NDArray[np.float64]:
    """Return float64 [classes]: n / (classes * n_c), so that every class weighs the same in sum."""
    counts = np.bincount(np.asarray(labels), minlength=class_count)
    return np.asarray(len(labels) / (class_count * np.maximum(counts, 1)), np.float64)
