"""Which subject an image is of."""

import pytest

from edgeleuk.classify.subjects import subject_finder
from edgeleuk.errors import UsageError


@pytest.mark.parametrize(
    ("name", "pattern", "path", "subject"),
    [
        (None, None, "/in/UID_h3_1_2_hem.bmp", "UID_H3"),
        (None, None, "/in/cell.bmp", None),
        ("S1", None, "/in/UID_h3_1_2_hem.bmp", "S1"),
        (None, r"/(P\d+)/", "/in/P12/cell.bmp", "P12"),
        (None, r"/(P\d+)/", "/in/cell.bmp", None),
        (None, r"/(P[^/]+)/", "/in/P\udce9/cell.bmp", r"P\udce9"),
        (None, r"/(P[^/]+)/", "/in/P\udce8/cell.bmp", r"P\udce8"),
    ],
)
def test_a_subject_is_found(name, pattern, path, subject):
    assert subject_finder(name, pattern)(path) == subject


@pytest.mark.parametrize(
    ("name", "pattern", "message"),
    [
        ("S1", "(.)", "cannot be combined"),
        (None, "(", "not a regular expression"),
        (None, "P1", "has no group"),
        ("S\udce9", None, "not text in UTF-8"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(name, pattern, message):
    with pytest.raises(UsageError, match=message):
        subject_finder(name, pattern)
