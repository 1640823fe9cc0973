"""Stores that older versions made, made here by their SQL, still open: to be written, and to be read."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from edgeleuk.store import Failure, Store
from edgeleuk.store.editing import Correction

from .helpers import result

_VERSION_1 = """
CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL, model_sha256 TEXT NOT NULL, path NOT NULL, subject TEXT,
    label TEXT NOT NULL, probabilities TEXT NOT NULL, prepare_ms REAL NOT NULL, invoke_ms REAL NOT NULL,
    spec_version INTEGER NOT NULL, device TEXT NOT NULL, source TEXT NOT NULL, created TEXT NOT NULL,
    UNIQUE (sha256, model_sha256)
);
CREATE INDEX results_by_subject ON results (subject, label, created);
CREATE INDEX results_by_time ON results (created);
CREATE TABLE failures (path PRIMARY KEY NOT NULL, error TEXT NOT NULL, sha256 TEXT, source TEXT NOT NULL,
    created TEXT NOT NULL);
CREATE TABLE previews (sha256 TEXT PRIMARY KEY, jpeg BLOB NOT NULL);
PRAGMA application_id = 1701071979;
PRAGMA user_version = 1;
"""
_VERSION_2 = _VERSION_1 + "ALTER TABLE results ADD COLUMN stage INTEGER; PRAGMA user_version = 2;"
_VERSION_3 = """
CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL, model_sha256 TEXT NOT NULL, path NOT NULL, subject TEXT,
    label TEXT NOT NULL, probabilities TEXT NOT NULL, prepare_ms REAL NOT NULL, invoke_ms REAL NOT NULL,
    spec_version INTEGER NOT NULL, device TEXT NOT NULL, source TEXT NOT NULL, created TEXT NOT NULL, stage INTEGER,
    warnings TEXT, corrected_label TEXT, corrected_by TEXT, corrected_at TEXT, UNIQUE (sha256, model_sha256)
);
CREATE INDEX results_by_subject ON results (subject, label, created);
CREATE INDEX results_by_time ON results (created);
CREATE TABLE failures (id INTEGER PRIMARY KEY AUTOINCREMENT, path NOT NULL, error TEXT NOT NULL, sha256 TEXT,
    source TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (source, path));
CREATE TABLE previews (sha256 TEXT PRIMARY KEY, jpeg BLOB NOT NULL, created TEXT);
CREATE TABLE models (sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, classes TEXT NOT NULL, display_names TEXT NOT NULL,
    first_seen TEXT NOT NULL);
CREATE TABLE names (sha256 TEXT NOT NULL, path NOT NULL, source TEXT NOT NULL, created TEXT NOT NULL,
    UNIQUE (sha256, path));
CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, by TEXT NOT NULL, what TEXT NOT NULL,
    result_id INTEGER NOT NULL, sha256 TEXT NOT NULL, model_sha256 TEXT NOT NULL, old TEXT, new TEXT);
CREATE TABLE attempts (path PRIMARY KEY NOT NULL, tries INTEGER NOT NULL, started TEXT NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO facts VALUES ('id', '0123abcd');
PRAGMA application_id = 1701071979;
PRAGMA user_version = 3;
"""
_ROWS = """
INSERT INTO results (sha256, model_sha256, path, subject, label, probabilities, prepare_ms, invoke_ms, spec_version,
    device, source, created)
    VALUES ({sha}, {model}, 'in/cell.bmp', 'S1', 'all', '{{"all": 0.9, "hem": 0.1}}', 1.5, 20.25, 1, 'pi', 'file',
    '2026-11-24T10:11:12.345Z');
INSERT INTO failures (path, error, source, created) VALUES
    ('bad.bmp', 'truncated', 'watch', '2026-11-24T10:11:12.345Z'),
    (x'6eff', 'gone', 'watch', '2026-11-24T10:11:12.345Z');
INSERT INTO previews (sha256, jpeg) VALUES ({sha}, x'ffd8');
"""
OLD = {"schema 1": _VERSION_1, "schema 2": _VERSION_2, "schema 3": _VERSION_3}
IDENTITIES = {"schema 3": "0123abcd"}
FIRST = replace(result("a", path="in/cell.bmp", subject="S1"), id=1)


@pytest.fixture(params=OLD)
def old(request, tmp_path):
    """Path of a store with one result, two failures and a preview, in write-ahead mode as it was closed."""
    rows = _ROWS.format(sha=f"'{FIRST.sha256}'", model=f"'{FIRST.model_sha256}'")
    with closing(sqlite3.connect(tmp_path / "r.db")) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executescript(OLD[request.param] + rows)
    return tmp_path / "r.db"


def check_content(store):
    assert list(store.query()) == [FIRST]
    assert store.lookup(FIRST.sha256, FIRST.model_sha256) == FIRST
    assert [(found.path, found.id) for found in store.failures()] == [("n\udcff", 2), ("bad.bmp", 1)]
    assert store.preview(FIRST.sha256) == b"\xff\xd8"
    assert [(found.subject, found.total, found.model) for found in store.subjects()] == [("S1", 1, None)]
    assert (store.labels(), store.models(), store.changes(), store.unfinished_attempts()) == (["all"], {}, [], {})
    assert store.names(FIRST.sha256) == ["in/cell.bmp"]


def test_an_old_store_is_read_and_left_as_it_is(old, request):
    before = old.read_bytes()
    with Store.open(old, read_only=True) as store:
        check_content(store)
        assert store.id == IDENTITIES.get(request.node.callspec.params["old"], "")
    assert old.read_bytes() == before


def test_an_old_store_goes_on(old):
    with Store.open(old) as store:
        check_content(store)
        store.add([replace(result("b"), stage=2, warnings=("8 px",), measures={"focus": 0.5})])
        store.add_failures(
            [Failure("bad.bmp", "still truncated", "2026-11-25T10:11:12.345Z", None, "watch", None, "S1")]
        )
        told = [(found.error, found.subject) for found in store.failures()]
        assert told == [("still truncated", "S1"), ("gone", None)]
        assert store.correct([1], Correction("me", label="hem", sets_label=True)) == 1
        kept = store.id
    with Store.open(old) as again:
        assert [(found.stage, found.warnings) for found in again.query()] == [(None, ()), (2, ("8 px",))]
        assert [found.measures for found in again.query()] == [{}, {"focus": 0.5}]
        assert again.id == kept != ""
        assert [found.corrected_label for found in again.query()] == ["hem", None]


def test_a_store_is_upgraded_once_though_several_open_it(old):
    with Store.open(old) as one, Store.open(old) as other:
        assert one.id == other.id
        assert len(list(other.query())) == 1
