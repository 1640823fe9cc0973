"""The run folder: all that a later step needs, complete or absent.

    run.json        kind, network, hashes of the files below, versions, parent
    spec.json       the ModelSpec
    config.json     the settings of the training
    index.json      the images, with folds
    weights.npz      the network's weights (best epoch)
    float.npz        QAT runs only: weights of the float network it started from
    pruning.json    pruned runs only: which filters of the parent were kept, and why so many
    metrics.json    the best epoch's row
    history.csv, history.png

While it is being made it is called NAME.partial and holds checkpoint.npz instead of the results.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError
from edgeleuk.files import sha256_file
from edgeleuk.spec import ModelSpec
from edgeleuk.training.network import NetworkConfig

SCHEMA_VERSION = 1
KINDS = ("float", "qat")
_POOLS_BEFORE = "average"  # of runs that do not say; they were made before there was a choice
HASHED = ("spec.json", "config.json", "index.json", "metrics.json", "pruning.json", "weights.npz", "float.npz")


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
    scheme_version: int | None = None

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


def load_run_folder(folder: Path) -> Run:
    """Read a complete run and check its files against their hashes. Raises ModelError."""
    manifest = folder / "run.json"
    if not manifest.is_file():
        raise ModelError(f"{folder} is not a complete run: it has no run.json{_hint(folder)}")
    try:
        return _read(folder, json.loads(manifest.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder} is not a run that can be read ({type(error).__name__}: {error})") from error


def _read(folder: Path, raw: dict[str, Any]) -> Run:
    if raw["schema_version"] != SCHEMA_VERSION or raw["kind"] not in KINDS:
        raise ValueError(f"schema_version {raw['schema_version']} and kind {raw['kind']!r} are not known")
    _check_hashes(folder, raw["files"])
    network = NetworkConfig(**{"pools": _POOLS_BEFORE} | raw["network"])
    if not isinstance(network.filters, dict):
        raise TypeError(f"filters is {network.filters!r}; expected an object")
    spec = ModelSpec.from_json((folder / "spec.json").read_bytes())
    _check_spec(spec, network, folder)
    return Run(
        folder,
        raw["kind"],
        network,
        spec,
        index=Index.load(folder / "index.json"),
        fold=json.loads((folder / "config.json").read_text(encoding="utf-8"))["fold"],
        sha256=sha256_file(folder / "run.json"),
        best=json.loads((folder / "metrics.json").read_text(encoding="utf-8")),
        scheme_version=raw.get("scheme_version"),
    )


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
