import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import DataError, LeakError, UsageError
from edgeleuk.training.preparation import balanced_weights, check_images, class_numbers


def test_class_weights_make_every_class_weigh_the_same() -> None:
    weights = balanced_weights([0, 0, 0, 1], 2)
    assert np.isclose(3 * weights[0], weights[1])
    assert np.isclose(3 * weights[0] + weights[1], 4)


def test_a_label_that_is_no_class_is_named(cells_index: Path) -> None:
    with pytest.raises(DataError, match="labels hem are not among the classes all, blast"):
        class_numbers(("all", "blast"), Index.load(cells_index).images)


def test_an_index_whose_group_crosses_the_fold_is_refused(cells_index: Path) -> None:
    index = Index.load(cells_index)
    moved = dataclasses.replace(index.validation(0)[0], fold=1)
    images = tuple(moved if image.path == moved.path else image for image in index.images)
    with pytest.raises(LeakError, match=str(moved.subject)):
        check_images(dataclasses.replace(index, images=images), 0)


def test_a_fold_the_index_does_not_have_is_refused(cells_index: Path) -> None:
    with pytest.raises(UsageError, match="fold is 3; the index has the folds 0 to 2"):
        check_images(Index.load(cells_index), 3)


def test_a_class_without_training_images_is_named(cells_index: Path) -> None:
    index = Index.load(cells_index)
    images = index.select(lambda image: image.label == "all" or image.fold == 0)
    with pytest.raises(DataError, match="no training images of hem"):
        check_images(dataclasses.replace(index, images=images), 0)


def test_files_that_changed_since_they_were_indexed_are_named(cells_index: Path) -> None:
    index = Index.load(cells_index)
    images = (dataclasses.replace(index.images[0], sha256="0" * 64), *index.images[1:])
    with pytest.raises(DataError, match=f"{index.images[0].path} has changed"):
        check_images(dataclasses.replace(index, images=images), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"fold_count": "3"},
        {"fold_count": None},
        {"classes": "all"},
        {"classes": [1, 2]},
        {"positive_class": 3},
        {"images": [{"path": 3, "sha256": "0", "size_bytes": 1}]},
        {"images": [{"path": "a", "sha256": "0", "size_bytes": 1, "subject": 3}]},
        {"images": [{"path": "a", "sha256": "0", "size_bytes": 1, "fold": 9}]},
        {"images": [{"path": "a", "sha256": "0", "size_bytes": 1, "label": "blast"}]},
    ],
)
def test_an_index_of_wrong_types_is_refused(cells_index: Path, tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "index.json"
    path.write_text(json.dumps(json.loads(cells_index.read_text()) | change))
    with pytest.raises(DataError, match="is not an edgeleuk index"):
        Index.load(path)
