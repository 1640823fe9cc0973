"""Rows summed by subject."""

from edgeleuk.classify.by_subject import BySubject
from edgeleuk.classify.rows import Row
from tests.store.helpers import result


def test_what_the_gate_refused_is_told_from_what_failed_and_each_content_counts_once(tmp_path):
    picture, copy = tmp_path / "a.bmp", tmp_path / "b.bmp"
    for place in (picture, copy):
        place.write_bytes(b"one content")
    rows = [
        *(Row(place, error="refused: out of focus", subject="S1") for place in (picture, copy)),
        Row(tmp_path / "absent.bmp", error="no such file", subject="S1"),
        Row("c.bmp", result("1", subject="S1"), sha256="1" * 64),
    ]
    sums = BySubject()
    assert list(sums.counted(rows)) == rows
    [found] = sums.cells()
    assert (found.counted, found.refused, found.failed) == (1, 1, 1)
