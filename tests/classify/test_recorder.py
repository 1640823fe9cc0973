"""Rows go on once they are stored; a passing trouble is waited for."""

from pathlib import Path

import pytest

from edgeleuk.classify.recorder import BackOff, recorded
from edgeleuk.classify.rows import Row
from edgeleuk.errors import StoreError
from edgeleuk.store import Store
from tests.store.helpers import result


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def row(digit):
    return Row(Path(f"{digit}.bmp"), result(digit, path=f"{digit}.bmp"), sha256=digit)


def test_a_row_is_on_the_disk_when_it_goes_on(store):
    for found in recorded(map(row, "123"), store, "file"):
        assert store.lookup(found.result.sha256, found.result.model_sha256) == found.result


def test_another_file_of_known_content_leaves_its_name(store):
    first = row("1")
    list(recorded([first], store, "watch"))
    again = Row(Path("/in/copy.bmp"), first.result, known=True, sha256=first.result.sha256)
    list(recorded([again, again], store, "watch"))
    assert store.names(first.result.sha256) == [first.result.path, "/in/copy.bmp"]


def test_rows_keep_their_order_with_failures_among_them(store):
    rows = [row("1"), Row(Path("bad.bmp"), error="truncated", subject="S1"), row("2")]
    found = list(recorded(rows, store, "watch"))
    assert [r.image.name for r in found] == ["1.bmp", "bad.bmp", "2.bmp"]
    assert [(f.path, f.error, f.source, f.subject) for f in store.failures()] == [
        (str(Path("bad.bmp").absolute()), "truncated", "watch", "S1")
    ]


def test_one_commit_holds_many_rows_unless_time_passes(store):
    commits = []

    def attempt(action):
        commits.append(store.count())
        action()

    list(recorded((row(f"{n:x}") for n in range(1, 201)), store, "file", attempt, clock=lambda: 0.0))
    assert commits == [0, 64, 128, 192]
    ticks = iter(range(100))
    list(recorded((row(f"{n:x}") for n in range(300, 303)), store, "file", attempt, clock=lambda: next(ticks)))
    assert commits[4:] == [200, 201, 202]


def test_nothing_waits_in_memory_when_nothing_comes(store):
    rows = recorded(iter([row("1"), None, row("2")]), store, "file", clock=lambda: 0.0)
    assert next(rows).result.id == 1
    assert next(rows) is None


class Trouble:
    """An action that fails so many times."""

    def __init__(self, times, passing=True):
        self.times, self.passing, self.calls = times, passing, 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.times:
            raise StoreError("r.db: database or disk is full", self.passing)


def test_a_full_disk_is_tried_again_with_growing_pauses_and_told_once():
    told, waited = [], []
    trouble = Trouble(4)
    BackOff(told.append, lambda: False, waited.append)(trouble)
    assert trouble.calls == 5
    assert sum(waited) == 1 + 2 + 4 + 8
    assert max(waited) <= 1
    assert told == [
        "r.db: database or disk is full; retrying until it works, nothing is lost",
        "the store works again",
    ]


def test_what_will_not_pass_is_raised_at_once():
    with pytest.raises(StoreError):
        BackOff(lambda text: None, lambda: False, lambda s: None)(Trouble(1, passing=False))


def test_a_stop_ends_the_waiting():
    asked = iter([False, False, True, True])
    with pytest.raises(StoreError):
        BackOff(lambda text: None, lambda: next(asked), lambda s: None)(Trouble(99))
