"""A damaged row is named, passed over and counted; it stops nothing, and the next result of its image replaces it."""

import json

import pytest

from edgeleuk.store import Failure, Store
from edgeleuk.store.listing import Listing, lines

from .helpers import result


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "r.db") as opened:
        opened.add([result("a", subject="S1"), result("b", subject="S1"), result("c")])
        opened.told = []
        opened.on_damage = opened.told.append
        yield opened


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("probabilities", '{"all": 0.9'),
        ("probabilities", '{"all": NaN, "hem": 0.1}'),
        ("probabilities", '{"all": 2, "hem": 0.1}'),
        ("probabilities", "[" * 100_000),
        ("probabilities", "[0.9, 0.1]"),
        ("probabilities", b"\x00\xff"),
        ("label", "neither"),
        ("label", b"\xff"),
        ("path", 7),
        ("created", "yesterday"),
        ("created", 5),
        ("source", "moon"),
        ("prepare_ms", "fast"),
        ("invoke_ms", float("inf")),
        ("spec_version", "one"),
        ("stage", 3),
        ("subject", b"\xff"),
        ("warnings", "8 px"),
        ("corrected_label", 1),
        ("corrected_at", "now"),
        ("measures", '{"brightness": 0.7'),
        ("measures", '{"brightness": NaN}'),
        ("measures", '{"brightness": 1e999}'),
        ("measures", '{"brightness": true}'),
        ("measures", '{"brightness": "dark"}'),
        ("measures", "[0.7]"),
        ("measures", b"\x00"),
        ("measures", json.dumps(dict.fromkeys(map(str, range(101)), 0.5))),
    ],
)
def test_a_damaged_value_costs_its_row_and_nothing_else(store, column, value):
    store._rows(f"UPDATE results SET {column} = ? WHERE id = 2", value)
    assert [found.id for found in store.query()] == [1, 3]
    assert [found.id for found in store.query(limit=2)] == [1]  # two rows were read
    assert store.lookup("b".rjust(64, "0"), "0" * 64) is None
    assert (store.damaged, len(store.told)) == (1, 1)
    assert f"result 2 is damaged ({column} is " in store.told[0]
    for form in ("table", "json", "csv"):
        assert len(list(lines(store, Listing(form)))) >= 2
    for table in ("subjects", "failures", "changes"):
        for form in ("table", "json"):
            list(lines(store, Listing(form, **{table: True})))
    [again] = store.add([result("b")])
    assert store.lookup(again.sha256, again.model_sha256) == again
    assert [change.what for change in store.changes()] == ["repair"]


def test_text_that_is_not_utf_8_costs_its_row_and_nothing_else(store):
    store._rows("UPDATE results SET device = CAST(x'70ff69' AS TEXT) WHERE id = 1")
    store._rows("UPDATE results SET subject = CAST(x'70ff69' AS TEXT) WHERE id = 2")
    assert [found.id for found in store.query()] == [3]
    assert all(json.dumps(row.to_dict()) for row in store.subjects())
    assert store.subject_names() == ["S1"]
    store._rows("UPDATE results SET model_sha256 = CAST(x'70ff69' AS TEXT) WHERE id = 3")
    for model in (None, "all"):
        assert list(lines(store, Listing(subjects=True, model=model)))


def test_damaged_failures_models_and_names_are_passed_over(store):
    store.add_failures([Failure("x.bmp", "truncated", "2026-01-01T00:00:00.000Z", source="watch")])
    store._rows("UPDATE failures SET error = x'ff'")
    store.add_failures([Failure("y.bmp", "truncated", "2026-01-01T00:00:00.000Z", subject="S1")])
    store._rows("UPDATE failures SET subject = x'ff' WHERE path = 'y.bmp'")
    store._rows("INSERT INTO models VALUES (?, 'm', '{', '{}', '2026')", "0" * 64)
    store._rows("INSERT INTO names VALUES (?, 5, 'file', '2026')", "a".rjust(64, "0"))
    store._rows("INSERT INTO previews VALUES ('a', 'text', NULL)")
    store._rows("INSERT INTO attempts VALUES (5, 'x', '2026')")
    assert (store.failures(), store.models(), store.preview("a"), store.unfinished_attempts()) == ([], {}, None, {})
    assert store.names("a".rjust(64, "0")) == ["cell.bmp"]
    assert [found.model for found in store.query()] == [None] * 3


def test_what_cannot_be_read_at_all_is_an_error_that_says_how_to_go_on(tmp_path):
    from edgeleuk.errors import StoreError

    with Store.open(tmp_path / "r.db") as store:
        store.add([result(f"{number:x}", path="x" * 500) for number in range(1, 60)])
    content = bytearray((tmp_path / "r.db").read_bytes())
    content[4096 * 20 :] = b"\xff" * len(content[4096 * 20 :])
    (tmp_path / "r.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"see 'sqlite3 FILE \.recover'"), Store.open(tmp_path / "r.db") as store:
        list(store.query())
