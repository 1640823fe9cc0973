import hashlib
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.synthetic.cells import IMAGE_SIZE_PX, CellTraits, draw_cell, smooth_noise
from edgeleuk.data.synthetic.synth import Subject, random_slide, random_subjects, random_traits, write_cells
from edgeleuk.errors import OutputError, UsageError

NAME = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)\.bmp")


def hashes(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.bmp")
    }


def draw_of(subject: Subject, count: int) -> NDArray[np.uint8]:
    rngs = [np.random.default_rng([7, image]) for image in range(count)]
    return np.stack([draw_cell(random_traits(subject, 0.5, rng), subject.slide, rng) for rng in rngs])


def traits_by_class(difficulty: float, trait: str) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(5)
    values: dict[str, list[float]] = {"all": [], "hem": []}
    for subject in random_subjects(40, 2, seed=1):
        values[subject.label] += [getattr(random_traits(subject, difficulty, rng), trait) for _ in range(25)]
    return {label: np.array(found) for label, found in values.items()}


def effect_size(difficulty: float, trait: str) -> float:
    values = traits_by_class(difficulty, trait)
    spread = np.sqrt((values["all"].var() + values["hem"].var()) / 2)
    return float((values["all"].mean() - values["hem"].mean()) / spread)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synth") / "cells"
    assert write_cells(out, images_per_subject=3) == 36
    return out


@pytest.fixture(scope="module")
def images(cells: Path) -> dict[Path, NDArray[np.uint8]]:
    return {path: np.asarray(Image.open(path)) for path in sorted(cells.rglob("*.bmp"))}


def test_files_lie_as_in_c_nmc(cells: Path) -> None:
    files = [path.relative_to(cells) for path in cells.rglob("*") if path.is_file()]
    assert len(files) == 36
    for path in files:
        assert re.fullmatch(r"training_data/fold_[012]/(all|hem)", path.parent.as_posix())
        found = NAME.fullmatch(path.name)
        assert found is not None
        assert found[2] == path.parent.name
        assert found[1].startswith("H") == (found[2] == "hem")


def test_every_fold_holds_two_subjects_of_each_class_and_no_subject_lies_in_two(cells: Path) -> None:
    folds: dict[str, set[str]] = {}
    subjects: dict[str, set[str]] = {}
    for path in cells.rglob("*.bmp"):
        subject = path.name.split("_")[1]
        folds.setdefault(subject, set()).add(path.parent.parent.name)
        subjects.setdefault(path.parent.relative_to(cells).as_posix(), set()).add(subject)
    assert len(folds) == 12
    assert all(len(found) == 1 for found in folds.values())
    assert len(subjects) == 6
    assert all(len(found) == 2 for found in subjects.values())


def test_images_are_24_bit_bmp_of_450_by_450(cells: Path) -> None:
    for path in cells.rglob("*.bmp"):
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("BMP", "RGB", (450, 450))


def test_outside_the_cell_is_exactly_black_and_inside_never(images: dict[Path, NDArray[np.uint8]]) -> None:
    for image in images.values():
        black = (image == 0).all(axis=-1)
        assert np.array_equal(black, (image == 0).any(axis=-1))
        assert 0.7 < black.mean() < 0.92
        assert black[[0, -1]].all()
        assert black[:, [0, -1]].all()


def test_the_cell_is_centred(images: dict[Path, NDArray[np.uint8]]) -> None:
    for image in images.values():
        for places in np.nonzero(image.any(axis=-1)):
            assert (places.min() + places.max()) / 2 == pytest.approx((IMAGE_SIZE_PX - 1) / 2, abs=1.5)


def test_colour_is_that_of_the_real_stain(images: dict[Path, NDArray[np.uint8]]) -> None:
    # Mean over cells of the C-NMC training set: about (68, 30, 78).
    means = np.mean([image[image.any(axis=-1)].mean(axis=0) for image in images.values()], axis=0)
    assert means == pytest.approx([68, 30, 78], abs=10)


def test_no_two_images_are_alike(cells: Path) -> None:
    found = hashes(cells)
    assert len(set(found.values())) == len(found)


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        write_cells(tmp_path / name, subjects=8, folds=2, images_per_subject=1, seed=seed)
    first = hashes(tmp_path / "first")
    assert first == hashes(tmp_path / "again")
    assert not set(first.values()) & set(hashes(tmp_path / "other").values())


