"""Evaluation of a model on an index: which images, what result, what is said beside it."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.scan import scan
from edgeleuk.errors import DataError, ImageError, LeakError, ModelError, OutputError, SpecError, UsageError
from edgeleuk.evaluation.evaluate import Request, evaluate, evaluate_on
from edgeleuk.evaluation.folder import write_folder
from edgeleuk.evaluation.predictors import model_sha256, open_predictor
from edgeleuk.evaluation.selection import choose_images, default_split, seen_in_training
from edgeleuk.files import sha256_file, to_json
from edgeleuk.report.text.evaluation import render_text
from edgeleuk.runtime.images import decode_image
from edgeleuk.spec import ModelSpec, Preprocessing, Provenance

QUICK = Request(resamples=100)
SPEC = ModelSpec(("hem", "all"), Preprocessing(8, 8), positive_class="all")


@dataclasses.dataclass(frozen=True)
class RedMeansAll:
    """A real, tiny model: the probability of class "all" is the mean of the red channel."""

    spec: ModelSpec = SPEC
    trained_on: frozenset[str] = frozenset()
    calibrated_on: frozenset[str] = frozenset()

    def probabilities(self, paths):
        for path in paths:
            red = np.asarray(decode_image(path), dtype=np.float32)[..., 0].mean() / 255
            probability = {"all": red, "hem": 1 - red}
            yield np.array([probability[name] for name in self.spec.classes], dtype=np.float32)


@pytest.fixture
def index(tmp_path) -> Index:
    """Six subjects of four images, folds 0 to 2; the last image of each is mistaken by RedMeansAll."""
    images = []
    for number in range(24):
        subject, label = number // 4, ("all", "hem")[number // 4 % 2]
        reddish = (label == "all") != (number % 4 == 3)
        path = tmp_path / "images" / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (200 + number if reddish else 20 + number, 0, 0)).save(path)
        record = ImageRecord(path.name, sha256_file(path), path.stat().st_size, label, f"S{subject}", subject // 2)
        images.append(record)
    return Index(tmp_path / "images", ("all", "hem"), tuple(images), "all", 3, True)


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"red means all")
    return path


def of_fold(fold, **provenance):
    return RedMeansAll(dataclasses.replace(SPEC, provenance=Provenance(fold=fold, **provenance)))


def trained_on(images):
    return RedMeansAll(trained_on=frozenset(image.sha256[:16] for image in images))


def with_images(index, change):
    return dataclasses.replace(index, images=tuple(map(change, index.images)))


def test_scores_follow_the_class_order_of_the_model_not_of_the_index(index, model):
    result = evaluate(RedMeansAll(), index, model, QUICK)
    assert result.classes == ("hem", "all")
    assert result.scores.confusion == ((9, 3), (3, 9))
    assert result.scores.accuracy.value == 0.75
    assert result.scores.sensitivity == result.scores.recall[1]
    assert result.scores.group_count == 6
    assert result.scores.bootstrap.unit == "subject"


def test_each_subject_has_a_row(index, model):
    rows = evaluate(RedMeansAll(), index, model, QUICK).subjects
    assert [row.subject for row in rows] == ["S0", "S1", "S2", "S3", "S4", "S5"]
    assert (rows[0].labels, rows[0].images, rows[0].correct, rows[0].accuracy) == (("all",), 4, 3, 0.75)
    assert rows[0].mean_label_probability == pytest.approx((200 + 201 + 202 + 23) / 4 / 255)


def test_each_image_has_a_prediction(index, model):
    first, *_, last = evaluate(RedMeansAll(), index, model, QUICK).predictions
    assert (first.path, first.subject, first.label, first.predicted) == ("00.png", "S0", "all", "all")
    assert first.label_probability == first.probabilities[1]
    assert (last.label, last.predicted) == ("hem", "all")


def test_the_threshold_of_the_spec_decides(index, model):
    cautious = dataclasses.replace(SPEC, decision=dataclasses.replace(SPEC.decision, threshold=0.0))
    result = evaluate(RedMeansAll(cautious), index, model, QUICK)
    assert (result.scores.sensitivity.value, result.scores.specificity.value) == (1, 0)


def test_the_default_is_the_test_split_if_the_index_has_labelled_test_images(index):
    with_test = with_images(index, lambda i: dataclasses.replace(i, split="test", fold=None) if i.fold == 2 else i)
    assert default_split(with_test, of_fold(0)) == "test"
    assert {image.subject for image in choose_images(with_test, of_fold(0))} == {"S4", "S5"}
    unlabelled = with_images(with_test, lambda i: dataclasses.replace(i, label=None) if i.split == "test" else i)
    assert default_split(unlabelled, of_fold(0)) == "validation"


def test_the_default_is_else_the_fold_held_out_in_training(index):
    assert {image.subject for image in choose_images(index, of_fold(1))} == {"S2", "S3"}


def test_the_default_is_else_all_labelled_images(index):
    partly = with_images(index, lambda i: dataclasses.replace(i, label=None) if i.subject == "S0" else i)
    assert len(choose_images(partly, RedMeansAll())) == 20


@pytest.mark.parametrize(("split", "count"), [("train", 16), ("validation", 8), ("all", 24)])
def test_a_split_can_be_chosen(index, split, count):
    assert len(choose_images(index, of_fold(0), split)) == count


def test_validation_needs_a_model_that_knows_its_fold(index):
    with pytest.raises(UsageError, match="which fold was held out"):
        choose_images(index, RedMeansAll(), "validation")


def test_an_unknown_split_is_refused_by_name(index):
    with pytest.raises(UsageError, match=r"'tests'; expected test \| validation"):
        choose_images(index, RedMeansAll(), "tests")


def test_an_empty_split_says_what_the_index_holds(index):
    with pytest.raises(DataError, match="no labelled image in split 'test'; the index holds 24 train, 0 test"):
        choose_images(index, RedMeansAll(), "test")


def test_images_seen_in_training_are_refused_with_both_ways_out(index):
    with pytest.raises(LeakError, match=r"4 of 24 images .* the other 20, --allow-trained evaluates all of them"):
        choose_images(index, trained_on(index.images[:4]))


def test_images_seen_in_training_can_be_skipped(index):
    assert choose_images(index, trained_on(index.images[:4]), trained="skip") == index.images[4:]
    with pytest.raises(DataError, match="all 24 images of split 'all' were seen"):
        choose_images(index, trained_on(index.images), trained="skip")


def test_when_every_image_was_seen_skipping_is_not_offered(index):
    with pytest.raises(LeakError) as refusal:
        choose_images(index, trained_on(index.images))
    assert "--skip-trained" not in str(refusal.value)


def test_images_seen_in_training_can_be_allowed_and_the_result_says_so(index, model):
    request = dataclasses.replace(QUICK, trained="allow")
    result = evaluate(trained_on(index.images[:4]), index, model, request)
    assert result.trained_images == 4
    assert "4 of 24 images were seen in training: the scores flatter" in result.notes


def test_a_model_that_names_this_index_was_trained_on_its_other_folds(index):
    predictor = of_fold(0, index_sha256=index.sha256)
    assert seen_in_training(index, predictor) == set(index.training(0))
    with pytest.raises(LeakError, match="16 of 24"):
        choose_images(index, predictor, "all")


def test_an_evaluation_names_its_images_wherever_they_lie_and_a_model_without_its_folder(index, model, tmp_path):
    index.save(tmp_path / "deep" / "index.json")
    evaluation = evaluate_on(tmp_path / "deep" / "index.json", RedMeansAll(), model, Request("all"))
    assert evaluation.index_sha256 == index.sha256
    assert evaluation.model == model.name


def test_new_images_of_a_subject_seen_in_training_are_counted_in_a_note(index, model):
    request = dataclasses.replace(QUICK, trained="skip")
    notes = evaluate(trained_on(index.images[:3]), index, model, request).notes
    assert "1 of 21 images come from subjects whose other images were seen in training: the scores flatter" in notes


def test_a_model_that_does_not_say_what_it_was_trained_on_is_noted(index, model):
    assert any("overlap cannot be ruled out" in note for note in evaluate(RedMeansAll(), index, model, QUICK).notes)


def test_without_subjects_no_claim_about_patients_is_made(index, model):
    anonymous = with_images(index, lambda image: dataclasses.replace(image, subject=None))
    result = evaluate(RedMeansAll(), anonymous, model, QUICK)
    assert result.scores.bootstrap.unit == "image group"
    assert result.subjects == ()
    assert any("no claim about patients" in note for note in result.notes)


def test_subjects_that_share_an_image_count_as_one(index, model):
    same = index.images[0].sha256
    (index.root / "04.png").write_bytes((index.root / "00.png").read_bytes())
    twins = with_images(index, lambda i: dataclasses.replace(i, sha256=same) if i.path == "04.png" else i)
    assert evaluate(RedMeansAll(), twins, model, QUICK).scores.group_count == 5


def test_one_subject_has_no_interval_and_the_text_says_why(index, model):
    single = with_images(index, lambda image: dataclasses.replace(image, subject="S0"))
    result = evaluate(RedMeansAll(), single, model, QUICK)
    assert result.scores.accuracy.low is None
    assert "note: 1 subject: no interval" in render_text(result)


def test_a_class_with_one_subject_has_no_interval_and_the_text_names_it(index, model):
    one_healthy = with_images(index, lambda i: dataclasses.replace(i, subject="H1") if i.label == "hem" else i)
    assert "1 subject of class hem: no interval" in evaluate(RedMeansAll(), one_healthy, model, QUICK).notes


def test_labels_that_the_model_does_not_know_are_refused_with_both_lists(index):
    spec = dataclasses.replace(SPEC, classes=("healthy", "all"))
    with pytest.raises(SpecError, match="labelled all, hem; the model knows healthy, all"):
        choose_images(index, RedMeansAll(spec))


def test_files_that_changed_since_the_index_was_made_are_refused(index, model):
    (index.root / "05.png").write_bytes(b"another image")
    with pytest.raises(DataError, match=r"05\.png has changed"):
        evaluate(RedMeansAll(), index, model, QUICK)


def test_a_file_that_is_no_image_stops_the_evaluation(index, model):
    (index.root / "05.png").write_bytes(b"no image")
    sha256 = sha256_file(index.root / "05.png")
    broken = with_images(index, lambda i: dataclasses.replace(i, sha256=sha256) if i.path == "05.png" else i)
    with pytest.raises(ImageError, match=r"05\.png"):
        evaluate(RedMeansAll(), broken, model, QUICK)


def test_values_that_are_not_finite_are_refused(index, model):
    class Broken(RedMeansAll):
        def probabilities(self, paths):
            return (np.full(2, np.nan, dtype=np.float32) for _ in paths)

    with pytest.raises(ModelError, match="all of them finite"):
        evaluate(Broken(), index, model, QUICK)


def test_the_record_is_json_with_hashes_and_a_schema_version(index, model):
    record = json.loads(to_json(evaluate(RedMeansAll(), index, model, QUICK).to_dict()))
    assert record["schema_version"] == 1
    assert record["model_sha256"] == sha256_file(model)
    assert record["index_sha256"] == index.sha256
    assert record["scores"]["accuracy"].keys() == {"value", "low", "high", "groups"}
    assert len(record["subjects"]) == 6
    assert record["predictions"] == 24


def test_the_text_shows_scores_confusion_subjects_and_notes(index, model):
    text = render_text(evaluate(RedMeansAll(), index, model, QUICK))
    for part in ("accuracy", "sensitivity (all)", "specificity (hem)", "truth \\ predicted", "S5", "not a diagnosis"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_folder_of_results_is_written_whole_and_never_over_another(index, model, tmp_path):
    result = evaluate(RedMeansAll(), index, model, QUICK)
    write_folder(result, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "reliability.png",
        "evaluation.json",
        "predictions.csv",
        "evaluation.png",
    }
    with (tmp_path / "out" / "predictions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 24
    assert float(rows[0]["p_all"]) == pytest.approx(200 / 255, abs=1e-6)
    with pytest.raises(OutputError, match="already exists"):
        write_folder(result, tmp_path / "out")


def test_a_subject_that_a_spreadsheet_would_run_is_text_in_the_table(index, model, tmp_path):
    hostile = with_images(index, lambda image: dataclasses.replace(image, subject=f"=1+{image.subject}"))
    write_folder(evaluate(RedMeansAll(), hostile, model, QUICK), tmp_path / "out")
    with (tmp_path / "out" / "predictions.csv").open() as stream:
        subjects = {row["subject"] for row in csv.DictReader(stream)}
    assert subjects
    assert all(subject.startswith("'=1+") for subject in subjects)


def test_an_index_file_is_evaluated_as_the_index_it_holds(index, model, tmp_path):
    index.save(tmp_path / "index.json")
    result = evaluate_on(tmp_path / "index.json", of_fold(1), model, QUICK)
    assert (result.split, result.scores.image_count) == ("validation", 8)
    assert result == evaluate(of_fold(1), index, model, QUICK)


def test_of_a_folder_all_labelled_images_are_evaluated_and_what_was_left_out_is_noted(index, model, tmp_path):
    for image in index.images:
        place = tmp_path / "folder" / str(image.label) / image.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(index.path_of(image).read_bytes())
    (tmp_path / "folder" / "all" / "broken.png").write_bytes(b"no image")
    result = evaluate_on(tmp_path / "folder", of_fold(1), model, QUICK)
    assert (result.split, result.scores.image_count) == ("all", 24)
    assert any("broken.png" in note for note in result.notes)


def test_a_confusion_matrix_too_wide_for_a_terminal_has_numbered_columns(index, model):
    names = tuple(f"a rather long class name {number}" for number in range(6))
    renamed = dataclasses.replace(index, classes=names)
    renamed = with_images(renamed, lambda i: dataclasses.replace(i, label=names[0 if i.label == "all" else 5]))

    class AlwaysFirst(RedMeansAll):
        def probabilities(self, paths):
            return (np.eye(6, dtype=np.float32)[0] for _ in paths)

    text = render_text(evaluate(AlwaysFirst(ModelSpec(names, Preprocessing(8, 8))), renamed, model, QUICK))
    assert f"6 {names[5]}  12   0" in text
    assert "AUROC" in text
    assert "n/a" in text


def test_only_a_tflite_file_or_a_folder_is_opened_as_a_model(tmp_path):
    with pytest.raises(ModelError, match="no such model"):
        open_predictor(tmp_path / "absent.tflite")
    (tmp_path / "weights.h5").write_bytes(b"")
    with pytest.raises(ModelError, match=r"neither a \.tflite file nor a run folder"):
        open_predictor(tmp_path / "weights.h5")


def test_a_run_folder_is_identified_by_its_manifest(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    assert model_sha256(tmp_path) == sha256_file(tmp_path / "run.json")


def test_a_picture_that_was_trained_on_is_known_in_a_file_of_other_bytes(tmp_path):
    for label in ("all", "hem"):
        for kind in ("png", "tif"):
            path = tmp_path / kind / label / f"cell.{kind}"
            path.parent.mkdir(parents=True)
            Image.new("RGB", (8, 8), (len(label) * 20, ord(label[0]), 7)).save(path)
    trained, other = scan(tmp_path / "png").images, scan(tmp_path / "tif")
    assert {image.sha256 for image in trained}.isdisjoint(image.sha256 for image in other.images)
    index = Index(other.root, other.classes, other.images)
    predictor = RedMeansAll(trained_on=frozenset().union(*(image.digests for image in trained)))
    assert seen_in_training(index, predictor) == set(index.images)
    with pytest.raises(LeakError, match="2 of 2 images were seen in training"):
        choose_images(index, predictor, "all")
