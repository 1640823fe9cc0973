"""Archives hold what `infer` says, of each image once, from every kind of source."""

import io
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgeleuk.archive.schema import model_folder, read_head
from edgeleuk.errors import DataError, UsageError
from edgeleuk.scoring.command import Request, Summary, wanted_workers
from tests.scoring.helpers import answers, as_inferred, picture, rows, write_pictures, write_shard
from tests.scoring.s3 import object_store

Score = Callable[..., Summary]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.slow
_ASKED = (("local", None), ("local", 2), ("local", 1000), ("10.0.0.1:6379", 1000))


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("prepare_ms", "invoke_ms")}


def test_an_archive_says_what_infer_says_to_the_bit(
    score: Score, run_edgeleuk: Run, gated_model: Path, tmp_path: Path
) -> None:
    cells = tmp_path / "cells"
    write_pictures(cells, 10)
    (cells / "large.png").write_bytes(picture(1, "PNG", 300))
    (cells / "grey.bmp").write_bytes(picture(2, "BMP", 20))
    (cells / "no image.png").write_bytes(b"nothing")
    (cells / "empty.jpg").touch()
    (cells / "gone.bmp").symlink_to(cells / "nowhere.bmp")
    (cells / "notes.csv").touch()
    shutil.copy(cells / "grey.bmp", cells / "the same.bmp")
    expected = answers(run_edgeleuk("infer", gated_model, cells, "--json").stdout)
    done = score(gated_model, cells, tmp_path / "out")
    found = rows(tmp_path / "out")
    assert {name: as_inferred(row) for name, row in found.items()} == {
        name: without_times(row) for name, row in expected.items()
    }
    assert any(row["measures"] for row in found.values())
    assert (done.written, done.bad, done.duplicates, done.known) == (16, 3, 1, 0)
    assert found[str(cells / "UID_2_2_1_all.bmp")]["subject"] == "UID_2"
    assert read_head(tmp_path / "out").models.keys() == {done.model_sha256}
    assert (tmp_path / "out" / model_folder(done.model_sha256)).is_dir()


def test_the_same_again_scores_what_is_new_changed_or_could_not_be_read(
    score: Score, small_model: Path, tmp_path: Path
) -> None:
    cells, out = tmp_path / "cells", tmp_path / "out"
    paths = write_pictures(cells, 6)
    gone = cells / "gone.bmp"
    gone.symlink_to(cells / "later")
    assert score(small_model, cells, out).bad == 1
    assert score(small_model, cells, out).written == 1  # and still not there
    (cells / "later").write_bytes(picture(77))
    (cells / "new.bmp").write_bytes(picture(78))
    done = score(small_model, cells, out)
    assert (done.written, done.bad, done.known) == (2, 0, 6)
    assert len(rows(out)) == 8
    paths[0].write_bytes(picture(79, "BMP", 65))
    assert (score(small_model, cells, out).written, score(small_model, cells, out).written) == (1, 0)


