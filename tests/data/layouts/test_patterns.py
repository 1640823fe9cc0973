"""Labels and subjects from the names of files."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.data.labels import LabelSource
from edgeleuk.data.layouts import pattern_search
from edgeleuk.data.scan import scan
from edgeleuk.errors import DataError, UsageError

Paint = Callable[[str, int], Path]


@pytest.fixture
def flat(paint: Paint, tmp_path: Path) -> Path:
    """Im001_0.tif to Im004_1.tif in one folder, as ALL-IDB2 has them."""
    for number in range(1, 5):
        paint(f"Im{number:03}_{(number + 1) % 2}.tif", number)
    return tmp_path / "images"


def test_a_pattern_names_label_subject_and_part(flat: Path, paint: Paint) -> None:
    paint("val/Im005_1.tif", 9)
    pattern = r"((?P<split>val)/)?(?P<subject>Im\d+)_(?P<label>[01])[.]tif$"
    found = scan(flat, labels=LabelSource(label_pattern=pattern))
    assert (found.layout, found.classes, found.subjects_known) == ("names", ("0", "1"), True)
    assert {image.path: (image.label, image.subject, image.fold) for image in found.images} == {
        "Im001_0.tif": ("0", "Im001", None),
        "Im002_1.tif": ("1", "Im002", None),
        "Im003_0.tif": ("0", "Im003", None),
        "Im004_1.tif": ("1", "Im004", None),
        "val/Im005_1.tif": ("1", "Im005", 0),
    }


def test_the_pattern_is_searched_in_the_path_below_the_folder(paint: Paint, tmp_path: Path) -> None:
    paint("p1/all/0.png", 1)
    paint("p2/hem/0.png", 2)
    found = scan(tmp_path / "images", labels=LabelSource(label_pattern=r"(?P<subject>\w+)/(?P<label>\w+)/"))
    assert [(image.label, image.subject) for image in found.images] == [("all", "p1"), ("hem", "p2")]


def test_subjects_come_from_names_beside_labels_of_folders(paint: Paint, tmp_path: Path) -> None:
    for number in range(4):
        paint(f"{'ab'[number % 2]}/p{number // 2}_{number}.png", number)
    found = scan(tmp_path / "images", labels=LabelSource(subject_pattern="(?P<subject>p[0-9]+)_"))
    assert (found.layout, found.subjects_known) == ("class-folders", True)
    assert {(image.label, image.subject) for image in found.images} == {(a, p) for a in "ab" for p in ("p0", "p1")}


def test_what_does_not_match_is_left_out_and_said(flat: Path, paint: Paint) -> None:
    paint("other.png", 9)
    found = scan(flat, labels=LabelSource(label_pattern=r"_(?P<label>\d)\."))
    assert len(found.images) == 4
    assert [(row.reason, row.examples) for row in found.left_out] == [
        ("which --label-pattern does not match", ("other.png",))
    ]


def test_a_subject_that_only_some_names_tell_is_not_known_for_all(flat: Path) -> None:
    found = scan(flat, labels=LabelSource(label_pattern=r"_(?P<label>\d)\.", subject_pattern="(?P<subject>Im00[12])"))
    assert not found.subjects_known
    assert any("2 of 4 images have no subject by --subject-pattern" in problem for problem in found.problems)


@pytest.mark.parametrize("option", ["label", "subject"])
def test_a_pattern_that_matches_nothing_is_refused_with_names(flat: Path, paint: Paint, option: str) -> None:
    paint("a/x.png", 8)
    paint("b/x.png", 9)
    given: Any = {f"{option}_pattern": f"(?P<{option}>nothing)"}
    with pytest.raises(DataError, match=rf"--{option}-pattern .* matches none of \d+ names, such as "):
        scan(flat, labels=LabelSource(**given))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?P<label>", "is not a regular expression: "),
        (r"_(\d)", r"has no group called 'label'; its group needs the name what the label is: \(\?P<label>"),
        ("x", "has no group called 'label'; write it around"),
        ("(?P<label>x)" * 100, "not a regular expression|at most"),
        ("(?P<label>x)" + "y" * 1000, "1,012 characters; at most 1,000 are taken"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LabelSource(label_pattern=pattern)


def test_a_split_that_is_none_is_refused(flat: Path) -> None:
    with pytest.raises(UsageError, match=r"takes 'Im001' of Im001_0\.tif for the split; expected train, val, test"):
        scan(flat, labels=LabelSource(label_pattern=r"(?P<split>Im\d+)_(?P<label>\d)"))


def test_a_pattern_that_would_never_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_search, "_TIMEOUT_S", 2.0)
    started = time.monotonic()
    with pytest.raises(UsageError, match=r"could not be searched in 1 names such as a+b: no answer within 2"):
        pattern_search.search_all("--label-pattern", "^(a+)+(?P<label>c)$", ["a" * 60 + "b"])
    assert time.monotonic() - started < 60


@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused(pattern: str) -> None:
    with contextlib.suppress(UsageError):
        assert LabelSource(label_pattern=pattern).says_labels
