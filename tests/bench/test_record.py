"""The record: read as it was written, or refused; and its summary."""

import dataclasses
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeleuk.bench.measured import (
    Condition,
    Energy,
    ModelFacts,
    OperatorTime,
    ProcessRun,
    Protocol,
    Stage,
    Sustained,
    TensorFacts,
)
from edgeleuk.bench.record import Record, Result, fewest_threads, parse_record, read_record, summarise
from edgeleuk.codec import digest
from edgeleuk.device.delegate import Coverage
from edgeleuk.errors import DataError

INTEGERS = st.integers(-(2**63), 2**64 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=4).map(tuple)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
FACTS = st.dictionaries(TEXT, JSON, max_size=3)


def around(level_ms, processes=6):
    return [[level_ms * (1 + 0.001 * number)] for number in range(processes)]


def test_a_summary_holds_medians_and_the_highest_peak():
    found = summarise([[1.0, 3.0], [2.0, 2.0]], [5.0, 7.0], [4.0, 2.0], [None, 30.0], 512)
    assert (found.throughput_per_s, found.load_ms, found.first_ms) == (pytest.approx(500), 6.0, 3.0)
    assert (found.peak_memory_mib, found.arena_bytes, found.runs, found.p50_ms) == (30.0, 512, 4, 2.0)


def test_what_no_process_told_is_none():
    assert summarise([[1.0]], [1.0], [1.0], [None], None).peak_memory_mib is None


@pytest.mark.parametrize(
    ("levels", "best"),
    [
        ({1: 10.0, 2: 6.0, 4: 5.9}, 4),
        ({1: 10.0, 2: 6.0, 4: 6.0}, 2),
        ({4: 6.0, 2: 6.0, 1: 10.0}, 2),
        ({1: 5.0, 2: 6.0, 4: 9.0}, 1),
        ({2: 7.0}, 2),
    ],
)
def test_the_fewest_threads_that_none_beats_are_best(levels, best):
    assert fewest_threads({threads: around(level) for threads, level in levels.items()}) == best


def test_with_few_processes_no_number_of_threads_is_best():
    assert fewest_threads({1: around(10.0, 3), 2: around(5.0, 3)}) is None
    assert fewest_threads({1: around(10.0), 2: around(5.0), 4: around(2.0, 1)}) is None


def several(strategy):
    return st.lists(strategy, max_size=2).map(tuple)


CONDITIONS = st.builds(
    Condition, FINITE, st.none() | FINITE, several(FINITE), st.none() | several(TEXT), st.none() | FINITE
)
PROCESSES = st.builds(
    ProcessRun,
    FINITE,
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    several(FINITE),
    st.booleans(),
    TIMES,
    st.none() | FINITE,
    conditions=several(CONDITIONS),
    energy=st.none() | st.builds(Energy, TEXT, FINITE, FINITE, st.integers(1, 2**63)),
    stages=several(st.builds(Stage, TEXT, TIMES)),
)
TENSORS = st.builds(TensorFacts, TEXT, TEXT, several(INTEGERS))
MODELS = st.builds(
    ModelFacts,
    TEXT,
    TEXT,
    st.integers(0, 2**63),
    several(TENSORS),
    several(TENSORS),
    st.none() | FACTS,
    st.none() | FACTS,
)
RESULTS = st.builds(
    Result,
    MODELS,
    TEXT,
    TEXT,
    st.integers(1, 8),
    st.lists(PROCESSES, min_size=1, max_size=2).map(tuple),
    st.none() | st.integers(0, 2**63),
    st.none() | st.builds(Coverage, INTEGERS, INTEGERS, INTEGERS, st.dictionaries(TEXT, INTEGERS)),
    several(st.builds(OperatorTime, TEXT, FINITE, FINITE, st.booleans())),
    st.none() | st.builds(Sustained, FINITE, FINITE, TIMES, several(CONDITIONS)),
    several(TEXT),
)
RECORDS = st.builds(
    Record,
    TEXT,
    TEXT,
    TEXT,
    FACTS,
    st.builds(Protocol, st.integers(1, 2**63), st.integers(1, 2**63), FINITE, scenario=TEXT),
    several(RESULTS),
    st.booleans(),
    several(TEXT),
    several(CONDITIONS),
)