def test_shards_lists_and_parquet_are_read_and_one_that_is_cut_off_says_so(
    score: Score, small_model: Path, tmp_path: Path
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    pictures = {f"{number}.bmp": picture(number) for number in range(4)}
    whole = write_shard(source / "a.tar", pictures | {"0.json": b"{}", "twice.bmp": picture(0)})
    for name, cut in (("b.tar", 1500), ("c.tar", 11_000), ("d.tar", 10)):
        (source / name).write_bytes(whole.read_bytes()[:-cut] if cut > 1500 else whole.read_bytes()[: cut * 20])
    images = [{"bytes": picture(number), "path": f"{number}.bmp"} for number in (0, 10, 11)]
    pq.write_table(pa.table({"image": [*images, None], "label": [0, 1, 0, 1]}), source / "e.parquet", row_group_size=2)
    pq.write_table(pa.table({"picture": [picture(12)], "name": ["x"]}), source / "f.parquet")
    pq.write_table(pa.table({"label": [1]}), source / "g.parquet")
    (source / "h.parquet").write_bytes((source / "f.parquet").read_bytes()[:-9])
    score(small_model, source, out)
    found = rows(out)
    errors = {name.removeprefix(f"{source}/"): row["error"] for name, row in found.items() if row["error"]}
    assert errors.pop("e.parquet!3") == "no bytes in this row"
    assert errors.pop("g.parquet").startswith("expected a column of images")
    assert errors.pop("h.parquet").startswith("no Parquet that can be read, or cut off")
    assert set(errors) == {"b.tar", "c.tar", "d.tar"}
    assert all(error.startswith("the shard is cut off or damaged") for error in errors.values())
    labels = {row["sha256"]: row["label"] for row in found.values() if not row["duplicate"] and row["label"]}
    assert len(labels) == 7
    assert all(row["label"] == labels[row["sha256"]] for row in found.values() if row["label"])
    assert {f"{source}/a.tar!twice.bmp", f"{source}/e.parquet!10.bmp", f"{source}/f.parquet!x"} <= set(found)
    assert score(small_model, source, out).written == 0
    assert rows(out) == found


def test_a_list_names_files_and_the_same_name_twice_is_one_row(
    score: Score, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_pictures(tmp_path / "cells", 3)
    names = tmp_path / "names.txt"
    names.write_text(f"{paths[0]}\n{paths[1].as_uri()}\n\n{paths[0]}\n{tmp_path / 'none.bmp'}\n")
    done = score(small_model, names, tmp_path / "out", subject="P1")
    found = rows(tmp_path / "out")
    assert {name: row["error"] for name, row in found.items()} == {
        str(paths[0]): None, str(paths[1]): None, str(tmp_path / "none.bmp"): "no such file"
    }  # fmt: skip
    assert {row["subject"] for row in found.values()} == {"P1"}
    assert (done.written, done.known) == (3, 1)

    class Stdin:
        buffer = io.BytesIO(f"{paths[2]}\n".encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    assert score(small_model, "-", tmp_path / "out").written == 1


def test_a_name_that_is_not_utf_8_has_a_row(score: Score, small_model: Path, tmp_path: Path) -> None:
    cells = tmp_path / "cells"
    cells.mkdir()
    Path(f"{cells}/\udcff.bmp").write_bytes(picture(1))
    assert score(small_model, cells, tmp_path / "out").answered == 1
    assert set(rows(tmp_path / "out")) == {f"{cells}/\\udcff.bmp"}
    assert score(small_model, cells, tmp_path / "out").known == 1


@pytest.fixture
def denying() -> Iterator[str]:
    """The endpoint of an object store that lets nobody in."""

    class Deny(BaseHTTPRequestHandler):
        def _deny(self) -> None:
            self.send_response(403)
            self.end_headers()

        do_GET = do_HEAD = do_POST = _deny  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Deny)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_object_store_that_denies_is_named_without_its_keys(
    score: Score, small_model: Path, tmp_path: Path, denying: str
) -> None:
    source = f"s3://user:secret@bucket/cells?endpoint_override={denying}&scheme=http&region=eu-1"
    with pytest.raises(DataError, match=r"s3://bucket/cells: .*(ACCESS_DENIED|403|denied)") as caught:
        score(small_model, source, tmp_path / "out")
    assert "secret" not in str(caught.value)


def test_objects_are_read_as_files_are(
    score: Score, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = write_shard(tmp_path / "a.tar", {"x.bmp": picture(3)}).read_bytes()
    objects = {"bucket/cells/a b.bmp": picture(1), "bucket/cells/inner/c.bmp": picture(2), "bucket/cells/a.tar": shard}
    with object_store(objects | {"bucket/cells/notes.csv": b"", "bucket/other.bmp": picture(4)}) as endpoint:
        source = f"s3://user:secret@bucket/cells?endpoint_override={endpoint}&scheme=http&region=eu-1"
        done = score(small_model, source, tmp_path / "out")
        found = rows(tmp_path / "out")
        assert {name: row["error"] for name, row in found.items()} == {
            "s3://bucket/cells/a b.bmp": None,
            "s3://bucket/cells/inner/c.bmp": None,
            "s3://bucket/cells/a.tar!x.bmp": None,
        }
        assert (done.answered, score(small_model, source, tmp_path / "out").written) == (3, 0)
        assert b"secret" not in b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("source", "out", "told"),
    [
        ("none", "out", "no such file or folder"),
        ("ftp://host/cells", "out", "ftp:// is not read"),
        ("cells", "s3://bucket/out", "a folder on a file system"),
        ("cells", "cells/out", "lies in"),
        ("file://{here}/cells", "cells/out", "lies in"),
        ("", "out", "SOURCE is an empty name"),
        ("notes.csv", "out", "is none of what can be scored"),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    score: Score, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, out: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "cells", 1)
    (tmp_path / "notes.csv").touch()
    with pytest.raises(UsageError, match=told):
        score(small_model, source.format(here=tmp_path), out)


@pytest.mark.parametrize("options", [{"subject_pattern": "("}, {"subject_pattern": "P[0-9]+"}, {"subject": "\udcff"}])
def test_a_subject_that_cannot_be_is_refused_before_anything_is_made(
    score: Score, small_model: Path, tmp_path: Path, options: dict[str, str]
) -> None:
    write_pictures(tmp_path / "cells", 1)
    with pytest.raises(UsageError, match="--subject"):
        score(small_model, tmp_path / "cells", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_no_more_workers_than_cores_are_started_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    told: list[str] = []
    asked = [Request(Path("m"), "cells", "out", where, workers) for where, workers in _ASKED]
    assert [wanted_workers(each, told.append) for each in asked] == [None, 2, 2, 1000]
    assert told == ["--workers 1000: this machine has 2 cores, so many are started"]


def test_a_source_without_images_is_refused(score: Score, small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        score(small_model, tmp_path / "cells", tmp_path / "out")
    pq.write_table(pa.table({"label": [1]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="expected a column of images"):
        score(small_model, tmp_path / "x.parquet", tmp_path / "out")


def test_without_ray_the_extra_is_named(run_edgeleuk: Run, small_model: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "cells", 1)
    done = run_edgeleuk("score", small_model, tmp_path / "cells", "-o", tmp_path / "out", blocked=("ray",))
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'edgeleuk[ray]'" in done.stderr


def test_results_tells_an_archive_and_a_store_of_the_same_images_alike(
    score: Score, run_edgeleuk: Run, small_model: Path, tmp_path: Path
) -> None:
    cells, store, out = tmp_path / "cells", tmp_path / "r.db", tmp_path / "out"
    paths = write_pictures(cells, 12)
    shutil.copy(paths[5], paths[5].with_name("UID_2_99_1_all.bmp"))
    (cells / "bad.bmp").write_bytes(b"BM no picture")
    score(small_model, cells, out)
    run_edgeleuk("infer", small_model, cells, "--store", store)
    of_one_run = {"id", "created", "prepare_ms", "invoke_ms", "first", "last"}

    def told(place: Path, *options: str) -> list[dict[str, Any]]:
        lines = run_edgeleuk("results", place, "--json", *options).stdout.splitlines()
        rows = [{name: value for name, value in json.loads(line).items() if name not in of_one_run} for line in lines]
        return sorted(rows, key=str)

    for options, count in (((), 12), (("--subject", "uid_1"), 4), (("--subjects",), 3), (("--failures",), 1)):
        found, expected = told(out, *options), told(store, *options)
        for row in (*found, *expected):
            if row.get("path", "").endswith(("_5_1_all.bmp", "_99_1_all.bmp")):
                row["path"] = "whichever came first"
        assert (found, len(found)) == (expected, count)
