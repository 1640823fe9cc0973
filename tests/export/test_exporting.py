"""What is common to all engines: checked before any work, compared, put into place whole or not at all."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner

from edgeleuk.cli.export import command
from edgeleuk.data.index import Index
from edgeleuk.errors import EdgeleukError, MissingPackageError, ModelError, OutputError, SpecError, UsageError
from edgeleuk.export.comparison import Reference, compare, litert_scores, own_reading
from edgeleuk.export.exporting import Request, export
from edgeleuk.export.pictures import pictures_of
from edgeleuk.export.target import Answers, Need, Target, Written
from edgeleuk.export.targets import MODULES, target_of
from edgeleuk.export.vendored import Package, fetch
from edgeleuk.runtime.bundle import read_bundle, write_bundle
from edgeleuk.runtime.classifier import Classifier
from tests.terminal import unwrapped

pytestmark = pytest.mark.slow
FEW = Request(count=5)
UNASKED = Request(check=False)


def copying(change=lambda scores: scores, **changes):
    """A target that writes the file as it is and runs it in LiteRT, whose scores are changed."""

    def write(source, place):
        (place if changes.get("suffix", ".tflite") else place / "model.tflite").write_bytes(source.bundle.content)
        return Written(source.spec, ("as it is",))

    def answers(place, spec, pixels):
        found = litert_scores(Classifier.load(place if place.is_file() else place / "model.tflite"), pixels)
        return dataclasses.replace(found, scores=change(found.scores), engine="a copy")

    return Target(
        **{"name": "copy", "engine": "a copy", "suffix": ".tflite", "write": write, "answers": answers} | changes
    )


@pytest.mark.parametrize(
    ("suffix", "name", "beside"),
    [(".tflite", "o.tflite", "o.tflite.comparison.json"), (None, "o", "o/comparison.json")],
)
def test_the_comparison_lies_beside_a_file_and_in_a_folder(small_model, tmp_path, suffix, name, beside):
    made = export(small_model, copying(suffix=suffix), tmp_path / name, FEW)
    stored = json.loads((tmp_path / beside).read_text())
    assert stored == json.loads(json.dumps(made.to_dict()))
    assert stored["comparison"]["labels_equal"] == stored["comparison"]["images"] == 5
    assert stored["comparison"]["largest_difference"] == 0
    assert stored["comparison"]["pictures"] == "made-up cells"


@pytest.mark.parametrize(("suffix", "name"), [(".tflite", "o.tflite"), (None, "o")])
def test_other_labels_leave_nothing(small_model, tmp_path, suffix, name):
    with pytest.raises(ModelError, match=r"a copy gives 0 of 5 made-up cells the label that LiteRT"):
        export(small_model, copying(lambda scores: scores[:, ::-1], suffix=suffix), tmp_path / name, FEW)
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_share_of_other_labels_may_be_allowed(small_model, tmp_path):
    turned = copying(lambda scores: np.concatenate([scores[:1, ::-1], scores[1:]]))
    with pytest.raises(ModelError, match="4 of 5"):
        export(small_model, turned, tmp_path / "o.tflite", FEW)
    found = export(small_model, turned, tmp_path / "o.tflite", dataclasses.replace(FEW, least_agreement=0.8)).comparison
    assert (found.labels_equal, found.apart) == (4, (0,))


@pytest.mark.parametrize("change", [lambda scores: scores[:, :1], lambda scores: scores * np.nan])
def test_scores_that_are_none_are_refused(small_model, tmp_path, change):
    with pytest.raises(ModelError, match="expected finite scores"):
        export(small_model, copying(change), tmp_path / "o.tflite", FEW)


def test_a_missing_package_is_one_sentence_before_any_work(tmp_path):
    need = Need("Nowhere", "pip install nowhere", "no_such_package.part")
    for target in (copying(needs=(need,)), copying(check_needs=(need,))):
        with pytest.raises(MissingPackageError, match=r"needs Nowhere: pip install nowhere$"):
            export(tmp_path / "no model is read", target, tmp_path / "o.tflite", FEW)
    with pytest.raises(MissingPackageError, match=r"needs x: apt install x$"):
        export(
            tmp_path / "none",
            copying(needs=(Need("x", "apt install x", program="no-such-program"),)),
            tmp_path / "o.tflite",
            FEW,
        )
    assert list(tmp_path.iterdir()) == []


def test_without_a_check_the_engine_need_not_be_there(small_model, tmp_path):
    target = copying(check_needs=(Need("Nowhere", "pip install nowhere", "no_such_package"),))
    made = export(small_model, target, tmp_path / "o.tflite", dataclasses.replace(FEW, check=False))
    assert made.comparison is None
    assert json.loads((tmp_path / "o.tflite.comparison.json").read_text())["comparison"] is None


def test_real_images_are_drawn_from_the_index(small_model, cells_index, tmp_path):
    index = Index.load(cells_index)
    found = export(small_model, copying(), tmp_path / "o.tflite", Request(index, count=7)).comparison
    assert (found.images, found.pictures) == (7, "images")


def test_what_reads_files_itself_is_held_by_its_own_labels(small_model, cells_index, tmp_path):
    spec = Classifier.load(small_model).spec.preprocessing

    def reading(shift, change=lambda scores: scores):
        def read(place, _, paths):
            pixels = pictures_of(Index.load(cells_index), len(paths), 0, spec).pixels
            found = litert_scores(Classifier.load(place), pixels)
            return Answers(change(found.scores), "a reader", pixels=np.minimum(pixels, 250) + np.uint8(shift))

        return copying(answers_to_files=read)

    request = Request(Index.load(cells_index), count=6)
    found = export(small_model, reading(2), tmp_path / "o.tflite", request).comparison.own_reading
    assert (found.labels_equal, found.pictures_with_equal_pixels) == (6, 0)
    assert 2 <= found.largest_pixel_difference <= 5
    with pytest.raises(ModelError, match="0 of 6 images that it decodes and resizes itself"):
        export(small_model, reading(0, lambda scores: scores[:, ::-1]), tmp_path / "p.tflite", request)


def test_pixels_of_another_shape_are_no_reading(small_model, cells_index):
    classifier = Classifier.load(small_model)
    reference = Reference.of(classifier, pictures_of(Index.load(cells_index), 3, 0, classifier.spec.preprocessing))
    assert compare(reference, reference.answers).labels_equal == 3
    with pytest.raises(ModelError, match="made no pixels"):
        own_reading(reference, reference.answers)


def test_a_cascade_is_not_exported(write_cascade, tmp_path):
    with pytest.raises(UsageError, match="is a cascade of two models"):
        export(write_cascade(tmp_path / "c.tflite"), copying(), tmp_path / "o.tflite", FEW)


def test_two_exports_of_one_name_keep_their_comparisons(small_model, tmp_path):
    for engine, suffix in (("one", ".onnx"), ("another", ".zip")):
        export(small_model, copying(name=engine, suffix=suffix, check_needs=()), tmp_path / f"o{suffix}", UNASKED)
    for engine, suffix in (("one", ".onnx"), ("another", ".zip")):
        assert json.loads((tmp_path / f"o{suffix}.comparison.json").read_text())["target"] == engine


@pytest.mark.parametrize("request_", [FEW, UNASKED])
def test_a_spec_of_other_classes_is_refused_before_anything_is_written(small_model, tmp_path, request_):
    bundle = read_bundle(small_model)
    spec = dataclasses.replace(bundle.spec, classes=("a", "b", "c"), positive_class=None)
    write_bundle(tmp_path / "m.tflite", bundle.flatbuffer, spec, {}, frozenset())
    with pytest.raises(SpecError, match=r"names 3 classes \(a, b, c\), the network's output is \[1, 2\]"):
        export(tmp_path / "m.tflite", copying(), tmp_path / "o.tflite", request_)
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]


def test_images_need_no_labels(small_model, write_image, tmp_path, monkeypatch):
    for name in ("flat/a.png", "flat/b.png"):
        write_image(name)
    monkeypatch.setattr("edgeleuk.export.targets.target_of", lambda name: copying())
    arguments = [small_model, "--for", "mediapipe", "-o", tmp_path / "o.tflite", "--images", tmp_path / "flat"]
    done = CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)
    assert "2 images of" in unwrapped(done.stderr)
    assert "labels        2 of 2 images equal" in done.stdout


def test_the_place_is_looked_at_first(small_model, tmp_path):
    with pytest.raises(UsageError, match=r"ends in '.onnx'; expected .tflite"):
        export(small_model, copying(), tmp_path / "o.onnx", FEW)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(OutputError, match="already exists"):
        export(small_model, copying(suffix=None), tmp_path / "full", FEW)


def test_the_model_itself_is_not_replaced(small_model, tmp_path):
    model = tmp_path / "m.tflite"
    model.write_bytes(small_model.read_bytes())
    with pytest.raises(UsageError, match="would be lost"):
        export(model, copying(), model, FEW)
    assert model.read_bytes() == small_model.read_bytes()


def test_a_python_that_is_not_there_is_named(small_model, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGELEUK_MEDIAPIPE_PYTHON", "/no/such/python")
    with pytest.raises(UsageError, match=r"/no/such/python, which EDGELEUK_MEDIAPIPE_PYTHON names, cannot be started"):
        export(small_model, target_of("mediapipe"), tmp_path / "o.tflite", FEW)
    assert list(tmp_path.iterdir()) == []


def test_every_engine_has_its_module():
    for name in MODULES:
        target = target_of(name)
        assert target.name == name
    with pytest.raises(UsageError, match="did you mean 'mediapipe'"):
        target_of("mediapip")


def npm(tmp_path, monkeypatch, body):
    (tmp_path / "npm").write_text(f"#!/bin/sh\n{body}\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_what_npm_gives_is_the_tested_archive_or_nothing(tmp_path, monkeypatch):
    package = Package("@a/b", "1.0.0", "sha512-nothing")
    npm(tmp_path, monkeypatch, "echo no network >&2; exit 1")
    with pytest.raises(EdgeleukError, match=r"npm could not fetch @a/b@1.0.0: no network"):
        fetch(package, {})
    npm(tmp_path, monkeypatch, """for last; do :; done; echo other > "$last/b.tgz"; echo '[{"filename": "b.tgz"}]'""")
    with pytest.raises(ModelError, match="is not the one that was tested"):
        fetch(package, {})
