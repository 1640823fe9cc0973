"""group_ids: connected components of "same subject" and "same bytes"."""

import random

from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.data.groups import group_ids, grouped, natural_key, subjects_of
from edgeleuk.data.index import ImageRecord

_pairs = st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 8)), max_size=30)


def _images(pairs: list[tuple[int, int | None]]) -> list[ImageRecord]:
    return [
        ImageRecord(f"{number}.png", f"hash{content}", 1, subject=None if subject is None else f"s{subject}")
        for number, (content, subject) in enumerate(pairs)
    ]


def _alike(one: ImageRecord, other: ImageRecord) -> bool:
    return one.sha256 == other.sha256 or (one.subject is not None and one.subject == other.subject)


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
def test_groups_are_the_connected_components(pairs: list[tuple[int, int | None]]) -> None:
    images = _images(pairs)
    assert {frozenset(image.path for image in group) for group in grouped(images)} == _by_flooding(images)


@given(_pairs)
def test_numbers_count_from_zero_in_order_of_first_appearance(pairs: list[tuple[int, int | None]]) -> None:
    numbers = group_ids(_images(pairs))
    assert list(dict.fromkeys(numbers)) == list(range(len(set(numbers))))


@given(_pairs, st.integers())
def test_the_order_of_images_does_not_change_the_groups(pairs: list[tuple[int, int | None]], seed: int) -> None:
    images = _images(pairs)
    shuffled = random.Random(seed).sample(images, len(images))
    assert {frozenset(group) for group in grouped(images)} == {frozenset(group) for group in grouped(shuffled)}


def test_subjects_are_linked_over_a_third() -> None:
    images = _images([(1, 51), (1, 75), (2, 75), (2, 78), (3, 20)])
    assert group_ids(images) == [0, 0, 0, 0, 1]


def test_images_without_a_subject_are_alone() -> None:
    assert group_ids(_images([(1, None), (2, None), (1, None)])) == [0, 1, 0]


def test_a_chain_of_thousands_is_one_group() -> None:
    chain = [(number // 2, (number + 1) // 2) for number in range(20_000)]
    assert set(group_ids(_images([(content, subject) for content, subject in reversed(chain)]))) == {0}


def test_subjects_are_listed_in_numerical_order() -> None:
    images = [ImageRecord(f"{name}.png", name, 1, subject=name) for name in ("UID_20", "UID_H3", "UID_3")]
    assert subjects_of(images) == ("UID_3", "UID_20", "UID_H3")
    assert sorted(["10", "9", "a"], key=natural_key) == ["9", "10", "a"]
