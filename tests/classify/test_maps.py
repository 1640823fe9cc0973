"""Maps of images: written beside each answer, refused in a sentence where a model has none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeleuk.classify.maps import MapFolder, check_some, explained, lacking, seen_crop
from edgeleuk.classify.model import Model
from edgeleuk.classify.steps import Steps, Upload
from edgeleuk.errors import OutputError, UsageError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.models import open_model
from edgeleuk.store import Filter, Store


def model_of(path: Path) -> Model:
    return Model.of(read_bundle(path), path)


def test_each_image_gets_a_picture_named_by_it_and_its_content(
    small_map_model: Path, write_image: Any, tmp_path: Path
) -> None:
    one, other = write_image("a/cell.png"), write_image("bb/cell.png", size=(90, 70))
    steps = Steps(model_of(small_map_model), maps=MapFolder(tmp_path / "maps" / "new"))
    rows = [row for row in steps.rows([[one], [other]]) if row is not None]
    names = [f"cell.{sha256_bytes(path.read_bytes())[:8]}.map.png" for path in (one, other)]
    assert [row.to_dict()["map"] for row in rows] == [str(tmp_path / "maps" / "new" / name) for name in names]
    assert sorted(path.name for path in (tmp_path / "maps" / "new").iterdir()) == sorted(names)
    model = open_model(small_map_model)
    with Image.open(other) as image:
        expected = explained(model, seen_crop(model, image.convert("RGB")), model.predict(image, keep_map=True))
    with Image.open(rows[1].map or "") as written:
        assert written.format == "PNG"
        np.testing.assert_array_equal(np.asarray(written), np.asarray(expected))


def test_what_the_store_knows_gets_its_picture_and_no_second_result(
    small_map_model: Path, write_image: Any, tmp_path: Path
) -> None:
    from edgeleuk.classify.recorder import recorded

    image = write_image("cell.png")
    with Store.open(tmp_path / "results.db") as store:
        steps = Steps(model_of(small_map_model), store, maps=MapFolder(tmp_path / "maps"))
        for known in (False, True):
            (row,) = (row for row in recorded(steps.rows([[image]]), store, "file") if row is not None)
            assert row.known == known
            path = Path(row.map or "")
            assert path.is_file()
            path.unlink()
        twice = Path(write_image("copy.png", size=(64, 64)))
        twice.write_bytes(image.read_bytes())
        rows = [row for row in recorded(steps.rows([[image, twice]]), store, "file") if row is not None]
        assert len({row.map for row in rows}) == 2
        assert all(Path(row.map or "").is_file() for row in rows)
        assert store.count(Filter()) == 1


def test_the_answer_is_the_same_as_without_a_map(small_map_model: Path, write_image: Any, tmp_path: Path) -> None:
    model, image = model_of(small_map_model), write_image("cell.png")
    (with_map,) = Steps(model, maps=MapFolder(tmp_path / "maps")).rows([[image]])
    (without,) = Steps(model).rows([[image]])
    assert with_map is not None
    assert without is not None
    assert with_map.result is not None
    assert without.result is not None
    assert with_map.result.probabilities == without.result.probabilities
    assert "map" not in without.to_dict()


def test_a_bad_image_stays_a_row_with_its_reason(small_map_model: Path, tmp_path: Path) -> None:
    steps = Steps(model_of(small_map_model), maps=MapFolder(tmp_path / "maps"))
    row = steps.row(Upload("bad", b"nothing", sha256_bytes(b"nothing")), steps.model)
    assert row.error
    assert list((tmp_path / "maps").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error_of_output(unprivileged: Path) -> None:
    (unprivileged / "file").write_text("x")
    with pytest.raises(OutputError, match="file"):
        MapFolder(unprivileged / "file")


def test_a_model_without_a_map_is_refused_and_half_a_cascade_warned_of(
    small_map_model: Path, small_model: Path, write_cascade: Any, tmp_path: Path, float_flatbuffer: bytes
) -> None:
    assert check_some(open_model(small_map_model)) == []
    for path in (small_model, write_cascade(tmp_path / "none.tflite")):
        with pytest.raises(UsageError, match="convert SOURCE"):
            check_some(open_model(path))
    model = open_model(write_cascade(tmp_path / "half.tflite"))
    model.first = open_model(small_map_model)  # type: ignore[attr-defined]
    assert check_some(model) == lacking(model)
    assert [text.partition(" is one")[0] for text in lacking(model)] == ["the cascade's large model"]


def test_answers_of_a_cascades_model_without_a_map_have_none_in_json(
    small_map_model: Path, write_cascade: Any, tmp_path: Path, write_image: Any
) -> None:
    model = model_of(write_cascade(tmp_path / "half.tflite", threshold=1.0))
    model.classifier.first = open_model(small_map_model)  # type: ignore[attr-defined]
    (row,) = Steps(model, maps=MapFolder(tmp_path / "maps")).rows([[write_image("cell.png")]])
    assert row is not None
    assert row.to_dict()["stage"] == 2
    assert row.to_dict()["map"] is None
