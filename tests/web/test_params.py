"""Query parameters: what is taken and what is refused."""

import unicodedata
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from edgeleuk.errors import UsageError
from edgeleuk.web.params import FILTERS, filter_of, label_of_file, plain_text, query_values, source, whole_number
from edgeleuk.web.problems import RefusalError


def values(query, **known):
    return query_values(Request({"type": "http", "query_string": query.encode(), "headers": []}), known)


def test_known_parameters_are_parsed():
    assert values("limit=5&subject=%20A+1", limit=whole_number(1, 9), subject=plain_text(9)) == {
        "limit": 5,
        "subject": "A 1",
    }


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limt=5", "there is no parameter 'limt'; did you mean 'limit'?"),
        ("limit=1&limit=2", "'limit' was given twice"),
        ("limit=0", "limit is '0'; expected a whole number from 1 to 9"),
        ("limit=-1", "limit is '-1'"),
        ("limit=%D9%A3", "limit is '٣'"),
        ("limit=" + "9" * 5000, "expected a whole number"),
        ("limit=", "limit is ''"),
    ],
)
def test_others_are_refused_by_name(query, text):
    with pytest.raises(RefusalError) as caught:
        values(query, limit=whole_number(1, 9))
    assert caught.value.status == 422
    assert text in caught.value.message
    assert len(caught.value.message) < 300


@given(st.text(max_size=300))
def test_the_label_of_a_file_holds_nothing_that_deceives(text):
    try:
        label = label_of_file(text)
    except ValueError:
        assert not 1 <= len(text) <= 255
        return
    assert len(label) == len(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in label)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a.bmp", "Zelle 7 (β).tif"])
def test_an_odd_name_stays_what_it_is(name):
    assert label_of_file(name) == name


@pytest.mark.parametrize("text", ["", "  ", "x" * 10, "a\nb", "a\x00", "a\u202eb", "\ud800"])
def test_text_with_control_characters_or_of_the_wrong_length_is_refused(text):
    with pytest.raises(ValueError, match="characters"):
        plain_text(9)(text)


def asked(**given):
    wanted = filter_of(values(urlencode(given), **FILTERS))
    return wanted.since, wanted.until


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24", "2026-11-24T00:00:00.000Z"),
        ("2026-11-24T10:30", "2026-11-24T10:30:00.000Z"),
        ("2026-11-24T10:30:15Z", "2026-11-24T10:30:15.000Z"),
        ("2026-11-24t10:30:15.5z", "2026-11-24T10:30:15.500Z"),
        ("2026-11-24T10:30:15.123456789+02:00", "2026-11-24T08:30:15.123Z"),
    ],
)
def test_a_time_becomes_what_the_store_writes(text, expected):
    assert asked(since=text) == (expected, None)


def test_dates_are_whole_days_of_the_zone_that_is_given():
    day = {"since": "2026-11-24", "until": "2026-11-24"}
    assert asked(**day) == ("2026-11-24T00:00:00.000Z", "2026-11-25T00:00:00.000Z")
    assert asked(**day, tz="Europe/Berlin") == ("2026-11-23T23:00:00.000Z", "2026-11-24T23:00:00.000Z")
    assert asked(**day, tz="-08:00") == ("2026-11-24T08:00:00.000Z", "2026-11-25T08:00:00.000Z")


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "2026-02-30", "24.11.2026", "2026-11-24T25:00", "9999-12-31"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="is not a time; expected a time such as 2026-11-24"):
        asked(until=text)


def test_what_leaves_nothing_between_is_refused():
    with pytest.raises(UsageError, match="nothing lies between"):
        asked(since="2026-11-25", until="2026-11-24")
    with pytest.raises(UsageError, match="cannot be combined"):
        asked(subject="A", subject_none="1")


@given(st.text(min_size=1, max_size=40))
def test_no_text_breaks_the_parser_of_times(text):
    for name in ("since", "until"):
        with suppress(UsageError):
            filter_of({name: text})


def test_sources_are_those_of_the_store():
    assert source("watch") == "watch"
    with pytest.raises(ValueError, match=r"file \| watch"):
        source("elsewhere")
