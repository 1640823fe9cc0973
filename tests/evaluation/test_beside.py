"""What colour reaches beside a model: learned from what the model saw, asked about the same images."""

import dataclasses
import json
import sys

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.evaluation.beside import shortcuts_beside
from edgeleuk.evaluation.evaluate import Request, evaluate
from edgeleuk.evaluation.evaluated import parse_evaluation
from edgeleuk.evaluation.folder import record_of
from edgeleuk.files import sha256_file, to_json
from edgeleuk.report.page.summary import shortcuts_table
from edgeleuk.report.text.evaluation import render_text
from edgeleuk.runtime.images import decode_image
from edgeleuk.spec import ModelSpec, Preprocessing


@pytest.fixture
def index(tmp_path) -> Index:
    """Eight subjects of four images; "b" is redder; the last two subjects are the test part."""
    random, records = np.random.default_rng(0), []
    for number in range(32):
        subject, label = number // 4, "ab"[number // 4 % 2]
        pixels = np.clip(random.normal([180 if label == "b" else 90, 120, 140], 9, (12, 12, 3)), 0, 255)
        path = tmp_path / f"{number:02}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        split, fold = ("test", None) if subject >= 6 else ("train", subject // 2 % 3)
        facts = (path.name, sha256_file(path), path.stat().st_size, label, f"S{subject}", fold, split)
        records.append(ImageRecord(*facts))
    return Index(tmp_path, ("a", "b"), tuple(records), "b", 3, True)


def test_it_is_fitted_on_what_the_model_saw(index):
    seen = frozenset(index.training(0))
    found, told = shortcuts_beside(index, index.test(), seen)
    assert (found.trained_on, found.tested_on, found.folds) == (len(seen), 8, None)
    assert found.colour.accuracy.value == 1.0
    assert told.startswith("colour alone (mean and deviation of R, G, B in a random forest) is right on 1.000")


def test_if_nothing_is_known_of_what_it_saw_it_is_fitted_on_the_rest_of_the_training_part(index):
    found, _ = shortcuts_beside(index, index.test(), frozenset())
    assert found.trained_on == 24
    twin = dataclasses.replace(index.images[0], subject="S6", path=index.images[0].path)
    related = dataclasses.replace(index, images=(twin, *index.images[1:]))
    found, _ = shortcuts_beside(related, related.test(), frozenset())
    assert found.trained_on == 23  # not the one whose subject is asked about


def test_of_a_folder_it_is_fitted_and_asked_by_turns(index):
    bare = dataclasses.replace(
        index, images=tuple(dataclasses.replace(image, fold=None, split="test") for image in index.images)
    )
    found, _ = shortcuts_beside(bare, bare.images, frozenset())
    assert found.folds == 4  # subjects of each class
    assert found.tested_on == 32


def test_training_images_that_are_not_there_make_a_note(index):
    for image in index.training(0):
        index.path_of(image).unlink()
    found, told = shortcuts_beside(index, index.test(), frozenset(index.training(0)))
    assert found is None
    assert told.startswith("how far colour alone goes on these images is not known: ")
    assert "No such file" in told


def test_without_scikit_learn_a_note_names_the_extra(index, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    found, told = shortcuts_beside(index, index.test(), frozenset())
    assert found is None
    assert "pip install 'edgeleuk[train]'" in told


class RedMeansB:
    """A real, tiny model: the probability of class "b" is the mean of the red channel."""

    spec = ModelSpec(("a", "b"), Preprocessing(8, 8), positive_class="b")
    trained_on: frozenset[str] = frozenset()
    calibrated_on: frozenset[str] = frozenset()

    def probabilities(self, paths):
        for path in paths:
            red = np.asarray(decode_image(path), np.float32)[..., 0].mean() / 255
            yield np.array([1 - red, red], np.float32)


def test_text_record_and_page_show_the_accuracy_beside_what_colour_reaches(index, tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"red means b")
    evaluation = evaluate(RedMeansB(), index, model, Request("test", resamples=100, shortcuts=True))
    text = render_text(evaluation)
    assert "what the accuracy is made of" in text
    assert "colour alone (1.000) reaches as much as the model (1.000)" in " ".join(text.split())
    assert evaluation.notes[0].startswith("colour alone (mean and deviation of R, G, B in a random forest) is right on")
    read = parse_evaluation(json.loads(to_json(record_of(evaluation))), tmp_path / "evaluation.json")
    assert read.shortcuts == evaluation.shortcuts
    table = shortcuts_table(read)
    assert [row[0] for row in table.rows][:2] == ["the model", "most frequent class (a)"]
    assert table.notes[0].startswith("Colour alone (1.000) reaches as much as the model")
    assert shortcuts_table(dataclasses.replace(read, shortcuts=None)) is None
