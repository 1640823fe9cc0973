"""Small sources, and what an archive holds."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
from PIL import Image


def picture(seed: int, form: str = "BMP", side: int = 64) -> bytes:
    """A noise image; a different one for each seed."""
    stream = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, form)
    return stream.getvalue()


def write_pictures(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Noise images below folder, half of them in a folder of their own."""
    paths = []
    for number in range(first, first + count):
        path = folder / ("inner" if number % 2 else ".") / f"UID_{number % 3}_{number}_1_all.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number))
        paths.append(path)
    return paths


def write_shard(path: Path, members: dict[str, bytes]) -> Path:
    """A tar of files."""
    with tarfile.open(path, "w") as shard:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    return path


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows by image. Raises AssertionError if an image has two."""
    found = ds.dataset(folder, format="parquet", partitioning="hive").to_table()
    listed = found.to_pylist()
    by_image = {row["image"]: row for row in listed}
    assert len(by_image) == len(listed)
    return by_image


def answers(text: str) -> dict[str, dict[str, Any]]:
    """The lines of `infer --json` by image."""
    return {row["image"]: row for row in map(json.loads, text.splitlines())}


def as_inferred(row: dict[str, Any]) -> dict[str, Any]:
    """What `infer --json` says of the same image, but for times."""
    if row["error"] is not None:
        return {"image": row["image"], "error": row["error"]}
    told = {name: row[name] for name in ("image", "label", "warnings", "model_name", "model_sha256")}
    told["probabilities"] = dict(row["probabilities"])
    told |= {"measures": dict(row["measures"])} if row["measures"] else {}
    return told | ({} if row["stage"] is None else {"stage": row["stage"]})
