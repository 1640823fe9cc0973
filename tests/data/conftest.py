"""Small image folders in the layouts that edgeleuk reads."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Paint = Callable[[str, int], Path]
_REAL = Path(os.environ.get("EDGELEUK_TEST_DATA", "none"))


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Write an 8x8 image below tmp_path/images whose bytes depend on the shade alone."""

    def write(name: str, shade: int) -> Path:
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (shade % 256, shade // 256, 7)).save(path)
        return path

    return write


@pytest.fixture
def class_folder(paint: Paint, tmp_path: Path) -> Path:
    """Two classes of six images each, all different."""
    for number in range(6):
        paint(f"blast/{number}.png", number)
        paint(f"healthy/{number}.png", 100 + number)
    return tmp_path / "images"


@pytest.fixture
def cnmc_folder(paint: Paint, tmp_path: Path) -> Path:
    """Three folds of two ALL and two healthy subjects with two images each, two preliminary images, one final."""
    shade = 0
    for fold in range(3):
        for subject in (fold * 2 + 1, fold * 2 + 2):
            for cell in (1, 2):
                shade += 2
                paint(f"training_data/fold_{fold}/all/UID_{subject}_1_{cell}_all.bmp", shade)
                paint(f"training_data/fold_{fold}/hem/UID_H{subject}_1_{cell}_hem.bmp", shade + 1)
    root = tmp_path / "images"
    paint("validation_data/C-NMC_test_prelim_phase_data/1.bmp", 200)
    paint("validation_data/C-NMC_test_prelim_phase_data/2.bmp", 201)
    paint("testing_data/C-NMC_test_final_phase_data/1.bmp", 202)
    (root / "validation_data/C-NMC_test_prelim_phase_data_labels.csv").write_text(
        "Patient_ID,new_names,labels\nUID_57_1_1_all.bmp,1.bmp,1\nUID_h40_1_1_hem.bmp,2.bmp,0\n"
    )
    return root


@pytest.fixture(scope="session")
def cnmc_manifest() -> Path:
    """The manifest of the whole C-NMC set, where it is at hand."""
    path = _REAL / "cnmc_manifest_sha256.tsv"
    if not path.is_file():
        pytest.skip("the manifest of the C-NMC set is not at hand")
    return path
