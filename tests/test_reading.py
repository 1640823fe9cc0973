"""The one reader of JSON and TOML answers with plain values or with one sentence, whatever the text is."""

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import DataError, EdgeleukError, SpecError, UsageError
from edgeleuk.reading import DEEPEST, parse_json, parse_toml, read_json, read_toml

PLAIN = st.recursive(
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


@given(PLAIN)
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
        ("NaN", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
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
