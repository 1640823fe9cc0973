"""Strict JSON of dataclasses: what is not as it was written is refused by name."""

import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.codec import decode, digest, dump, load
from edgeleuk.errors import DataError


@dataclass(frozen=True)
class Inner:
    """Nested."""

    values: tuple[float, ...]
    counts: dict[str, int]


@dataclass(frozen=True)
class Outer:
    """One field of each kind that records have."""

    name: str
    ratio: float
    inner: Inner
    many: tuple[Inner, ...] = ()
    flag: bool = False
    maybe: float | None = None


INTEGERS = st.integers(-(2**63), 2**64 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
INNERS = st.builds(Inner, st.lists(FINITE, max_size=4).map(tuple), st.dictionaries(st.text(), INTEGERS, max_size=2))
OUTERS = st.builds(
    Outer,
    st.text(st.characters(codec="utf-8")),
    FINITE,
    INNERS,
    st.lists(INNERS, max_size=2).map(tuple),
    st.booleans(),
    st.none() | FINITE,
)
PLAIN = {"name": "x", "ratio": 1.5, "inner": {"values": [1.0, 2.0], "counts": {"a": 1}}}


@given(OUTERS)
def test_what_is_written_is_read_again(outer):
    assert decode(Outer, load(dump(asdict(outer)).encode(), "text"), "outer") == outer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ration": 1}, "outer has no key 'ration'; did you mean 'ratio'?"),
        ({"ratio": "fast"}, "outer.ratio is 'fast'; expected float"),
        ({"ratio": True}, "outer.ratio is True; expected float"),
        ({"ratio": math.nan}, "outer.ratio is nan; expected float"),
        ({"ratio": 10**400}, "outer.ratio is 1000"),
        ({"name": None}, "outer.name is None; expected str"),
        ({"flag": 1}, "outer.flag is 1; expected bool"),
        ({"inner": []}, r"outer.inner is \[\]; expected an object"),
        ({"inner": {"values": [1.0, "2"], "counts": {}}}, r"outer.inner.values\[1\] is '2'; expected float"),
        ({"inner": {"values": [1.0, 10**400], "counts": {}}}, r"outer.inner.values\[1\] is 1000"),
        ({"inner": {"values": {}, "counts": {}}}, "outer.inner.values is {}; expected a list"),
        ({"inner": {"values": [], "counts": {"a": 1.5}}}, "outer.inner.counts.a is 1.5; expected int"),
        ({"inner": {"values": [], "counts": []}}, r"outer.inner.counts is \[\]; expected an object"),
        ({"inner": {"values": []}}, "outer.inner lacks the key 'counts'"),
        ({"many": [{}]}, r"outer.many\[0\] lacks the key 'values'"),
    ],
)
def test_the_place_that_is_wrong_is_named(change, message):
    with pytest.raises(DataError, match=message):
        decode(Outer, PLAIN | change, "outer")


def test_whole_numbers_are_floats_where_floats_are_expected():
    outer = decode(Outer, PLAIN | {"ratio": 2, "inner": {"values": [1, 2.5], "counts": {}}}, "outer")
    assert (outer.ratio, outer.inner.values) == (2.0, (1.0, 2.5))
    assert all(type(value) is float for value in (outer.ratio, *outer.inner.values))


def test_a_message_stays_short_whatever_came():
    with pytest.raises(DataError) as caught:
        decode(Outer, PLAIN | {"k" * 10_000: 1, "name": "n" * 10_000}, "outer")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON, or was cut off"),
        (b'{"a": 1', "is not JSON, or was cut off"),
        (b'{"a": "\xff"}', "cannot be used: it is not text in UTF-8"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": -Infinity}', "-Infinity is no number of JSON"),
        (b'{"a": ' + b"9" * 400 + b"}", "cannot be used: 9+ does not fit into 64 bits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "cannot be used: 9+ does not fit into 64 bits"),
        (b'{"a": 1e999}', "cannot be used: 1e999 is not a finite number"),
        (b'[{"a": 1, "b": 2, "a": 3}]', "the key 'a' twice in one object"),
        (b"[" * 100_000, "is nested more than 64 levels deep"),
        (b'{"a":' * 100_000, "is nested more than 64 levels deep"),
    ],
)
def test_text_that_is_no_json_is_refused(content, message):
    with pytest.raises(DataError, match=f"file {message}|{message}"):
        load(content, "file")


@given(st.binary())
def test_no_bytes_break_the_reader(content):
    with suppress(DataError):
        load(content, "file")


def test_lists_of_numbers_take_one_line_and_texts_like_them_stay_as_they_are():
    value = {"numbers": [1.5, -2e-07, 3], "text": "[ 1, 2 ]", "mixed": ["a", 1]}
    text = dump(value)
    assert '"numbers": [1.5, -2e-07, 3]' in text
    assert json.loads(text) == value


def test_names_that_are_no_utf_8_survive():
    value = {"name": b"caf\xe9 \xc2\xb5.tflite".decode("utf-8", "surrogateescape")}
    assert load(dump(value).encode("utf-8"), "file") == value


def test_a_digest_ignores_layout_and_how_a_whole_number_is_written():
    assert digest({"a": 1.0, "b": (2, [3.0])}) == digest({"b": [2.0, [3]], "a": 1})
    assert digest({"a": 1}) != digest({"a": True})
    assert digest({"a": 1.5}) != digest({"a": 1})


@given(OUTERS, OUTERS)
def test_digests_differ_where_content_does(first, second):
    same = json.dumps(asdict(first)) == json.dumps(asdict(second))
    assert same <= (digest(asdict(first)) == digest(asdict(second)))
    if first != second:
        assert digest(asdict(first)) != digest(asdict(second))


@dataclass(frozen=True)
class Choices:
    """Lists by name, and a rule of its own."""

    choices: dict[str, list[Any]]
    margin: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what no margin can be."""
        if not 0 < self.margin < 1:
            raise ValueError(f"a margin of {self.margin}; expected one between 0 and 1")


def test_lists_by_name_are_read_again():
    choices = Choices({"width": [0.25, 1], "exit": [None, "mixed5"], "none": []})
    assert decode(Choices, load(dump(asdict(choices)).encode(), "x"), "x") == choices
    with pytest.raises(DataError, match=r"^x\.choices\.width is 3; expected a list"):
        decode(Choices, {"choices": {"width": 3}}, "x")


def test_a_value_that_the_dataclass_itself_refuses_is_an_error_of_the_data():
    with pytest.raises(DataError, match=r"^x: a margin of 2\.0; expected one between 0 and 1$"):
        decode(Choices, {"choices": {}, "margin": 2}, "x")
