"""Folds that leak, dealt image by image as is often done: made to show what a leak is worth, and marked as leaking."""

import dataclasses
import random

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import DataError

LEAKS = "LEAKS: images of one subject in training and test"


def random_folds(index: Index, seed: int = 0) -> Index:
    """The training images of the index dealt to as many folds at random, class by class, whatever their subject.

    Raises DataError if a class has fewer images than there are folds.
    """
    training = [image for image in index.images if image.split == "train"]
    dealt: dict[str, ImageRecord] = {}
    generator = random.Random(seed)
    for name in index.classes:
        own = sorted((image for image in training if image.label == name), key=lambda image: image.path)
        if len(own) < index.fold_count:
            raise DataError(f"class '{name}' has {len(own)} images for {index.fold_count} folds; choose fewer folds")
        generator.shuffle(own)
        dealt |= {
            image.path: dataclasses.replace(image, fold=number % index.fold_count) for number, image in enumerate(own)
        }
    images = tuple(dealt.get(image.path, image) for image in index.images)
    return dataclasses.replace(index, images=images, seed=seed, leaks=LEAKS)