@settings(max_examples=40)
@given(RECORDS)
def test_a_record_is_read_as_it_was_written(tmp_path, record):
    path = tmp_path / "record.json"
    path.write_bytes(record.to_json().encode())
    assert read_record(path) == record


@pytest.fixture(scope="module")
def record(make_result, make_record):
    conditions = (Condition(0.5, 48.0, (2400.0,), ("throttled",), 0.3, 3.1),)
    sustained = Sustained(1.0, 10.0, (10.0, 10.1), conditions)
    first = make_result(10.0, arena_bytes=2048, sustained=sustained, notes=("spec: none",))
    return make_record(first, make_result(6.0, threads=2), conditions=conditions)


@pytest.fixture(scope="module")
def content(record):
    return record.to_json().encode()


@pytest.fixture(scope="module")
def plain(content):
    return json.loads(content)


def places(value, path=()):
    """Paths of all that is in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(value, path, change):
    """A copy in which `change` was done to the container and key at `path`."""
    copy = json.loads(json.dumps(value))
    container = copy
    for key in path[:-1]:
        container = container[key]
    change(container, path[-1])
    return copy


@given(st.data())
def test_a_key_or_item_that_was_dropped_is_missed(plain, data):
    path = data.draw(st.sampled_from(list(places(plain))))
    with pytest.raises(DataError, match=r"r\.json"):
        parse_record(changed(plain, path, lambda container, key: container.pop(key)), "r.json")


@given(st.data())
def test_a_value_that_was_changed_is_noticed(plain, data):
    path = data.draw(st.sampled_from(list(places(plain))))
    other = data.draw(JSON | st.sampled_from([float("nan"), 10**400, "\ud800"]))

    def put(container, key):
        container[key] = other

    value = changed(plain, path, put)
    if json.dumps(value) != json.dumps(plain):
        with pytest.raises(DataError, match=r"r\.json"):
            parse_record(value, "r.json")


@given(st.data())
def test_a_key_that_was_added_is_refused(plain, data):
    objects = [path for path in places(plain) if isinstance(path[-1], str)]
    path = data.draw(st.sampled_from(objects))
    with pytest.raises(DataError, match=r"r\.json"):
        parse_record(changed(plain, path, lambda container, _: container.update({"extra": 1})), "r.json")


@given(st.data())
def test_a_file_that_was_cut_off_is_refused(tmp_path, content, data):
    path = tmp_path / "cut.json"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 2))])
    with pytest.raises(DataError, match="is not JSON, or was cut off"):
        read_record(path)


@given(st.data())
def test_a_flipped_byte_is_a_data_error_or_changes_nothing(tmp_path, record, content, data):
    content = bytearray(content)
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "flipped.json"
    path.write_bytes(content)
    with suppress(DataError):
        assert read_record(path) == record


def test_deep_nesting_is_a_data_error(plain):
    deep: list = []
    for _ in range(900):
        deep = [deep]
    for place in ("device", "label", "results"):
        with pytest.raises(DataError, match=r"r\.json"):
            parse_record(plain | {place: {"deep": deep} if place == "device" else deep}, "r.json")


@pytest.mark.parametrize(
    ("version", "mend"),
    [(2, "update edgeleuk"), (0, "measure again"), ("1", "measure again"), (True, "measure"), (None, "measure again")],
)
def test_another_schema_is_refused_with_what_to_do(plain, version, mend):
    with pytest.raises(DataError, match=f"schema version .*this edgeleuk reads 1: {mend}"):
        parse_record(plain | {"schema_version": version}, "r.json")


@pytest.mark.parametrize("value", [None, [], 3, "x", {}, {"kind": "something else"}, {"kind": []}])
def test_what_is_no_record_is_refused(value):
    with pytest.raises(DataError, match="is not a benchmark record; expected what 'edgeleuk benchmark"):
        parse_record(value, "r.json")


@pytest.mark.parametrize(("change", "message"), [("absent", "No such file"), ("folder", "Is a directory")])
def test_a_path_that_cannot_be_read_is_named(tmp_path, change, message):
    path = tmp_path if change == "folder" else tmp_path / "absent.json"
    with pytest.raises(DataError, match=message):
        read_record(path)


def test_a_hand_edited_sample_is_noticed(tmp_path, record):
    path = tmp_path / "edited.json"
    path.write_text(record.to_json().replace('"samples_ms": [', '"samples_ms": [9.9, ', 1))
    with pytest.raises(DataError, match="was changed after it was written"):
        read_record(path)


def test_an_edited_summary_is_noticed(plain):
    plain = json.loads(json.dumps(plain))
    plain["results"][0]["summary"]["p90_ms"] = 1.0
    with pytest.raises(DataError, match="was changed after it was written"):
        parse_record(plain, "r.json")


@pytest.mark.parametrize("samples", [[], [0.0], [1.0, -2.0]])
def test_samples_that_no_clock_can_have_given_are_refused_even_with_a_fitting_hash(plain, samples):
    plain = json.loads(json.dumps(plain))
    plain["results"][1]["processes"][0]["samples_ms"] = samples
    content = {key: value for key, value in plain.items() if key not in ("kind", "schema_version", "sha256")}
    with pytest.raises(DataError, match=r"r\.json\.results\[1\] lacks samples above 0 ms"):
        parse_record(plain | {"sha256": digest(content)}, "r.json")


def test_a_file_that_other_tools_laid_out_anew_is_still_whole(plain, record):
    whole = json.loads(json.dumps(plain, sort_keys=True), parse_float=lambda text: float(text))
    as_javascript = json.loads(
        json.dumps(whole), parse_float=lambda text: int(float(text)) if float(text).is_integer() else float(text)
    )
    assert parse_record(as_javascript, "r.json") == record


def test_the_file_says_what_follows_from_the_samples(plain, record):
    summary, result = plain["results"][0]["summary"], record.results[0]
    assert summary["p90_ms"] == result.latency.p90_ms
    assert summary["p50_interval"] == dataclasses.asdict(result.latency.p50_interval)
    assert summary["throughput_per_s"] == pytest.approx(1000 / result.latency.p50_ms, rel=1e-9)
    assert (summary["load_ms"], summary["peak_memory_mib"], summary["arena_bytes"]) == (5.0, 40.0, 2048)
    assert plain["best_threads"] == [{"model": "cells.tflite", "backend": "litert", "threads": 2}]


def test_a_record_without_results_can_be_written_and_read(make_record):
    record = make_record(partial=True, invalid=("interrupted",))
    assert parse_record(json.loads(record.to_json()), "r.json") == record


def test_stages_are_joined_over_processes(make_process, make_result):
    runs = [make_process([1.0], stages=(Stage("decode", (2.0, 3.0)), Stage("invoke", (1.0,)))) for _ in range(2)]
    assert make_result(runs=tuple(runs)).stage_samples() == {"decode": [2.0, 3.0, 2.0, 3.0], "invoke": [1.0, 1.0]}


def test_a_title_counts_threads(make_result):
    assert make_result().title == "cells.tflite, litert, 1 thread"
    assert make_result(threads=4).title == "cells.tflite, litert, 4 threads"


@pytest.mark.parametrize(
    ("medians", "worst", "last", "holds"),
    [
        ((10.0, 10.2, 10.5), 1.05, 1.05, True),
        ((10.0, 11.0, 10.0), 1.1, 1.0, False),
        ((10.0, 9.0), 1.0, 0.9, True),
        ((), 1.0, 1.0, True),
    ],
)
def test_speed_is_held_where_no_window_is_slower_than_the_first(medians, worst, last, holds):
    found = Sustained(1.0, 10.0, medians)
    assert (found.worst_over_first, found.last_over_first) == (pytest.approx(worst), pytest.approx(last))
    assert found.holds_speed is holds


def test_the_record_needs_numpy_only(run_python):
    done = run_python(
        "import sys\nimport edgeleuk.bench.record, edgeleuk.bench.compare, edgeleuk.bench.validity\n"
        "heavy = ('tensorflow', 'scipy', 'PIL', 'click', 'ai_edge_litert', 'matplotlib', 'jinja2')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
