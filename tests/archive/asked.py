"""The same results in a store and in an archive."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from edgeleuk.archive.schema import SCHEMA, ArchivedModel, Head, model_folder, write_head
from edgeleuk.store import Failure, Result, Store
from edgeleuk.store.record import ModelIdentity

OLD, NEW = (
    ModelIdentity(2 * digit * 32, 1, ("all", "hem"), f"{name}.tflite", {"all": "ALL", "hem": "healthy"})
    for digit, name in (("a", "old"), ("b", "new"))
)
MODELS = {model.sha256: model for model in (OLD, NEW)}
Fact = Result | tuple[ModelIdentity, Failure]  # a failure is of a model in an archive


def row_of(fact: Fact, **changes: object) -> dict[str, object]:
    """A row of an archive."""
    row: dict[str, object] = dict.fromkeys(SCHEMA.names) | {"version": "1-2", "passing": False, "duplicate": False}
    if isinstance(fact, Result):
        model, created = MODELS[fact.model_sha256], fact.created
        row |= {name: getattr(fact, name) for name in SCHEMA.names if hasattr(fact, name)}
        row |= {"image": fact.path, "warnings": list(fact.warnings)}
    else:
        model, failure = fact
        created = failure.created
        row |= {"image": failure.path, "error": failure.error, "sha256": failure.sha256, "subject": failure.subject}
    about = {"model_sha256": model.sha256, "model_name": model.name, "spec_version": 1, "device": "pi"}
    return row | about | {"created": datetime.fromisoformat(created)} | changes


def write_archive(folder: Path, rows: list[dict[str, object]], part: int = 3) -> Path:
    """An archive of these rows, some in each part."""
    folder.mkdir()
    write_head(folder, Head({sha256: ArchivedModel(model) for sha256, model in MODELS.items()}))
    for sha256 in MODELS:
        mine = [row for row in rows if row["model_sha256"] == sha256]
        for start in range(0, len(mine), part):
            write_part(folder / model_folder(sha256) / f"part-{start:08}.parquet", mine[start : start + part])
    return folder


def write_part(path: Path, rows: list[dict[str, object]], schema: pa.Schema = SCHEMA) -> Path:
    """A part of these rows."""
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path, compression="zstd", row_group_size=2)
    return path


def write_store(path: Path, facts: list[Fact]) -> Path:
    """A store that was told of them one after the other."""
    with Store.open(path) as store:
        for model in MODELS.values():
            store.add_model(model)
        for fact in facts:
            if isinstance(fact, Result):
                store.add([fact])
            else:
                store.add_failures([fact[1]])
    return path
