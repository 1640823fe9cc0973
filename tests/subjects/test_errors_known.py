"""Where a model's error rates come from."""

import json
from dataclasses import replace

import pytest

from edgeleuk.errors import DataError, UsageError
from edgeleuk.files import sha256_bytes
from edgeleuk.reliability import Calibration
from edgeleuk.runtime.bundle import read_bundle, write_bundle
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.subjects.errors_known import errors_of_bundle, errors_of_evaluation, errors_of_spec
from tests.subjects.test_shares import held_out

NETWORK, MODEL = "a" * 64, "b" * 64


def spec(**changes):
    confusions = tuple(tuple(map(tuple, table)) for table in held_out())
    found = Calibration(NETWORK, "c" * 64, 480, 24, groups_confusion=confusions)
    return ModelSpec(("all", "hem"), Preprocessing(8, 8), positive_class="all", calibration=replace(found, **changes))


def write_evaluation(folder, rows, **changes):
    """What `evaluate -o` leaves of it."""
    facts = {
        "schema_version": 1, "classes": ["all", "hem"], "positive_class": "all", "model_sha256": MODEL,
        "trained_images": 0, "split": "test",
    }  # fmt: skip
    folder.mkdir()
    (folder / "evaluation.json").write_text(json.dumps(facts | changes))
    lines = "".join(f"{number}.bmp,{subject},{label},{predicted}\n" for number, (subject, label, predicted) in
                    enumerate(rows))  # fmt: skip
    (folder / "predictions.csv").write_text(f"path,subject,label,predicted\n{lines}")
    return folder


ROWS = [
    (f"{label}{subject}", label, predicted)
    for label, other in (("all", "hem"), ("hem", "all"))
    for subject in range(6)
    for predicted in (*[label] * 9, other)
]


def test_the_calibration_of_a_model_says_them():
    found = errors_of_spec(spec(), NETWORK)
    assert found.rates is not None
    assert found.rates.sensitivity.value == pytest.approx(0.9)
    assert (found.rates.sensitivity.subjects, found.rates.specificity.subjects) == (12, 12)
    assert "480 held-out cells of 24 subjects" in found.sentence


@pytest.mark.parametrize(
    ("model", "network", "cascade", "reason"),
    [
        (replace(spec(), calibration=None), NETWORK, False, "says nothing of its errors"),
        (spec(), "d" * 64, False, "of another network"),
        (spec(unit="image group"), NETWORK, False, "whose subjects are unknown"),
        (spec(), NETWORK, True, "a cascade errs otherwise"),
        (spec(groups_confusion=()), NETWORK, False, "too few held-out subjects"),
    ],
)
def test_what_does_not_say_them_is_told(model, network, cascade, reason):
    found = errors_of_spec(model, network, cascade)
    assert found.rates is None
    assert reason in found.sentence
    assert found.positive == "all"


def test_an_evaluation_of_that_model_says_them(tmp_path):
    found, of = errors_of_evaluation(write_evaluation(tmp_path / "e", ROWS), MODEL)
    assert of == MODEL
    assert found.rates is not None
    assert (found.rates.sensitivity.value, found.rates.specificity.value) == (0.9, 0.9)
    assert "120 held-out cells of 12 subjects, evaluation e" in found.says


def test_an_evaluation_of_another_model_is_refused(tmp_path):
    with pytest.raises(UsageError, match="an evaluation of another model"):
        errors_of_evaluation(write_evaluation(tmp_path / "e", ROWS), "e" * 64)


@pytest.mark.parametrize(
    ("rows", "changes", "reason"),
    [
        (ROWS, {"trained_images": 3}, "on images seen in training"),
        ([*ROWS, ("", "all", "all")], {}, "1 image whose subject is unknown"),
        (ROWS[:20], {}, "too few held-out subjects"),
    ],
)
def test_an_evaluation_that_cannot_say_them_is_told(rows, changes, reason, tmp_path):
    found, _ = errors_of_evaluation(write_evaluation(tmp_path / "e", rows, **changes), MODEL)
    assert found.rates is None
    assert reason in found.says


@pytest.mark.parametrize("changes", [{"classes": None}, {"classes": ["x", "y"]}, {"schema_version": 99}])
def test_a_folder_that_is_no_evaluation_is_one_sentence(changes, tmp_path):
    with pytest.raises(DataError, match="e"):
        errors_of_evaluation(write_evaluation(tmp_path / "e", ROWS, **changes), MODEL)


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(
        DataError, match=r"holds no evaluation.json; expected a folder that .edgeleuk evaluate -o. wrote"
    ):
        errors_of_evaluation(tmp_path, MODEL)


def test_a_calibrated_model_file_says_them_and_infer_uses_them(
    int8_flatbuffer, small_spec, write_image, run_edgeleuk, tmp_path
):
    network = sha256_bytes(int8_flatbuffer)
    calibration = replace(spec().calibration, network_sha256=network)
    model = tmp_path / "calibrated.tflite"
    write_bundle(model, int8_flatbuffer, replace(small_spec, calibration=calibration), {}, frozenset())
    assert errors_of_bundle(read_bundle(model), model).rates is not None
    done = run_edgeleuk("infer", model, write_image("UID_1_1_1_all.bmp"), "--by-subject")
    row = json.loads(done.stdout.splitlines()[-1])
    assert row["shares"][0]["with_errors"] is True
    assert "the model's errors are in the intervals" in row["errors"]
