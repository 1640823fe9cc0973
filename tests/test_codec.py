"""Text becomes plain values, and these dataclasses, or one sentence that says why not and names the place."""

import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.codec import DEEPEST, decode, digest, dump, parse_json, parse_toml, read_json, read_toml
from edgeleuk.errors import DataError, EdgeleukError, SpecError, UsageError


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
    assert decode(Outer, parse_json(dump(asdict(outer)).encode(), "text", any_text=True), "outer") == outer


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
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
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
        parse_json(content, "file")


@given(st.binary())
def test_no_bytes_break_the_reader(content):
    with suppress(DataError):
        parse_json(content, "file")


def test_lists_of_numbers_take_one_line_and_texts_like_them_stay_as_they_are():
    value = {"numbers": [1.5, -2e-07, 3], "text": "[ 1, 2 ]", "mixed": ["a", 1]}
    text = dump(value)
    assert '"numbers": [1.5, -2e-07, 3]' in text
    assert json.loads(text) == value


def test_names_that_are_no_utf_8_survive():
    value = {"name": b"caf\xe9 \xc2\xb5.tflite".decode("utf-8", "surrogateescape")}
    assert parse_json(dump(value).encode("utf-8"), "file", any_text=True) == value


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
    assert decode(Choices, parse_json(dump(asdict(choices)).encode(), "x"), "x") == choices
    with pytest.raises(DataError, match=r"^x\.choices\.width is 3; expected a list"):
        decode(Choices, {"choices": {"width": 3}}, "x")


def test_a_value_that_the_dataclass_itself_refuses_is_an_error_of_the_data():
    with pytest.raises(DataError, match=r"^x: a margin of 2\.0; expected one between 0 and 1$"):
        decode(Choices, {"choices": {}, "margin": 2}, "x")


@dataclass(frozen=True)
class _Point:
    """Its name holds `int`."""

    x: int


@dataclass(frozen=True)
class _Line:
    """Of two of them."""

    start: _Point
    hint: str | None = None


def test_a_type_is_what_it_is_whatever_its_name_holds():
    assert decode(_Line, {"start": {"x": 1}, "hint": "here"}, "line") == _Line(_Point(1), "here")
    with pytest.raises(SpecError, match=r"^line\.start is 1; expected an object$"):
        decode(_Line, {"start": 1}, "line", SpecError)


def test_other_keys_are_left_out_where_asked_for():
    assert decode(_Point, {"x": 1, "y": 2}, "point", others=True) == _Point(1)
    with pytest.raises(DataError, match=r"^point is 3; expected an object$"):
        decode(_Point, 3, "point", others=True)


ANY_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # what a path may hold, and so what a string may
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="ascii", exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(ANY_VALUE)
def test_json_comes_back_as_it_was_written(value):
    assert parse_json(json.dumps(value), "text") == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode(), "text") == value


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_value_or_one_error(content):
    for parse in (parse_json, parse_toml):
        with suppress(EdgeleukError):
            parse(content, "text")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested more than 64 levels"),
        ("[" * 65 + "]" * 65, "nested more than 64 levels"),
        ('{"a":' * 65 + "1" + "}" * 65, "nested more than 64 levels"),
        ("NaN", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ("1e999", "1e999 is not a finite number"),
        ("1" + "0" * 400, "does not fit into 64 bits"),
        ("1" + "0" * 5000, "does not fit into 64 bits"),
        (str(2**64), "does not fit into 64 bits"),
        ('{"a": 1, "a": 2}', "the key 'a' twice"),
        (r'["\ud800"]', r"holds '\\ud800'"),
        (r'{"\udfff": 1}', r"holds '\\udfff'"),
        (r'"a\u0000b"', r"holds '\\x00'"),
        (b"\xff\xfe{\x00", "not text in UTF-8"),
        ('{"a": 1', "not JSON, or was cut off"),
        ("", "not JSON, or was cut off"),
    ],
)
def test_json_that_nobody_could_use_is_refused_by_its_reason(text, message):
    with pytest.raises(SpecError, match=message) as caught:
        parse_json(text, "the spec", SpecError)
    assert str(caught.value).startswith("the spec ")
    assert len(str(caught.value)) < 200


def test_the_bounds_themselves_are_taken():
    deepest = "[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1)
    assert parse_json(deepest, "text")
    assert parse_json(f"[{2**64 - 1}, {-(2**63)}, 1.7e308]", "text") == [2**64 - 1, -(2**63), 1.7e308]
    assert parse_json("\ufeff{}".encode(), "text") == {}
    assert parse_json(r'"\ud83d\ude00"', "text") == "\U0001f600"


def test_names_of_files_that_are_not_utf8_are_taken_where_asked_for():
    assert parse_json(r'["\udcff", "\u0000"]', "text", any_text=True) == ["\udcff", "\0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "nested more than 64 levels"),
        ("a = " + "[" * 65 + "]" * 65, "nested more than 64 levels"),
        ("a" + ".a" * 70 + " = 1", "nested more than 64 levels"),
        ("a = nan", "not a finite number"),
        ("a = -inf", "not a finite number"),
        ("a = 1e999", "not a finite number"),
        ("a = 1" + "0" * 400, "does not fit into 64 bits"),
        ("a = 1" + "0" * 5000, "is not TOML"),
        (r'a = "\u0000"', "holds"),
        ("a = 1\na = 2", "is not TOML"),
        (b"a = '\xff'", "not text in UTF-8"),
        ("a", "is not TOML"),
    ],
)
def test_toml_that_nobody_could_use_is_refused_by_its_reason(text, message):
    with pytest.raises(UsageError, match=message):
        parse_toml(text, "settings.toml")


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "a.json").write_text("[1.5]")
    (tmp_path / "a.toml").write_text("a = 1.5")
    assert read_json(tmp_path / "a.json") == [1.5]
    assert read_toml(tmp_path / "a.toml") == {"a": 1.5}
    assert math.isfinite(read_toml(tmp_path / "a.toml")["a"])
    with pytest.raises(DataError, match=r"b\.json cannot be read: No such file"):
        read_json(tmp_path / "b.json")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_toml(tmp_path)
