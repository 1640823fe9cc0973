"""Published sets in the folders and under the names that they and their copies have, with pictures made up here."""

from collections import Counter
from pathlib import Path

import pytest

from edgeleuk.data.audit import audit
from edgeleuk.data.audit_text import render
from edgeleuk.data.layouts.known import KNOWN
from edgeleuk.data.scan import Scan, scan
from edgeleuk.data.split import split_scan
from edgeleuk.errors import DataError
from tests.data.conftest import Paint

UIDS = ("UID_1_1_1_all", "UID_1_1_2_all", "UID_2_1_1_all", "UID_H3_1_1_hem", "UID_h3_1_2_hem", "UID_H4_1_1_hem")


@pytest.fixture
def made(paint: Paint, tmp_path: Path):
    """Write a different picture under each name, and scan them."""

    def write(*names: str) -> Scan:
        for number, name in enumerate(names):
            paint(name, 7 * number)  # far enough apart for JPEG
        return scan(tmp_path / "images")

    return write


def _labels(found: Scan) -> dict[str | None, int]:
    return dict(Counter(image.label for image in found.images))


def _cnmc(place: str) -> list[str]:
    return [f"{place.format(name.rpartition('_')[2])}/{name}.bmp" for name in UIDS]


@pytest.mark.parametrize(
    "place",
    [
        "{}",
        "data/{}",
        "C-NMC_Leukemia/training_data/{}",
        "archive/C-NMC 2019 (PKG)/C-NMC_training_data/{}",
        "all cells",
    ],
)
def test_copies_of_cnmc_without_folds_take_subjects_from_the_names(made, place: str) -> None:
    found = made(*_cnmc(place))
    assert (found.layout, found.classes, found.positive_class) == ("c-nmc", ("all", "hem"), "all")
    assert _labels(found) == {"all": 3, "hem": 3}
    assert {image.subject for image in found.images} == {"UID_1", "UID_2", "UID_H3", "UID_H4"}
    assert found.subjects_known
    assert {image.fold for image in found.images} == {None}


@pytest.mark.parametrize(
    "place",
    [
        *("training_data/fold_{fold}/{label}", "C-NMC_training_data/fold_{fold}/{label}"),
        *("C-NMC_training_data/fold_{fold}/fold_{fold}/{label}", "C-NMC 2019/training_data/fold_{fold}/{label}"),
        *("fold_{fold}/{label}", "kfold/fold_{fold}/{label}", "archive/C-NMC 2019/training_data/fold_{fold}/{label}"),
    ],
)
def test_folds_of_cnmc_are_read_wherever_they_lie(made, place: str) -> None:
    names = [
        f"{place.format(fold=number % 2, label=name.rpartition('_')[2])}/{name}.bmp" for number, name in enumerate(UIDS)
    ]
    found = made(*names)
    assert (found.layout, found.classes, found.positive_class) == ("c-nmc", ("all", "hem"), "all")
    assert {image.path.rpartition("/")[2][:-4]: image.fold for image in found.images} == {
        name: number % 2 for number, name in enumerate(UIDS)
    }
    assert found.subjects_known


@pytest.mark.parametrize("place", ["validation_data/", "", "C-NMC_test_prelim_phase_data/"])
def test_the_preliminary_set_is_found_with_its_table_where_copies_have_it(made, tmp_path: Path, place: str) -> None:
    name = "C-NMC_test_prelim_phase_data"
    names = [*_cnmc("C-NMC_training_data/fold_0/{}"), f"{place}{name}/1.bmp", f"{place}{name}/2.bmp"]
    for path in (tmp_path / "images" / place,):
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{name}_labels.csv").write_text(
            "Patient_ID,new_names,labels\nUID_57_1_1_all.bmp,1.bmp,1\nUID_H40_1_1_hem.bmp,2.bmp,0\n"
        )
    found = made(*names)
    assert found.problems == ()
    assert [(image.label, image.subject) for image in found.images if image.split == "test"] == [
        ("all", "UID_57"),
        ("hem", "UID_H40"),
    ]


