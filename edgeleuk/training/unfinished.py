"""An unfinished run: NAME.partial beside its place, held by one process, resumed or published, never half a run."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeleuk.codec import parse_json
from edgeleuk.data.index import parse_index
from edgeleuk.errors import ModelError, OutputError, UsageError
from edgeleuk.files import output_errors, publish_folder, refuse_taken, to_json, write_text
from edgeleuk.training.run import (
    INDEX,
    SCHEMA_VERSION,
    Architecture,
    Run,
    hashes_of,
    load_run_folder,
    network_facts,
    partial_of,
)

CHECKPOINT = "checkpoint.npz"
_MOST_SHOWN = 60  # characters of a value


@contextmanager
def unfinished_run(
    out: Path, texts: dict[str, str], resume: bool, report: Callable[[str], None]
) -> Iterator[Path | None]:
    """Yield the folder to work in, which holds `texts` by file name; None if resume is asked for and `out` complete.

    A folder made here is removed when the body fails before there is a checkpoint. Raises OutputError if something
    else exists there or another process holds the run, UsageError if it was started with other settings.
    """
    if out.name in ("", ".."):
        raise UsageError(f"{out} cannot be the name of a new folder")
    if resume and (out / "run.json").exists():
        refuse_other_settings(out, texts)
        (out / CHECKPOINT).unlink(missing_ok=True)  # of a run that was killed just after it was published
        report(f"{out} is already complete")
        yield None
        return
    partial, is_new = _folder_for(out, resume, report)
    handle = hold(partial)
    try:
        refuse_other_settings(partial, texts)
        for name, text in texts.items():
            write_text(partial / name, text)
        yield partial
    except BaseException:
        if is_new and not (partial / CHECKPOINT).exists():
            shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(handle)


def _folder_for(out: Path, resume: bool, report: Callable[[str], None]) -> tuple[Path, bool]:
    """The partial folder, and whether it was made just now."""
    partial = partial_of(out)
    refuse_taken(out)
    if partial.exists() and not resume:
        raise OutputError(f"{partial} is an unfinished run; continue it with --resume, or remove it first")
    if partial.exists() and any(partial.iterdir()) and not (partial / "config.json").exists():
        raise OutputError(f"{partial} exists and is not an edgeleuk run; move it or choose another output")
    is_new = not partial.exists()
    if is_new and resume:
        report(f"nothing to resume at {partial}: starting from the beginning")
    with output_errors(partial):
        partial.mkdir(parents=True, exist_ok=True)
    return partial, is_new


def hold(partial: Path) -> int:
    """Lock a folder; the lock goes with the process, also when that is killed. Returns the handle that holds it.

    Raises OutputError if another process holds it.
    """
    with output_errors(partial):
        handle = os.open(partial, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), partial.stat()):
            raise FileNotFoundError
    except (BlockingIOError, FileNotFoundError) as error:
        os.close(handle)
        raise OutputError(f"{partial} is being written by another process") from error
    for leftover in partial.glob(".*.partial"):  # of writes that were killed
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    return handle


def refuse_other_settings(folder: Path, texts: dict[str, str]) -> None:
    """Raise UsageError if JSON files in the folder, by name, say another thing than now.

    An index is the same wherever its images lie, so an index is compared by its hash, and a hash of it that another
    file holds counts for nothing: older versions hashed the place as well. Raises ModelError for a damaged file.
    """
    for name, text in texts.items():
        path = folder / name
        if path.exists() and (before := read_text(path)) != text and _meaning(path, before) != _meaning(path, text):
            differing = _first_difference(*(_without_index_hash(json.loads(each)) for each in (before, text)))
            raise UsageError(
                f"{folder} was started with another {name}: {differing}; "
                "repeat the options it was started with, or remove it"
            )


def read_text(path: Path) -> str:
    """The text of a file of a run. Raises ModelError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({error}); remove its folder and start again") from error


def _meaning(path: Path, text: str) -> Any:
    if path.name == INDEX:
        return parse_index(text, path).sha256
    return _without_index_hash(parse_json(text, str(path), ModelError))


def _without_index_hash(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_index_hash(inner) for key, inner in value.items() if key != "index_sha256"}


def _first_difference(before: Any, now: Any) -> str:
    """Of what two JSON texts hold: the first key, or place in a list, whose value differs, with both values."""
    if isinstance(before, list) and isinstance(now, list):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return f"it has {_short(before)} where now {_short(now)}"
    for key in {**before, **now}:
        if key not in before or key not in now:
            there, here = (_short(held[key]) if key in held else "nothing" for held in (before, now))
            return f"of {_short(key)} it has {there} where now {here}"
        if before[key] != now[key]:
            return f"of {_short(key)} {_first_difference(before[key], now[key])}"
    return "it is written in another way"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."


def publish_run(partial: Path, out: Path, kind: str, network: Architecture, facts: dict[str, Any]) -> Run:
    """Write run.json with the hashes of what is there, rename the folder into place and drop the checkpoint."""
    with output_errors(out):
        hashes = hashes_of(partial)
        raw = {"schema_version": SCHEMA_VERSION, "kind": kind, "network": network_facts(network), "files": hashes}
        write_text(partial / "run.json", to_json(raw | facts))
        publish_folder(partial, out)
        (out / CHECKPOINT).unlink(missing_ok=True)  # last: until here a kill can be resumed from it
    return load_run_folder(out)
