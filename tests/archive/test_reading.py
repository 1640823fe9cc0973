"""Archives read by DuckDB: filters as of a store, order, many rows a slice at a time, and nothing left behind."""

import tempfile
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from edgeleuk.archive import reading
from edgeleuk.archive.reading import Archive
from edgeleuk.store import Failure, Filter, Store
from tests.archive.asked import MODELS, NEW, OLD, row_of, write_archive, write_store
from tests.store.helpers import result

SUBJECTS = [None, "S1", "s1", " S1", "Caf\u00e9", "cafe\u0301", "%", "_", "x' OR 1=1 --", ""]
TIMES = [f"2026-01-0{day}T00:00:00.{part:03}Z" for day in range(1, 5) for part in (0, 1, 999)]
MEASURES = some.dictionaries(some.sampled_from(["brightness", "focus"]), some.floats(-1e300, 1e300))
CONTENTS = [f"{number:x}" for number in range(30)]


def made(digit, model, **changes):
    told = {name: changes.pop(name) for name in ("warnings", "measures", "stage")}
    return replace(result(digit, path=f"/c/{digit}", **changes), model_sha256=model.sha256, model=model, **told)


RESULTS = some.builds(
    made, some.sampled_from(CONTENTS), some.sampled_from([OLD, NEW]), label=some.sampled_from(["all", "hem"]),
    subject=some.sampled_from(SUBJECTS), created=some.sampled_from(TIMES), probability=some.floats(0, 1),
    warnings=some.lists(some.sampled_from(["uncertain", "8 px", "no content"]), max_size=2).map(tuple),
    measures=MEASURES, stage=some.sampled_from([None, 1, 2]),
)  # fmt: skip
FILTERS = some.builds(
    Filter, subject=some.sampled_from(SUBJECTS), label=some.sampled_from([None, "all", "HEM", "neither"]),
    since=some.sampled_from([None, *TIMES]), until=some.sampled_from([None, *TIMES]),
    model_sha256=some.sampled_from([None, *MODELS, "c" * 64]), source=some.sampled_from([None, "file", "camera"]),
    no_subject=some.booleans(), warnings=some.sampled_from([None, True, False]),
    corrected=some.sampled_from([None, True, False]),
)  # fmt: skip


def in_order(results):
    """As an archive lists them, and a store that was filled in that order; of each content and model the first."""
    first = {(one.sha256, one.model_sha256): one for one in reversed(results)}
    return sorted(first.values(), key=lambda one: (one.created, one.sha256, one.model_sha256))


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(some.lists(RESULTS, max_size=25), some.lists(FILTERS, min_size=5, max_size=15), some.integers(1, 30))
def test_a_store_and_an_archive_agree(tmp_path_factory, results, filters, limit):
    folder, facts = tmp_path_factory.mktemp("agree"), in_order(results)
    write_store(folder / "r.db", facts)
    write_archive(folder / "archive", list(map(row_of, facts)), part=4)
    with Store.open(folder / "r.db", read_only=True) as store, Archive.open(folder / "archive") as archive:
        for wanted in (Filter(), *filters):
            told = [replace(one, id=None) for one in store.query(wanted)]
            assert list(archive.query(wanted)) == told
            assert list(archive.query(wanted, newest_first=True)) == told[::-1]
            assert list(archive.query(wanted, limit=limit)) == told[:limit]
            assert list(archive.query(wanted, limit=limit, newest_first=True)) == told[::-1][:limit]
            assert list(archive.latest(wanted, limit)) == told[-limit:]
            assert archive.count(wanted) == len(told)
        for model in (None, OLD.sha256, NEW.sha256):
            assert archive.subjects(model) == store.subjects(model)
        assert archive.subject_names() == store.subject_names()
        assert archive.labels() == store.labels()


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    some.lists(
        some.one_of(
            RESULTS,
            some.builds(
                lambda model, digit, error, known, subject: (
                    model, Failure(f"/c/{digit}", error, "", digit.rjust(64, "0") if known else None, subject=subject)
                ),
                some.sampled_from([OLD, NEW]), some.sampled_from(CONTENTS[:5]),
                some.sampled_from(["truncated", "refused: no cell"]), some.booleans(), some.sampled_from(SUBJECTS),
            ),
        ),
        max_size=25,
    )
)  # fmt: skip
def test_they_agree_on_failures(tmp_path_factory, facts):
    folder, told = tmp_path_factory.mktemp("agree"), []
    seen = set()
    for number, fact in enumerate(facts):
        created = f"2026-01-01T00:00:{number:02}.000Z"
        if isinstance(fact, tuple):
            told.append((fact[0], replace(fact[1], created=created)))
        elif (fact.sha256, fact.model_sha256) not in seen:
            seen.add((fact.sha256, fact.model_sha256))
            told.append(replace(fact, created=created))
    write_store(folder / "r.db", told)
    write_archive(folder / "archive", list(map(row_of, told)), part=4)
    with Store.open(folder / "r.db", read_only=True) as store, Archive.open(folder / "archive") as archive:
        assert archive.failures() == [replace(one, id=None) for one in store.failures()]
        assert archive.failures(2) == archive.failures()[:2]
        assert archive.count_failures() == store.count_failures()
        for model in (None, OLD.sha256, NEW.sha256):
            assert archive.subjects(model) == store.subjects(model)


