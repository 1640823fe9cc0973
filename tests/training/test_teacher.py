import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import LeakError, ModelError, UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.keras.network import NetworkConfig
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.training.config import Distilling, TrainConfig
from edgeleuk.training.cross_validation import cross_validate
from edgeleuk.training.run import TEACHER, Run, load_run_folder, partial_of
from edgeleuk.training.teacher import fold_teacher, open_teacher, teacher_json
from edgeleuk.training.unfinished import publish_run


@pytest.fixture
def index(cells_index: Path) -> Index:
    return Index.load(cells_index)


def write_run(out: Path, index: Index, fold: int = 0, kind: str = "float", **texts: str) -> Run:
    """A whole run folder whose weights nobody loads."""
    partial = partial_of(out)
    files = {
        "spec.json": ModelSpec(index.classes, Preprocessing(75, 300)).to_json(),
        "config.json": to_json({"fold": fold}),
        "index.json": index.to_json(out),
        "metrics.json": to_json({"epoch": 1, "val_weighted_f1": 0.5, "val_accuracy": 0.5}),
        "weights.npz": "",
    }
    for name, text in (files | texts).items():
        write_text(partial / name, text)
    facts: dict[str, Any] = {"scheme_version": 1}
    return publish_run(partial, out, kind, NetworkConfig(len(index.classes), 75), facts)


def test_a_float_run_of_the_same_fold_may_teach(index: Index, tmp_path: Path) -> None:
    run = write_run(tmp_path / "teacher", index)
    assert open_teacher(run.folder, index, 0) == run


def test_a_teacher_that_has_seen_the_students_validation_images_is_refused(index: Index, tmp_path: Path) -> None:
    write_run(tmp_path / "teacher", index, fold=1)
    count = len(index.validation(0))
    with pytest.raises(LeakError, match=rf"trained on {count} of the {count} images .* with --fold 0 on the same"):
        open_teacher(tmp_path / "teacher", index, 0)


def test_a_teacher_that_has_seen_the_test_images_is_refused_also_from_another_folder(
    index: Index, tmp_path: Path
) -> None:
    write_run(tmp_path / "teacher", index)
    first = index.training(0)[0]
    group = [image for image in index.images if image.subject == first.subject]
    moved = tuple(
        dataclasses.replace(image, path=f"elsewhere/{image.path}", split="test", fold=None) if image in group else image
        for image in index.images
    )
    with pytest.raises(LeakError, match=f"trained on {len(group)} of the"):
        open_teacher(tmp_path / "teacher", dataclasses.replace(index, images=moved), 0)


def test_a_teacher_that_has_seen_other_images_of_a_held_out_subject_is_refused(index: Index, tmp_path: Path) -> None:
    held = index.validation(0)[0]
    write_run(tmp_path / "teacher", dataclasses.replace(index, images=(*index.training(0), _other_image(held))))
    with pytest.raises(LeakError) as refusal:
        open_teacher(tmp_path / "teacher", index, 0)
    assert f"other images of {held.subject}, subjects that the student is validated or tested on" in str(refusal.value)


def _other_image(held: Any) -> Any:
    return dataclasses.replace(held, path="new.bmp", sha256="f" * 64, pixels_sha256="f" * 64, fold=1)


def test_the_same_subject_names_in_unrelated_data_are_no_leak(index: Index, tmp_path: Path) -> None:
    renamed = tuple(dataclasses.replace(image, sha256=image.sha256[::-1], pixels_sha256=None) for image in index.images)
    write_run(tmp_path / "teacher", dataclasses.replace(index, images=renamed), fold=1)
    assert open_teacher(tmp_path / "teacher", index, 0).fold == 1


def test_a_teacher_of_a_teacher_counts_as_seen(index: Index, tmp_path: Path) -> None:
    wide = write_run(tmp_path / "wide", index, fold=1)
    lesson = teacher_json(wide, Distilling(4.0, 0.9))
    run = write_run(tmp_path / "taught", index, fold=0, **{TEACHER: lesson})
    assert wide.trained_on < run.trained_on
    with pytest.raises(LeakError):
        open_teacher(run.folder, index, 0)
    assert json.loads(lesson)["run_sha256"] == wide.sha256


def test_a_changed_teacher_record_is_refused(index: Index, tmp_path: Path) -> None:
    wide = write_run(tmp_path / "wide", index)
    lesson: dict[str, Any] = {TEACHER: teacher_json(wide, Distilling(4.0, 0.9))}
    run = write_run(tmp_path / "taught", index, **lesson)
    (run.folder / TEACHER).write_text('{"trained_on": []}')
    with pytest.raises(ModelError, match=r"teacher\.json has changed"):
        load_run_folder(run.folder)


def test_other_classes_or_another_order_are_refused_with_both_lists(index: Index, tmp_path: Path) -> None:
    write_run(tmp_path / "teacher", index)
    turned = dataclasses.replace(index, classes=index.classes[::-1])
    with pytest.raises(UsageError, match="knows the classes all, hem; the index has hem, all"):
        open_teacher(tmp_path / "teacher", turned, 0)


def test_a_qat_run_is_no_teacher(index: Index, tmp_path: Path) -> None:
    write_run(tmp_path / "teacher", index, kind="qat")
    with pytest.raises(UsageError, match="is a qat run; a teacher is a float run"):
        open_teacher(tmp_path / "teacher", index, 0)


def test_a_folder_of_folds_teaches_a_cross_validation_and_one_run_does_not(index: Index, tmp_path: Path) -> None:
    run = write_run(tmp_path / "one", index)
    for fold in range(3):
        write_run(tmp_path / "cv" / f"fold_{fold}", index, fold)
    assert fold_teacher(tmp_path / "cv", 2) == tmp_path / "cv" / "fold_2"
    with pytest.raises(UsageError, match=r"holds one run per fold; give --teacher .*cv/fold_1, or --cross-validate"):
        open_teacher(tmp_path / "cv", index, 1)
    config = TrainConfig(weights="none", teacher=str(run.folder))
    with pytest.raises(UsageError, match="one has seen what the others hold out"):
        cross_validate(index, config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_teacher_of_a_cross_validation_is_checked_before_the_first_fold(index: Index, tmp_path: Path) -> None:
    for fold, held in ((0, 0), (1, 1), (2, 1)):
        write_run(tmp_path / "cv" / f"fold_{fold}", index, held)
    config = TrainConfig(weights="none", teacher=str(tmp_path / "cv"))
    with pytest.raises(LeakError, match="--fold 2"):
        cross_validate(index, config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_teacher_is_named(index: Index, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="absent is not a complete run"):
        open_teacher(tmp_path / "absent", index, 0)
