"""group_ids: connected components of "same subject", "same bytes" and "same pixels"."""

import dataclasses
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.data.groups import group_ids, grouped, natural_key, refuse_leaks, subjects_of
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.errors import LeakError

_pairs = st.lists(
    st.tuples(st.integers(0, 12), st.none() | st.integers(0, 8), st.none() | st.integers(0, 12)), max_size=30
)
_Rows = list[tuple[int, int | None, int | None]]


def _images(pairs: _Rows) -> list[ImageRecord]:
    return [
        ImageRecord(
            f"{number}.png",
            f"hash{content}",
            1,
            subject=None if subject is None else f"s{subject}",
            pixels_sha256=None if pixels is None else f"pixels{pixels}",
        )
        for number, (content, subject, pixels) in enumerate(pairs)
    ]


def _alike(one: ImageRecord, other: ImageRecord) -> bool:
    same_subject = one.subject is not None and one.subject == other.subject
    same_pixels = one.pixels_sha256 is not None and one.pixels_sha256 == other.pixels_sha256
    return one.sha256 == other.sha256 or same_subject or same_pixels


def _by_flooding(images: list[ImageRecord]) -> set[frozenset[str]]:
    """Components the slow and obvious way."""
    left, components = list(images), set()
    while left:
        component, front = {left[0].path}, [left.pop(0)]
        while front:
            near = [image for image in left if _alike(image, front[0])]
            front = front[1:] + near
            left = [image for image in left if image not in near]
            component.update(image.path for image in near)
        components.add(frozenset(component))
    return components


@given(_pairs)
def test_groups_are_the_connected_components(pairs: _Rows) -> None:
    images = _images(pairs)
    assert {frozenset(image.path for image in group) for group in grouped(images)} == _by_flooding(images)


@given(_pairs)
def test_numbers_count_from_zero_in_order_of_first_appearance(pairs: _Rows) -> None:
    numbers = group_ids(_images(pairs))
    assert list(dict.fromkeys(numbers)) == list(range(len(set(numbers))))


@given(_pairs, st.integers())
def test_the_order_of_images_does_not_change_the_groups(pairs: _Rows, seed: int) -> None:
    images = _images(pairs)
    shuffled = random.Random(seed).sample(images, len(images))
    assert {frozenset(group) for group in grouped(images)} == {frozenset(group) for group in grouped(shuffled)}


def test_subjects_are_linked_over_a_third() -> None:
    images = _images([(1, 51, None), (1, 75, None), (2, 75, None), (2, 78, None), (3, 20, None)])
    assert group_ids(images) == [0, 0, 0, 0, 1]


def test_images_without_a_subject_are_alone() -> None:
    assert group_ids(_images([(1, None, None), (2, None, 7), (1, None, None), (3, None, 7)])) == [0, 1, 0, 1]


def test_a_chain_of_thousands_is_one_group() -> None:
    chain = [(number // 2, (number + 1) // 2) for number in range(20_000)]
    assert set(group_ids(_images([(content, subject, None) for content, subject in reversed(chain)]))) == {0}


def test_subjects_are_listed_in_numerical_order() -> None:
    images = [ImageRecord(f"{name}.png", name, 1, subject=name) for name in ("UID_20", "UID_H3", "UID_3")]
    assert subjects_of(images) == ("UID_3", "UID_20", "UID_H3")
    assert sorted(["10", "9", "a"], key=natural_key) == ["9", "10", "a"]


def test_files_of_other_bytes_with_the_same_pixels_are_one_group(tmp_path: Path) -> None:
    for number in range(3):
        picture = Image.new("RGB", (8, 8), (10 * number, 5, 7))
        for name in ("a.png", "b.tif", "c.bmp", "d.webp"):
            path = tmp_path / f"class{number}" / name
            path.parent.mkdir(exist_ok=True)
            picture.save(path, lossless=True)
    found = scan(tmp_path)
    assert len({image.sha256 for image in found.images}) == 12
    assert [len(group) for group in grouped(found.images)] == [4, 4, 4]


def test_a_turned_picture_is_what_it_looks_like_and_another_shape_another_picture(tmp_path: Path) -> None:
    picture = Image.effect_noise((6, 4), 50).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    (tmp_path / "a").mkdir()
    picture.save(tmp_path / "a/turned.tif", exif=exif)
    picture.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "a/upright.png")
    picture.save(tmp_path / "a/as_stored.png")
    Image.frombytes("RGB", (4, 6), picture.tobytes()).save(tmp_path / "a/other_shape.png")
    found = {image.path: image.pixels_sha256 for image in scan(tmp_path).images}
    assert found["a/turned.tif"] == found["a/upright.png"]
    assert len(set(found.values())) == 3


def test_an_index_knows_its_groups_again_and_one_without_such_hashes_is_the_same(tmp_path: Path) -> None:
    for label in "ab":
        for number in range(2):
            path = tmp_path / "images" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (number, ord(label), 7)).save(path)
            Image.open(path).save(path.with_suffix(".tif"))
    index = make_folds(scan(tmp_path / "images"), 2)
    index.save(tmp_path / "index.json")
    assert Index.load(tmp_path / "index.json") == index
    assert all(image.pixels_sha256 for image in index.images)
    plain = dataclasses.replace(
        index, images=tuple(dataclasses.replace(image, pixels_sha256=None) for image in index.images)
    )
    plain.save(tmp_path / "plain.json")
    assert "pixels" not in (tmp_path / "plain.json").read_text()
    assert Index.load(tmp_path / "plain.json").sha256 == index.sha256
    moved = tuple(
        dataclasses.replace(image, fold=1 - (image.fold or 0)) if image.path.endswith("tif") else image
        for image in index.images
    )
    with pytest.raises(LeakError, match="4 groups of images with the same subject or the same pixels on two sides"):
        refuse_leaks(dataclasses.replace(index, images=moved), 0)
