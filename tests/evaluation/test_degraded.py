"""Degraded pictures: the same model and decision as on clean ones, told by kind and severity."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.degradation import KINDS
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.sampling import spread_over_classes
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.evaluation.degraded import AS_IT_IS, CHANGES, Degraded, evaluate_degraded
from edgeleuk.evaluation.degraded_picture import degraded_figure
from edgeleuk.evaluation.evaluate import Request, evaluate
from edgeleuk.evaluation.evaluated import parse_evaluation
from edgeleuk.evaluation.folder import record_of, write_folder
from edgeleuk.evaluation.predictors import open_predictor
from edgeleuk.files import sha256_file, to_json
from edgeleuk.report.page.summary import degraded_table
from edgeleuk.report.text.degraded import degraded_cells
from edgeleuk.report.text.evaluation import render_text
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.models import open_model
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.statistics.resampling import Bootstrap

HOW = Bootstrap("image group", resamples=100)


class RedMeansAll:
    """A real, tiny model: the probability of class "all" is the mean of the red channel."""

    spec = ModelSpec(("hem", "all"), Preprocessing(8, 8), positive_class="all")
    trained_on: frozenset[str] = frozenset()
    calibrated_on: frozenset[str] = frozenset()

    def probabilities(self, paths):
        yield from self.probabilities_of(map(decode_image, paths))

    def probabilities_of(self, pictures):
        for picture in pictures:
            red = np.asarray(picture, np.float32)[..., 0].mean() / 255
            yield np.array([1 - red, red], np.float32)


class FilesOnly:
    spec, trained_on, calibrated_on = RedMeansAll.spec, frozenset(), frozenset()

    def probabilities(self, paths):
        return RedMeansAll().probabilities(paths)


@pytest.fixture
def index(tmp_path) -> Index:
    """Images of a red of 100 ("hem") and 150 ("all"), none of which RedMeansAll mistakes."""
    random, records = np.random.default_rng(0), []
    for number in range(24):
        label = "all" if number % 3 else "hem"
        pixels = np.clip(random.normal([150 if number % 3 else 100, 120, 140], 12, (40, 40, 3)), 0, 255)
        path = tmp_path / f"{number:02}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        records.append(ImageRecord(path.name, sha256_file(path), path.stat().st_size, label))
    return Index(tmp_path, ("all", "hem"), tuple(records), "all")


def test_light_that_moves_red_over_the_threshold_moves_the_answers(index):
    found = evaluate_degraded(RedMeansAll(), index, index.images, 24, HOW)
    assert found.as_it_is.accuracy.value == 1.0
    dark, bright = found.row("darker", 5), found.row("brighter", 5)
    assert dark.accuracy.value == pytest.approx(1 / 3)  # all are "hem": 75 of 255
    assert bright.accuracy.value == pytest.approx(2 / 3)
    assert found.row("larger", 5).accuracy.value == 1.0  # its colours stay
    assert dark.told == "exposure x 0.5"
    assert dark.confidence == pytest.approx(np.mean([1 - 50 / 255] * 8 + [1 - 75 / 255] * 16), abs=0.01)
    assert dark.overconfidence == pytest.approx(dark.confidence - 1 / 3)
    assert dark.ece >= abs(dark.overconfidence) - 1e-6
    assert dark.ece > dark.chance_ece > 0


def test_every_kind_in_every_severity_has_a_row_and_the_pictures_as_they_are_come_first(index):
    found = evaluate_degraded(RedMeansAll(), index, index.images, 6, HOW)
    assert [(row.kind, row.severity) for row in found.rows] == list(CHANGES)
    assert len(CHANGES) == 5 * len(KINDS) + 1
    with pytest.raises(KeyError, match="fog"):
        found.row("fog", 1)
    with pytest.raises(ValueError, match=AS_IT_IS):
        dataclasses.replace(found, rows=found.rows[1:])


def test_pictures_as_they_are_get_the_answers_of_the_evaluation_itself(index, small_model):

    whole = evaluate(open_model(small_model), index, small_model, Request("all", resamples=100, degrade_images=1000))
    assert whole.degraded.as_it_is.accuracy == whole.scores.accuracy
    sure = [max(each.probabilities) for each in whole.predictions]
    assert whole.degraded.as_it_is.confidence == pytest.approx(np.mean(sure))
    assert whole.degraded.as_it_is.kept_apart == 0
    assert not whole.degraded.gated


def test_empty_pictures_are_kept_apart_and_the_rest_is_told(small_model, index, tmp_path):
    Image.new("RGB", (40, 40), (90, 90, 90)).save(tmp_path / "empty.png")
    empty = ImageRecord("empty.png", sha256_file(tmp_path / "empty.png"), 1, "hem")
    found = evaluate_degraded(open_model(small_model), index, [*index.images, empty], 100, HOW)
    assert found.as_it_is.kept_apart == pytest.approx(1 / 25)
    assert found.row("noise", 5).kept_apart == 0  # no longer of one colour
    assert found.as_it_is.kept_accuracy is not None
    assert next(degraded_cells(found))[-1] == f"{found.as_it_is.kept_accuracy:.3f} of 24"


def test_a_model_that_takes_files_only_is_refused(index):
    with pytest.raises(UsageError, match="takes files only"):
        evaluate_degraded(FilesOnly(), index, index.images, 2, HOW)


def test_answers_that_are_no_numbers_are_refused(index):
    class Broken(RedMeansAll):
        def probabilities_of(self, pictures):
            yield from (np.full(2, np.nan, np.float32) for _ in pictures)

    with pytest.raises(ModelError, match="not finite"):
        evaluate_degraded(Broken(), index, index.images, 2, HOW)


def test_images_are_drawn_over_classes_as_the_seed_says(index):
    chosen = spread_over_classes(index.images, 6, seed=0)
    assert sorted(str(image.label) for image in chosen) == ["all"] * 4 + ["hem"] * 2
    assert chosen == spread_over_classes(index.images, 6, seed=0) != spread_over_classes(index.images, 6, seed=1)
    assert {image.label for image in spread_over_classes(index.images, 1, seed=0)} == {"all", "hem"}
    assert spread_over_classes(index.images, 100, seed=0) == index.images


def test_text_page_and_folder_hold_every_row(index, tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"red means all")
    evaluation = evaluate(RedMeansAll(), index, model, Request("all", resamples=100, degrade_images=6))
    text = render_text(evaluation)
    assert "degraded pictures: 6 images of 24, drawn over classes, seed 0, each in 65 changes" in text
    assert "noise, sd 40" in text
    assert "not known of a run" in text
    read = parse_evaluation(json.loads(to_json(record_of(evaluation))), tmp_path / "evaluation.json")
    assert read.degraded == evaluation.degraded
    assert len(degraded_table(read).rows) == len(CHANGES)
    write_folder(evaluation, tmp_path / "out")
    with Image.open(tmp_path / "out" / "degraded.png") as picture:
        assert min(picture.size) > 600


def test_the_picture_needs_no_intervals(index, tmp_path):
    found: Degraded = evaluate_degraded(RedMeansAll(), index, index.images, 4, HOW)
    rows = tuple(
        dataclasses.replace(row, accuracy=dataclasses.replace(row.accuracy, low=None, high=None)) for row in found.rows
    )
    degraded_figure(dataclasses.replace(found, rows=rows), "a $ model", tmp_path / "degraded.png")
    assert (tmp_path / "degraded.png").stat().st_size > 10_000


def test_a_cascade_is_judged_as_a_whole(write_cascade, index, tmp_path):
    model = open_model(write_cascade(tmp_path / "cascade.tflite"))
    found = evaluate_degraded(model, index, index.images, 4, HOW)
    clean = list(
        model.probabilities([index.path_of(image) for image in spread_over_classes(index.images, 4, HOW.seed)])
    )
    assert found.as_it_is.confidence == pytest.approx(np.max(clean, axis=1).mean())


@pytest.mark.slow
def test_a_run_gives_pictures_the_answers_that_it_gives_their_files(float_run, cells_index):
    images = Index.load(cells_index)
    chosen = [images.path_of(image) for image in images.images[:5]]
    run = open_predictor(float_run)
    of_files = list(run.probabilities(chosen))
    assert np.allclose(list(run.probabilities_of(map(decode_image, chosen))), of_files, atol=1e-6)
    assert evaluate_degraded(run, images, images.images, 2, HOW).as_it_is.kept_apart is None


def test_an_input_gate_keeps_apart_more_of_what_is_degraded_more(gated_model, cells_index):
    images = Index.load(cells_index)
    found = evaluate_degraded(open_model(gated_model), images, images.images, 8, HOW)
    assert found.gated
    apart = [found.row("blur", severity).kept_apart for severity in (1, 5)]
    assert found.as_it_is.kept_apart < 0.5 < apart[1]
    assert apart[0] <= apart[1]