def test_stain_differs_more_between_subjects_than_within_one() -> None:
    colours = []
    for subject in random_subjects(12, 3, seed=0):
        drawn = draw_of(subject, 3)
        colours.append([image[image.any(axis=-1)].mean(axis=0) for image in drawn])
    by_subject = np.array(colours)
    between = by_subject.mean(axis=1).std(axis=0)
    within = by_subject.std(axis=1).mean(axis=0)
    assert (between > within).all()


def test_stain_and_light_do_not_depend_on_the_class() -> None:
    light: dict[str, list[NDArray[np.float64]]] = {"all": [], "hem": []}
    for subject in random_subjects(200, 2, seed=0):
        light[subject.label].append(subject.slide.light * np.exp(-subject.slide.azure - subject.slide.eosin))
    blasts, healthy = np.array(light["all"]), np.array(light["hem"])
    assert (np.abs(blasts.mean(axis=0) - healthy.mean(axis=0)) < 0.3 * healthy.std(axis=0)).all()


@pytest.mark.parametrize(
    ("trait", "direction"),
    [("radius_px", 1), ("nucleus_ratio", 1), ("roughness", 1), ("notches", 1), ("nucleoli", 1), ("clump_px", -1)],
)
def test_blasts_differ_in_the_known_direction_and_overlap(trait: str, direction: int) -> None:
    values = traits_by_class(0.5, trait)
    blasts, healthy = direction * values["all"], direction * values["hem"]
    assert blasts.mean() > healthy.mean()
    assert np.quantile(blasts, 0.1) < np.quantile(healthy, 0.9)


def test_difficulty_moves_the_classes_together() -> None:
    sizes = [effect_size(difficulty, "radius_px") for difficulty in (0.0, 0.5, 1.0)]
    assert sizes[0] > 2
    assert sizes[0] > sizes[1] + 0.5 > sizes[2] + 1
    assert abs(sizes[2]) < 0.4


def test_traits_set_the_size_of_the_cell() -> None:
    rng = np.random.default_rng(0)
    slide = random_slide(rng, rng)
    areas = []
    for radius in (80.0, 120.0):
        traits = CellTraits(radius, nucleus_ratio=0.9, roughness=0.01, notches=0, clump_px=10, contrast=1, nucleoli=1)
        areas.append(draw_cell(traits, slide, rng).any(axis=-1).sum())
    assert areas == pytest.approx([np.pi * 80**2, np.pi * 120**2], rel=0.12)


def test_noise_is_smooth_at_its_scale() -> None:
    noise = smooth_noise((200, 120), 20, np.random.default_rng(0))
    assert noise.shape == (200, 120)
    assert noise.mean() == pytest.approx(0, abs=1e-4)
    assert noise.std() == pytest.approx(1, abs=1e-4)
    assert np.abs(np.diff(noise, axis=1)).max() < 0.4


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"difficulty": 1.01}, "difficulty is 1.01; expected 0 to 1"),
        ({"difficulty": -0.1}, "difficulty is -0.1; expected 0 to 1"),
        ({"difficulty": float("nan")}, "difficulty is nan; expected 0 to 1"),
        ({"subjects": 11}, "subjects is 11; expected 12 or more, 2 of each class in each of 3 folds"),
        ({"folds": 1}, "folds is 1; expected 2 or more"),
        ({"images_per_subject": 0}, "images_per_subject is 0; expected 1 or more"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
    ],
)
def test_values_out_of_range_are_refused_before_anything_is_written(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        write_cells(tmp_path / "cells", **values)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="already exists"):
        write_cells(tmp_path / "cells", images_per_subject=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["cells", "mine.txt"]


def test_nothing_is_left_behind_where_the_place_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="cannot write"):
        write_cells(tmp_path / "file" / "cells", images_per_subject=1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_is_left_behind_where_the_disk_takes_no_more(tmp_path: Path) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, allowed[1]))
    try:
        with pytest.raises(OutputError, match="cannot write"):
            write_cells(tmp_path / "cells", images_per_subject=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert list(tmp_path.iterdir()) == []
