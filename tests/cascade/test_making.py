"""From two models and an index to a cascade that does what its rule says."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgeleuk.bench.measured import Protocol
from edgeleuk.cascade.latency import CascadeTimes, ModelTimes, Times, measure_times
from edgeleuk.cascade.making import Request as Making
from edgeleuk.cascade.making import make_cascade
from edgeleuk.data.index import Index
from edgeleuk.errors import DataError, LeakError, ModelError, UsageError
from edgeleuk.evaluation.evaluate import Request, evaluate
from edgeleuk.reliability import Abstention, Calibration
from edgeleuk.report.text.cascade import record_of, render_cascade
from edgeleuk.runtime.bundle import parse_bundle, read_bundle, write_bundle
from edgeleuk.runtime.cascade import Cascade
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.spec import Decision, Preprocessing, Provenance

FIRST, LARGE = ModelTimes(1.0, 5.0, 0.5, 1.5), ModelTimes(10.0, 5.0, 2.0, 11.0)


def measure(first, large, images, threads):
    assert threads == 2
    assert first != large
    assert len(images) == 8
    return FIRST, LARGE


@pytest.fixture(scope="module")
def index(cells_index):
    return Index.load(cells_index)


@pytest.fixture
def write(int8_flatbuffer, float_flatbuffer, small_spec, tmp_path):
    """Write one of the two networks as if trained without fold 0."""

    def make(name, seen=frozenset(), fold=0, **changes):
        spec = dataclasses.replace(small_spec, provenance=Provenance(fold=fold), **changes)
        flatbuffer = int8_flatbuffer if name.startswith("small") else float_flatbuffer
        write_bundle(tmp_path / name, flatbuffer, spec, {"made": name}, seen)
        return tmp_path / name

    return make


@pytest.fixture
def models(write):
    """Networks of random weights that see different parts of a cell, and so err on different ones."""
    return (
        write("small.tflite", frozenset({"0" * 16}), preprocessing=Preprocessing(32, 250)),
        write("large.tflite", frozenset({"1" * 16}), preprocessing=Preprocessing(32, 120)),
    )


def made_of(models, index, max_drop=0.5):
    return make_cascade(Making(*models, max_drop, threads=2), index, lambda _: None, measure)


def opened(made, path=Path("made.tflite")):
    return Cascade(parse_bundle(made.content, path), path)


@pytest.mark.parametrize("max_drop", [0.1, 0.5])
def test_the_file_does_on_validation_what_its_rule_says(models, index, max_drop):
    made = made_of(models, index, max_drop)
    rule, path = made.rule, models[0].with_name("made.tflite")
    path.write_bytes(made.content)
    evaluation = evaluate(Classifier.load(path), index, path, Request("validation"))
    assert evaluation.answered_first == rule.answered_first > 0
    assert evaluation.scores.accuracy.value == rule.right_cascade / rule.images
    for model, right in zip(models, (rule.right_first, rule.right_large), strict=True):
        alone = evaluate(Classifier.load(model), index, model, Request("validation"))
        assert alone.scores.accuracy.value == right / rule.images
        assert alone.answered_first is None
    assert (rule.right_large - rule.right_cascade) / rule.images <= max_drop
    assert rule.fold == 0
    assert rule.index_sha256 == index.sha256


def test_the_file_is_the_large_models_with_both_seen_and_the_same_bytes_each_time(models, index):
    made = made_of(models, index)
    bundle, large = parse_bundle(made.content, Path("x")), parse_bundle(models[1].read_bytes(), Path("y"))
    assert (bundle.flatbuffer, bundle.spec, bundle.proof) == (large.flatbuffer, large.spec, large.proof)
    assert bundle.seen == {"0" * 16, "1" * 16}
    assert bundle.cascade.first == models[0].read_bytes()
    assert made_of(models, index).content == made.content
    assert not any("does not say which images" in note for note in made.notes)


def test_times_are_expected_and_worst_with_one_decoding():
    times = CascadeTimes(2, FIRST, LARGE, shares_input=False)
    assert times.inference(0.75) == Times(10.0, 1.0 + 0.25 * 10.0, 11.0)
    assert times.whole_way(0.75) == Times(18.0, 7.0 + 0.25 * 13.0, 20.0)
    assert CascadeTimes(1, FIRST, LARGE, shares_input=True).whole_way(0.0) == Times(18.0, 18.0, 18.0)


def test_both_models_are_measured_in_turn(models, index):
    contents, images = [model.read_bytes() for model in models], [index.path_of(index.images[0])]
    first, large = measure_times(*contents, images, protocol=Protocol(processes=1, runs=3, seconds=0.1))
    for found in (first, large):
        assert min(found.invoke_ms, found.decode_ms, found.prepare_ms, found.infer_ms) > 0


def test_text_and_record_say_what_was_chosen_and_that_it_is_optimistic(models, index):
    made = made_of(models, index)
    text, record = render_cascade(made, Path("out.tflite")), record_of(made, Path("out.tflite"))
    share = f"{made.rule.share_first:.1%}"
    assert f"of {made.rule.images} images of fold 0 answered by the first ({share})" in text
    assert "verdict   could not show it" in text or "verdict   not inferior" in text or "verdict   inferior" in text
    assert "note: these are the images that the threshold was chosen on" in text
    assert "--split test --against LARGE" in text
    expected = made.times.inference(made.rule.share_first).expected_ms
    assert f"{expected:.4g} ({expected / 10:4.0%})" in text
    assert "11 (110%)" in text
    assert record["share_first"] == made.rule.share_first
    assert record["times"]["inference"]["worst_ms"] == 11.0
    assert record["against"]["result"]["images"] == made.rule.images


def test_a_first_model_that_is_wrong_where_it_is_surest_gains_nothing(models, index, write):
    images, large = index.validation(0), Classifier.load(models[1])
    truth = {image: large.predict(index.path_of(image)).label for image in images}
    named = [dataclasses.replace(image, label=truth.get(image, image.label)) for image in index.images]

    def errs(model):
        found = {image: Classifier.load(model).predict(index.path_of(image)) for image in images}
        most = max(each.probability for each in found.values())
        return not any(each.label == truth[image] for image, each in found.items() if each.probability == most)

    smalls = (write("small.tflite", preprocessing=Preprocessing(32, crop)) for crop in range(40, 400, 20))
    small = next(model for model in smalls if errs(model))
    with pytest.raises(ModelError, match=r"nothing is gained: wherever .*small\.tflite is surest, it loses more than"):
        made_of((small, models[1]), dataclasses.replace(index, images=tuple(named)), 0.001)


def test_the_large_models_decision_holds_for_both_and_that_is_said(write, index):
    small = write("small.tflite", preprocessing=Preprocessing(32, 250))
    large = write("large.tflite", decision=Decision(threshold=0.0))
    made = made_of((small, large), index)
    assert any("the large one's holds for both" in note for note in made.notes)
    positive = sum(image.label == "all" for image in index.validation(0))
    assert made.rule.right_first == made.rule.right_large == made.rule.right_cascade == positive


def test_notes_say_where_the_first_model_alone_would_do(write, index):
    small = write("small.tflite", preprocessing=Preprocessing(32, 250))
    made = made_of((small, write("large.tflite", decision=Decision(threshold=0.0))), index, 0.001)
    assert made.rule.answered_first == made.rule.images
    assert any("alone it would do the same" in note for note in made.notes)
    assert any("not one may be lost" in note for note in made.notes)
    assert sum("does not say which images it was trained on" in note for note in made.notes) == 2


def test_the_same_model_twice_is_refused(models, index):
    with pytest.raises(UsageError, match="are the same model"):
        made_of((models[0], models[0]), index)


def test_other_classes_or_another_order_are_refused(models, write, index):
    swapped = write("large-swapped.tflite", classes=("hem", "all"))
    with pytest.raises(UsageError, match=r"knows all, hem, .* knows hem, all; expected the same classes in the same"):
        made_of((models[0], swapped), index)


def test_models_of_different_folds_are_refused(models, write, index):
    with pytest.raises(UsageError, match="neither fold is unseen by both: train both with the same --fold"):
        made_of((models[0], write("large-1.tflite", fold=1)), index)


def test_a_model_that_names_no_fold_is_refused(models, write, index):
    with pytest.raises(UsageError, match="does not say which fold was held out"):
        made_of((write("small-none.tflite", fold=None), models[1]), index)


def test_an_index_without_that_fold_is_refused(write, index):
    pair = (write("small.tflite", fold=7), write("large.tflite", fold=7))
    with pytest.raises(DataError, match="no labelled image of fold 7"):
        made_of(pair, index)


def test_images_that_either_was_trained_on_are_refused(models, write, index):
    image = index.validation(0)[0]
    leaky = write("small-leaky.tflite", frozenset({image.sha256[:16]}))
    with pytest.raises(LeakError, match="was trained or calibrated on 1 of the 24 validation images of fold 0"):
        made_of((leaky, models[1]), index)


def test_a_cascade_of_cascades_is_refused(models, write_cascade, index, tmp_path):
    with pytest.raises(UsageError, match="is itself a cascade; give the two models"):
        made_of((models[0], write_cascade(tmp_path / "cascade.tflite")), index)


def test_images_that_changed_are_refused(models, index):
    first = index.validation(0)[0]
    changed = dataclasses.replace(first, sha256="ab" * 32)
    images = tuple(changed if image == first else image for image in index.images)
    with pytest.raises(DataError, match="has changed"):
        made_of(models, dataclasses.replace(index, images=images))


def test_validation_confidences_are_those_of_the_run_time(models, index):
    made = made_of(models, index, 0.1)
    cascade = opened(made)
    paths = [index.path_of(image) for image in index.validation(0)]
    stages = [stage for _, stage in cascade.answers(paths)]
    assert stages.count(1) == made.rule.answered_first
    assert stages == [cascade.predict(path).stage for path in paths]
    assert np.float32(made.rule.threshold) == made.rule.threshold


def test_a_calibrated_large_model_keeps_its_temperature_and_leaves_its_evidence(write, models, index):
    network = read_bundle(models[1]).network_sha256
    found = Calibration(network, "ab" * 32, 100, 30, abstention=Abstention(0.9, 0.2))
    decision = Decision(temperature=1.5, threshold=0.4)
    large = write("large.tflite", preprocessing=Preprocessing(32, 120), decision=decision, calibration=found)
    made = made_of((models[0], large), index)
    assert opened(made).spec.calibration is None
    assert opened(made).spec.decision == decision
    assert any("are left out" in note for note in made.notes)
