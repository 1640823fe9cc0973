"""The run folder: all that a later step needs, complete or absent.

    run.json        kind, network, hashes of the files below, versions, parent
    spec.json       the ModelSpec
    config.json     the settings of the training
    index.json      the images, with folds
    architecture.json  of a run of an imported network: its layers, as Keras configures them
    weights.npz      the network's weights (best epoch)
    float.npz        QAT runs only: weights of the float network it started from
    pruning.json    pruned runs only: which filters of the parent were kept, and why that many
    strengths.json  how strongly training images were changed
    teacher.json    distilled runs, and those made from them: the teacher, and the images that it was trained on
    metrics.json    the best epoch's row; with what batch-norm statistics taken anew made of it
    history.csv, history.png
    shortcuts.json  what colour and the like reach on the validation images; worked out after training

While it is being made it is called NAME.partial and holds checkpoint.npz instead of the results.
"""

import dataclasses
import math
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edgeleuk.codec import decode, read_json
from edgeleuk.data.index import Index
from edgeleuk.errors import DataError, ModelError, SpecError, UsageError, expect, reading_what_was_named
from edgeleuk.files import sha256_file
from edgeleuk.importing.stored import ImportedNetwork
from edgeleuk.keras.network import NetworkConfig
from edgeleuk.spec import ModelSpec
from edgeleuk.text import printable
from edgeleuk.training.strengths import UNCHANGED, Strengths, read_strengths

SCHEMA_VERSION = 2
_WITH_FILE_HASH_OF_INDEX = 1  # schema version of runs that cannot change where their index says that the images lie
KINDS = ("float", "qat")
_POOLS_BEFORE = "average"  # of runs that do not say; they were made before there was a choice
INDEX, TEACHER, STRENGTHS = "index.json", "teacher.json", "strengths.json"
SHORTCUTS, ARCHITECTURE = "shortcuts.json", "architecture.json"
_HASHED = (
    ARCHITECTURE,
    *("spec.json", "config.json", INDEX, "metrics.json", "pruning.json", "weights.npz", "float.npz"),
    TEACHER,
    STRENGTHS,
)
_IMPORTED = "imported"  # in run.json: the network is no InceptionV3, but that of architecture.json
_DIGITS = re.compile("=?[0-9a-f]{16}")


_expect = partial(expect, ValueError)


Architecture = NetworkConfig | ImportedNetwork


@dataclass(frozen=True)
class Run:
    """A complete run. `kind` is "float" or "qat"; `sha256` identifies it (of its run.json)."""

    folder: Path
    kind: str
    network: Architecture
    spec: ModelSpec
    index: Index
    fold: int
    sha256: str
    best: dict[str, Any] | None = None
    scheme_version: int | None = None
    teacher_trained_on: frozenset[str] = frozenset()
    strengths: Strengths = UNCHANGED

    @property
    def inception(self) -> NetworkConfig:
        """The shape of its InceptionV3. Raises UsageError for a run of another network."""
        if isinstance(self.network, ImportedNetwork):
            raise UsageError(f"{self.folder} holds the network of {self.network.origin}; this is for InceptionV3 alone")
        return self.network

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights it holds; 0 if there was none."""
        return int(self.best["epoch"]) if self.best else 0

    @property
    def best_weighted_f1(self) -> float:
        """Weighted F1 of that epoch on the validation fold; nan if there was none."""
        return float(self.best["val_weighted_f1"]) if self.best else float("nan")

    @property
    def trained_on(self) -> frozenset[str]:
        """By which it knows every image that changed its weights (`ImageRecord.digests`), its teacher's included."""
        return self.teacher_trained_on.union(*(image.digests for image in self.index.training(self.fold)))


def inherited_files(source: Run) -> dict[str, str]:
    """Text by name of the files that every run made from `source` takes over: its strengths, its teacher's images."""
    kept = {STRENGTHS: source.strengths.to_json()}
    if source.teacher_trained_on:
        kept[TEACHER] = (source.folder / TEACHER).read_text(encoding="utf-8")
    return kept


def network_facts(network: Architecture) -> dict[str, Any]:
    """What run.json says of a network."""
    return {_IMPORTED: network.origin} if isinstance(network, ImportedNetwork) else dataclasses.asdict(network)


def partial_of(out: Path) -> Path:
    """Where the unfinished run is."""
    return out.with_name(out.name + ".partial")


def hashes_of(folder: Path) -> dict[str, str]:
    """SHA-256 by name of the files that make a run; of the index, that of what its images are, not where."""
    found = {name: sha256_file(folder / name) for name in _HASHED if name != INDEX and (folder / name).exists()}
    return found | {INDEX: Index.load(folder / INDEX).sha256}


