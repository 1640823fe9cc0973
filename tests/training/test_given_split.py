"""Training on a folder that came in train, val and test: the parts are what its folders say."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.data.index import Index
from edgeleuk.data.split import open_images, open_index
from edgeleuk.errors import UsageError
from edgeleuk.evaluation.evaluate import Request, evaluate
from edgeleuk.evaluation.predictors import open_predictor
from edgeleuk.training.config import TrainConfig
from edgeleuk.training.cross_validation import cross_validate
from edgeleuk.training.train import train

pytestmark = pytest.mark.slow


@pytest.fixture
def parts(cells_index: Path, tmp_path: Path) -> Path:
    """The synthetic cells as train, val and test, by subject."""
    index = Index.load(cells_index)
    for image in index.images:
        place = tmp_path / "cells" / ("val", "test", "train")[image.fold or 0] / str(image.label)
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(index.path_of(image), place)
    return tmp_path / "cells"


def test_train_learns_from_train_and_evaluate_takes_test(
    parts: Path, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    index = open_index(parts, say=lambda text: None)
    run = train(index, TrainConfig(**tiny_settings | {"epochs": 1}), tmp_path / "run", report=lambda text: None)
    named = {image.path.split("/")[0] for image in run.index.training(run.fold)}
    assert (run.fold, named) == (0, {"train"})
    found = evaluate(open_predictor(run.folder), open_images(parts), run.folder, Request(resamples=100))
    assert found.split == "test"
    assert {each.path.split("/")[0] for each in found.predictions} == {"test"}
    with pytest.raises(UsageError, match="no folds to cross-validate"):
        cross_validate(index, TrainConfig(**tiny_settings), tmp_path / "cv")
