from pathlib import Path

import pytest

from edgeleuk.errors import UsageError
from edgeleuk.training.config import QatConfig, TrainConfig, merge


def test_options_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "train.toml"
    file.write_text('weights = "none"\nepochs = 3\nlearning-rate = 1\n')
    config = merge(TrainConfig, file, {"epochs": 5, "width": None})
    assert (config.weights, config.epochs, config.learning_rate, config.width) == ("none", 5, 1.0, 1.0)


def test_unknown_key_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    file = tmp_path / "train.toml"
    file.write_text("epoch = 3\n")
    with pytest.raises(UsageError, match="unknown key 'epoch'; did you mean 'epochs'"):
        merge(TrainConfig, file, {})


@pytest.mark.parametrize("text", ["epochs = 'many'", "epochs = true", "epochs = 1.5", "epochs =", "seed = -1"])
def test_wrong_values_in_the_file_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "train.toml"
    file.write_text(text)
    with pytest.raises(UsageError):
        merge(TrainConfig, file, {})


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        merge(QatConfig, tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    "settings",
    [
        {"resample": "cubic"},
        {"pools": "max"},
        {"dropout": 1.0},
        {"crop": 0},
        {"epochs": -1},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"head_epochs": -1},
        {"seed": 2**32},
        {"learning_rate": float("inf")},
    ],
)
def test_values_out_of_range_are_refused_by_name(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(settings)).replace("_", "-")):
        TrainConfig(**settings)  # type: ignore[arg-type]
