"""The search as a whole, on jobs that answer at once."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.jobs.on_ray import Asked
from edgeleuk.optimize.record import COMPLETE, FAILED, STOPPED, Spent, read_search
from edgeleuk.optimize.search import RECORD
from edgeleuk.optimize.study import rung_epochs
from tests.optimize.conftest import SPACE, Ruler


def outcome(record):
    """What may not depend on how the search went: all but times, the clock and where it lies."""
    trials = tuple(replace(trial, seconds=0.0) for trial in record.trials)
    return replace(record, trials=trials, spent=Spent(0.0, 0.0, 0.0), created="", reproduce=())


def test_of_models_that_are_all_as_accurate_as_the_reference_the_fastest_is_chosen(bench):
    bench.gain(0.1)
    record = bench.search()
    within = [trial for trial in record.trials if trial.state == COMPLETE and trial.latency_ms <= 1.0]
    assert all(trial.accuracy >= record.reference.accuracy for trial in within)
    assert record.trial(record.chosen).latency_ms == min(trial.latency_ms for trial in within)


def test_where_none_is_as_accurate_as_the_reference_the_most_accurate_is_chosen(bench):
    bench.gain(-0.1)
    record = bench.search()
    within = [trial for trial in record.trials if trial.state == COMPLETE and trial.latency_ms <= 1.0]
    assert all(trial.accuracy < record.reference.accuracy for trial in within)
    assert record.trial(record.chosen).accuracy == max(trial.accuracy for trial in within)


def test_what_is_chosen_lies_beside_the_record(bench):
    record = bench.search()
    chosen = record.trial(record.chosen)
    assert (bench.folder / "found" / "model.tflite").read_bytes() == f"model of {chosen.number:04}".encode()
    assert (bench.folder / "found" / "run" / "run.json").exists()


def test_leaves_record_picture_and_page(bench):
    record = bench.search()
    found = bench.folder / "found"
    assert read_search(found / RECORD) == record
    assert (found / "pareto.png").read_bytes().startswith(b"\x89PNG")
    assert "Pareto" in (found / "report.html").read_text()


def test_trains_nothing_that_is_over_the_budget(bench):
    record = bench.search(budget_ms=0.3, trials=8)
    assert {refused.measured_ms is None for refused in record.refused} == {True, False}
    for _, arguments in bench.asked("train"):
        config = arguments["config"]
        assert config["input_size"] ** 2 * config["width"] ** 2 * (0.8 if config["exit"] else 1.0) <= 300
    assert all(trial.latency_ms <= 0.3 for trial in record.trials)


def test_measures_no_shape_that_does_more_than_one_that_is_too_slow(bench):
    bench.search(budget_ms=0.3, trials=8)
    shapes = [arguments["shape"] for _, arguments in bench.asked("make_graph")]
    assert len(shapes) == len({json.dumps(shape) for shape in shapes})
    assert {"input_size": 96, "width": 0.5, "exit": None, "prune": 1.0} not in shapes


def test_a_budget_that_nothing_meets_names_the_nearest_and_leaves_nothing(bench):
    with pytest.raises(
        UsageError, match=r"nothing in the space meets 0.01 ms: the nearest is 75px-w0.125-mixed7-p1 with 0"
    ):
        bench.search(budget_ms=0.01)
    assert not (bench.folder / "found").exists()
    assert bench.search(budget_ms=1.0).chosen is not None


def test_a_budget_is_not_given_up_for_a_shape_that_is_not_the_least_as_the_least_cannot_be_pruned(bench):
    """1/8 width cannot be pruned to a fifth, and is too slow unpruned; a fifth of 1/4 width is fast enough."""
    space = replace(SPACE, input_size=(75,), width=(0.125, 0.25), prune=(1.0, 0.2), exit=(None,))
    bench.fail(make_graph=['"width": 0.125, "exit": null, "prune": 0.2', "usage"])
    said = []
    record = bench.search(space=space, budget_ms=0.08, trials=2, said=said)
    assert "75px-w0.125-whole-p1, of the smallest there are, takes 0.0879 ms" in said
    assert record.trials


def test_about_the_better_half_goes_on_at_each_rung(bench):
    record = bench.search(trials=8, cohort=8)
    reached = Counter(rung.epoch for trial in record.trials for rung in trial.rungs)
    assert rung_epochs(9) == (2, 4)
    assert reached[2] == 8
    assert reached[9] <= reached[4] < 8
    assert {trial.state for trial in record.trials} == {COMPLETE, STOPPED}


def test_a_stopped_trial_is_trained_no_further(bench):
    record = bench.search()
    for trial in record.trials:
        jobs = [a["until"] for _, a in bench.asked("train") if f"{trial.number:04}/" in a["out"]]
        assert jobs == [rung.epoch for rung in trial.rungs]


def test_no_candidate_is_trained_twice(bench):
    few = replace(SPACE, input_size=(75,), width=(0.125,))
    record = bench.search(space=few, trials=8, cohort=4)
    settings = [json.dumps(trial.settings, sort_keys=True) for trial in record.trials]
    assert len(settings) == len(set(settings)) == small_size(few)


def test_a_space_that_is_through_ends_the_search(bench):
    said = []
    small = replace(SPACE, input_size=(75,), width=(0.125,), distill=(False,))
    record = bench.search(space=small, trials=6, said=said)
    assert len(record.trials) == small_size(small)
    assert any("no more candidates" in text for text in said)


def small_size(space):
    product = 1
    for values in space.values().values():
        product *= len(values)
    return product


def test_the_seed_says_what_is_tried_and_the_number_of_workers_does_not(bench):
    first = bench.search("first", seed=1, workers=1)
    assert outcome(bench.search("again", seed=1, workers=3)) == outcome(first)
    assert [t.settings for t in bench.search("other", seed=2).trials] != [t.settings for t in first.trials]


def test_a_trial_that_diverges_fails_alone(bench):
    bench.fail(train=['"width": 0.25', "diverge"])
    record = bench.search()
    failed = [trial for trial in record.trials if trial.state == FAILED]
    assert failed
    assert {trial.reason for trial in failed} == {"the loss of epoch 1 is not finite"}
    assert all(trial.settings["width"] == 0.25 for trial in failed)
    assert record.chosen is not None


def test_a_trial_that_is_killed_fails_alone_and_says_that_memory_may_be_the_reason(bench):
    bench.fail(finish=["trials/0", "kill"])
    with pytest.raises(EdgeleukError, match=r"every trial failed: .*SIGKILL.*memory"):
        bench.search(trials=3, cohort=1, epochs=1)
    bench.fail(train=['"width": 0.25', "kill"])
    record = bench.search("other", trials=9)
    reasons = {trial.reason for trial in record.trials if trial.state == FAILED}
    assert len(reasons) == 1
    assert "SIGKILL" in reasons.pop()


def test_a_reference_that_cannot_be_trained_ends_the_search(bench):
    bench.fail(train=["reference", "diverge"])
    with pytest.raises(EdgeleukError, match="the reference cannot be trained: the loss of epoch 1 is not finite"):
        bench.search(run=None)


def test_a_run_that_was_never_validated_is_no_reference(bench):
    with pytest.raises(UsageError, match="holds no validation result"):
        bench.search(run=replace(bench.run, best=None))
    without = replace(bench.index, images=tuple(image for image in bench.index.images if image.fold != 0))
    with pytest.raises(UsageError, match="holds no validation result"):
        bench.search(run=replace(bench.run, index=without))


def test_a_qat_run_is_no_reference(bench):
    with pytest.raises(UsageError, match="is a qat run"):
        bench.search(run=replace(bench.run, kind="qat"))


def test_without_a_test_part_the_gate_says_that_its_images_chose_the_model(bench):
    images = tuple(image for image in bench.index.images if image.split != "test")
    said = []
    record = bench.search(index=replace(bench.index, images=images), said=said)
    assert "no test part" in said[0]
    assert record.gate_split == "validation"
    assert any("there is no test part" in note for note in record.notes)


def test_the_most_accurate_float_network_is_the_reference_whoever_trained_it(bench):
    record = bench.search(run=replace(bench.run, best=bench.run.best | {"val_accuracy": 0.1}))
    best = max(trial.float_accuracy for trial in record.trials if trial.float_accuracy is not None)
    assert record.reference.origin.startswith("trial ")
    assert record.reference.accuracy == best
    assert bench.asked("judge")[0][1]["reference"].endswith(record.reference.run)


def test_a_second_search_in_the_folder_is_refused(bench):
    bench.search()
    with pytest.raises(OutputError, match="holds a search; continue it with --resume"):
        bench.search()


def test_mistyped_settings_take_nothing_from_a_search_that_was_begun(bench):
    bench.fail(train=["", "diverge"])
    with pytest.raises(EdgeleukError):
        bench.search(run=None)
    before = sorted(path.name for path in (bench.folder / "found").iterdir())
    with pytest.raises(UsageError, match="started with another"):
        bench.search(run=None, resume=True, budget_ms=2.0)
    assert sorted(path.name for path in (bench.folder / "found").iterdir()) == before


def test_a_folder_that_a_killed_write_left_is_cleared(bench):
    bench.search()
    (bench.folder / "found" / RECORD).unlink()
    (bench.folder / "found" / ".evaluation.abc.partial").mkdir()
    assert bench.search(resume=True).chosen is not None
    assert not (bench.folder / "found" / ".evaluation.abc.partial").exists()


def test_a_store_may_lie_below_any_name(bench):
    name = "what? 50%41"
    bench.search(name)
    assert (bench.folder / name / "search.db").exists()


def test_a_file_in_the_way_is_refused(bench):
    (bench.folder / "found").write_text("thesis")
    for resume in (False, True):
        with pytest.raises(OutputError, match="already exists"):
            bench.search(resume=resume)


def test_weights_that_do_not_fit_are_refused_before_anything_is_measured(bench):
    for weights, said in (("imagenet", "ImageNet weights fit width 1"), ("gone.h5", "no such weights file")):
        with pytest.raises(UsageError, match=said):
            bench.search(weights=weights)
    assert bench.asked() == []


def test_a_complete_search_that_is_resumed_does_nothing(bench):
    first = bench.search()
    jobs = len(bench.asked())
    assert bench.search(resume=True) == first
    assert len(bench.asked()) == jobs


def test_resuming_with_other_settings_is_refused(bench):
    bench.search()
    with pytest.raises(UsageError, match=r"started with another settings\.json"):
        bench.search(resume=True, epochs=10)


def test_a_folder_of_something_else_is_left_alone(bench):
    (bench.folder / "found").mkdir()
    (bench.folder / "found" / "thesis.txt").write_text("years")
    for resume in (False, True):
        with pytest.raises(OutputError):
            bench.search(resume=resume)
    assert [path.name for path in (bench.folder / "found").iterdir()] == ["thesis.txt"]


def test_the_commands_make_the_chosen_model_again(bench):
    record = bench.search()
    commands, settings = record.reproduce, record.trial(record.chosen).settings
    assert commands[0] == "edgeleuk optimize"
    assert commands[1].startswith("edgeleuk train ")
    assert f"--input-size {settings['input_size']}" in commands[1]
    assert f"--width {settings['width']:g}" in commands[1]
    assert ("edgeleuk qat" in " ".join(commands)) == (settings["quantization"] == "qat")
    assert commands[-1].startswith("edgeleuk convert ")


def test_the_agreement_that_is_asked_for_is_that_of_each_conversion_and_of_the_command_that_repeats_it(bench):
    record = bench.search(min_agreement=0.5, trials=1)
    assert [arguments["min_agreement"] for _, arguments in bench.asked("finish")] == [0.5]
    assert record.reproduce[-1].endswith(" --int8 --min-agreement 50% --max-float 0 -o model.tflite")
    with pytest.raises(UsageError, match="min_agreement"):
        bench.search(min_agreement=0.25, trials=1, resume=True)


def test_a_search_without_an_agreement_has_the_default_and_the_settings_of_versions_that_had_no_other(bench):
    record = bench.search(trials=1)
    assert [arguments["min_agreement"] for _, arguments in bench.asked("finish")] == [None]
    assert record.reproduce[-1].endswith(" --int8 -o model.tflite")
    assert "min_agreement" not in json.loads((bench.folder / "found" / "settings.json").read_text())


def test_an_agreement_that_so_few_images_cannot_show_is_refused_before_anything_is_trained(bench):
    held_out = len(bench.index.validation(0)) + len(bench.index.test())
    with pytest.raises(UsageError, match=f"min-agreement 98 % cannot be judged on {held_out} images.* fewer than 50"):
        bench.search(min_agreement=0.98)
    assert bench.asked() == []
    assert not (bench.folder / "found").exists()


@pytest.mark.parametrize("lasts", [1, 3, 5])
def test_a_device_that_drops_in_the_middle_takes_nothing_that_was_measured_with_it(bench, lasts):
    undisturbed = bench.search("undisturbed")
    first, second = Ruler(lasts=lasts), Ruler()
    with pytest.raises(EdgeleukError, match="the ruler is gone"):
        bench.search(device=first)
    assert outcome(bench.search(resume=True, device=second)) == outcome(undisturbed)
    assert len(first.measured) == lasts
    assert not set(first.measured) & set(second.measured)


def test_when_the_device_drops_says_nothing_about_which_candidates_are_found(bench):
    """So tight a budget that the sampler has to be helped, where a batch of many is open at the drop."""
    tight = {"budget_ms": 0.15, "trials": 6, "cohort": 6, "epochs": 1, "seed": 3}
    device = Ruler()
    undisturbed = bench.search("undisturbed", device=device, **tight)
    shapes = [name for name in device.measured if not name.isdigit()]  # models that came out have numbers for names
    assert len(shapes) > 4
    for lasts in range(1, len(shapes)):
        with pytest.raises(EdgeleukError, match="the ruler is gone"):
            bench.search(str(lasts), device=Ruler(lasts=lasts), **tight)
        assert outcome(bench.search(str(lasts), resume=True, **tight)) == outcome(undisturbed)


def test_a_place_that_is_full_ends_the_search_and_condemns_no_trial(bench):
    undisturbed = bench.search("undisturbed")
    for action, word in (("train", "trials/"), ("finish", "")):
        bench.fail(**{action: [word, "output"]})
        with pytest.raises(OutputError, match="no space left"):
            bench.search("full", resume=True)
    bench.fail()
    assert outcome(bench.search("full", resume=True)) == outcome(undisturbed)


def test_a_device_that_is_not_steady_is_told(bench):
    notes = bench.search(device=Ruler(faults=("75px: the clock changed",))).notes
    told = [text for text in notes if "not steady" in text]
    assert len(told) == 2
    assert "75px: the clock changed; " in told[0]
    assert re.search(r"while choosing shapes: .*; and \d+ more$", told[0])


def test_overhead_is_what_is_neither_training_nor_measuring(bench):
    spent = bench.search().spent
    assert spent.training_s > 0
    assert spent.overhead_s > 0
    assert spent.total_s == pytest.approx(spent.training_s + spent.measuring_s + spent.overhead_s)


SCRIPT = """
import pickle, sys
from edgeleuk.optimize.search import search
request, out = pickle.load(open(sys.argv[1], "rb"))
search(request, out, resume=True, say=lambda text: None)
"""


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_it_resumes_to_the_same_end_and_repeats_nothing_finished(bench, seed):
    import pickle

    undisturbed = bench.search("undisturbed", trials=4, cohort=2)
    whole = len(bench.asked("finish"))
    (bench.folder / "asked.txt").unlink()
    out = bench.folder / "killed"
    (bench.folder / "request.pickle").write_bytes(pickle.dumps((bench.request(trials=4, cohort=2), out)))
    dice, kills = random.Random(seed), 0
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"EDGELEUK_TEST_JOB_S": "0.02", "PYTHONPATH": str(root)}
    while not (out / RECORD).exists():
        command = [sys.executable, "-c", SCRIPT, str(bench.folder / "request.pickle")]
        process = subprocess.Popen(command, env=environment, cwd=root, stderr=subprocess.PIPE)
        try:
            process.wait(dice.uniform(1.0, 3.0) * 1.2**kills)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
        time.sleep(0.1)  # jobs see that their tether is gone
    resumed = read_search(out / RECORD)
    assert kills > 0
    assert outcome(resumed) == outcome(undisturbed)
    # A job that was under way when the kill came is asked for again; one that had ended never is.
    assert len(bench.asked("finish")) <= whole + 2 * kills
    assert len(list((out / "trials").iterdir())) == len(list((bench.folder / "undisturbed" / "trials").iterdir()))


def test_a_search_that_was_moved_with_its_images_goes_on_to_the_same_end(bench, tmp_path):
    undisturbed = bench.search("undisturbed")
    with pytest.raises(EdgeleukError, match="the ruler is gone"):
        bench.search("before", device=Ruler(lasts=5))
    (tmp_path / "before").rename(tmp_path / "after")
    images = shutil.copytree(bench.index.root, tmp_path / "images")
    bench.index = replace(bench.index, root=images)
    assert outcome(bench.search("after", resume=True)) == outcome(undisturbed)
    for place in ("index.json", "run/index.json"):
        assert Index.load(tmp_path / "after" / place).root == images
    bench.index = replace(bench.index, images=bench.index.images[1:])
    with pytest.raises(UsageError, match=r"another index\.json"):
        bench.search("after", resume=True)


@pytest.mark.slow
def test_a_search_that_was_begun_here_goes_on_on_a_cluster_to_the_same_end(bench):
    """Nothing is done twice but what failed."""
    undisturbed = bench.search("undisturbed", trials=4)
    bench.fail(train=['"until": 4', "output"])
    with pytest.raises(OutputError, match="no trial is lost"):
        bench.search("moved", trials=4)
    (bench.folder / "fail.json").unlink()
    said = []
    there = bench.search("moved", resume=True, trials=4, ray=Asked("local"), said=said)
    assert outcome(there) == outcome(undisturbed)
    assert "2 jobs at a time at most on 1 machine" in said[0]
    done = [
        (name, json.dumps(arguments, sort_keys=True)) for name, arguments in bench.asked() if "moved" in str(arguments)
    ]
    repeated = {what for what, count in Counter(done).items() if count > 1}
    assert all(name == "train" and '"until": 4' in arguments for name, arguments in repeated)
