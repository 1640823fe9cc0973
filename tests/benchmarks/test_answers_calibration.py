"""The simulations of calibration run, and in small come out as they do over 1,000 splits."""

from benchmarks.answers.calibration import coverage_of_sets, rows


def test_sets_cover_new_subjects_as_often_as_is_said():
    mean, said = coverage_of_sets(subjects=40, each=5, effect=1.5, miss=0.1, splits=100)
    assert abs(mean - said) < 0.02


def test_without_models_the_rest_is_told_and_what_is_missing_is_said():
    found = rows(splits=3)
    assert found[-1].value == "not run: no model was given"
    assert found[-1].met is None
    assert len(found) > 20
