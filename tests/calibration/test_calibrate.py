"""Calibration of a model file: what it finds, what it writes, and when it refuses."""

import dataclasses

import numpy as np
import pytest

from edgeleuk.calibration.calibrate import Request, calibrate
from edgeleuk.calibration.operating_point import Goal, kept_threshold
from edgeleuk.drift.judging import Asked
from edgeleuk.drift.reading import drift_of
from edgeleuk.errors import DataError, LeakError, SpecError, UsageError
from edgeleuk.evaluation.evaluate import Request as Evaluating
from edgeleuk.evaluation.evaluate import evaluate
from edgeleuk.report.card.records import Named, read_records
from edgeleuk.report.text import inspection
from edgeleuk.report.text.calibration import record_of, render_calibration
from edgeleuk.report.text.evaluation import render_text
from edgeleuk.runtime.bundle import pack, parse_bundle, read_bundle, write_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import UNCERTAIN, decide
from edgeleuk.spec import Decision, ModelSpec, Provenance
from tests.calibration.conftest import TRUE


def made_of(model, index, goal=None, miss=None, split=None):
    return calibrate(Request(model, split, goal, miss), index, lambda _: None)


def only(index, keep):
    """The index with these images alone."""
    return dataclasses.replace(index, images=tuple(image for image in index.images if keep(image)))


@pytest.fixture(scope="module")
def plain(sure_model, pictures):
    """A calibration without threshold and sets."""
    return made_of(sure_model, pictures[0])


@pytest.fixture(scope="module")
def whole(sure_model, pictures):
    """One with both."""
    return made_of(sure_model, pictures[0], Goal("sensitivity", 0.9), 0.1)


@pytest.fixture
def written(whole, tmp_path):
    path = tmp_path / "calibrated.tflite"
    path.write_bytes(whole.content)
    return path


def test_the_temperature_that_the_labels_were_drawn_at_is_found(plain):
    assert plain.spec.decision.temperature == pytest.approx(TRUE, rel=0.25)
    assert plain.before.ece.value > 0.06
    assert plain.after.ece.value < plain.before.ece.value / 2
    assert plain.after.brier.value < plain.before.brier.value


def test_the_file_is_the_same_network_with_evidence_proof_and_the_images(sure_model, plain, pictures):
    before, after = read_bundle(sure_model), parse_bundle(plain.content, sure_model)
    assert after.flatbuffer == before.flatbuffer
    assert (after.proof, after.seen) == (before.proof, before.seen)
    found = after.spec.calibration
    assert found.network_sha256 == before.network_sha256
    assert found.index_sha256 == pictures[0].sha256
    assert (found.images, found.groups, found.unit, found.split) == (600, 60, "subject", "test")
    assert after.calibrated == {image.sha256[:16] for image in pictures[0].images}
    assert np.sum(found.groups_confusion, axis=0).tolist() == list(map(list, found.confusion))
    assert ModelSpec.from_json(after.spec.to_json()) == after.spec


def test_the_device_gives_the_probabilities_that_were_judged_and_the_answers_of_before(sure_model, plain, pictures):
    index, scores = pictures
    path = index.root / index.images[0].path
    classifier = Classifier(parse_bundle(plain.content, sure_model), sure_model)
    paths = [index.path_of(image) for image in index.images[:50]]
    rows = np.stack(list(classifier.probabilities(paths)))
    assert np.array_equal(rows, plain.answers.at(plain.spec.decision.temperature)[:50])
    assert np.array_equal(rows.argmax(axis=1), scores[:50].argmax(axis=1))
    assert list(classifier.predict(path).probabilities.values()) == rows[0].tolist()
    assert 0 < rows.min() < rows.max() < 1  # nothing is certain that int8 wrote as 0 or 255/256


def test_what_is_calibrated_again_begins_at_temperature_1(plain, pictures, tmp_path):
    path = tmp_path / "once.tflite"
    path.write_bytes(plain.content)
    again = made_of(path, pictures[0])
    assert again.content == plain.content


def test_a_threshold_moves_with_the_temperature_so_that_no_answer_changes(sure_model, pictures, tmp_path):
    bundle = read_bundle(sure_model)
    spec = dataclasses.replace(bundle.spec, decision=Decision(threshold=0.3))
    write_bundle(tmp_path / "low.tflite", bundle.flatbuffer, spec, {}, frozenset())
    made = made_of(tmp_path / "low.tflite", pictures[0])
    assert made.spec.decision.threshold != pytest.approx(0.3, abs=0.02)
    before = decide(pictures[1], spec)
    assert np.array_equal(before, decide(made.answers.at(made.spec.decision.temperature), made.spec))


