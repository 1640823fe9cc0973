"""What a scored archive is on disk: a folder of Parquet that only one process at a time adds to.

    _archive.json             that it is one, the format's version, its models and the settings of each
    model=<12 hex>/part-*.parquet   rows, by the first digits of the model's SHA-256; zstd; never changed but as below
    _lock                     locked while a process writes

One row for each image and model. `image` is the name under which SOURCE has it: an absolute path, a URI, SHARD!MEMBER
or FILE!NAME of tar and Parquet. `version` is the size and time of change, "35812-1763971872345678900", of the file
that holds it, with the image's number in tar and Parquet, ":17", and "" where no one could be asked; an image that was
changed and is scored again has a row for each version.

Either `error` is null, or the columns of the result are (`label` to `measures`, `stage`). `sha256` is that of the
content, null if it could not be read. `passing`: the reason may be gone another time (no permission, no memory, a
worker that died); the next run takes such a row out, by writing its part anew, and tries the image again. `duplicate`:
an earlier row has what this model says of this content, under another name; it stands here once more. Where it is
false, each content has one row of each model.

Corrections by people have no place here: an archive says what models said. A `Result` is made from a row with source
"file", path `image` and the model of _archive.json.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from edgeleuk.codec import parse_json
from edgeleuk.errors import NotAStoreError
from edgeleuk.files import to_json, write_bytes
from edgeleuk.store.record import ModelIdentity, readable

FORMAT, FORMAT_VERSION = "edgeleuk archive", 1
HEAD, LOCK = "_archive.json", "_lock"  # readers of Parquet pass over names that begin so
PARTS = "part-*.parquet"
UNITS = b"edgeleuk.units"  # of a part's metadata: shards and row groups that are done with it, a JSON list
COMPRESSION = "zstd"
_PREFIX = 12  # hex digits of a model's SHA-256 in the name of its folder
_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBERS = pa.map_(pa.string(), pa.float64())

SCHEMA = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("sha256", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("model_sha256", pa.string(), nullable=False),
        pa.field("model_name", pa.string(), nullable=False),
        pa.field("spec_version", pa.int32(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("probabilities", _NUMBERS),
        pa.field("warnings", pa.list_(pa.string())),
        pa.field("measures", _NUMBERS),
        pa.field("stage", pa.int8()),
        pa.field("prepare_ms", pa.float64()),
        pa.field("invoke_ms", pa.float64()),
        pa.field("error", pa.string()),
        pa.field("passing", pa.bool_(), nullable=False),
        pa.field("duplicate", pa.bool_(), nullable=False),
        pa.field("device", pa.string(), nullable=False),
        pa.field("created", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


@dataclass(frozen=True)
class ArchivedModel:
    """A model of an archive, and the settings by which its answers came: gate, max_pixels, backend."""

    identity: ModelIdentity
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Name of the folder of its rows."""
        return model_folder(self.identity.sha256)


@dataclass(frozen=True)
class Head:
    """What _archive.json says: the models by SHA-256."""

    models: Mapping[str, ArchivedModel] = field(default_factory=dict)

    @property
    def identities(self) -> dict[str, ModelIdentity]:
        """The models as a store knows them, by SHA-256."""
        return {sha256: model.identity for sha256, model in self.models.items()}


def model_folder(sha256: str) -> str:
    """'model=0123456789ab', a Hive partition: readers make a column `model` of it."""
    return f"model={sha256[:_PREFIX]}"


def is_archive(path: Path) -> bool:
    """Whether path is a folder that says it is an archive, perhaps of another version or a damaged one."""
    return (path / HEAD).is_file()


def read_head(folder: Path) -> Head:
    """What _archive.json says. Raises NotAStoreError: absent, of something else, of another version, or damaged."""
    place = folder / HEAD
    try:
        found = parse_json(place.read_bytes(), str(place), NotAStoreError)
    except FileNotFoundError as error:
        raise NotAStoreError(f"{folder} is no archive: it has no {HEAD}; 'edgeleuk score -o' makes one") from error
    except OSError as error:
        raise NotAStoreError(f"{place}: {error.strerror or error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NotAStoreError(
            f"{place} is of something else than an archive; expected the folder of 'edgeleuk score -o'"
        )
    if found.get("format_version") != FORMAT_VERSION:
        raise NotAStoreError(
            f"{folder} is an archive of format {found.get('format_version')!r:.20}; this edgeleuk knows "
            f"{FORMAT_VERSION}: use the edgeleuk that made it, or make another archive"
        )
    try:
        return Head({sha256: _model(sha256, told) for sha256, told in found["models"].items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAStoreError(f"{place} is damaged: {type(error).__name__} {error!s:.80}") from error


def write_head(folder: Path, head: Head) -> None:
    """Write _archive.json, whole or not at all. Raises OutputError."""
    models = {sha256: _model_dict(model) for sha256, model in head.models.items()}
    told = {"format": FORMAT, "format_version": FORMAT_VERSION, "models": models}
    write_bytes(folder / HEAD, to_json(told).encode())


def units_of(metadata: Mapping[bytes, bytes] | None) -> list[str]:
    """Which shards and row groups are done with a part, of its schema's metadata."""
    return list(json.loads((metadata or {}).get(UNITS, b"[]")))


def _model_dict(model: ArchivedModel) -> dict[str, Any]:
    identity = model.identity
    return {
        "name": readable(identity.name),
        "spec_version": identity.spec_version,
        "classes": list(identity.classes),
        "display_names": dict(identity.display_names),
        "settings": dict(model.settings),
    }


def _model(sha256: str, told: Mapping[str, Any]) -> ArchivedModel:
    if not _HASH.fullmatch(sha256):
        raise ValueError(f"the model {sha256!r:.20}")
    classes, shown = tuple(map(str, told["classes"])), {str(k): str(v) for k, v in told["display_names"].items()}
    identity = ModelIdentity(sha256, int(told["spec_version"]), classes, str(told["name"]), shown)
    return ArchivedModel(identity, dict(told["settings"]))