def cells(count, model=NEW):
    return [
        row_of(made(f"{number:x}", model, created=f"2026-01-01T00:{number // 7 % 60:02}:{number % 7:02}.000Z",
                    warnings=(), measures={}, stage=None))
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture
def small_slices(monkeypatch):
    monkeypatch.setattr(reading, "_SLICE", 10)


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("wanted", [Filter(), Filter(label="all"), Filter(since="2026-01-01T00:03:00.000Z")])
def test_many_rows_are_sorted_a_slice_at_a_time(tmp_path, wanted):
    rows = cells(200)
    mixed = [row for start in range(5) for row in rows[start::5]]  # each part has rows of all times
    with Archive.open(write_archive(tmp_path / "archive", mixed, part=40)) as archive:
        every = list(archive.query(wanted))
        assert len(every) == archive.count(wanted) > 150
        assert [one.created for one in every] == sorted(one.created for one in every)
        assert list(archive.query(wanted, newest_first=True)) == every[::-1]
        for limit in (1, 10, 11, 57, 199, 500):
            assert list(archive.latest(wanted, limit)) == every[-limit:]
            assert list(archive.query(wanted, limit=limit)) == every[:limit]
            assert list(archive.query(wanted, limit=limit, newest_first=True)) == every[::-1][:limit]


def test_times_are_utc_by_the_millisecond_wherever_one_is(tmp_path, monkeypatch):
    [row] = cells(1)
    row["created"] = row["created"].replace(microsecond=123999)
    folder = write_archive(tmp_path / "archive", [row])
    for zone in ("UTC", "America/New_York", "Asia/Kolkata"):
        monkeypatch.setenv("TZ", zone)
        with Archive.open(folder) as archive:
            assert next(archive.query()).created == "2026-01-01T00:00:00.123Z"
            assert archive.subjects()[0].first == "2026-01-01T00:00:00.123Z"
            assert archive.count(Filter(since="2026-01-01T00:00:00.123Z")) == 1
            assert archive.count(Filter(until="2026-01-01T00:00:00.123Z")) == 0


def test_the_model_that_answered_last_comes_first(tmp_path):
    folder = write_archive(tmp_path / "archive", cells(3, OLD) + cells(2, NEW))
    with Archive.open(folder) as archive:
        assert [(found.model, found.results) for found in archive.answered()] == [(OLD, 3), (NEW, 2)]
        assert list(archive.models()) == [OLD.sha256, NEW.sha256]


def test_a_question_may_be_asked_while_another_is_answered(tmp_path):
    with Archive.open(write_archive(tmp_path / "archive", cells(2500), part=800)) as archive:
        found = archive.query()
        assert len(list(islice(found, 3))) == 3
        assert archive.count() == 2500
        assert len(list(archive.query(Filter(label="all")))) == 2500
        assert len(list(found)) == 2497


def test_odd_names_of_folders_are_no_patterns(tmp_path):
    folder = tmp_path / "a [1] *?' {x,y} ~ $HOME"
    with Archive.open(write_archive(folder, cells(3))) as archive:
        assert archive.count() == len(list(archive.query())) == 3


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with Archive.open(write_archive(tmp_path / "archive", cells(30))) as archive:
        assert archive.count() == 30
        assert list((tmp_path / "temporary").iterdir())
    assert not list((tmp_path / "temporary").iterdir())
