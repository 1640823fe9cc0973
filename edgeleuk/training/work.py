"""The process of a fold that a cluster trains, see `edgeleuk.jobs.job`: `python -m edgeleuk.training.work CORES`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeleuk.jobs.job import do_job


def train(index: str, config: dict[str, Any], out: str, resume: bool, logs: str | None) -> dict[str, Any]:
    """Train the run `out`; returns its best epoch."""
    from edgeleuk.codec import decode
    from edgeleuk.data.index import Index
    from edgeleuk.training.config import TrainConfig
    from edgeleuk.training.train import train as train_run

    settings: TrainConfig = decode(TrainConfig, config, "the settings of the job")

    def report(text: str) -> None:
        print(text, flush=True)

    run = train_run(Index.load(Path(index)), settings, Path(out), resume, report, None if logs is None else Path(logs))
    return {"best": run.best}


_ACTIONS: dict[str, Callable[..., Any]] = {"train": train}


def main() -> None:
    """Do one job."""
    do_job(_ACTIONS)


if __name__ == "__main__":
    main()
