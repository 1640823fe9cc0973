"""A model against a reference: the same images, subjects whole, and what is refused."""

import csv
import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import DataError, LeakError, ModelError, UsageError
from edgeleuk.evaluation.comparison import check_reference, compare_with, read_reference
from edgeleuk.evaluation.evaluate import Evaluation, Request, evaluate
from edgeleuk.evaluation.folder import record_of, write_folder
from edgeleuk.files import sha256_bytes
from edgeleuk.report.text.noninferiority import render_comparison
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.statistics.noninferiority import INFERIOR, NOT_INFERIOR, NOT_SHOWN, Gate

QUICK = Request("test", resamples=100)
SPEC = ModelSpec(("all", "hem"), Preprocessing(8, 8))


@dataclasses.dataclass(frozen=True)
class WrongAbout:
    """A model that calls every image "all" but the images whose number is in `wrong`."""

    wrong: frozenset[int] = frozenset()
    spec: ModelSpec = SPEC
    trained_on: frozenset[str] = frozenset()
    calibrated_on: frozenset[str] = frozenset()

    def probabilities(self, paths):
        for path in paths:
            yield np.array([0.0, 1.0] if int(path.stem) in self.wrong else [1.0, 0.0], np.float32)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """600 files of 30 subjects, all of the class "all" but one file, all in the test split."""
    images = []
    for number in range(600):
        path = tmp_path / "images" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(str(number).encode())
        label = "hem" if number == 599 else "all"
        subject, sha256 = f"S{number // 20}", sha256_bytes(str(number).encode())
        images.append(ImageRecord(path.name, sha256, path.stat().st_size, label, subject, split="test"))
    index = Index(tmp_path / "images", ("all", "hem"), tuple(images), subjects_known=True)
    index.save(tmp_path / "index.json")
    return index


@pytest.fixture
def data(index: Index, tmp_path: Path) -> Path:
    del index
    return tmp_path / "index.json"


def judged(
    index: Index, tmp_path: Path, wrong: Iterable[int] = (), request: Request = QUICK, **model: Any
) -> Evaluation:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"a model")
    return evaluate(WrongAbout(frozenset(wrong), **model), index, file, request)


def kept(evaluation: Evaluation, folder: Path) -> Path:
    write_folder(evaluation, folder)
    return folder


def without_subjects(index: Index, data: Path) -> Index:
    anonymous = dataclasses.replace(
        index, images=tuple(dataclasses.replace(image, subject=None) for image in index.images), subjects_known=False
    )
    anonymous.save(data)
    return anonymous


def test_the_same_answers_of_many_subjects_are_not_inferior(index: Index, data: Path, tmp_path: Path) -> None:
    evaluation = judged(index, tmp_path)
    found = compare_with(kept(evaluation, tmp_path / "ref"), evaluation, data, QUICK, Gate())
    assert (found.result.verdict, found.result.unit, found.result.units) == (NOT_INFERIOR, "subject", 30)
    assert found.reference_sha256 == evaluation.model_sha256


def test_pairs_are_joined_by_image_and_counted(index: Index, data: Path, tmp_path: Path) -> None:
    reference = kept(judged(index, tmp_path, range(0, 300, 20)), tmp_path / "ref")
    result = compare_with(reference, judged(index, tmp_path, range(10, 600, 20)), data, QUICK, Gate()).result
    assert (result.gained, result.lost) == (15, 30)
    assert result.difference == pytest.approx(-15 / 600)
    assert result.candidate_accuracy == pytest.approx(569 / 600)


def test_without_subjects_distinct_images_are_the_units(index: Index, data: Path, tmp_path: Path) -> None:
    anonymous = without_subjects(index, data)
    twin = dataclasses.replace(anonymous.images[1], sha256=anonymous.images[0].sha256)
    (index.root / "1.png").write_bytes(b"0")
    anonymous = dataclasses.replace(anonymous, images=(anonymous.images[0], twin, *anonymous.images[2:]))
    anonymous.save(data)
    reference = kept(judged(anonymous, tmp_path), tmp_path / "ref")
    result = compare_with(reference, judged(anonymous, tmp_path, range(2, 80)), data, QUICK, Gate()).result
    assert (result.verdict, result.unit, result.units, result.lost) == (INFERIOR, "image", 599, 78)