def test_a_given_split_of_cnmc_that_shares_a_subject_leaks(made) -> None:
    found = made(
        *(f"train/{name.rpartition('_')[2]}/{name}.bmp" for name in UIDS[::2]),
        *(f"test/{name.rpartition('_')[2]}/{name}.bmp" for name in UIDS[1::2]),
    )
    assert (found.layout, found.given) == ("c-nmc", ("train", "test"))
    assert any("leaks" in problem and "UID_1" in problem for problem in audit(found).problems)


def test_folders_called_otherwise_name_the_classes_of_cnmc_pictures(made) -> None:
    found = made(*(f"{'leukemia' if 'all' in name else 'normal'}/{name}.bmp" for name in UIDS))
    assert (found.classes, found.positive_class, found.problems) == (("leukemia", "normal"), None, ())
    assert found.subjects_known


def _idb(place: str, suffix: str, *answers: int) -> list[str]:
    return [f"{place}Im{number:03}_{answer}.{suffix}" for number, answer in enumerate(answers, start=1)]


@pytest.mark.parametrize("place", ["", "im/", "ALL_IDB1/im/", "archive/ALL_IDB1/im/"])
def test_all_idb1_is_labelled_by_its_names(made, tmp_path: Path, place: str) -> None:
    (tmp_path / "images/xyc").mkdir(parents=True)
    (tmp_path / "images/xyc/Im001_1.xyc").write_text("10\t20\n")
    found = made(*_idb(place, "jpg", 1, 1, 0, 0))
    assert (found.layout, found.classes, found.positive_class) == ("ALL-IDB1", ("ALL", "healthy"), "ALL")
    assert _labels(found) == {"ALL": 2, "healthy": 2}
    assert not found.subjects_known
    assert "no subject is known" in found.notes[0]


@pytest.mark.parametrize("place", ["img/", "ALL_IDB2/img/"])
def test_all_idb2_is_told_from_it(made, place: str) -> None:
    found = made(*_idb(place, "tif", 1, 0, 0))
    assert (found.layout, found.classes, found.positive_class) == ("ALL-IDB2", ("blast", "healthy"), "blast")
    assert _labels(found) == {"blast": 1, "healthy": 2}


def test_both_parts_of_all_idb_together_are_refused(made) -> None:
    with pytest.raises(DataError, match=r"the cells of the second are cut from .*ALL_IDB1/im"):
        made(*_idb("ALL_IDB1/im/", "jpg", 1, 0), *_idb("ALL_IDB2/img/", "tif", 1, 0))


def test_pictures_of_all_idb_that_somebody_sorted_are_read_by_their_folders(made) -> None:
    found = made("leukemia/Im001_1.jpg", "leukemia/Im002_1.jpg", "normal/Im003_0.jpg")
    assert (found.layout, found.classes) == ("class-folders", ("leukemia", "normal"))


def test_kaggle_blood_cells_keeps_its_split_and_leaves_the_smears_out(made) -> None:
    kinds = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
    top = "dataset2-master/dataset2-master/images"
    found = made(
        *(f"{top}/TRAIN/{kind}/_{number}_{number + 207}.jpeg" for kind in kinds for number in range(3)),
        *(f"{top}/TEST/{kind}/_0_{number + 1000}.jpeg" for kind in kinds for number in range(2)),
        *(f"{top}/TEST_SIMPLE/{kind}/{number}.jpeg" for kind in kinds for number in range(1)),
        "dataset-master/dataset-master/JPEGImages/BloodImage_00001.jpg",
    )
    assert (found.layout, found.classes) == ("Kaggle blood-cells (dataset2-master)", kinds)
    assert found.given == ("train", "test")
    assert Counter(image.split for image in found.images) == {"train": 12, "test": 12}
    assert [row.count for row in found.left_out] == [1]
    assert "changed copies" in found.notes[0]
    assert split_scan(found).fold_count == 3


