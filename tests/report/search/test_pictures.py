"""The Pareto picture is drawn for every search, and says what it shows."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import OutputError
from edgeleuk.optimize.record import COMPLETE, STOPPED, Rung, Trial
from edgeleuk.plots.figures import new_figure
from edgeleuk.report.search.pictures import draw_front, front_picture, front_points, pareto_figure, rungs_picture
from tests.searches import EVIL, SPACE, make_failed, make_gate, make_search


def trial(number, latency_ms, accuracy, state=COMPLETE, **settings):
    rungs = (Rung(2, accuracy, accuracy),)
    kept = accuracy if state == COMPLETE else None
    return Trial(number, settings, state, latency_ms, 2, rungs, kept, kept)


RECORDS = {
    "usual": make_search(),
    "a hundred": make_search(100),
    "one": make_search(1),
    "none": make_search(0, budget_ms=0.2),
    "no reference": make_search(reference=None, gate=None),
    "none complete": make_search(
        trials=(make_failed(0), trial(1, 2.0, 0.7, STOPPED)), front=(), chosen=None, gate=None
    ),
    "no latency": make_search(trials=(make_failed(0, latency_ms=None),), front=(), chosen=None, gate=None),
    "on the front without numbers": make_search(trials=(Trial(0, {}, COMPLETE),), front=(0,), chosen=0),
    "all alike": make_search(trials=tuple(trial(n, 2.0, 0.9) for n in range(3)), front=(0,), chosen=0, reference=None),
    "a long front": make_search(
        trials=tuple(trial(n, 1 + n / 10, 0.9 + n / 1000, width=n) for n in range(40)),
        front=tuple(range(40)),
        chosen=39,
    ),
    "few subjects": make_search(gate=make_gate(subjects=3), device="d" * 100),
    "markup": make_search(device=f"$x^2$ {EVIL}"),
}


@pytest.fixture(params=RECORDS)
def record(request):
    return RECORDS[request.param]


def axes_of(record):
    axes = new_figure(8, 5).subplots()
    draw_front(axes, record, "#222222")
    return axes


def labels_of(axes):
    return axes.get_legend_handles_labels()[1]


def marks(axes, label):
    (line,) = [line for line in axes.get_lines() if line.get_label() == label]
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


def test_every_search_is_drawn_as_png(record, tmp_path):
    pareto_figure(record, tmp_path / "pareto.png")
    with Image.open(tmp_path / "pareto.png") as image:
        assert image.format == "PNG"
        assert image.width >= 1500
        corner = np.asarray(image.convert("RGB"))[:5, :5]
    assert (corner == 255).all()
    assert [path.name for path in tmp_path.iterdir()] == ["pareto.png"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        pareto_figure(RECORDS["one"], tmp_path / "file" / "pareto.png")


def test_every_search_is_drawn_for_the_page(record):
    picture = front_picture(record, "search-0-front")
    assert picture.startswith("<svg viewBox=")
    assert "currentColor" in picture
    if any(trial.rungs for trial in record.trials):
        assert "epoch of the rung" in rungs_picture(record, "search-0-rungs")


def test_trials_stand_where_they_were_measured():
    record = RECORDS["a hundred"]
    axes = axes_of(record)
    front = [(t.latency_ms, t.accuracy) for t in map(record.trial, record.front)]
    assert sorted(marks(axes, "front: int8")) == front[:-1]
    assert marks(axes, "chosen: int8") == front[-1:]
    beaten = [t for t in record.trials if t.state == COMPLETE and t.number not in record.front]
    assert marks(axes, "complete: int8") == [(t.latency_ms, t.accuracy) for t in beaten]
    stopped = [t for t in record.trials if t.state == STOPPED]
    low = marks(axes, "stopped or failed, lower than shown")
    assert len(low) + len(marks(axes, "stopped early: float, last rung")) == len(stopped)
    (line,) = [line for line in axes.get_lines() if line.get_drawstyle() == "steps-post"]
    assert list(zip(line.get_xdata(), line.get_ydata(), strict=True)) == front


def test_stopped_trials_that_are_near_stand_at_the_accuracy_of_their_last_rung():
    near, far = trial(1, 2.0, 0.9, STOPPED), trial(2, 3.0, 0.4, STOPPED)
    record = make_search(trials=(trial(0, 2.5, 0.93), near, far), front=(0,), chosen=0)
    axes = axes_of(record)
    assert marks(axes, "stopped early: float, last rung") == [(2.0, 0.9)]
    ((across, up),) = marks(axes, "stopped or failed, lower than shown")
    assert across == 3.0
    assert 0.4 < up < 0.9
    assert axes.get_ylim()[0] < up


def test_stopped_and_failed_trials_below_share_one_mark():
    failed = replace(make_failed(1), rungs=(Rung(2, 0.3, 0.3),))
    record = make_search(trials=(trial(0, 2.5, 0.93), failed, trial(2, 3.0, 0.4, STOPPED)), front=(0,), chosen=0)
    axes = axes_of(record)
    assert sorted(across for across, _ in marks(axes, "stopped or failed, lower than shown")) == [2.5, 3.0]
    assert len(set(labels_of(axes))) == len(labels_of(axes))


def test_a_failed_trial_stands_where_it_had_got():
    failed = replace(make_failed(1), rungs=(Rung(2, 0.92, 0.92),))
    axes = axes_of(make_search(trials=(trial(0, 2.0, 0.93), failed), front=(0,), chosen=0))
    assert marks(axes, "failed: float, last rung") == [(2.5, 0.92)]


def test_the_lowest_completed_trial_is_in_the_picture():
    trials = (trial(0, 2.0, 0.9), trial(1, 3.0, 0.95), trial(2, 2.5, 0.5, STOPPED), trial(3, 3.5, 0.85))
    axes = axes_of(make_search(trials=trials, front=(0, 1), chosen=1, reference=None))
    assert marks(axes, "complete: int8") == [(3.5, 0.85)]


def test_budget_reference_and_margin_are_lines_and_a_band():
    record = RECORDS["usual"]
    axes = axes_of(record)
    assert {"budget 5 ms", "reference, float: 0.9475", "within 1 point of the reference"} <= set(labels_of(axes))
    (band,) = axes.patches
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((0.9375, 0.9475))
    low, high = axes.get_ylim()
    assert low < 0.9375
    assert high > 0.9475
    assert "reference" not in " ".join(labels_of(axes_of(RECORDS["no reference"])))


@pytest.mark.parametrize("spread", [1.05, 1.5, 4.0, 9.0, 200.0])
def test_latency_is_logarithmic_with_numbers_to_read(spread):
    trials = tuple(trial(n, ms, 0.9 + n / 100) for n, ms in enumerate((5.0 / spread, 5.0)))
    axes = axes_of(make_search(trials=trials, front=(0, 1), chosen=1))
    low, high = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert axes.get_xscale() == "log"
    assert 2 <= len(shown) <= 9
    assert low < 5.0 / spread
    assert high > 5.0


def test_names_of_the_front_tell_what_differs_on_it():
    trials = tuple(trial(n, 1.0 + n, 0.9 + n / 100, width=0.25 * (n + 1), input_size=96) for n in range(3))
    points = front_points(make_search(trials=trials, front=(0, 1, 2), chosen=2), 40)
    assert [point.name for point in points] == ["0: width 0.25", "1: width 0.5", "2: width 0.75"]
    (only,) = front_points(make_search(trials=trials, front=(1,), chosen=1), 40)
    assert only.name == "1: 96 px, width 0.5"


def test_a_name_without_room_lacks_its_last_words():
    settings = {name: values[-1] for name, values in SPACE.items()}
    record = make_search(trials=(trial(0, 1.0, 0.9, **settings),), front=(0,), chosen=0)
    assert front_points(record, 36)[0].name == "0: 192 px, width 0.75, crop 240 px"


def test_every_trial_of_a_long_front_keeps_its_name():
    points = front_points(RECORDS["a long front"], 40)
    assert [point.name for point in points] == [f"{n}: width {n}" for n in range(40)]


def test_a_picture_tells_what_it_is_to_those_who_cannot_see_it():
    record = RECORDS["usual"]
    chosen = record.trial(record.chosen)
    picture = front_picture(record, "x")
    assert f"{chosen.accuracy:.4f} at {chosen.latency_ms:.2f} ms" in picture
    assert 'aria-label="Accuracy against latency of 24 trials, front: trial ' in picture
    assert "of 24 trials at the epochs 2, 6, 18" in rungs_picture(record, "x")


def test_halving_is_a_line_a_trial():
    record = RECORDS["usual"]
    few = rungs_picture(replace(record, trials=record.trials[:6], front=(), chosen=None), "x")
    assert rungs_picture(record, "x").count("<path") > few.count("<path")
    assert all(word in rungs_picture(record, "x") for word in ("stopped early", "front", "chosen"))