def test_what_each_class_loses_is_told_with_the_subjects_it_rests_on(index: Index, data: Path, tmp_path: Path) -> None:
    reference = kept(judged(index, tmp_path), tmp_path / "ref")
    found = compare_with(reference, judged(index, tmp_path, range(0, 180, 20)), data, QUICK, Gate(0.02))
    ill, healthy = found.classes
    assert (ill.name, ill.kind, ill.images, ill.groups, ill.unit) == ("all", "recall", 599, 30, "subject")
    assert ill.difference == pytest.approx(-9 / 599)
    assert ill.low < ill.difference < ill.high < 0
    assert (healthy.images, healthy.groups, healthy.low) == (1, 1, None)
    text = render_comparison(found)
    assert "by class  recall of all 0.9850 against 1.0000: -1.50 points (-" in text
    assert "by class  recall of hem 0.0000 against 0.0000: +0.00 points (no bounds; 1 subject)" in text
    assert found.notes


def test_few_subjects_could_not_show_it_and_the_text_says_how_many_would(
    index: Index, data: Path, tmp_path: Path
) -> None:
    few = dataclasses.replace(index, images=index.images[:300])
    few.save(data)
    reference = kept(judged(few, tmp_path, [0, 50, 270]), tmp_path / "ref")
    found = compare_with(reference, judged(few, tmp_path, [1, 51, 130]), data, QUICK, Gate())
    assert found.result.verdict == NOT_SHOWN
    text = render_comparison(found)
    assert "could not show it with this few subjects (margin 1 point, 95% confidence): 15 of at least 20" in text
    assert f"about {found.result.needed:,} subjects of this spread would show it" in text


def test_the_text_gives_the_difference_its_bounds_and_the_verdict(index: Index, data: Path, tmp_path: Path) -> None:
    reference = kept(judged(index, tmp_path, range(5)), tmp_path / "ref")
    text = render_comparison(compare_with(reference, judged(index, tmp_path), data, QUICK, Gate(0.02)))
    assert "change    +0.83 points: 5 images right that the reference had wrong, 0 the other way round" in text
    assert "accuracy  0.9983 against 0.9900 on 600 images of 30 subjects" in text
    assert "verdict   not inferior (margin 2 points, 95% confidence)" in text


def test_the_record_holds_the_comparison_and_can_be_a_reference(index: Index, data: Path, tmp_path: Path) -> None:
    evaluation = judged(index, tmp_path)
    found = compare_with(kept(evaluation, tmp_path / "ref"), evaluation, data, QUICK, Gate())
    write_folder(evaluation, tmp_path / "new", found)
    record = json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert record == json.loads(json.dumps(record_of(evaluation, found)))
    assert record["against"]["result"]["verdict"] == NOT_INFERIOR
    assert record["against"]["result"]["gate"] == {"margin": 0.01, "confidence": 0.95}
    assert read_reference(tmp_path / "new").right == read_reference(tmp_path / "ref").right


def test_a_reference_on_another_index_or_split_is_refused(index: Index, data: Path, tmp_path: Path) -> None:
    reference = kept(judged(index, tmp_path), tmp_path / "ref")
    everything = judged(index, tmp_path, request=dataclasses.replace(QUICK, split="all"))
    with pytest.raises(DataError, match=r"other images .*split 'test'.*split 'all'.*evaluate both on one index"):
        compare_with(reference, everything, data, QUICK, Gate())
    anonymous = without_subjects(index, data)
    with pytest.raises(DataError, match="other images"):
        compare_with(reference, judged(anonymous, tmp_path), data, QUICK, Gate())


