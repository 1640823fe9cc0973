"""What trivial features reach: told where they tell, and no better than chance where they do not."""

import dataclasses

import numpy as np
import pytest

from edgeleuk.data.shortcuts.features import COLOUR, NAMES, TOGETHER
from edgeleuk.data.shortcuts.judging import (
    Search,
    Shortcuts,
    shortcuts_cross_validated,
    shortcuts_held_out,
    shortcuts_of_index,
)
from edgeleuk.data.shortcuts.learning import by_subject, cross_validation_parts, most_frequent
from edgeleuk.data.shortcuts.text import explained_text, own_subject_text, render, short_text
from edgeleuk.errors import DataError

QUICK = Search(groups=(COLOUR,), resamples=200)


def colour_of(found: Shortcuts) -> float:
    return found.colour.accuracy.value


def test_colour_that_tells_the_class_is_found_on_held_out_subjects(make_index):
    several = dataclasses.replace(QUICK, groups=(COLOUR, "picture size", TOGETHER))
    found = shortcuts_of_index(make_index(60, test=True), several)
    assert [row.features for row in found.reached] == [6, len(NAMES)]
    assert (found.trained_on, found.tested_on, found.folds) == (48, 24, None)
    assert colour_of(found) == 1.0
    assert found.majority.value == 0.5
    assert found.unit == "subject"
    assert found.majority.groups == 4
    assert found.explained(1.0) == 1.0
    assert found.explained(0.5) is None
    assert found.notes == ("picture size: the same in all images",)


def test_colour_that_tells_nothing_is_told_from_nothing_by_no_interval(make_index):
    found = shortcuts_of_index(make_index(0, subjects=24), QUICK)
    accuracy = found.colour.accuracy
    assert found.folds == 2
    assert accuracy.low < 0.5 < accuracy.high
    assert abs(found.colour.auroc - 0.5) < 0.15


def test_folds_of_the_index_are_the_parts_and_without_them_no_group_is_on_two_sides(make_index):
    index = make_index(60)
    assert shortcuts_cross_validated(index.root, index.images, QUICK).folds == 2
    bare = [dataclasses.replace(image, fold=None) for image in index.images]
    assert shortcuts_cross_validated(index.root, bare, QUICK).folds == 5
    groups = np.arange(60) // 6
    for known, asked in cross_validation_parts(groups % 2, groups, seed=0):
        assert not set(groups[known]) & set(groups[asked])


def test_a_test_part_of_one_class_is_no_place_to_ask(make_index):
    index = make_index(60, test=True)
    alone = [image for image in index.images if image.split == "train" or image.label == "a"]
    assert shortcuts_of_index(dataclasses.replace(index, images=tuple(alone)), QUICK).folds == 2


def test_the_same_seed_gives_the_same_answer(make_index):
    index = make_index(10)
    assert shortcuts_of_index(index, QUICK) == shortcuts_of_index(index, QUICK)


def test_the_own_subject_tells_all_if_it_is_on_both_sides_and_nothing_if_not(make_index):
    index = make_index(0)
    apart = shortcuts_of_index(index, QUICK).own_subject
    assert (apart.known_images, apart.subjects, apart.pure) == (0, 12, 12)
    assert "no subject is on both sides" in own_subject_text(apart, 72)
    mixed = [index.images[first::2] for first in (0, 1)]
    both = shortcuts_held_out(index.root, *mixed, QUICK)
    assert both.own_subject.accuracy.value == 1.0
    assert both.own_subject.known_images == 36
    assert "most frequent class of the own subject is right on 1.000" in own_subject_text(both.own_subject, 36)


def test_answers_without_features_are_those_of_the_part_to_fit_on():
    parts = [(np.array([0, 1, 2, 3]), np.array([4, 5]))]
    truth, subjects = np.array([0, 0, 1, 0, 1, 1]), np.array([0, 0, 1, -1, 1, 7])
    assert most_frequent(truth, parts).tolist() == [0, 0]
    assert by_subject(truth, subjects, parts)[0].tolist() == [1, 0]
    assert by_subject(truth, subjects, parts)[1] == 1


def test_too_many_images_are_drawn_from_and_that_is_said(make_index):
    found = shortcuts_of_index(make_index(60, test=True), dataclasses.replace(QUICK, most_images=20))
    assert (found.trained_on, found.tested_on) == (20, 20)
    assert "drawn at random: 20 of 48 images and 20 of 24 images" in found.notes


@pytest.mark.parametrize("labels", [("a", "a"), (None, None)])
def test_one_class_or_no_label_is_one_sentence(make_index, labels):
    index = make_index(0, subjects=4, test=True)
    images = [dataclasses.replace(image, label=labels["ab".index(image.label)]) for image in index.images]
    with pytest.raises(DataError, match=r"all of one class|no labelled image"):
        shortcuts_of_index(dataclasses.replace(index, images=tuple(images)), QUICK)


def test_one_group_of_a_class_is_one_sentence(make_index):
    index = make_index(0, subjects=3)
    bare = [dataclasses.replace(image, fold=None) for image in index.images]
    with pytest.raises(DataError, match="two groups of each class"):
        shortcuts_cross_validated(index.root, bare, QUICK)


def test_words_say_how_much_of_an_accuracy_colour_would_explain(make_index):
    found = shortcuts_of_index(make_index(60, test=True), QUICK)
    assert "colour alone (mean and deviation of R, G, B in a random forest) is right on 1.000" in short_text(found)
    assert "reaches as much as the model (0.950)" in explained_text(found, 0.95)
    assert "no better than naming the most frequent class" in explained_text(found, 0.5)
    half = dataclasses.replace(found.colour, accuracy=dataclasses.replace(found.majority, value=0.7))
    weaker = dataclasses.replace(found, reached=(half,))
    assert "of the 40.0 points" in explained_text(weaker, 0.9)
    assert "colour alone (0.700) would explain 50 %" in explained_text(weaker, 0.9)
    lines = render(found).splitlines()
    assert lines[0] == "shortcuts: fitted on 48 images, asked about 24 others"
    assert any(line.startswith("most frequent class (") for line in lines)
