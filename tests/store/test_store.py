"""Results that are on the disk, each content and model once."""

import csv
import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import StoreError
from edgeleuk.runtime.classifier import Prediction
from edgeleuk.store import Failure, Filter, Result, Store
from edgeleuk.store.asking import empty_because
from edgeleuk.store.listing import results_csv, results_json
from edgeleuk.store.record import ModelIdentity, make_result
from edgeleuk.store.sums import Sums, subjects_lines
from edgeleuk.store.times import since, until, zone_of

from .helpers import result


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def test_what_is_added_is_found_again(store):
    [added] = store.add([result("a", subject="S1", path="/in/cell.bmp")])
    assert added.id == 1
    assert store.lookup(added.sha256, added.model_sha256) == added
    assert list(store.query()) == [added]
    assert store.lookup(added.sha256, "f" * 64) is None


def test_the_first_row_of_a_content_and_model_stays(store):
    [first] = store.add([result("a", path="one.bmp")])
    assert store.add([result("a", path="two.bmp"), result("a", path="three.bmp")]) == [first, first]
    assert store.count() == 1
    [other_model] = store.add([result("a", model="9")])
    assert other_model.id != first.id


def test_another_process_sees_what_was_added_and_adds_nothing_twice(store, tmp_path):
    store.add([result("a")])
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from edgeleuk.store import Store; from tests.store.helpers import result\n"
        "with Store.open(sys.argv[1]) as s: print([r.id for r in s.add([result('a'), result('b')])])"
    )
    root = Path(__file__).resolve().parents[2]
    before = store.version()
    done = subprocess.run(
        [sys.executable, "-c", program, store.path, root], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("[1, ")
    assert store.count() == 2
    assert store.version() != before


def test_every_commit_waits_for_the_disk(store):
    with store._lock:
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize("path", ["plain.bmp", "line\nbreak.bmp", "caf\u00e9.bmp", "no\udcffutf8.bmp", "x" * 255])
def test_file_names_of_any_bytes_come_back(store, path):
    assert store.add([result("a", path=path)])[0].path == path
    assert next(store.query()).path == path


@given(text=st.text(max_size=50), probability=st.floats(0, 1))
def test_any_text_and_probability_come_back(tmp_path_factory, text, probability):
    with Store.open(tmp_path_factory.mktemp("s") / "r.db") as store:
        made = result("a", subject=text.encode("utf-8", "ignore").decode(), probability=probability)
        assert store.add([made])[0].numbered(0) == made.numbered(0)


def test_results_are_filtered_by_every_field(store):
    store.add(
        [
            result("a", subject="S1", label="all", created="2026-01-01T00:00:00.000Z"),
            result("b", subject="S1", label="hem", created="2026-01-02T00:00:00.000Z", source="watch"),
            result("c", subject="S2", label="hem", created="2026-01-03T00:00:00.000Z", model="9"),
        ]
    )

    def ids(**wanted):
        return [found.id for found in store.query(Filter(**wanted))]

    assert ids(subject="S1") == [1, 2]
    assert ids(label="hem") == [2, 3]
    assert ids(source="watch") == [2]
    assert ids(model_sha256="9" * 64) == [3]
    assert ids(since="2026-01-02T00:00:00.000Z") == [2, 3]
    assert ids(until="2026-01-02T00:00:00.000Z") == [1]
    assert ids(subject="S1", label="hem") == [2]
    assert store.count(Filter(label="hem")) == 2


def test_pages_go_both_ways_and_miss_nothing(store):
    store.add([result(f"{number:x}") for number in range(1, 1203)])
    forward = [found.id for found in store.query()]
    assert forward == list(range(1, 1203))
    assert [found.id for found in store.query(newest_first=True)] == forward[::-1]
    assert [found.id for found in store.query(limit=700, after_id=5)] == list(range(6, 706))
    assert [found.id for found in store.query(limit=3, before_id=10, newest_first=True)] == [9, 8, 7]
    assert store.last_id() == 1202


def test_subjects_are_summed_up(store):
    store.add([result("a", subject="S1"), result("b", subject="S1", label="hem"), result("c")])
    nobody, someone = store.subjects()
    assert (nobody.subject, nobody.total) == (None, 1)
    assert (someone.subject, someone.total, someone.labels) == ("S1", 2, {"all": 1, "hem": 1})


def test_a_failure_goes_when_its_image_has_a_result(store):
    failure = Failure("x.bmp", "truncated", "2026-01-01T00:00:00.000Z")
    store.add_failures([failure, Failure("y.bmp", "gone", "2026-01-01T00:00:00.000Z")])
    assert [found.path for found in store.failures()] == ["y.bmp", "x.bmp"]
    store.add([result("a", path="x.bmp")])
    assert [found.path for found in store.failures()] == ["y.bmp"]


def test_measures_and_the_subject_of_a_failure_are_kept(store):
    measured = replace(result("a"), measures={"brightness": 0.71, "feature_distance": 3.1})
    store.add([measured, result("b")])
    store.add_failures([Failure("y.bmp", "gone", "2026-01-01T00:00:00.000Z", subject="S1")])
    assert [found.measures for found in store.query()] == [measured.measures, {}]
    assert [found.to_dict()["subject"] for found in store.failures()] == ["S1"]
    rows = list(csv.DictReader("\n".join(results_csv(store, Filter(), None)).splitlines()))
    assert [row["measures"] for row in rows] == [json.dumps(measured.measures), ""]
    assert json.loads(next(results_json(store, Filter(), None)))["measures"] == measured.measures


def test_a_measure_that_is_no_finite_number_is_left_out():
    measures = {"focus": float("nan"), "brightness": 1 / 3, "size": float("inf"), "mean": 5}
    prediction = Prediction("all", {"all": 1.0, "hem": 0.0}, 1.0, 2.0, measures=measures)
    made = make_result(prediction, ModelIdentity("0" * 64, 1, ("all", "hem")), sha256="a" * 64, path="x.bmp")
    assert made.measures == {"brightness": 0.333333, "mean": 5.0}


def test_threads_may_share_a_store(store):
    def work(start):
        for number in range(start, start + 50):
            store.add([result(f"{number:x}")])

    threads = [threading.Thread(target=work, args=(1 + 25 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count() == 125


def test_previews_are_kept(store):
    store.add_preview("a" * 64, b"jpeg")
    assert (store.preview("a" * 64), store.preview("b" * 64)) == (b"jpeg", None)


def test_results_previews_and_ends_of_attempts_go_together_or_not_at_all(store):
    store.begin_attempt("upload a")
    store.begin_attempt("upload b")
    with pytest.raises(StoreError):
        store.add([result("a")], previews=[("a" * 64, object())], ended=["upload a"])
    assert (store.count(), sorted(store.unfinished_attempts())) == (0, ["upload a", "upload b"])
    store.add([result("a")], previews=[("a" * 64, b"jpeg")], ended=["upload a"])
    assert (store.count(), store.preview("a" * 64)) == (1, b"jpeg")
    assert list(store.unfinished_attempts()) == ["upload b"]


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    Store.open(tmp_path / "r.db").close()
    with closing(sqlite3.connect(tmp_path / "r.db")) as raw:
        raw.execute("PRAGMA user_version = 99")
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"newer edgeleuk \(schema 99; this one knows 4\)"):
            Store.open(tmp_path / "r.db", read_only)


def test_a_database_of_another_program_is_left_alone(tmp_path):
    with closing(sqlite3.connect(tmp_path / "r.db")) as raw:
        raw.execute("CREATE TABLE mine (x)")
    before = (tmp_path / "r.db").read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store.open(tmp_path / "r.db")
    assert (tmp_path / "r.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 2000])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    (tmp_path / "r.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"r\.db: .*"):
        Store.open(tmp_path / "r.db")


def test_a_store_to_read_must_exist(tmp_path):
    with pytest.raises(StoreError, match="no such store"):
        Store.open(tmp_path / "r.db", read_only=True)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_folder_is_no_store(tmp_path, read_only):
    with pytest.raises(StoreError, match=r"is a folder; expected a file such as .*results\.db") as caught:
        Store.open(tmp_path, read_only=read_only)
    assert not caught.value.passing


def test_a_folder_that_does_not_exist_may_yet_come(tmp_path):
    with pytest.raises(StoreError, match="folder must exist") as caught:
        Store.open(tmp_path / "absent" / "r.db")
    assert caught.value.passing


def test_a_locked_store_is_a_passing_trouble(store, tmp_path, monkeypatch):
    store._connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as caught:
            store.add([result("a")])
        assert caught.value.passing
        other.execute("ROLLBACK")
    assert store.add([result("a")])[0].id == 1


def test_a_full_disk_is_a_passing_trouble_and_loses_nothing(store):
    store.add([result("a")])
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [result(f"{number:x}", path="x" * 2000) for number in range(16, 60)]
    with pytest.raises(StoreError, match="full; free space") as caught:
        store.add(many)
    assert caught.value.passing
    assert store.count() == 1
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert len(store.add(many)) == len(many)
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_store_that_may_not_be_written_says_so(unprivileged):
    Store.open(unprivileged / "r.db").close()
    (unprivileged / "r.db").chmod(0o444)
    with pytest.raises(StoreError, match="may not be written"), Store.open(unprivileged / "r.db") as store:
        store.add([result("a")])


def test_a_clock_set_back_changes_no_order(store):
    store.add([result("a", created="2026-05-05T00:00:00.000Z"), result("b", created="1970-01-01T00:00:00.000Z")])
    assert [found.id for found in store.query()] == [1, 2]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-24T10:30Z", "2026-11-24T10:30:00.000Z"),
        ("2026-11-24T10:30:00.5+01:00", "2026-11-24T09:30:00.500Z"),
    ],
)
def test_times_with_an_offset_are_read_as_written(text, meant):
    assert since(text) == until(text) == meant


@pytest.mark.parametrize(
    ("zone", "first", "end"),
    [
        ("UTC", "2026-11-24T00:00:00.000Z", "2026-11-25T00:00:00.000Z"),
        ("+05:30", "2026-11-23T18:30:00.000Z", "2026-11-24T18:30:00.000Z"),
        ("America/New_York", "2026-11-24T05:00:00.000Z", "2026-11-25T05:00:00.000Z"),
    ],
)
def test_a_date_is_all_of_that_day_in_its_zone(zone, first, end):
    assert (since("2026-11-24", zone_of(zone)), until("2026-11-24", zone_of(zone))) == (first, end)


def test_a_day_on_which_the_clock_changes_has_its_own_length():
    zone = zone_of("Europe/Berlin")  # summer time ended on 2026-10-25
    assert since("2026-10-25", zone) == "2026-10-24T22:00:00.000Z"
    assert until("2026-10-25", zone) == "2026-10-25T23:00:00.000Z"
    assert since("2026-10-25T12:00", zone) == "2026-10-25T11:00:00.000Z"


def test_times_ago_sort_before_now():
    assert since("7d") < since("36h") < until("5m") < since("0m")


@pytest.mark.parametrize(
    "text", ["soon", "", "2026-13-01", "2026-11-24T25:00", "9999-12-31", "-5m", "2026-11-24T10:30+99:00"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="a time such as 2026-11-24"):
        until(text)


@pytest.mark.parametrize("text", ["Mars/Base", "", "../etc/passwd", "+25:00", "x" * 500, "Europe/Berlin\0"])
def test_what_is_no_time_zone_is_refused(text):
    with pytest.raises(ValueError, match="a time zone such as"):
        zone_of(text)


def test_a_result_says_its_probability():
    assert Result.probability.fget(result("a", probability=0.75)) == 0.75


def refused(path: str, digit: str, subject: str) -> Failure:
    """A picture that the input gate turned away."""
    created = "2026-11-24T10:11:12.345Z"
    return Failure(path, "refused: out of focus", created, digit.rjust(64, "0"), subject=subject)


def test_refused_pictures_are_told_from_failed_ones_and_counted_once(store):
    store.add([result("1", path="a.bmp", subject="S1")])
    store.add_failures([
        refused("b.bmp", "2", "S1"), refused("copy of b.bmp", "2", "S1"),
        refused("c.bmp", "1", "S1"),  # it was answered before, and counts among the answers
        Failure("d.bmp", "truncated", "2026-11-24T10:11:12.345Z", subject="S1"),
    ])  # fmt: skip
    [found] = store.subjects("0" * 64)
    assert (found.total, found.refused, found.failed) == (1, 1, 1)


def test_a_subject_all_of_whose_pictures_were_refused_is_listed(store):
    store.add([result("1", subject="S1")])
    store.add_failures([refused("b.bmp", "2", "S0"), refused("c.bmp", "3", "S2")])
    found = store.subjects("0" * 64)
    assert [(each.subject, each.total, each.refused) for each in found] == [("S0", 0, 1), ("S1", 1, 0), ("S2", 0, 1)]
    assert found[0].cells.why_none == "no cell counts: 0 uncertain, 1 refused, 0 failed"


def test_a_store_of_refused_pictures_alone_is_not_called_empty(store):
    assert empty_because(store, Filter()) == "the store is empty"
    store.add_failures([refused("b.bmp", "2", "S1")])
    assert empty_because(store, Filter()) == "no result yet, but 1 failure: --failures lists them"
    said = list(subjects_lines(store, Sums(), as_table=True))
    assert any("S1: no cell counts: 0 uncertain, 1 refused, 0 failed" in line for line in said)
    assert said[-1] == "no picture has been answered yet"
