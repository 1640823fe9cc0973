"""What `edgeleuk report` reads: records of `benchmark`, of `evaluate`, of pytest-benchmark, of benchmarks/."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from edgeleuk.bench.record import KIND, Record, parse_record
from edgeleuk.errors import DataError

_EVALUATION_SCHEMA = 1
_EXPECTED = (
    "what 'edgeleuk benchmark -o', 'edgeleuk evaluate -o' or pytest's --benchmark-json writes, or a record of "
    "benchmarks/"
)


@dataclass(frozen=True)
class Accuracy:
    """Of one model, as `evaluate` found it; bounds are None where there is no interval."""

    model: str
    model_sha256: str
    index_sha256: str
    split: str
    value: float
    low: float | None
    high: float | None
    images: int
    unit: str


@dataclass(frozen=True)
class Timing:
    """One test of pytest-benchmark; milliseconds."""

    name: str
    min_ms: float
    median_ms: float
    iqr_ms: float
    rounds: int


@dataclass(frozen=True)
class Suite:
    """One run of pytest-benchmark."""

    name: str
    created: str
    machine: str
    timings: tuple[Timing, ...]


@dataclass(frozen=True)
class FigureRow:
    """One figure of a script in benchmarks/; `met` is None without a bar."""

    name: str
    value: float
    unit: str
    bar: float | None
    met: bool | None


@dataclass(frozen=True)
class Figures:
    """The figures of one script in benchmarks/."""

    name: str
    machine: str
    rows: tuple[FigureRow, ...]


@dataclass(frozen=True)
class Material:
    """Everything that a report is made of; `sources` holds the files' JSON by name."""

    records: tuple[Record, ...] = ()
    accuracies: tuple[Accuracy, ...] = ()
    suites: tuple[Suite, ...] = ()
    figures: tuple[Figures, ...] = ()
    sources: tuple[tuple[str, Any], ...] = ()

    def accuracy_of(self, sha256: str) -> Accuracy | None:
        """Of the model file with this hash."""
        return next((found for found in self.accuracies if found.model_sha256 == sha256), None)


def read_material(paths: Sequence[Path]) -> Material:
    """Read files, or folders of `evaluate -o`. Raises DataError for one that is none of these or that does not fit.

    Accuracies on different images cannot stand beside each other: those are refused, too.
    """
    items: list[Record | Accuracy | Suite | Figures] = []
    sources = []
    for path in paths:
        file = path / "evaluation.json" if path.is_dir() else path
        raw = _json(file)
        items.append(_parsed(raw, file))
        sources.append((str(path), raw))
    material = Material(
        tuple(item for item in items if isinstance(item, Record)),
        tuple(item for item in items if isinstance(item, Accuracy)),
        tuple(item for item in items if isinstance(item, Suite)),
        tuple(item for item in items if isinstance(item, Figures)),
        tuple(sources),
    )
    _check_comparable(material.accuracies)
    return material


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON, or was cut off: {error}; expected {_EXPECTED}") from error


def _parsed(raw: Any, path: Path) -> Record | Accuracy | Suite | Figures:
    if isinstance(raw, dict):
        try:
            if raw.get("kind") == KIND:
                return parse_record(raw, str(path))
            if {"model_sha256", "index_sha256", "scores"} <= raw.keys():
                return _accuracy(raw, path)
            if {"benchmarks", "machine_info"} <= raw.keys():
                return _suite(raw, path)
            if {"benchmark", "figures", "machine"} <= raw.keys():
                return _figures(raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path} is damaged or was changed: {type(error).__name__} {error}") from error
    raise DataError(f"{path} is no record; expected {_EXPECTED}")


def _accuracy(raw: dict[str, Any], path: Path) -> Accuracy:
    if raw.get("schema_version") != _EVALUATION_SCHEMA:
        raise DataError(
            f"{path} is an evaluation of schema version {raw.get('schema_version')!r}; this edgeleuk reads "
            f"{_EVALUATION_SCHEMA}: evaluate again"
        )
    scores = raw["scores"]
    accuracy = scores["accuracy"]
    return Accuracy(
        Path(raw["model"]).name,
        raw["model_sha256"],
        raw["index_sha256"],
        raw["split"],
        float(accuracy["value"]),
        accuracy["low"],
        accuracy["high"],
        int(scores["image_count"]),
        scores["bootstrap"]["unit"],
    )


def _suite(raw: dict[str, Any], path: Path) -> Suite:
    timings = tuple(map(_timing, raw["benchmarks"]))
    machine = raw["machine_info"]
    processor = machine.get("cpu", {}).get("brand_raw") or machine.get("machine", "unknown machine")
    return Suite(
        path.name, str(raw.get("datetime", "")), f"{processor}, Python {machine.get('python_version')}", timings
    )


def _timing(row: dict[str, Any]) -> Timing:
    stats = row["stats"]
    least, middle, spread = (1000 * float(stats[key]) for key in ("min", "median", "iqr"))
    return Timing(row["fullname"].rpartition("/")[2], least, middle, spread, int(stats["rounds"]))


def _figures(raw: dict[str, Any]) -> Figures:
    machine = raw["machine"]
    rows = (FigureRow(row["name"], float(row["value"]), row["unit"], row["bar"], row["met"]) for row in raw["figures"])
    return Figures(raw["benchmark"], f"{machine['processor']}, Python {machine['python']}", tuple(rows))


def _check_comparable(accuracies: Sequence[Accuracy]) -> None:
    """Raise DataError where accuracies are of different images, or two of one model."""
    for first, other in pairwise(accuracies):
        if (first.index_sha256, first.split) != (other.index_sha256, other.split):
            raise DataError(
                f"the accuracies of {first.model} and {other.model} cannot stand beside each other: they are of "
                f"different images (index {first.index_sha256[:12]}, split '{first.split}'; index "
                f"{other.index_sha256[:12]}, split '{other.split}'). Evaluate both on one index and split"
            )
