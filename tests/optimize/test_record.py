"""A search's record comes back as it was written, and what is not as it was written is refused by name."""

import contextlib
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.codec import digest
from edgeleuk.errors import DataError
from edgeleuk.optimize.record import Clock, SearchRecord, Spent, Trial, parse_search, read_search
from tests.searches import make_failed, make_gate, make_search


def signed(**changes):
    """JSON of a small record with these fields, whose hash fits them."""
    plain = dataclasses.asdict(make_search(3)) | changes
    return json.dumps({"kind": "edgeleuk search", "schema_version": 1, "sha256": digest(plain)} | plain)


@pytest.fixture
def read(tmp_path):
    """The record of this text."""

    def reading(text):
        path = tmp_path / "search.json"
        path.write_text(text, encoding="utf-8")
        return read_search(path)

    return reading


@pytest.mark.parametrize(
    "record",
    [
        make_search(),
        make_search(0),
        make_search(trials=(make_failed(0),), front=(), chosen=None, gate=None, gate_split=None, reference=None),
        make_search(gate=make_gate(subjects=None)),
        make_search(gate=make_gate(subjects=1), notes=("one subject",)),
        make_search(space={"width": [0.5, 1], "exit": [None, "mixed7"], "empty": []}),
    ],
)
def test_what_is_written_is_read_again(read, record):
    assert read(record.to_json()) == record


SETTINGS = st.dictionaries(
    st.text(max_size=8),
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    max_size=4,
)


@given(settings=SETTINGS, reason=st.none() | st.text(), seconds=st.floats(0, 1e6))
def test_settings_and_reasons_of_any_kind_survive(read, settings, reason, seconds):
    record = make_search(0, trials=(Trial(0, settings, "failed", reason=reason, seconds=seconds),))
    assert read(record.to_json()) == record


def test_a_trial_is_found_by_its_number():
    record = make_search(5)
    assert record.trial(3).number == 3
    with pytest.raises(KeyError):
        record.trial(5)


def test_overhead_is_what_was_neither_training_nor_measuring():
    spent = Spent(training_s=90.0, measuring_s=8.0, overhead_s=2.0)
    assert (spent.total_s, spent.overhead_share) == (100.0, 0.02)
    assert Spent(0.0, 0.0, 0.0).overhead_share == 0.0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"search\.json cannot be read: No such file"):
        read_search(tmp_path / "search.json")


@given(share=st.floats(0, 0.999))
def test_a_cut_off_record_is_refused(read, share):
    text = make_search(3).to_json()
    with pytest.raises(DataError, match=r"search\.json is not JSON, or was cut off"):
        read(text[: int(share * (len(text) - 2))])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "edgeleuk benchmark"}, "is not a search record; expected the search.json that"),
        ({"schema_version": 0}, "has schema version 0; this edgeleuk reads 1: search again, or use"),
        ({"device": "a faster one"}, "was changed after it was written"),
        ({"sha256": None}, "was changed after it was written"),
        ({"buget_ms": 3}, "has no key 'buget_ms'; did you mean 'budget_ms'"),
    ],
)
def test_an_edited_record_is_refused(read, changes, told):
    with pytest.raises(DataError, match=told):
        read(json.dumps(json.loads(make_search(3).to_json()) | changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"front": [0, 77]}, "names trials that it does not hold"),
        ({"chosen": -1}, "names trials that it does not hold"),
        ({"budget_ms": "5"}, r"budget_ms is '5'; expected float"),
        ({"trials": [{"number": 0}]}, r"trials\[0\] lacks the key 'settings'"),
        ({"space": {"width": 0.5}}, r"space\.width is 0\.5; expected a list"),
    ],
)
def test_what_does_not_fit_together_is_refused_though_its_hash_does(read, changes, told):
    with pytest.raises(DataError, match=told):
        read(signed(**changes))


def test_a_margin_that_cannot_be_is_refused(read):
    raw = json.loads(make_search(3).to_json())
    raw["gate"]["result"]["gate"]["margin"] = 2.0
    with pytest.raises(DataError, match="expected a margin between 0 and 1"):
        read(json.dumps(raw))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_refused(read, number):
    text = signed(space={"width": [12345]}).replace("12345", number)
    with pytest.raises(
        DataError, match=r"search\.json cannot be used: .* (is not a JSON number|is not a finite number)"
    ):
        read(text)


@pytest.mark.parametrize("depth", [500, 100_000])
def test_nested_too_deeply_is_refused_or_read(read, depth):
    with pytest.raises(DataError, match="nested more than 64 levels deep"):
        read(signed(space={"width": [12345]}).replace("12345", "[" * depth + "]" * depth))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [item.name for item in dataclasses.fields(SearchRecord)]


@given(key=st.sampled_from([*FIELDS, "kind", "schema_version", "sha256"]), value=JSON)
def test_a_record_with_anything_in_it_is_read_or_refused_as_data(key, value):
    raw = json.loads(make_search(3).to_json()) | {key: value}
    with contextlib.suppress(DataError):
        parse_search(raw, "search.json")


@pytest.mark.parametrize("raw", [None, [], 3, "search", {}])
def test_json_that_is_no_search_is_refused(raw):
    with pytest.raises(DataError, match="is not a search record"):
        parse_search(raw, "x")


def test_a_record_from_before_a_field_was_added_is_read(read):
    """Its hash is that of what was written."""
    raw = json.loads(make_search(3).to_json())
    content = {key: value for key, value in raw.items() if key not in ("kind", "schema_version", "sha256", "notes")}
    old = {"kind": raw["kind"], "schema_version": 1, "sha256": digest(content)} | content
    assert read(json.dumps(old)) == dataclasses.replace(make_search(3), notes=())


def test_time_is_training_measuring_or_overhead_on_top_of_what_was_counted_before():
    now = [100.0]
    clock = Clock(Spent(10.0, 20.0, 30.0), lambda: now[0])
    now[0] += 1
    with clock.training():
        now[0] += 5
    with clock.measuring():
        now[0] += 3
    now[0] += 1
    assert clock.spent == Spent(15.0, 23.0, 32.0)
    assert clock.spent.overhead_share == 32 / 70


def test_time_is_kept_as_it_is_spent_also_on_what_fails():
    now, kept = [0.0], []
    clock = Clock(Spent(0.0, 0.0, 0.0), lambda: now[0], kept.append)
    with contextlib.suppress(ValueError), clock.training():
        now[0] += 5
        raise ValueError
    with contextlib.suppress(ValueError), clock.measuring():
        now[0] += 3
        raise ValueError
    assert kept == [Spent(5.0, 0.0, 0.0), Spent(5.0, 3.0, 0.0)]


def test_no_time_has_no_overhead():
    assert Spent(0.0, 0.0, 0.0).overhead_share == 0
