"""From the files of a nested network of others to a proven model, with a spec of its own or a preset."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, SpecError, UsageError
from edgeleuk.quantization.convert import Proven, Request, convert
from edgeleuk.quantization.judging import mean_recall
from edgeleuk.quantization.source import Said, Source, load_source
from edgeleuk.report.text.proof import at_chance
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec_presets import preset
from tests.importing.test_flat import disturbed, sequential

pytestmark = pytest.mark.slow
SPEC = preset("notebook")


@pytest.fixture(scope="module")
def network() -> Any:
    return disturbed(sequential())


@pytest.fixture(scope="module")
def source(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "model.json").write_text(network.to_json())
    network.save_weights(folder / "model.h5")
    return load_source(folder / "model.json", said=Said("notebook", weights=folder / "model.h5"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = [folder / f"{number}.bmp" for number in range(3)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (45, 60, 3), dtype=np.uint8)).resize((450, 450)).save(path)
    return paths


def opened(proven: Proven) -> Any:
    from edgeleuk.quantization.judging import open_flatbuffer

    return open_flatbuffer(proven.model, proven.spec)


def test_a_preset_and_weights_make_a_source(source: Source) -> None:
    assert (source.spec.classes, source.spec.positive_class, source.spec.scores) == (("hem", "all"), "all", "sigmoids")
    assert source.spec.preprocessing == SPEC.preprocessing
    assert any("sigmoid" in note for note in source.notes)


def test_the_float_file_answers_as_the_nested_network(source: Source, network: Any, pictures: list[Path]) -> None:
    classifier = opened(convert(source, Request("float32", fidelity_samples=0)))
    for path in pictures:
        pixels = scale_pixels(fit_to_input(decode_image(path), SPEC.preprocessing), SPEC.preprocessing)
        expected = network.predict_on_batch(pixels[np.newaxis])[0]
        np.testing.assert_allclose(classifier.network.scores(classifier.prepare(path)), expected, atol=1e-5)


def test_the_int8_file_has_no_float_and_feeds_pixels_less_128(
    source: Source, cells_index: Path, pictures: list[Path]
) -> None:
    request = Request("int8", Index.load(cells_index), samples=8, fidelity_samples=8)
    proven = convert(source, request)
    proof = proven.proof.to_dict()
    assert (proof["float_tensors"], proof["delegate"]["partitions"]) == (0, 1)
    classifier = opened(proven)
    pixels = fit_to_input(decode_image(pictures[0]), SPEC.preprocessing).astype(np.int16)
    np.testing.assert_array_equal(classifier.prepare(pictures[0])[0], pixels - 128)
    probabilities = classifier.predict(pictures[0]).probabilities
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_spec_that_leaves_out_the_scaling_is_warned_of_by_its_keys(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "m.keras")
    spec = json.loads(SPEC.to_json())
    del spec["preprocessing"]["pixel_scale"], spec["preprocessing"]["pixel_offset"]
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    first = load_source(tmp_path / "m.keras", tmp_path / "spec.json").notes[0]
    assert first.startswith("warning: ")
    assert "does not say pixel_scale, pixel_offset; taken as" in first
    (tmp_path / "spec.json").write_text(SPEC.to_json())
    assert not any("warning" in note for note in load_source(tmp_path / "m.keras", tmp_path / "spec.json").notes)


def test_what_is_said_of_a_model_file_has_to_go_together(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{}")
    (tmp_path / "run").mkdir()
    with pytest.raises(SpecError, match=r"needs --spec SPEC\.json, or --preset NAME"):
        load_source(tmp_path / "m.json")
    with pytest.raises(UsageError, match="give the one or the other"):
        load_source(tmp_path / "m.json", tmp_path / "spec.json", said=Said("notebook"))
    with pytest.raises(UsageError, match="no preset 'notebok'"):
        load_source(tmp_path / "m.json", said=Said("notebok"))
    with pytest.raises(UsageError, match="name them in output order"):
        load_source(tmp_path / "m.json", said=Said("torchvision"))
    with pytest.raises(ModelError, match=r"is neither a run .* nor a SavedModel"):
        load_source(tmp_path / "run", said=Said("notebook"))
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="is a run and has its own spec"):
        load_source(tmp_path / "run", said=Said("notebook"))


def accuracy_of(found: list[int], truth: list[int], classes: int = 2) -> dict[str, Any]:
    scores = np.eye(classes, dtype=np.float32)[found]
    return {"accuracy": {"images": len(truth), "recall": mean_recall(scores, np.array(truth))}}


def test_a_network_that_guesses_is_noticed() -> None:
    truth = [0] * 40 + [1] * 10
    assert "finds 50.0 % of each class on average, where guessing finds 50.0 %" in at_chance(
        accuracy_of([0] * 50, truth)
    )
    assert "finds 0.0 %" in at_chance(accuracy_of([1] * 40 + [0] * 10, truth))  # the classes in the other order
    assert at_chance(accuracy_of(truth, truth)) == ""
    assert at_chance(accuracy_of([0] * 40 + [0, 1] * 5, truth)) == at_chance({})  # 75 %: 2 deviations are 18 points
    assert at_chance(accuracy_of([0] * 10, [0] * 5 + [1] * 5)) == ""  # so few say nothing
    assert at_chance(accuracy_of([1] * 30, [0] * 30)) == ""  # nor does one class


def test_mean_recall_counts_each_class_alike() -> None:
    found = mean_recall(np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1]], np.array([0, 0, 0, 0, 1]))
    assert found["mean"] == pytest.approx((0.75 + 1) / 2)
    assert (found["guessing"], found["classes"]) == (pytest.approx(1 / 3), 2)
    assert found["deviation"] == pytest.approx(np.sqrt(2 / 9 / 4 + 2 / 9 / 1) / 2)


def test_a_network_is_taken_whatever_its_file_is_called(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "m.keras")
    (tmp_path / "m.keras").rename(tmp_path / "m.tflite")
    assert load_source(tmp_path / "m.tflite", said=Said("notebook")).kind == "keras"


def test_a_folder_of_versions_and_a_spec_that_is_none_are_named(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "served" / "1")
    with pytest.raises(ModelError, match=f"nor a SavedModel .*; {tmp_path}/served/1 is one: give that"):
        load_source(tmp_path / "served", said=Said("notebook"))
    (tmp_path / "spec.json").write_text("<html>")
    with pytest.raises(SpecError, match=f"{tmp_path}/spec.json: the ModelSpec is not JSON"):
        load_source(tmp_path / "served" / "1", tmp_path / "spec.json")
