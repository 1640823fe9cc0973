"""Drift is found soon, named rightly and dated; pictures like training's raise no alarm but with the stated chance."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.answers import drift as simulated
from edgeleuk.drift.judging import Asked, of_cascade, reference_of, tolerance
from edgeleuk.drift.units import MOST_PICTURES, gather, group
from edgeleuk.drift.words import lines, sentences

from .helpers import EVEN, GATE, SPEC, judged, pictures


def test_pictures_like_those_of_training_raise_no_alarm():
    found = judged(pictures(200))
    assert (found.state, found.alarm_at, found.pictures) == ("none", None, 200)
    assert [each.alarm for each in found.watched] == [None] * 5
    assert "no drift found in 199 subjects" in sentences(found, SPEC)[0]  # the last one may go on


def test_dark_pictures_are_found_named_and_dated():
    found = judged(pictures(60) + pictures(30, 1, start=60, brightness=0.03))
    assert found.state == "drift"
    [alarm] = [each.alarm for each in found.watched if each.alarm]
    assert (alarm.side, alarm.since_unit, alarm.subject, alarm.since) == (-1, 61, "S61", "2026-01-01T01:00:00.000Z")
    assert 61 < alarm.unit < 90
    assert alarm.mean == pytest.approx(0.03)
    assert sentences(found, SPEC)[0] == (
        "pictures are darker than in training since 2026-01-01 (subject 61 of 89, subject S61): rank 0.03 on average, "
        f"0.50 expected; noticed {alarm.at[:10]} (subject {alarm.unit})"
    )


def test_each_drifted_measure_is_named_by_itself():
    found = judged(pictures(80, brightness=0.97, focus=0.04))
    told = {each.name: each.alarm.side for each in found.watched if each.alarm}
    assert told == {"brightness": 1, "focus": -1}


def test_more_refusals_and_more_uncertain_answers_are_drift_and_fewer_are_not():
    refused = [replace(one, warnings=("out of focus",)) for one in pictures(60)]
    assert [each.name for each in judged(refused).watched if each.alarm] == ["refused"]
    unsure = [replace(one, warnings=("uncertain",)) for one in pictures(60)]
    assert [each.name for each in judged(unsure).watched if each.alarm] == ["uncertain"]
    assert judged(pictures(300)).watched[-1].mean == 0


def test_a_mix_of_classes_is_told_and_raises_no_alarm():
    hem = [replace(one, label="hem") for one in pictures(100)]
    found = judged(hem)
    assert found.state == "none"
    told = " ".join(sentences(found, SPEC))
    assert "answers: ALL 0 %, healthy 100 % (when it was calibrated: ALL 50 %, healthy 50 %)" in told
    assert "other patients, not other pictures" in told


def test_too_few_say_so():
    found = judged(pictures(found_least() - 1))
    assert found.state == "too few"
    assert f"at least {found.least_units} are needed" in sentences(found, SPEC)[0]
    assert judged([]).state == "too few"
    assert list(lines(judged([]), SPEC))


def found_least():
    return judged(pictures(1)).least_units


def test_as_many_as_are_needed_at_least_are_enough_if_they_are_extreme():
    least = found_least()
    shares = ("refused",)  # bets on a small share grow fastest
    extreme = [replace(one, warnings=("black",)) for one in pictures(least + 1)]
    assert judged(extreme).watched[3].alarm is not None
    assert judged(extreme[:-2]).state == "too few"
    assert reference_of(SPEC).shares[:1] == shares


def test_results_count_in_the_order_in_which_they_came():
    found = judged(pictures(60) + pictures(30, 1, start=60, brightness=0.03))
    shuffled = np.random.default_rng(0).permutation(90)
    rows = pictures(60) + pictures(30, 1, start=60, brightness=0.03)
    assert judged([rows[place] for place in shuffled]) == found


def test_a_subject_counts_once_and_when_it_is_complete():
    reference = reference_of(SPEC)
    many = pictures(3, each=MOST_PICTURES + 10)
    units, waiting = group(gather(many, reference.gate.measures, reference.shares))
    assert units.subjects == ["S1", "S2", "S3"]
    assert units.pictures == [MOST_PICTURES] * 3
    assert waiting == 30
    back = [*pictures(2, each=3), *pictures(1, start=6, each=3)]
    again = [*back[:6], *(replace(one, subject="S1") for one in back[6:])]
    units, waiting = group(gather(again, reference.gate.measures, reference.shares))
    assert (units.subjects, units.pictures, waiting) == (["S1"], [3], 6)


def test_pictures_without_a_subject_count_each_and_what_that_assumes_is_said():
    nobody = [replace(one, subject=None) for one in pictures(50)]
    found = judged(nobody)
    assert (found.units, found.unnamed) == (50, 50)
    assert any("assumed: pictures without a subject" in each for each in sentences(found, SPEC))
    days = judged([replace(one, created=f"2026-01-{1 + n // 5:02d}T00:00:00.000Z") for n, one in enumerate(nobody)],
                  Asked(unit="day"))  # fmt: skip
    assert (days.units, days.waiting) == (9, 5)
    assert not any("assumed" in each for each in sentences(days, SPEC))


def test_what_was_not_measured_is_left_out():
    some = [replace(one, measures={}) if n % 2 else one for n, one in enumerate(pictures(80))]
    found = judged(some)
    assert [each.units for each in found.watched] == [40, 40, 79, 79, 79]  # the confidence is the answer's own
    assert "40 pictures not measured: the input gate was off" in sentences(found, SPEC)
    none = judged([replace(one, measures={"confidence": one.measures["confidence"]}) for one in pictures(80)])
    assert (none.state, none.measured_units, none.unmeasured) == ("too few", 0, 80)


def test_a_model_without_a_gate_has_nothing_to_compare_with():
    assert reference_of(replace(SPEC, gate=None)) is None
    assert reference_of(replace(SPEC, gate=replace(GATE, measures={}))) is None


def test_a_cascade_is_compared_with_its_first_models_pictures_and_not_with_either_ones_features():
    own = replace(GATE, measures={"brightness": EVEN, "feature_distance": EVEN, "confidence": EVEN})
    for spec, first in (
        (replace(SPEC, gate=None), replace(SPEC, gate=own)),
        (replace(SPEC, gate=own), replace(SPEC, gate=None)),
    ):
        assert set(reference_of(of_cascade(spec, first)).bounds) == {"brightness", "uncertain"}
    without = replace(SPEC, gate=None)
    assert reference_of(of_cascade(without, without)) is None


def test_what_is_tolerated_grows_as_training_had_fewer_subjects():
    assert tolerance(8, 21) > tolerance(30, 21) > tolerance(1000, 21) > 0
    own = replace(SPEC, gate=replace(GATE, measures=GATE.measures | {"focus": replace(EVEN, groups=2)}))
    assert reference_of(own).bounds["focus"][0] == pytest.approx(0.5 - tolerance(2, 21))
    assert reference_of(own).bounds["brightness"][0] == pytest.approx(0.5 - tolerance(200, 21))
    few = replace(SPEC, gate=replace(GATE, groups=2))
    low, high = reference_of(few).bounds["brightness"]
    assert (low, high) == (pytest.approx(0.5 - tolerance(2, 21)), pytest.approx(0.5 + tolerance(2, 21)))


@pytest.mark.parametrize("world", simulated.SAME.values(), ids=simulated.SAME)
def test_false_alarms_are_as_rare_as_stated(world):
    """1,000 runs each are in benchmarks.answers.drift; of 15 runs at a rate of 0.05, five or more are one in 1,600."""
    short = replace(world, stream=60, pictures=min(world.pictures, 5))
    assert simulated.rate(short, runs=15) < 5 / 15


def test_false_alarms_are_rare_in_the_worst_case_too():
    assert simulated.rate_at_the_edge(runs=30, units=100) < 6 / 30  # at a rate of 0.05 six or more are one in 300


def test_several_pictures_of_a_subject_that_is_not_known_raise_false_alarms():
    """What the output warns of is so: else its assumption would be needless."""
    assert simulated.rate(simulated.UNKNOWN, runs=4) >= 0.5


def test_a_shift_is_found_within_some_dozens_of_subjects():
    assert simulated.delay(simulated.World(between=0.5, shift=-4, stream=60, pictures=5), 5) <= 25
