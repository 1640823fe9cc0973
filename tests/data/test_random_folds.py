"""Folds that leak on purpose, their mark, and what crosses folds."""

import json

import pytest
from PIL import Image

from edgeleuk.data.crossings import crossings
from edgeleuk.data.groups import refuse_leaks
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.random_folds import LEAKS, random_folds
from edgeleuk.errors import DataError, LeakError, UsageError
from edgeleuk.files import sha256_file
from edgeleuk.training.preparation import check_images


@pytest.fixture
def index(tmp_path):
    """Six subjects of four images each, in two folds by subject; two images nearly the same, of one subject."""
    images = []
    for number in range(24):
        subject = number // 4
        image = Image.effect_noise((32, 32), 80) if number != 1 else Image.open(tmp_path / "00.png").copy()
        if number == 1:
            image.putpixel((0, 0), (image.getpixel((0, 0)) + 9) % 256)
        path = tmp_path / f"{number:02}.png"
        image.save(path)
        label = ("all", "hem")[subject % 2]
        images.append(
            ImageRecord(path.name, sha256_file(path), path.stat().st_size, label, f"S{subject}", subject % 3 % 2)
        )
    return Index(tmp_path, ("all", "hem"), tuple(images), "all", 2, True)


def test_images_are_dealt_evenly_class_by_class_whatever_their_subject(index):
    dealt = random_folds(index, 3)
    for name in index.classes:
        assert [sum(image.label == name for image in dealt.validation(fold)) for fold in range(2)] == [6, 6]
    assert crossings(index).subjects_crossing == 0
    found = crossings(dealt)
    assert found.subjects_crossing == found.subjects == 6
    assert found.images_crossing == found.images == 24
    assert random_folds(index, 3) == dealt
    assert random_folds(index, 4) != dealt


def test_images_that_are_nearly_the_same_are_seen_across_folds(index):
    one, other, *rest = index.images
    apart = Index(
        index.root, index.classes, (one, ImageRecord(**vars(other) | {"fold": 1 - one.fold}), *rest), "all", 2
    )
    assert crossings(apart).near_pairs == 1
    assert crossings(index).near_pairs == 0


def test_the_mark_survives_the_file_and_changes_the_hash(index, tmp_path):
    dealt = random_folds(index)
    dealt.save(tmp_path / "random.json")
    again = Index.load(tmp_path / "random.json")
    assert again.leaks == LEAKS
    assert again.sha256 != Index(**vars(dealt) | {"leaks": None}).sha256
    assert "leaks" not in json.loads(index.to_json(tmp_path))


def test_nothing_else_takes_a_marked_index(index):
    dealt = random_folds(index)
    with pytest.raises(LeakError, match="LEAKS: images of one subject in training and test"):
        refuse_leaks(dealt, 0)
    with pytest.raises(LeakError, match="LEAKS"):
        check_images(dealt, 0)
    check_images(dealt, 0, leaks_wanted=True)


def test_an_index_without_the_mark_is_not_taken_for_one_that_was_dealt_at_random(index):
    with pytest.raises(UsageError, match="--cross-validate"):
        check_images(index, 0, leaks_wanted=True)


def test_a_class_with_fewer_images_than_folds_is_refused(index):
    few = Index(index.root, ("all", "hem", "rare"), index.images, "all", 2)
    with pytest.raises(DataError, match="class 'rare' has 0 images for 2 folds"):
        random_folds(few)
