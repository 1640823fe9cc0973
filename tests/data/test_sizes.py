"""Sizes of pictures: what is said where classes differ, and the crop that holds the pictures of all of them."""

from pathlib import Path

import pytest
from PIL import Image

from edgeleuk.data.audit import audit
from edgeleuk.data.index import Index
from edgeleuk.data.scan import scan
from edgeleuk.data.sizes import Size, crop_side, scanned_sizes, size_problems, sizes_of
from edgeleuk.data.split import make_folds
from edgeleuk.errors import DataError


def _folder(root: Path, sizes: dict[str, list[Size]]) -> Path:
    for label, own in sizes.items():
        for number, size in enumerate(own):
            path = root / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", size, (number, len(label), 7)).save(path)
    return root


CUT_OUT: list[Size] = [(48 + 3 * number, 50 + 2 * number) for number in range(12)]


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"a": [(60, 60)] * 4, "b": [(200, 200)] * 3}, "a 60 px, b 200 px"),
        ({"a": [(60, 60)] * 4, "b": [(64, 64)] * 4}, "a 60 px, b 64 px"),
        ({"a": [(60, 60)] * 4, "b": [(60, 40)] * 4}, "a 60 px, b 60x40 px"),
        ({"a": [(60, 60)] * 4, "bb": [(60, 60)] * 4, "ccc": [(80, 90), (90, 90), (90, 90)]}, "ccc about 90 px"),
        ({"a": [(60, 60)] * 4, "b": [(60, 60)] * 4}, None),
        ({"a": [(60, 60)] * 9, "b": [(60, 60)] * 8 + [(600, 600)]}, None),
        ({"a": CUT_OUT, "b": CUT_OUT[1:]}, None),
        ({"a": [(60, 60), (90, 90)]}, None),
    ],
)
def test_classes_that_differ_in_size_are_named(tmp_path: Path, sizes: dict[str, list[Size]], told: str | None) -> None:
    found = scan(_folder(tmp_path, sizes))
    problems = [problem for problem in audit(found).problems if "picture size" in problem]
    assert problems == size_problems(scanned_sizes(found))
    assert [told in problem for problem in problems] == ([True] if told else [])


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ({"a": [(60, 60)] * 40, "b": [(200, 180)] * 3}, 200),
        ({"a": [(450, 450)] * 3, "b": [(450, 450)] * 2 + [(900, 900)]}, 450),
        ({"a": CUT_OUT, "b": [(60, 60)] * 9}, 78),
    ],
)
def test_the_crop_holds_what_is_usual_in_every_class(sizes: dict[str, list[Size]], side: int) -> None:
    assert crop_side(sizes) == side


def test_sizes_are_looked_at_in_every_class_however_many_pictures_come_first(tmp_path: Path) -> None:
    root = _folder(tmp_path / "images", {"a_normal": [(6, 6)] * 220, "b_blast": [(20, 20)] * 4})
    for number in range(220):
        Image.new("RGB", (6, 6), (number, 0, 7)).save(root / f"a_normal/{number}.png")
    index = make_folds(scan(root), 2)
    found = sizes_of(index, index.training(0))
    assert {label: set(own) for label, own in found.items()} == {"a_normal": {(6, 6)}, "b_blast": {(20, 20)}}
    assert len(found["a_normal"]) <= 100
    assert crop_side(found) == 20


def test_pictures_that_are_not_there_have_no_size(cells_index: Path) -> None:
    index = Index.load(cells_index)
    assert crop_side(sizes_of(index, index.images)) == 450
    with pytest.raises(DataError, match="none of the images looked at"):
        sizes_of(Index(Path("nowhere"), index.classes, index.images), index.images)
