import json
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.training.run import load_run_folder

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "give one budget: macs (such as 50%) or budget-ms (such as 5)"),
        (["--macs", "50%", "--budget-ms", "5"], "give one budget"),
        (["--macs", "0.5"], "macs is '0.5', which has no unit; write 50%"),
        (["--macs", "50"], "macs is '50', which has no unit; write 50%"),
        (["--macs", "half"], "macs is 'half'; expected a share such as 50%"),
        (["--macs", "50%", "--criterion", "l2"], "--criterion: 'l2' is not one of taylor, bn-l1"),
    ],
)
def test_budgets_that_cannot_be_are_usage_errors(
    run_edgeleuk: Any, tmp_path: Path, options: list[str], complaint: str
) -> None:
    (tmp_path / "any").mkdir()  # options are looked at before it is
    done = run_edgeleuk("prune", tmp_path / "any", "-o", tmp_path / "run", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_what_is_no_run_is_refused(run_edgeleuk: Any, tmp_path: Path) -> None:
    done = run_edgeleuk("prune", tmp_path, "-o", tmp_path / "run", "--macs", "50%")
    assert done.returncode == 2
    assert "is not a complete run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_a_run_is_pruned_with_options_from_a_file(run_edgeleuk: Any, float_run: Path, tmp_path: Path) -> None:
    (tmp_path / "prune.toml").write_text('macs = "70%"\ncriterion = "bn-l1"\nmultiple = 2\nepochs = 0\n')
    done = run_edgeleuk("prune", float_run, "-o", tmp_path / "run", "--config", tmp_path / "prune.toml")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["convolution", "filters", "kept", "share"]
    assert lines[-2].startswith("ranked by bn-l1; MACs ")
    assert "no epoch was better than the pruned network as it was" in lines[-1]
    raw = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (raw["kind"], raw["parent"]) == ("float", float_run.name)
    assert raw["network"]["filters"]
    again = run_edgeleuk(
        *("prune", float_run, "-o", tmp_path / "run", "--config", tmp_path / "prune.toml", "--resume", "--json")
    )
    assert again.stderr == f"{tmp_path / 'run'} is already complete\n"
    made = json.loads(again.stdout)
    assert (made["run"], made["kind"], made["best_epoch"]) == (str(tmp_path / "run"), "float", 0)
    assert made["sha256"] == load_run_folder(tmp_path / "run").sha256
    assert 0 <= made["validation_weighted_f1"] <= 1
