"""`edgeleuk cells` and `edgeleuk infer --field` as a user meets them: in a process of their own."""

import json

import pytest
from PIL import Image

from tests.cli.test_infer import on_a_terminal
from tests.fields.made import saved


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("fields") / "field.png")


def test_cells_are_found_and_files_written(run_edgeleuk, field, tmp_path):
    done = run_edgeleuk("cells", field, "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["counts"] == {"white cell": 3}
    assert (tmp_path / "out" / "field.geojson").exists()
    again = run_edgeleuk("cells", field, "-o", tmp_path / "out")
    assert again.returncode == 1
    assert again.stderr.startswith(f"error: {tmp_path / 'out'} already exists")


def test_a_field_is_classified_and_a_terminal_is_told_so(field, small_model):
    shown, status = on_a_terminal(small_model, field, "--field")
    lines = [line for line in shown.splitlines() if not line.startswith("warning: ")]
    assert status == 0
    assert [line.split()[0] for line in lines[:3]] == ["1", "2", "3"]
    assert lines[3].startswith(f"{field}: 3 cells of about ")
    assert lines[-1].removeprefix("\x1b[K") == "For research use, not a diagnosis."


def test_without_opencv_the_extra_is_named(run_edgeleuk, field, small_model):
    for words in (("cells", field), ("infer", small_model, field, "--field")):
        done = run_edgeleuk(*words, blocked=("cv2",))
        assert (done.returncode, done.stdout) == (1, "")
        assert "needs the 'field' extra: pip install 'edgeleuk[field]'" in done.stderr


def test_what_is_not_there_is_2_and_what_is_no_picture_1(run_edgeleuk, tmp_path):
    absent = run_edgeleuk("cells", tmp_path / "absent.png")
    assert (absent.returncode, absent.stderr) == (2, f"error: no such file or folder: {tmp_path / 'absent.png'}\n")
    (tmp_path / "text.png").write_text("text")
    done = run_edgeleuk("cells", tmp_path / "text.png")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]


def test_a_field_without_a_cell_is_1(run_edgeleuk, tmp_path):
    Image.new("RGB", (320, 240), (220, 215, 210)).save(tmp_path / "empty.png")
    done = run_edgeleuk("cells", tmp_path / "empty.png", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: no white cell was found in any field")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--field", "--store", "r.db"), "--store cannot be combined with --field"),
        (("--field", "--by-subject"), "--by-subject cannot be combined with --field"),
        (("--field", "--camera", "0"), "--camera cannot be combined with --field"),
        (("-o", "out"), "--output needs --field"),
        (("--cell-px", "90"), "--cell-px needs --field"),
        (("--surroundings", "black"), "--surroundings needs --field"),
        (("--field", "-"), "--field needs the names of fields"),
        (("--field", "--surroundings", "blck"), "did you mean 'black'?"),
        (("--field", "--cell-px", "0"), "--cell-px"),
    ],
)
def test_options_that_do_not_fit_together_are_2(run_edgeleuk, field, small_model, tmp_path, words, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run_edgeleuk("infer", small_model, field, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []
