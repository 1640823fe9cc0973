from pathlib import Path
from typing import Any

import pytest

from edgeleuk.errors import UsageError
from edgeleuk.training.config import Distilling, PruneConfig, QatConfig, TrainConfig, macs_budget, weights_facts


def test_a_teacher_counts_as_by_default_until_told_otherwise() -> None:
    assert TrainConfig(teacher="run").distilling == Distilling(4.0, 0.9)
    assert TrainConfig().distilling is None


@pytest.mark.parametrize(
    "settings",
    [
        {"resample": "cubic"},
        {"pools": "max"},
        {"exit": "mixed10"},
        {"dropout": 1.0},
        {"crop": 0},
        {"epochs": -1},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"head_epochs": -1},
        {"seed": 2**32},
        {"learning_rate": float("inf")},
        {"learning_rate": 1e99},
        {"width": float("nan")},
        {"width": 0.0},
        {"width": 4.5},
        {"distillation_temperature": 4.0},
        {"distillation_weight": 0.5},
        {"distillation_temperature": 0.5, "teacher": "run"},
        {"distillation_temperature": float("nan"), "teacher": "run"},
        {"distillation_weight": 0.0, "teacher": "run"},
        {"distillation_weight": 1.1, "teacher": "run"},
    ],
)
def test_values_out_of_range_are_refused_by_name(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(settings)).replace("_", "-")):
        TrainConfig(**settings)  # type: ignore[arg-type]


def test_pools_of_qat_are_those_of_train_or_rewritten() -> None:
    assert (TrainConfig().pools, QatConfig().pools) == ("average", "depthwise")
    assert QatConfig(pools="average").pools == "average"
    with pytest.raises(UsageError, match="pools is 'max'; expected average or depthwise"):
        QatConfig(pools="max")


@pytest.mark.parametrize(
    "settings",
    [
        {"macs": "fifty"},
        {"macs": "0%"},
        {"macs": "-5"},
        {"budget_ms": 0.0},
        {"budget_ms": float("inf")},
        {"budget_ms": 5.0, "threads": 0},
        {"macs": "50%", "criterion": "l2"},
        {"macs": "50%", "samples": 0},
        {"macs": "50%", "multiple": 0},
        {"macs": "50%", "least_share": 1.5},
        {"macs": "50%", "epochs": -1},
    ],
)
def test_values_of_pruning_out_of_range_are_refused_by_name(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=list(settings)[-1].replace("_", "-")):
        PruneConfig(**settings)


@pytest.mark.parametrize("settings", [{}, {"macs": "50%", "budget_ms": 5.0}])
def test_pruning_needs_exactly_one_budget(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="give one budget"):
        PruneConfig(**settings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50%", 500),
        ("12.5 %", 125),
        ("0.3", 300),
        ("1", 1000),
        ("300", 300),
        ("2k", 2000),
        ("1.5M", 1_500_000),
        ("1G", 10**9),
    ],
)
def test_a_budget_of_operations_is_a_share_or_a_number(text: str, expected: int) -> None:
    assert macs_budget(text, 1000) == expected


def test_a_weights_file_is_known_by_its_content_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("here/a.h5", "there/a.h5"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"weights")
    facts = weights_facts(str(tmp_path / "here/a.h5"))
    assert facts == weights_facts(str(tmp_path / "there/a.h5"))
    assert facts["weights"] == "a.h5"
    assert weights_facts("none") == {"weights": "none"}
    with pytest.raises(UsageError, match="no such weights file; expected none, imagenet"):
        weights_facts(str(tmp_path / "gone.h5"))
