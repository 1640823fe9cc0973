"""The run folder: all that a later step needs, complete or absent.

    run.json        kind, network, hashes of the files below, versions, parent
    spec.json       the ModelSpec
    config.json     the settings of the training
    index.json      the images, with folds
    weights.npz      the network's weights (best epoch)
    float.npz        QAT runs only: weights of the float network it started from
    metrics.json    the best epoch's row
    history.csv, history.png

While it is being made it is called NAME.partial and holds checkpoint.npz instead of the results.
"""

import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, OutputError, UsageError
from edgeleuk.files import output_errors, publish_folder, refuse_taken, sha256_file, to_json, write_text
from edgeleuk.spec import ModelSpec
from edgeleuk.training.network import NetworkConfig

SCHEMA_VERSION = 1
CHECKPOINT = "checkpoint.npz"
_HASHED = ("spec.json", "config.json", "index.json", "weights.npz", "float.npz")


@dataclass(frozen=True)
class Run:
    """A complete run. `kind` is "float" or "qat"; `sha256` identifies it (of its run.json)."""

    folder: Path
    kind: str
    network: NetworkConfig
    spec: ModelSpec
    index: Index
    fold: int
    sha256: str
    best: dict[str, Any] | None = None

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights it holds; 0 where there was none."""
        return int(self.best["epoch"]) if self.best else 0

    @property
    def best_weighted_f1(self) -> float:
        """Weighted F1 of that epoch on the validation fold; nan where there was none."""
        return float(self.best["val_weighted_f1"]) if self.best else float("nan")

    @property
    def trained_on(self) -> frozenset[str]:
        """First 16 hex digits of the SHA-256 of every image that changed its weights."""
        return frozenset(image.sha256[:16] for image in self.index.training(self.fold))


def partial_of(out: Path) -> Path:
    """Where the unfinished run lies."""
    return out.with_name(out.name + ".partial")


def open_partial(out: Path, texts: dict[str, str], resume: bool) -> Path | None:
    """Return the folder to work in, holding `texts`; None where the run is already complete and resume is asked for.

    Raises OutputError where a finished or unfinished run is in the way, UsageError where a run to be resumed was
    started with other settings.
    """
    partial = partial_of(out)
    if resume and (out / "run.json").exists():
        return None
    refuse_taken(out)
    if partial.exists() and not resume:
        raise OutputError(f"{partial} is an unfinished run; --resume goes on with it, or remove it first")
    with output_errors(partial):
        partial.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        _write_or_compare(partial / name, text)
    return partial


def _write_or_compare(path: Path, text: str) -> None:
    if not path.exists():
        write_text(path, text)
    elif (before := path.read_text(encoding="utf-8")) != text:
        raise UsageError(
            f"{path.parent} was started with another {path.name}: {_first_difference(before, text)}; "
            "repeat the options it was started with, or remove it"
        )


def _first_difference(before: str, now: str) -> str:
    pairs = zip(before.splitlines(), now.splitlines(), strict=False)
    return next((f"it has {a.strip()} where now {b.strip()}" for a, b in pairs if a != b), "its length differs")


def publish_run(partial: Path, out: Path, kind: str, network: NetworkConfig, facts: dict[str, Any]) -> Run:
    """Write run.json with the hashes of what is there, rename the folder into place and drop the checkpoint."""
    with output_errors(out):
        for leftover in partial.glob(".*.partial"):
            leftover.unlink()
        hashes = {name: sha256_file(partial / name) for name in _HASHED if (partial / name).exists()}
        raw = {"schema_version": SCHEMA_VERSION, "kind": kind, "network": dataclasses.asdict(network), "files": hashes}
        write_text(partial / "run.json", to_json(raw | facts))
        publish_folder(partial, out)
        (out / CHECKPOINT).unlink(missing_ok=True)  # last: until here a kill can be resumed from it
    return load_run_folder(out)


def load_run_folder(folder: Path) -> Run:
    """Read a complete run and check its files against their hashes. Raises ModelError."""
    manifest = folder / "run.json"
    if not manifest.is_file():
        raise ModelError(f"{folder} is not a complete run: it has no run.json{_hint(folder)}")
    try:
        raw = json.loads(manifest.read_text(encoding="utf-8"))
        network = NetworkConfig(**raw["network"])
        fold = json.loads((folder / "config.json").read_text(encoding="utf-8"))["fold"]
        best = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        _check_hashes(folder, raw["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder} is not a run that can be read ({error})") from error
    spec = ModelSpec.from_json((folder / "spec.json").read_bytes())
    _check_spec(spec, network, folder)
    index = Index.load(folder / "index.json")
    return Run(folder, raw["kind"], network, spec, index, fold, sha256_file(manifest), best)


def _check_hashes(folder: Path, hashes: dict[str, str]) -> None:
    for name, expected in hashes.items():
        if sha256_file(folder / name) != expected:
            raise ValueError(f"{name} has changed since the run was made")


def _check_spec(spec: ModelSpec, network: NetworkConfig, folder: Path) -> None:
    size = spec.preprocessing.input_size_px
    if len(spec.classes) != network.class_count or size != network.input_size_px:
        raise ModelError(
            f"{folder}: the spec says {len(spec.classes)} classes at {size} px, "
            f"the network has {network.class_count} at {network.input_size_px}"
        )


def _hint(folder: Path) -> str:
    return f"; {partial_of(folder)} is unfinished: resume it" if partial_of(folder).exists() else ""


@contextmanager
def working_in(partial: Path) -> Iterator[None]:
    """Hold the unfinished run for this process; remove it when the body fails before there is anything to resume.

    Raises OutputError where another process holds it.
    """
    handle = os.open(partial, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with the process, also when that is killed
        yield
    except BlockingIOError as error:
        raise OutputError(f"{partial} is being written by another process") from error
    except BaseException:
        if not (partial / CHECKPOINT).exists():
            shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(handle)
