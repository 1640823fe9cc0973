"""Asking an archive: whole `edgeleuk results` processes over a million rows of Parquet, their time and peak memory.

The rows are written here, as `edgeleuk score` has them: one model, 500 cells of each subject. A peak is that of the
whole process: Python, DuckDB and what it keeps. The bar of memory holds for any number of `--rows`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Figure, finish, median_figure, parser, positive, progress
from benchmarks.peak import peak_mib
from edgeleuk.archive.schema import COMPRESSION, SCHEMA, ArchivedModel, Head, write_head
from edgeleuk.files import sha256_bytes
from edgeleuk.store.record import ModelIdentity

BAR_MIB = 1280  # DuckDB may take 1024
_MODEL = ArchivedModel(ModelIdentity("ab" * 32, 1, ("all", "hem"), "model.tflite", {"all": "ALL", "hem": "healthy"}))
_CELLS = 500  # of a subject
_BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
_ASKED: dict[str, Sequence[str]] = {
    "results": (),
    "results --subjects": ("--subjects", "--json"),
    "results --subject": ("--subject", "S77", "--json"),
    "results --label --since": ("--label", "healthy", "--since", "2026-11-01T00:10Z"),
    "results --failures": ("--failures",),
    "results --csv": ("--csv",),
}


def main(line: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    given = _arguments(line)
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        archive = Path(scratch) / "archive"
        write_archive(archive, given.rows, given.part)
        progress(f"wrote {given.rows:,} rows")
        figures = [figure for name in _ASKED for figure in _figures(name, archive, given)]
    return finish("asking an archive", figures, given)


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--rows", type=positive, default=1_000_000, help="in the archive")
    made.add_argument("--part", type=positive, default=10_000, help="rows of each part")
    made.add_argument("--rounds", type=positive, default=5, help="processes of each question; of --csv one")
    made.add_argument("--scratch", type=Path, help="where the archive is written, 60 MB a million rows")
    return made.parse_args(line)


def _figures(name: str, archive: Path, given: argparse.Namespace) -> Iterator[Figure]:
    seconds, peaks = [], []
    for _ in range(1 if name.endswith("--csv") else given.rounds):
        begun = time.perf_counter()
        peaks.append(peak_mib([sys.executable, "-m", "edgeleuk", "results", str(archive), *_ASKED[name]]))
        seconds.append(time.perf_counter() - begun)
    progress(f"{name}: {np.median(seconds):.1f} s")
    yield median_figure(f"{name}, {given.rows:,} rows", seconds, "s")
    yield Figure(f"{name}: peak memory", max(peaks), "MiB", BAR_MIB, samples=tuple(peaks))


def write_archive(folder: Path, rows: int, part: int) -> None:
    """An archive of one model; one row in a hundred is a failure, one a duplicate, one in twenty has a warning."""
    (folder / _MODEL.folder).mkdir(parents=True)
    write_head(folder, Head({_MODEL.identity.sha256: _MODEL}))
    random = np.random.default_rng(0)
    for start in range(0, rows, part):
        made = [_row(number, *draw) for number, draw in _draws(random, start, min(rows, start + part))]
        table = pa.Table.from_pylist(made, SCHEMA)
        pq.write_table(table, folder / _MODEL.folder / f"part-{start // part:08}.parquet", compression=COMPRESSION)


def _draws(random: np.random.Generator, start: int, end: int) -> Iterator[tuple[int, list[float]]]:
    numbers = random.random((end - start, 3)).tolist()
    return zip(range(start, end), numbers, strict=True)


def _row(number: int, score: float, fate: float, late: float) -> dict[str, Any]:
    score = round(score, 6)
    about = {
        "image": f"/archive/{number // 10_000}/{number}.bmp",
        "version": f"35812-{1763971872345678900 + number}",
        "sha256": sha256_bytes(b"%d" % number),
        "subject": f"S{number // _CELLS}",
        "model_sha256": _MODEL.identity.sha256,
        "model_name": "model.tflite",
        "spec_version": 1,
        "passing": False,
        "duplicate": 0.01 <= fate < 0.02,
        "device": "node1",
        "created": datetime.fromtimestamp(_BEGUN.timestamp() + number / 1000 + late, UTC),
    }
    if fate < 0.01:
        return about | {"error": "truncated"}
    return about | {
        "label": "all" if score >= 0.5 else "hem",
        "probabilities": {"all": score, "hem": round(1 - score, 6)},
        "warnings": ["uncertain"] if fate > 0.95 else [],
        "measures": {"brightness": round(late, 6), "focus": 0.3},
        "prepare_ms": 1.5,
        "invoke_ms": 20.25,
    }


if __name__ == "__main__":
    sys.exit(main())