def test_thresholds_of_0_and_1_stay():
    assert kept_threshold(Decision(threshold=0.0), 2.0) == 0.0
    assert kept_threshold(Decision(threshold=1.0), 2.0) == 1.0
    assert kept_threshold(Decision(), 2.0) is None
    assert kept_threshold(Decision(2.0, 0.3), 2.0) == pytest.approx(0.3)


@pytest.mark.parametrize("aim", ["sensitivity", "specificity"])
def test_an_operating_point_reaches_its_aim_and_says_what_it_gives_on_others(sure_model, pictures, aim):
    made = made_of(sure_model, pictures[0], Goal(aim, 0.9))
    found = made.spec.calibration.operating_point
    spec, answers = made.spec, made.answers
    chosen = decide(answers.at(spec.decision.temperature), spec)
    members = answers.truth == (0 if aim == "sensitivity" else 1)
    assert (chosen == answers.truth)[members].mean() >= 0.9
    held = getattr(found, aim)
    assert held.value == pytest.approx(0.9, abs=0.05)
    assert held.low < held.value < held.high
    assert "cluster bootstrap" in found.method
    rows = np.array(spec.calibration.confusion)
    assert found.sensitivity.value == pytest.approx(rows[0, 0] / rows[0].sum())


def test_a_dear_false_negative_lowers_the_threshold(sure_model, pictures):
    made = made_of(sure_model, pictures[0], Goal("cost", 5.0))
    assert made.spec.decision.threshold == pytest.approx(1 / 6)
    found = made.spec.calibration.operating_point
    assert found.sensitivity.value > found.specificity.value


def test_subjects_of_one_image_have_exact_intervals(sure_model, pictures):
    index = pictures[0]
    single = tuple(dataclasses.replace(image, subject=image.path) for image in index.images[:200])
    made = made_of(sure_model, dataclasses.replace(index, images=single), Goal("specificity", 0.9))
    assert made.spec.calibration.operating_point.method.startswith("exact (Clopper-Pearson)")


def test_the_device_abstains_where_the_set_has_two_classes(written, whole, pictures):
    index, classifier = pictures[0], Classifier.load(written)
    found = [classifier.predict(index.path_of(image)) for image in index.images[:120]]
    unsure = [each for each in found if UNCERTAIN in each.warnings]
    assert 0 < len(unsure) < len(found)
    least = whole.spec.calibration.abstention.least_probability
    for each in found:
        assert each.label in each.answers
        assert (len(each.answers) > 1) == (UNCERTAIN in each.warnings)
        assert set(each.answers) == {each.label} | {n for n, p in each.probabilities.items() if p >= np.float32(least)}
    assert len(unsure) / len(found) == pytest.approx(whole.spec.calibration.abstention.uncertain.value, abs=0.15)


def test_sets_hold_the_truth_as_often_as_was_asked(whole):
    found = whole.spec.calibration.abstention
    assert found.coverage == 0.9
    assert found.groups == 60
    assert found.expected.low < 0.9 < found.expected.high
    assert whole.sets.coverage.value > 0.86


def test_what_is_said_names_images_error_point_and_sets(whole, tmp_path):
    text = render_calibration(whole, tmp_path / "m.tflite")
    assert "600 of split 'test', 60 subjects" in text
    assert "sensitivity of at least 0.9: threshold" in text
    assert "hold the right class in 90.0% of a new subject's images" in text
    record = record_of(whole, tmp_path / "m.tflite")
    assert record["calibration"]["abstention"]["coverage"] == 0.9
    assert record["decision"]["temperature"] == whole.spec.decision.temperature


def test_an_evaluation_on_the_images_of_the_calibration_says_so(written, pictures):
    index = pictures[0]
    found = evaluate(Classifier.load(written), index, written, Evaluating(resamples=100))
    assert found.reliability.calibrated_images == 600
    assert any("were chosen on 600 of 600 images" in note for note in found.notes)
    others = evaluate(Classifier.load(written), index, written, Evaluating(resamples=100, trained="allow"))
    assert others.reliability.untempered.ece.value > others.reliability.scores.ece.value
    text = render_text(found)
    assert "at temperature 1" in text
    assert "90.0% was asked for" in text


def test_a_calibration_of_another_network_is_refused_and_can_be_made_again(
    whole, int8_flatbuffer, pictures, small_spec, tmp_path
):
    path = tmp_path / "other.tflite"
    path.write_bytes(pack(int8_flatbuffer, whole.spec, {}, frozenset()))
    with pytest.raises(SpecError, match=r"was calibrated for another network .* run 'edgeleuk calibrate' on it again"):
        Classifier.load(path)
    with pytest.raises(SpecError, match="was calibrated for another network"):
        read_records(path, Named())
    with pytest.raises(SpecError, match="was calibrated for another network"):
        drift_of(tmp_path / "absent.db", path, Asked())
    assert "of ANOTHER network" in inspection.render_text(inspection.inspect_model(path))
    made = made_of(path, pictures[0])
    path.write_bytes(made.content)
    assert Classifier.load(path).spec.calibration.network_sha256 == read_bundle(path).network_sha256