def test_the_smears_of_kaggle_blood_cells_are_labelled_by_their_table(made, tmp_path: Path) -> None:
    place = "dataset-master/dataset-master"
    (tmp_path / "images" / place).mkdir(parents=True)
    (tmp_path / "images" / place / "labels.csv").write_text(
        ',Image,Category\n0,0,NEUTROPHIL\n1,1,EOSINOPHIL\n2,2,"NEUTROPHIL, EOSINOPHIL"\n3,3,\n'
    )
    found = made(*(f"{place}/JPEGImages/BloodImage_{number:05}.jpg" for number in range(5)))
    assert found.layout == "Kaggle blood-cells (dataset-master)"
    assert _labels(found) == {"NEUTROPHIL": 1, "EOSINOPHIL": 1}
    assert {(row.reason, row.count) for row in found.left_out} == {
        ("of several kinds in labels.csv", 1),
        ("of no kind in labels.csv", 2),
    }


@pytest.mark.parametrize("place", ["", "PBC_dataset_normal_DIB/PBC_dataset_normal_DIB/"])
def test_pbc_is_recognised(made, place: str) -> None:
    kinds = {
        "basophil": "BA",
        "eosinophil": "EO",
        "erythroblast": "ERB",
        "ig": "MMY",
        "lymphocyte": "LY",
        "monocyte": "MO",
        "neutrophil": "SNE",
        "platelet": "PLATELET",
    }
    found = made(*(f"{place}{kind}/{code}_{number}23.jpg" for kind, code in kinds.items() for number in (1, 2)))
    assert (found.layout, found.classes) == ("PBC (Acevedo, 8 classes)", tuple(sorted(kinds)))
    assert "no subject is known" in found.notes[0]


def test_raabin_is_recognised_with_both_tests(made) -> None:
    kinds = ("Basophil", "Eosinophil", "Lymphocyte", "Monocyte", "Neutrophil")
    found = made(
        *(f"Raabin/Train/{kind}/20190526_162951_{number}.jpg" for number, kind in enumerate(kinds)),
        *(f"Raabin/TestA/{kind}/20190527_1_{number}.jpg" for number, kind in enumerate(kinds)),
        *(f"Raabin/TestB/{kind}/20190528_1_{number}.jpg" for number, kind in enumerate(kinds[2:])),
    )
    assert (found.layout, found.classes, found.given) == ("Raabin-WBC", kinds, ("train", "test"))
    assert Counter(image.split for image in found.images) == {"train": 5, "test": 8}


def test_munich_aml_is_recognised(made, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/annotations.dat").write_text("BAS/BAS_0001.tiff BAS nan nan\n")
    codes = [each.upper() for each in sorted(KNOWN[0].classes)]
    found = made(*(f"AML-Cytomorphology/{code}/{code}_000{number}.tiff" for code in codes for number in (1, 2)))
    assert (found.layout, found.classes) == ("Munich AML (AML-Cytomorphology_LMU)", tuple(codes))
    assert "layout: Munich AML" in render(audit(found))
    assert "no subject is known" in render(audit(found))


def test_other_folders_of_the_same_classes_are_no_known_set(made) -> None:
    assert made("lymphocyte/a.png", "monocyte/b.png").layout == "class-folders"


def test_pictures_with_boxes_are_to_be_cut_first(made, tmp_path: Path) -> None:
    (tmp_path / "images/BCCD/Annotations").mkdir(parents=True)
    (tmp_path / "images/BCCD/Annotations/BloodImage_00000.xml").write_text("<annotation/>")
    with pytest.raises(DataError, match=r"edgeleuk data crop-boxes .*images -o DIR'"):
        made("BCCD/JPEGImages/BloodImage_00000.jpg")
