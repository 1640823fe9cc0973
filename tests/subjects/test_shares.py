"""What is said of a subject, and what is not."""

from itertools import chain

import pytest

from edgeleuk.subjects.cells import SubjectCells
from edgeleuk.subjects.errors_known import KnownErrors, errors_of
from edgeleuk.subjects.text import SubjectRow, head, notes

CLASSES = ("all", "hem")


def held_out(subjects=12, right=18, cells=20):
    """Confusion matrices of as many subjects of each class."""
    ill = [[[right, cells - right], [0, 0]]] * subjects
    healthy = [[[0, 0], [cells - right, right]]] * subjects
    return ill + healthy


KNOWN = errors_of(CLASSES, "all", held_out(), "an evaluation")
UNKNOWN = KnownErrors("all", None, "nobody measured them")


def row(errors=KNOWN, subject="P1", width=None, **cells):
    return SubjectRow.of(SubjectCells(subject, **cells), CLASSES, errors, width)


def test_the_share_of_the_positive_class_carries_the_models_errors():
    found, plain = (row(errors, answered={"all": 12, "hem": 88}).shares[0] for errors in (KNOWN, UNKNOWN))
    assert found.with_errors
    assert not plain.with_errors
    assert found.share.low == 0  # a model with a specificity of 0.9 finds as many in a healthy subject
    assert plain.share.low > 0.05


def test_a_subject_that_is_not_known_has_no_share():
    found = row(subject=None, answered={"all": 12})
    assert found.shares == ()
    assert "subject is unknown" in found.to_dict()["no_share_because"]
    assert found.columns({})[0] == "-"


def test_cells_that_are_all_refused_leave_no_share_and_say_so():
    found = row(abstained=3, refused=7, failed=1)
    assert found.shares == ()
    assert list(found.sentences) == ["no cell counts: 3 uncertain, 7 refused, 1 failed"]


def test_a_table_without_a_width_has_nothing_in_its_last_column():
    several = KnownErrors(None, None, "no class is the positive one")
    assert row(several, answered={"all": 1, "hem": 1}).columns({})[-1] == ""


def test_too_few_cells_are_said_to_be_too_few_with_how_many_more():
    said = list(row(answered={"all": 1, "hem": 1}).sentences)
    assert any("too few cells" in sentence and "more narrow the interval" in sentence for sentence in said)
    assert not list(row(answered={"all": 100, "hem": 100}).sentences)


def test_no_number_of_cells_is_promised_if_the_models_errors_are_hardly_known():
    hardly = errors_of(CLASSES, "all", held_out(4, 14), "a small evaluation")
    assert hardly.rates is not None
    said = list(row(hardly, answered={"all": 50, "hem": 50}).sentences)
    assert any("too little is known of the model's errors" in sentence for sentence in said)
    assert row(hardly, width=0.1, answered={"all": 50, "hem": 50}).shares[0].enough == "no number"


def test_how_many_more_cells_stands_in_a_column_of_its_own():
    found = row(UNKNOWN, width=0.2, answered={"all": 3, "hem": 7})
    assert head(UNKNOWN, {"all": "ALL"}, 0.2)[-2:] == ("share of ALL", "more cells for 0.2")
    assert int(found.columns({"all": "ALL"})[-1]) > 10


def test_without_a_positive_class_each_class_has_its_share():
    errors = errors_of(("a", "b", "c"), None, held_out(), "an evaluation")
    found = SubjectRow.of(SubjectCells("P1", {"a": 3, "b": 5}), ("a", "b", "c"), errors)
    assert [one.share.value for one in found.shares] == [3 / 8, 5 / 8, 0]
    assert not any(one.with_errors for one in found.shares)
    few = SubjectRow.of(SubjectCells("P1", {"a": 1}), ("a", "b", "c"), errors)
    assert len(list(few.sentences)) == 1  # though all three classes have it


def test_of_several_classes_the_positive_one_is_told_from_all_others():
    benign, early, pre = [8, 1, 1], [2, 14, 4], [0, 5, 15]
    none = [0, 0, 0]
    tables = [[benign, none, none]] * 5 + [[none, early, none]] * 5 + [[none, none, pre]] * 5
    found = errors_of(("benign", "early", "pre"), "benign", tables, "an evaluation")
    assert found.rates is not None
    assert (found.rates.sensitivity.value, found.rates.specificity.value) == pytest.approx((0.8, 38 / 40))


def test_what_a_person_labelled_counts_as_known_and_is_counted_apart():
    found = row(answered={"hem": 10}, by_person={"all": 10})
    assert found.summary()["labels"] == {"all": 10, "hem": 10}
    assert found.summary()["corrected"] == 10
    assert 0.3 < found.shares[0].share.value < 0.6


@pytest.mark.parametrize("subjects", [0, 2])
def test_too_few_held_out_subjects_give_no_error_rates(subjects):
    found = errors_of(CLASSES, "all", held_out(subjects), "an evaluation")
    assert found.rates is None
    assert f"too few held-out subjects: {subjects} with all" in found.says


def test_a_model_that_guesses_has_no_error_rates_to_correct_by():
    found = errors_of(CLASSES, "all", held_out(10, 10), "an evaluation")
    assert found.rates is None
    assert "hardly tells all from the rest" in found.says


def test_a_sentence_stands_once_with_the_subjects_that_it_is_about():
    rows = [row(UNKNOWN, subject=name, answered={"all": 1}) for name in ("P1", "P2")]
    lines = list(notes(rows, UNKNOWN))
    assert lines[0].startswith("P1, P2: too few cells")
    assert lines[-1] == "95 % intervals; the model's errors are not in the intervals: nobody measured them"
    assert len(lines) == 2
    assert not list(chain(notes([row(refused=1)], KNOWN)))[1:]