def test_too_few_subjects_are_refused_with_the_number_needed(sure_model, pictures):
    few = only(pictures[0], lambda image: image.subject in {f"S{number}" for number in range(19)})
    with pytest.raises(DataError, match=r"19 subjects held out, too few .* at least 20 are needed"):
        made_of(sure_model, few)


def test_one_class_is_refused(sure_model, pictures):
    one = only(pictures[0], lambda image: image.label == "hem")
    with pytest.raises(DataError, match="no held-out image is of class all"):
        made_of(sure_model, one)


def test_a_level_that_takes_more_subjects_is_refused_with_the_number(sure_model, pictures):
    with pytest.raises(
        DataError, match=r"60 subjects of class all held out; a sensitivity of 0\.99 takes at least 100"
    ):
        made_of(sure_model, pictures[0], Goal("sensitivity", 0.99))
    with pytest.raises(DataError, match=r"60 subjects held out; .* 99\.0% of cases take at least 99"):
        made_of(sure_model, pictures[0], miss=0.01)


def test_subjects_whose_other_images_were_trained_on_are_refused(sure_model, pictures, tmp_path):
    index, bundle = pictures[0], read_bundle(sure_model)
    path = tmp_path / "trained.tflite"
    write_bundle(path, bundle.flatbuffer, bundle.spec, {}, frozenset({index.images[0].sha256[:16]}))
    others = tuple(
        dataclasses.replace(image, split="train", fold=0) if number == 0 else image
        for number, image in enumerate(index.images)
    )
    with pytest.raises(LeakError, match="9 of 599 images come from subjects whose other images were seen in training"):
        made_of(path, dataclasses.replace(index, images=others, fold_count=2))
    with pytest.raises(LeakError, match="1 of 600 images were seen in training"):
        made_of(path, index)


def test_the_held_out_fold_comes_before_the_test_images(sure_model, pictures, tmp_path):
    index, bundle = pictures[0], read_bundle(sure_model)
    spec = dataclasses.replace(bundle.spec, provenance=Provenance(fold=1))
    write_bundle(tmp_path / "m.tflite", bundle.flatbuffer, spec, {}, frozenset())
    halves = tuple(
        dataclasses.replace(image, split="train", fold=1) if number < 300 else image
        for number, image in enumerate(index.images)
    )
    made = made_of(tmp_path / "m.tflite", dataclasses.replace(index, images=halves, fold_count=2))
    assert (made.split, len(made.answers.images)) == ("validation", 300)
    assert any("has steered training" in note for note in made.notes)


def test_without_an_error_the_temperature_stays_1(sure_model, pictures):
    index, scores = pictures
    right = tuple(
        dataclasses.replace(image, label=("all", "hem")[int(number)])
        for image, number in zip(index.images, scores.argmax(axis=1), strict=True)
    )
    made = made_of(sure_model, dataclasses.replace(index, images=right), miss=0.05)
    assert made.spec.decision.temperature == 1.0
    assert "not one of these images was answered wrong" in made.notes[0]
    assert any("no answer is uncertain" in note for note in made.notes)


def test_images_without_a_subject_are_taken_one_by_one_and_said(sure_model, pictures):
    index = pictures[0]
    unknown = tuple(dataclasses.replace(image, subject=None) for image in index.images)
    made = made_of(sure_model, dataclasses.replace(index, images=unknown))
    assert made.spec.calibration.unit == "image group"
    assert made.spec.calibration.groups_confusion == ()
    assert any("no claim about new patients" in note for note in made.notes)


def test_a_cascade_is_refused(write_cascade, pictures, tmp_path):
    path = write_cascade(tmp_path / "cascade.tflite")
    with pytest.raises(UsageError, match="is a cascade"):
        made_of(path, pictures[0])


def test_an_operating_point_needs_a_positive_class(sure_model, pictures, tmp_path):
    bundle = read_bundle(sure_model)
    spec = dataclasses.replace(bundle.spec, positive_class=None)
    write_bundle(tmp_path / "m.tflite", bundle.flatbuffer, spec, {}, frozenset())
    with pytest.raises(UsageError, match="needs two classes, one of them positive"):
        made_of(tmp_path / "m.tflite", pictures[0], Goal("sensitivity", 0.9))


@pytest.mark.parametrize("miss", [0.5, 0.9])
def test_a_share_that_makes_no_sets_is_refused(sure_model, pictures, miss):
    with pytest.raises(UsageError, match=r"less than 0\.5"):
        made_of(sure_model, pictures[0], miss=miss)
