"""What `edgeleuk report` reads: records of `benchmark`, `evaluate`, `optimize`, of pytest-benchmark, of benchmarks/."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from edgeleuk.bench.record import KIND, Record, parse_record
from edgeleuk.codec import decode, parse_json
from edgeleuk.errors import DataError, UsageError, reading_what_was_named
from edgeleuk.evaluation.evaluated import Evaluated, parse_evaluation
from edgeleuk.files import sha256_bytes
from edgeleuk.optimize.record import KIND as SEARCH_KIND
from edgeleuk.optimize.record import SearchRecord, parse_search

_EVALUATION = "evaluation.json"
_IN_FOLDERS = (_EVALUATION, "search.json")
_EXPECTED = (
    "what 'edgeleuk benchmark -o', 'edgeleuk evaluate -o', 'edgeleuk optimize -o' or pytest's --benchmark-json writes, "
    "or a record of benchmarks/"
)


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


_Item = Record | Evaluated | Suite | Figures | SearchRecord


@dataclass(frozen=True)
class Material:
    """Everything that a report is made of; `sources` holds the files' JSON by name."""

    records: tuple[Record, ...] = ()
    accuracies: tuple[Evaluated, ...] = ()
    suites: tuple[Suite, ...] = ()
    figures: tuple[Figures, ...] = ()
    searches: tuple[SearchRecord, ...] = ()
    sources: tuple[tuple[str, Any], ...] = ()

    def accuracy_of(self, sha256: str) -> Evaluated | None:
        """Of the model file with this hash."""
        return next((found for found in self.accuracies if found.model_sha256 == sha256), None)


@reading_what_was_named()
def read_material(paths: Sequence[Path]) -> Material:
    """Read files, or folders of `evaluate -o` and `optimize -o`.

    Raises DataError for one that is none of these or that does not fit.

    Accuracies on different images cannot be compared, nor can two of one model: those are refused, too.
    Raises UsageError for a record that is named twice.
    """
    items: list[_Item] = []
    sources: list[tuple[str, Any]] = []
    digests: dict[str, Path] = {}
    for path in paths:
        content = _content(path)
        digest = sha256_bytes(content)
        if digest in digests:
            raise UsageError(f"{digests[digest]} and {path} are the same record; name it once")
        digests[digest] = path
        raw = _json(content, path)
        items.append(_parsed(raw, path))
        # Names, not whole paths: a report is handed on, and should not disclose the folders of this machine.
        sources.append((path.name or str(path), raw))
    material = Material(
        tuple(item for item in items if isinstance(item, Record)),
        tuple(item for item in items if isinstance(item, Evaluated)),
        tuple(item for item in items if isinstance(item, Suite)),
        tuple(item for item in items if isinstance(item, Figures)),
        tuple(item for item in items if isinstance(item, SearchRecord)),
        tuple(sources),
    )
    _check_comparable(material.accuracies)
    return material


def _content(path: Path) -> bytes:
    file = _in_folder(path) if path.is_dir() else path
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}") from error


def _in_folder(folder: Path) -> Path:
    found = [folder / name for name in _IN_FOLDERS if (folder / name).exists()]
    if not found:
        raise DataError(
            f"{folder} holds no {' and no '.join(_IN_FOLDERS)}; of folders, expected one that 'edgeleuk evaluate -o' "
            "or 'edgeleuk optimize -o' wrote to its end"
        )
    if len(found) > 1:
        raise DataError(f"{folder} holds {' and '.join(file.name for file in found)}; name the file that is meant")
    return found[0]


def _json(content: bytes, path: Path) -> Any:
    if not content.strip():
        raise DataError(f"{path} is empty; expected {_EXPECTED}")
    return parse_json(content, str(path), any_text=True)


def _parsed(raw: Any, path: Path) -> _Item:
    if isinstance(raw, dict):
        try:
            if raw.get("kind") == KIND:
                return parse_record(raw, str(path))
            if raw.get("kind") == SEARCH_KIND:
                return parse_search(raw, str(path))
            if {"model_sha256", "index_sha256", "scores"} <= raw.keys():
                return parse_evaluation(raw, path)
            if {"benchmarks", "machine_info"} <= raw.keys():
                return _suite(raw, path)
            if {"benchmark", "figures", "machine"} <= raw.keys():
                return _figures(raw, path)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path} is damaged or was changed: {type(error).__name__} {error}") from error
    raise DataError(f"{path} is not a record; expected {_EXPECTED}")


def _suite(raw: dict[str, Any], path: Path) -> Suite:
    machine = raw["machine_info"]
    if not raw["benchmarks"]:
        raise DataError(f"{path} holds no benchmark; expected a run of pytest-benchmark that timed something")
    processor = machine.get("cpu", {}).get("brand_raw") or machine.get("machine", "unknown machine")
    return Suite(
        path.name,
        str(raw.get("datetime", "")),
        f"{processor}, Python {machine.get('python_version')}",
        tuple(_timing(row, path) for row in raw["benchmarks"]),
    )


def _timing(row: dict[str, Any], path: Path) -> Timing:
    stats = row["stats"]
    milliseconds = {f"{key}_ms": 1000 * stats[key] for key in ("min", "median", "iqr")}
    plain = {"name": row["fullname"].rpartition("/")[2], "rounds": stats["rounds"], **milliseconds}
    timing: Timing = decode(Timing, plain, str(path))
    return timing


def _figures(raw: dict[str, Any], path: Path) -> Figures:
    machine = raw["machine"]
    if not raw["figures"]:
        raise DataError(f"{path} holds no figure; expected a record of benchmarks/ that measured something")
    rows = (decode(FigureRow, row, str(path), others=True) for row in raw["figures"])
    return Figures(str(raw["benchmark"]), f"{machine['processor']}, Python {machine['python']}", tuple(rows))


def _check_comparable(accuracies: Sequence[Evaluated]) -> None:
    """Raise DataError if accuracies are of different images, or two of one model."""
    for first, other in pairwise(accuracies):
        if not _same_images(first, other, accuracies):
            raise DataError(
                f"the accuracies of {first.model} and {other.model} cannot be compared: they are of "
                f"different images (index {first.index_sha256[:12]}, split '{first.split}'; index "
                f"{other.index_sha256[:12]}, split '{other.split}'). Evaluate both on one index and split"
            )
    counts = Counter(found.model_sha256 for found in accuracies)
    for found in accuracies:
        if counts[found.model_sha256] > 1:
            raise DataError(
                f"{counts[found.model_sha256]} evaluations are of the same model, {found.model} "
                f"({found.model_sha256[:12]}): give only the one to report"
            )


def _same_images(first: Evaluated, other: Evaluated, accuracies: Sequence[Evaluated]) -> bool:
    """Whether both are of the same images; a third that knows an old and a new hash of them may say so."""
    known, left = set(first.of), list(accuracies)
    while joined := [found for found in left if known & found.of]:
        known.update(*(found.of for found in joined))
        left = [found for found in left if found not in joined]
    return bool(known & other.of)