def test_images_that_one_of_them_skipped_are_left_out_only_where_asked(
    index: Index, data: Path, tmp_path: Path
) -> None:
    skip = dataclasses.replace(QUICK, trained="skip")
    seen = frozenset(image.sha256[:16] for image in index.images[:100])
    reference = kept(judged(index, tmp_path, request=skip, trained_on=seen), tmp_path / "ref")
    evaluation = judged(index, tmp_path)
    with pytest.raises(DataError, match=r"on 500 images, 500 of them among the 600 .*choose --split test"):
        compare_with(reference, evaluation, data, QUICK, Gate())
    assert compare_with(reference, evaluation, data, skip, Gate()).result.images == 500


def test_images_seen_in_training_show_nothing(index: Index, data: Path, tmp_path: Path) -> None:
    allow = dataclasses.replace(QUICK, trained="allow")
    seen = frozenset(image.sha256[:16] for image in index.images[:100])
    reference = kept(judged(index, tmp_path, request=allow, trained_on=seen), tmp_path / "ref")
    with pytest.raises(LeakError, match="evaluate without --allow-trained"):
        compare_with(reference, judged(index, tmp_path), data, QUICK, Gate())
    with pytest.raises(UsageError, match="seen in training"):
        compare_with(reference, judged(index, tmp_path), data, allow, Gate())


@pytest.mark.parametrize("damage", ["cut off", "a row gone", "an answer changed", "no table", "another schema"])
def test_a_damaged_reference_is_refused_before_anything_is_evaluated(index: Index, tmp_path: Path, damage: str) -> None:
    folder = kept(judged(index, tmp_path), tmp_path / "ref")
    record, table = folder / "evaluation.json", folder / "predictions.csv"
    rows = list(csv.reader(table.read_text().splitlines()))
    if damage == "cut off":
        record.write_text(record.read_text()[:100])
    elif damage == "no table":
        table.unlink()
    elif damage == "another schema":
        record.write_text(record.read_text().replace('"schema_version": 1', '"schema_version": 9'))
    else:
        changed = rows[:-1] if damage == "a row gone" else [*rows[:5], [*rows[5][:3], "hem", *rows[5][4:]], *rows[6:]]
        table.write_text("\n".join(",".join(row) for row in changed))
    with pytest.raises(
        DataError, match="schema version 9" if damage == "another schema" else "can be read|is not JSON"
    ):
        check_reference(folder)


def test_a_reference_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent: no such reference; expected a \.tflite file, a run or a folder"):
        check_reference(tmp_path / "absent")


def test_an_evaluation_made_elsewhere_is_of_the_same_images(index: Index, data: Path, tmp_path: Path) -> None:
    reference = kept(judged(index, tmp_path, range(5)), tmp_path / "ref")
    there = tmp_path / "there"
    (tmp_path / "images").rename(there)
    moved = Index.load(data, there)
    renamed = dataclasses.replace(
        moved, images=tuple(dataclasses.replace(image, path=f"0{image.path}") for image in moved.images)
    )
    for path in list(there.iterdir()):
        path.rename(there / f"0{path.name}")
    renamed.save(data)
    found = compare_with(reference, judged(renamed, tmp_path, [0]), data, QUICK, Gate())
    assert (found.result.images, found.result.gained, found.result.lost) == (600, 4, 0)


def test_an_evaluation_of_an_older_version_is_of_the_same_images(index: Index, data: Path, tmp_path: Path) -> None:
    """It knows the index by a hash that the root was part of, and images by their paths alone."""
    reference = kept(judged(index, tmp_path, range(5)), tmp_path / "ref")
    record, table = reference / "evaluation.json", reference / "predictions.csv"
    former = index._former_sha256(str(index.root))
    record.write_text(record.read_text().replace(index.sha256, former))
    rows = list(csv.reader(table.read_text().splitlines()))
    table.write_text("\n".join(",".join(row[:-1]) for row in rows))
    found = compare_with(reference, judged(index, tmp_path, [0]), data, QUICK, Gate())
    assert (found.result.images, found.result.gained, found.result.lost) == (600, 4, 0)
    record.write_text(record.read_text().replace(former, "ab" * 32))
    with pytest.raises(DataError, match="was evaluated on other images"):
        compare_with(reference, judged(index, tmp_path), data, QUICK, Gate())
