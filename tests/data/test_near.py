"""Near copies: found whatever was done to the file, grouped when asked for, and few where nothing was copied."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.data.audit import audit
from edgeleuk.data.audit_text import render
from edgeleuk.data.groups import grouped, refuse_leaks
from edgeleuk.data.index import Index
from edgeleuk.data.near import near_copies, with_near_groups
from edgeleuk.data.perceptual import fingerprint, near_pairs
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.data.synthetic.synth import write_cells
from edgeleuk.errors import UsageError

_TURN = Image.Transpose


def _cell(seed: int) -> Image.Image:
    """A picture with detail at all scales."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    fine = random.integers(-12, 13, (120, 120, 3))
    large = np.asarray(small.resize((120, 120), Image.Resampling.BICUBIC), np.int64)
    return Image.fromarray(np.clip(large + fine, 0, 255).astype(np.uint8))


def _saved_again(picture: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=60)
    return Image.open(stream).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as JPEG": _saved_again,
    "half as large": lambda picture: picture.resize((60, 60)),
    "mirrored": lambda picture: picture.transpose(_TURN.FLIP_LEFT_RIGHT),
    "upside down": lambda picture: picture.transpose(_TURN.FLIP_TOP_BOTTOM),
    "turned": lambda picture: _saved_again(picture.transpose(_TURN.ROTATE_90)),
    "turned back": lambda picture: picture.transpose(_TURN.ROTATE_270),
    "over the diagonal": lambda picture: picture.transpose(_TURN.TRANSVERSE),
    "darker": lambda picture: picture.point(lambda value: int(0.9 * value)),
}


def _bits(one: Image.Image, other: Image.Image) -> int:
    first, second = fingerprint(one), fingerprint(other)
    assert first is not None
    assert second is not None
    ((_, _, bits),) = near_pairs([first, second], 256)
    return bits


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_near_and_another_picture_far(change: str) -> None:
    for seed in range(6):
        assert _bits(_cell(seed), CHANGES[change](_cell(seed))) <= 12
        assert _bits(_cell(seed + 100), CHANGES[change](_cell(seed))) > 60


def test_a_picture_without_detail_has_no_fingerprint() -> None:
    assert fingerprint(Image.new("RGB", (50, 40), (200, 10, 30))) is None


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=12), st.integers(0, 200))
def test_pairs_are_those_of_comparing_each_with_each(prints: list[bytes], most: int) -> None:
    def grid(content: bytes) -> np.ndarray:
        return np.unpackbits(np.frombuffer(content, np.uint8)).reshape(16, 16).astype(int) * 2 - 1

    def positions(content: bytes) -> list[np.ndarray]:
        odd = np.where(np.arange(16) % 2, -1, 1)
        plain = [grid(content), grid(content).T]
        return [one * x[None, :] * y[:, None] for one in plain for x in (odd, odd**2) for y in (odd, odd**2)]

    wanted = [
        (one, other, least)
        for one in range(len(prints))
        for other in range(one + 1, len(prints))
        if (least := min(int((grid(prints[one]) != turned).sum()) for turned in positions(prints[other]))) <= most
    ]
    assert sorted(near_pairs(prints, most)) == wanted


def test_thousands_of_pictures_are_compared_in_seconds() -> None:
    random = np.random.default_rng(0)
    prints = [content.tobytes() for content in random.integers(0, 256, (6000, 32), dtype=np.uint8)]
    prints[5999] = prints[3]
    started = time.monotonic()
    assert near_pairs(prints, 12) == [(3, 5999, 0)]
    assert time.monotonic() - started < 120


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Two classes of eight pictures; each third one of "a" has two changed copies, one of them under another class."""
    for label, first in (("a", 0), ("b", 50)):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(8):
            _cell(first + number).save(tmp_path / f"images/{label}/{number}.png")
    for number in (0, 3, 6):
        _cell(number).transpose(_TURN.ROTATE_90).save(tmp_path / f"images/a/turned{number}.png")
    _saved_again(_cell(6)).save(tmp_path / "images/b/again.png")
    return tmp_path / "images"


def test_an_audit_counts_near_copies_and_names_some(copied: Path) -> None:
    report = audit(scan(copied))
    assert report.near is not None
    assert (len(report.near.pairs), report.near.across_classes, report.near.images) == (5, 2, 7)
    assert report.duplicate_pairs.total == 0
    assert "5 pairs of near copies, at most 12 of 256 bits apart" in render(report)
    assert "a/0.png = a/turned0.png (" in render(report)
    fewer = near_copies(scan(copied), 0)
    assert fewer is not None
    assert len(fewer.pairs) < 5


def test_near_copies_are_one_group_if_asked_for_and_stay_so_in_the_index(copied: Path, tmp_path: Path) -> None:
    found = scan(copied)
    assert len(grouped(found.images)) == 20
    near = with_near_groups(found)
    assert sorted(len(group) for group in grouped(near.images) if len(group) > 1) == [2, 2, 3]
    index = make_folds(near, 2)
    index.save(tmp_path / "index.json")
    loaded = Index.load(tmp_path / "index.json")
    assert loaded == index
    refuse_leaks(loaded, 0)
    folds = {image.path: image.fold for image in loaded.images}
    assert len({folds[name] for name in ("a/6.png", "a/turned6.png", "b/again.png")}) == 1


def test_synthetic_cells_are_no_near_copies_of_each_other(tmp_path: Path) -> None:
    write_cells(tmp_path / "cells", subjects=12, images_per_subject=5, folds=3, seed=0, difficulty=0.5)
    found = near_copies(scan(tmp_path / "cells"))
    assert found is not None
    assert found.pairs == ()


def test_a_manifest_has_no_pixels_to_compare(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[n % 2]}/{n}.png\t{n:064x}\t9\n" for n in range(4))
    (tmp_path / "m.tsv").write_text(f"path\tsha256\tsize\n{rows}")
    assert audit(scan(tmp_path / "m.tsv")).near is None


def test_more_pictures_than_are_compared_are_said(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeleuk.data.near._MOST_IMAGES", 19)
    found = scan(copied)
    report = audit(found)
    assert report.near is None
    assert "near copies were not looked for among 20 images; at most 19 are compared" in report.problems
    with pytest.raises(UsageError, match="leave --near out"):
        with_near_groups(found)