@reading_what_was_named()
def load_run_folder(folder: Path, data_root: Path | None = None) -> Run:
    """Read a complete run and check its files against their hashes; its images lie as `Index.load` says.

    Raises ModelError, UsageError if `data_root` is not a folder.
    """
    manifest = folder / "run.json"
    if not manifest.is_file():
        raise ModelError(f"{folder} is not a complete run: it has no run.json{_hint(folder)}")
    raw = read_json(manifest, ModelError)
    try:
        return _read(folder, raw, data_root)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(f"{folder} is not a run that can be read ({type(error).__name__}: {error!s:.300})") from error
    except (DataError, SpecError) as error:
        raise ModelError(f"{folder} is not a run that can be read: {error}") from error


def _read(folder: Path, raw: dict[str, Any], data_root: Path | None) -> Run:
    version = raw["schema_version"]
    if version not in (_WITH_FILE_HASH_OF_INDEX, SCHEMA_VERSION) or raw["kind"] not in KINDS:
        raise ValueError(f"schema_version {version!r:.60} and kind {raw['kind']!r:.60} are not known")
    index = Index.load(folder / INDEX, data_root)
    _check_hashes(folder, raw["files"], index if version == SCHEMA_VERSION else None)
    network = _network(raw["network"], folder)
    spec = ModelSpec.from_json((folder / "spec.json").read_bytes())
    _check_spec(spec, network, folder)
    return Run(
        folder,
        raw["kind"],
        network,
        spec,
        index=index,
        fold=_fold(read_json(folder / "config.json", ModelError), index),
        sha256=sha256_file(folder / "run.json"),
        best=_best(read_json(folder / "metrics.json", ModelError)),
        scheme_version=raw.get("scheme_version"),
        teacher_trained_on=_teacher_trained_on(folder / TEACHER) if TEACHER in raw["files"] else frozenset(),
        strengths=_strengths(folder / STRENGTHS) if STRENGTHS in raw["files"] else UNCHANGED,
    )


def _strengths(path: Path) -> Strengths:
    return read_strengths(path.read_text(encoding="utf-8"), str(path))


def _teacher_trained_on(path: Path) -> frozenset[str]:
    images = read_json(path, ModelError)["trained_on"]
    if not isinstance(images, list) or not all(isinstance(each, str) and _DIGITS.fullmatch(each) for each in images):
        raise ValueError(f"trained_on of {TEACHER} is {images!r:.60}; expected 16 hex digits of each image's hash")
    return frozenset(images)


def _check_hashes(folder: Path, hashes: dict[str, str], index: Index | None) -> None:
    """`index` is that of a run whose hash of it is not that of the file."""
    for name, expected in hashes.items():
        found = index.sha256 if name == INDEX and index is not None else sha256_file(folder / name)
        if found != expected:
            raise ValueError(f"{name} has changed since the run was made")


def _network(raw: dict[str, Any], folder: Path) -> Architecture:
    if _IMPORTED in raw:
        _expect(isinstance(raw[_IMPORTED], str), "imported of the network", raw[_IMPORTED], "the name of a file")
        return ImportedNetwork((folder / ARCHITECTURE).read_text(encoding="utf-8"), printable(raw[_IMPORTED]))
    network: NetworkConfig = decode(NetworkConfig, {"pools": _POOLS_BEFORE} | raw, "network")
    counts = (network.class_count, network.input_size_px, *network.filters.values())
    for count in counts:
        _expect(_is_whole(count) and count > 0, "a size or count of the network", count, "a whole number above 0")
    return network


def _fold(config: dict[str, Any], index: Index) -> int:
    fold = config["fold"]
    _expect(
        _is_whole(fold) and 0 <= fold < max(index.fold_count, 1),
        "fold of config.json",
        fold,
        f"0 to {max(index.fold_count, 1) - 1}",
    )
    return int(fold)


def _best(row: Any) -> dict[str, Any] | None:
    """The row of metrics.json, of which `Run` and a search take these."""
    if row is None:
        return None
    _expect(isinstance(row, dict), "metrics.json", row, "an object or null")
    epoch = row.get("epoch")
    _expect(_is_whole(epoch) and epoch >= 0, "epoch of metrics.json", epoch, "a whole number, 0 or more")
    for name in ("val_weighted_f1", "val_accuracy"):
        _expect(_is_number(row.get(name)) and 0 <= row[name] <= 1, f"{name} of metrics.json", row.get(name), "0 to 1")
    return dict(row)


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**31


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _check_spec(spec: ModelSpec, network: Architecture, folder: Path) -> None:
    if isinstance(network, ImportedNetwork):
        return  # it is checked when it is built
    size = spec.preprocessing.input_size_px
    if len(spec.classes) != network.class_count or size != network.input_size_px:
        raise ModelError(
            f"{folder}: the spec says {len(spec.classes)} classes at {size} px, "
            f"the network has {network.class_count} at {network.input_size_px}"
        )


def _hint(folder: Path) -> str:
    return f"; {partial_of(folder)} is unfinished: resume it" if partial_of(folder).exists() else ""
