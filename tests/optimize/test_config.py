import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import UsageError
from edgeleuk.optimize.config import Candidate, SearchConfig, Shape, Space
from edgeleuk.optimize.study import rung_epochs

shapes = st.builds(
    Shape,
    st.sampled_from([75, 96, 160]),
    st.sampled_from([0.25, 0.5]),
    st.sampled_from([None, "mixed4", "mixed10"[:6]]),
    st.sampled_from([0.5, 1.0]),
)


@given(shapes, shapes, shapes)
def test_covering_is_a_partial_order(a, b, c):
    assert a.covers(a)
    if a.covers(b) and b.covers(c):
        assert a.covers(c)
    if a.covers(b) and b.covers(a):
        assert (a.input_size, a.width, a.prune) == (b.input_size, b.width, b.prune)


def test_the_whole_network_covers_one_that_ends_early_and_a_late_exit_an_early_one():
    whole, late, early = (Shape(96, 0.5, exit_) for exit_ in (None, "mixed9", "mixed4"))
    assert whole.covers(late)
    assert late.covers(early)
    assert not early.covers(late)
    assert not late.covers(whole)


def test_a_space_holds_each_combination_once():
    space = Space(crop=(235, 300))
    found = list(space.candidates())
    assert len(found) == len(set(found)) == 4 * 4 * 2 * 2 * 2 * 2 * 1 * 2
    assert {candidate.shape for candidate in found} == set(space.shapes())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_size": (74,)}, "input_size is 74; expected at least 75 px"),
        ({"width": (0.0,)}, "width is 0.0"),
        ({"width": ()}, "width has the values"),
        ({"width": (0.5, 0.5)}, "each once"),
        ({"prune": (50.0,)}, "prune is 50.0; expected shares"),
        ({"exit": ("mixed99",)}, "exit is 'mixed99'"),
        ({"pools": ("median",)}, "pools is 'median'"),
        ({"quantization": ("int4",)}, "quantization is 'int4'"),
        ({"crop": (0,)}, "crop is 0"),
    ],
)
def test_a_space_refuses_what_cannot_be(change, message):
    with pytest.raises(UsageError, match=message):
        Space(**change)


@pytest.mark.parametrize("name", ["budget_ms", "max_drop_points", "trials", "epochs", "cohort", "workers", "threads"])
def test_a_search_refuses_numbers_that_make_no_sense(name):
    with pytest.raises(UsageError, match=name.split("_")[0]):
        SearchConfig(**{"budget_ms": 1.0} | {name: 0})


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_an_agreement_that_is_no_share_is_refused(value):
    with pytest.raises(UsageError, match="min-agreement"):
        SearchConfig(budget_ms=1.0, min_agreement=value)


@pytest.mark.parametrize(("name", "value"), [("reference_size", 0), ("reference_size", 74), ("reference_width", 0.0)])
def test_a_reference_that_cannot_be_is_refused(name, value):
    with pytest.raises(UsageError, match=name.replace("_", "-")):
        SearchConfig(budget_ms=1.0, **{name: value})


def test_a_candidate_is_trained_by_its_dimensions_and_taught_only_where_it_says_so():
    candidate = Candidate(128, 0.5, 300, "mixed7", 1.0, True, "average", "ptq")
    config = SearchConfig(budget_ms=1.0, epochs=9, seed=3)
    made = config.training(candidate, "teacher")
    assert (made.input_size, made.width, made.crop, made.exit, made.teacher) == (128, 0.5, 300, "mixed7", "teacher")
    assert (made.epochs, made.patience, made.seed) == (9, 9, 3)


@given(st.integers(1, 100))
def test_rungs_lie_before_the_last_epoch_and_rise(epochs):
    rungs = rung_epochs(epochs)
    assert list(rungs) == sorted(set(rungs))
    assert all(1 <= rung < epochs for rung in rungs)
    assert bool(rungs) == (epochs > 1)
