"""What people change: corrected, deleted, on record; previews within their bound; a store that was replaced."""

import json
import threading

import pytest

from edgeleuk.errors import StoreError, UsageError
from edgeleuk.store import Failure, Filter, Store
from edgeleuk.store.editing import ChangedMeanwhileError, Correction
from edgeleuk.store.filters import folded
from edgeleuk.store.record import ModelIdentity

from .helpers import result


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "r.db") as opened:
        opened.add([result("a", subject="S1"), result("b", subject="S1", label="hem"), result("c")])
        yield opened


def sha(digit):
    return digit.rjust(64, "0")


def test_each_change_leaves_a_line_and_no_change_none(store):
    correction = Correction("me", subject="S2", label="HEM", sets_subject=True, sets_label=True)
    assert [store.correct([1, 99], correction), store.correct([1, 99], correction)] == [1, 0]
    assert [(one.result_id, one.what, one.by, one.old, one.new) for one in store.changes()] == [
        (1, "label", "me", None, "hem"),
        (1, "subject", "me", "S1", "S2"),
    ]
    found = store.by_id(1)
    assert (found.label, found.corrected_label, found.held_label, found.corrected_by) == ("all", "hem", "hem", "me")
    assert store.correct([1], Correction("you", sets_label=True, sets_subject=True)) == 1
    found = store.by_id(1)
    assert (found.subject, found.corrected_label, found.corrected_by, found.corrected_at) == (None, None, None, None)


def test_a_label_that_is_no_class_changes_nothing_of_any_result(store):
    with pytest.raises(UsageError, match="not a class of result 1"):
        store.correct(Filter(), Correction("me", subject="S9", label="blast", sets_subject=True, sets_label=True))
    assert store.changes() == []


def test_nothing_is_done_where_another_number_matches_than_was_seen(store):
    with pytest.raises(ChangedMeanwhileError, match="2 results match now, not the 3 expected"):
        store.delete(Filter(subject="s1"), "me", expected=3)
    assert store.count() == 3


def test_what_is_deleted_takes_its_picture_and_names_and_leaves_a_line(store):
    store.add([result("a", model="9")])
    store.add_names([(sha("a"), "other.bmp", "file")])
    store.add_preview(sha("a"), b"jpeg")
    assert store.delete([1], "me") == 1
    assert store.preview(sha("a")) == b"jpeg"  # the other model's result shows it
    assert store.delete([4], "me") == 1
    assert (store.preview(sha("a")), store.names(sha("a"))) == (None, [])
    went = json.loads(store.changes()[0].old)
    assert (went["label"], went["path"]) == ("all", "cell.bmp")
    assert store.add([result("a")])[0].id == 5  # no number is given twice


def test_others_store_while_many_are_deleted(store):
    store.add([result(f"{number:x}", path=f"{number}.bmp") for number in range(100, 2600)])
    with Store.open(store.path) as other:
        other._connection.execute("PRAGMA busy_timeout = 20000")
        deleting = threading.Thread(target=store.delete, args=(store.ids(Filter()), "me"))
        deleting.start()
        other.add([result("ffff")])
        deleting.join()
        assert [found.sha256 for found in other.query()] == [sha("ffff")]
        assert len(store.changes()) == 2503


def test_what_is_deleted_cannot_be_read_from_the_file(tmp_path):
    with Store.open(tmp_path / "r.db") as store:
        store.add([result("a", path="x" * 50 + "SECRET-NAME")])
        store.add_preview(sha("a"), b"SECRET-JPEG" * 200)
        store.delete([1], "me")
        store._rows("DELETE FROM audit")
    assert b"SECRET-JPEG" not in (tmp_path / "r.db").read_bytes()


def test_previews_stay_within_their_bound_the_latest_ones(store):
    for digit in "abc":
        store.add_preview(sha(digit), bytes(1000))
    assert store.trim_previews(max_bytes=2500) == 1
    assert [store.preview(sha(digit)) is None for digit in "abc"] == [True, False, False]
    assert store.trim_previews(max_bytes=2500) == 0
    assert store.trim_previews(before="9999-01-01T00:00:00.000Z") == 2


def test_a_store_that_was_replaced_is_not_written_to_any_more(store, tmp_path):
    (tmp_path / "r.db").replace(tmp_path / "moved.db")
    for _ in range(2):
        with pytest.raises(StoreError, match="was removed or replaced while it was in use") as caught:
            store.add([result("d")])
        assert not caught.value.passing
        Store.open(tmp_path / "r.db").close()


def test_attempts_outlive_the_process(store):
    for path in ("/in/a.bmp", "/in/a.bmp", "/in/b\udcff.bmp", "/in/c.bmp"):
        store.begin_attempt(path)
    store.end_attempt("/in/c.bmp")
    with Store.open(store.path) as again:
        assert again.unfinished_attempts() == {"/in/a.bmp": 2, "/in/b\udcff.bmp": 1}
    assert store._rows("PRAGMA synchronous") == [(2,)]  # results wait for the disk again


def test_a_model_has_the_name_that_its_file_has_now(store):
    first = ModelIdentity("0" * 64, 1, ("all", "hem"), "old.tflite", {"all": "ALL", "hem": "healthy"})
    store.add_model(first)
    assert next(store.query()).shown("all") == "ALL"
    store.add_model(ModelIdentity("0" * 64, 1, ("all", "hem"), "new.tflite", {"all": "ALL"}))
    assert {found.model_name for found in store.query()} == {"new.tflite"}
    before = store._connection.total_changes
    store.add_model(ModelIdentity("0" * 64, 1, ("all", "hem"), "new.tflite", {"all": "ALL"}))
    assert store._connection.total_changes == before


def test_failures_of_uploads_are_bounded_and_replace_none_of_the_watcher(store):
    store.add_failures([Failure("/in/x.bmp", "truncated", "2026-01-01T00:00:00.000Z", source="watch")])
    uploads = [Failure(f"{n}", "no image", "2026-01-01T00:00:00.000Z", source="upload") for n in range(1100)]
    store.add_failures([*uploads, Failure("/in/x.bmp", "no image", "2026-01-01T00:00:00.000Z", source="upload")])
    assert (store.count_failures("upload"), store.count_failures("watch")) == (1000, 1)
    store.add([result("d", path="/in/x.bmp", source="upload")])
    assert (store.count_failures("upload"), store.count_failures("watch")) == (999, 1)


@pytest.mark.parametrize(
    ("one", "other"), [("Müller", "MU\u0308LLER"), (" P1 ", "p1"), ("STRASSE", "straße"), ("\uff301", "p1")]
)
def test_names_that_read_alike_are_found_alike(store, one, other):
    assert folded(one) == folded(other)
    store.add([result("d", subject=one)])
    assert [found.subject for found in store.query(Filter(subject=other))] == [one]
    assert not list(store.query(Filter(subject=f"{other}\udcff")))
