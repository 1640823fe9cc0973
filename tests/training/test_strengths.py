from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import ModelError
from edgeleuk.files import sha256_bytes
from edgeleuk.keras.augmentation import PLAIN, PRESETS
from edgeleuk.training.strengths import Strengths, read_strengths, spread_between_subjects, strengths_for


def index_of(folder: Path, lights: list[tuple[float, float, float]], known: bool = True) -> Index:
    """Two pictures of each subject, whose light is as given, on black."""
    random = np.random.default_rng(0)
    images = []
    for subject, light in enumerate(lights):
        for number in range(2):
            pixels = np.zeros((40, 40, 3))
            pixels[8:32, 8:32] = random.normal(120, 4, (24, 24, 1)) * light
            path = folder / f"{subject}-{number}.png"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
            content = path.read_bytes()
            name = f"s{subject}" if known else None
            images.append(ImageRecord(path.name, sha256_bytes(content), len(content), "a", name, 1))
    return Index(folder, ("a", "b"), tuple(images), fold_count=2)


def test_the_spread_between_subjects_is_taken_apart_into_light_and_balance(tmp_path: Path) -> None:
    factors = np.exp(np.linspace(-0.3, 0.3, 9))
    index = index_of(tmp_path, [(f, f, f) for f in factors])
    spread = spread_between_subjects(index, index.images)
    assert spread is not None
    assert spread.subjects == 9
    assert spread.exposure == pytest.approx(np.log(factors).std(ddof=1), abs=0.02)
    assert spread.white_balance < 0.02


def test_a_data_set_whose_subjects_differ_more_is_changed_more(tmp_path: Path) -> None:
    index = index_of(tmp_path, [(f, 1.0, 1 / f) for f in np.exp(np.linspace(-0.25, 0.25, 8))])
    strengths = strengths_for("camera", index, 0)
    assert strengths.between_subjects is not None
    assert strengths.augmentation.white_balance > PRESETS["camera"].white_balance
    assert strengths.augmentation.white_balance == pytest.approx(2 * strengths.between_subjects.white_balance, abs=1e-3)
    assert strengths.augmentation.exposure == PRESETS["camera"].exposure
    assert read_strengths(strengths.to_json(), "strengths.json") == strengths


def test_few_or_unknown_subjects_leave_the_preset(tmp_path: Path) -> None:
    lights = [(0.5, 0.5, 0.5), (1.0, 1.0, 1.0), (1.5, 1.5, 1.5)]
    assert strengths_for("camera", index_of(tmp_path, lights), 0) == Strengths("camera", PRESETS["camera"])
    unknown = index_of(tmp_path, [*lights, *lights], known=False)
    assert strengths_for("strong", unknown, 0) == Strengths("strong", PRESETS["strong"])


def test_off_is_what_was_before_whatever_the_subjects(tmp_path: Path) -> None:
    index = index_of(tmp_path, [(f, f, f) for f in np.exp(np.linspace(-0.5, 0.5, 9))])
    assert strengths_for("off", index, 0) == Strengths("off", PLAIN)


def test_a_damaged_record_is_refused() -> None:
    with pytest.raises(ModelError, match=r"strengths\.json"):
        read_strengths('{"robust": 3}', "strengths.json")
