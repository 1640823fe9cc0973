import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import OutputError
from edgeleuk.optimize.config import Space
from edgeleuk.optimize.study import Study, goes_on

values = st.floats(0, 1, allow_nan=False)


def ask(study, count):
    return [study.ask() for _ in range(count)]


@given(st.lists(values, max_size=12), values)
def test_the_better_half_of_all_goes_on(earlier, value):
    better = sum(other > value for other in earlier)
    assert goes_on(earlier, value) == (better < max(1, (len(earlier) + 1) // 2))


@given(st.lists(values, min_size=1, max_size=12))
def test_the_best_so_far_goes_on(earlier):
    assert goes_on(earlier, max(earlier))


def test_the_same_seed_asks_for_the_same_candidates(tmp_path):
    found = {
        name: [candidate for _, candidate in ask(Study(tmp_path / f"{name}.db", Space(), seed), 6)]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    }
    assert found["a"] == found["b"] != found["c"]


def test_trials_that_were_asked_for_before_a_kill_are_asked_for_again(tmp_path):
    killed = Study(tmp_path / "x.db", Space(), 1)
    assert (killed.batch_left, killed.begin_batch(4)) == (0, 4)
    first = ask(killed, 3)
    again = Study(tmp_path / "x.db", Space(), 1)
    assert again.batch_left == 4
    asked = ask(again, 4)
    assert [(trial.number, candidate) for trial, candidate in asked[:3]] == [(t.number, c) for t, c in first]
    assert asked[3][0].number == 3
    again.admit(asked[0][0], 0)
    again.reject(asked[1][0], "over the budget")
    assert Study(tmp_path / "x.db", Space(), 1).batch_left == 2


def test_a_cohort_is_training_once_one_of_it_has_reached_a_rung(tmp_path):
    study = Study(tmp_path / "x.db", Space(), 1)
    (one, _), (other, _) = ask(study, 2)
    assert study.cohort == -1
    for trial in (one, other):
        study.admit(trial, 0)
    assert study.cohort == 0
    assert not study.is_training(0)
    one.set_user_attr("rungs", [{"epoch": 1}])
    assert study.is_training(0)
    study.fail(other, "it diverged", {})
    assert [trial.number for trial in study.unfinished()] == [0]


def test_rejected_trials_are_not_trained_and_are_counted(tmp_path):
    study = Study(tmp_path / "x.db", Space(), 1)
    asked = ask(study, 5)
    study.admit(asked[0][0], 0)
    for trial, _ in asked[1:3]:
        study.reject(trial, "over the budget")
    assert [trial.number for trial in study.trained()] == [0]
    assert study.rejected_in_a_row == 2


def test_what_is_enqueued_is_asked_next(tmp_path):
    study = Study(tmp_path / "x.db", Space(), 1)
    wanted = list(Space().candidates())[17]
    study.enqueue([wanted])
    assert study.ask()[1] == wanted


def test_a_damaged_store_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(OutputError, match="Optuna's store, cannot be used"):
        Study(tmp_path / "x.db", Space(), 1)
