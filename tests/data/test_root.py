"""An index says which images it is of, not where they lie: both may be moved, alone or together."""

import contextlib
import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.data.index import Index, verify_files
from edgeleuk.data.root import VARIABLE, recorded_root
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds, open_index
from edgeleuk.data.split_text import render_index
from edgeleuk.errors import DataError, UsageError
from edgeleuk.files import sha256_file


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def project(class_folder: Path, tmp_path: Path) -> Path:
    """A folder with images/ and index.json."""
    make_folds(scan(class_folder)).save(tmp_path / "index.json")
    return tmp_path


def as_older_versions_wrote_it(index: Index, path: Path) -> str:
    """Write an index with an absolute root, which was part of its hash; returns that hash."""
    plain = dataclasses.asdict(index) | {"root": str(index.root)}
    for image in plain["images"]:
        del image["pixels_sha256"], image["alike"]
    names = ("root", "classes", "images", "positive_class", "fold_count", "subjects_known", "seed")
    raw = {"schema_version": 1, **{name: plain[name] for name in names}}
    path.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return sha256_file(path)


def repainted(folder: Path) -> Path:
    """Every file of the folder with other bytes under its name."""
    for file in folder.rglob("*.png"):
        file.write_bytes(file.read_bytes() + b" ")
    return folder


def test_index_and_images_that_move_together_are_the_same(project, tmp_path):
    before = Index.load(project / "index.json")
    assert json.loads((project / "index.json").read_text())["root"] == "images"
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    project.rename(moved)
    after = Index.load(moved / "index.json")
    assert after.sha256 == before.sha256
    assert after.root == moved.resolve() / "images"
    verify_files(after, after.images)


def test_the_file_itself_is_the_same_in_every_place(project, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(project / "images", copy / "images")
    make_folds(scan(copy / "images")).save(copy / "index.json")
    assert (copy / "index.json").read_bytes() == (project / "index.json").read_bytes()


def test_an_index_saved_elsewhere_still_finds_its_images(project, tmp_path):
    index = Index.load(project / "index.json")
    index.save(tmp_path / "a" / "b" / "index.json")
    assert json.loads((tmp_path / "a" / "b" / "index.json").read_text())["root"] == "../../images"
    assert Index.load(tmp_path / "a" / "b" / "index.json") == index


def test_a_link_to_an_index_finds_what_the_index_finds(project, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "mine.json").symlink_to(project / "index.json")
    assert Index.load(tmp_path / "links" / "mine.json").root == (project / "images").resolve()


def test_images_that_share_no_folder_with_the_index_keep_their_absolute_place():
    assert recorded_root(Path("/mnt/cells"), Path("/home/ada/project")) == "/mnt/cells"
    assert recorded_root(Path("/srv/lab/cells"), Path("/srv/lab/project/runs/a")) == "../../../cells"


def test_what_is_missing_is_said_with_the_places_looked_at_and_both_ways_to_mend_it(project, monkeypatch):
    (project / "images").rename(project / "pictures")
    index = Index.load(project / "index.json")
    with pytest.raises(DataError) as caught:
        verify_files(index, index.images)
    assert f"12 of 12 images below {project / 'images'} are not those of the index: blast/0.png: No such" in str(
        caught.value
    )
    assert f"(looked below {project / 'images'}), say where with --data-root DIR or {VARIABLE}=DIR" in str(caught.value)
    verify_files(Index.load(project / "index.json", project / "pictures"), index.images)
    monkeypatch.setenv(VARIABLE, str(project / "pictures"))
    verify_files(Index.load(project / "index.json"), index.images)


def test_other_images_of_the_same_names_are_noticed(project, tmp_path):
    other = repainted(shutil.copytree(project / "images", tmp_path / "other"))
    index = Index.load(project / "index.json", other)
    with pytest.raises(DataError, match=r"12 of 12 images .*other are not those .* has changed.* --data-root"):
        verify_files(index, index.images)


def test_an_option_is_taken_over_the_variable_and_that_over_the_index(project, tmp_path, monkeypatch):
    first, second = (shutil.copytree(project / "images", tmp_path / name) for name in ("first", "second"))
    monkeypatch.setenv(VARIABLE, str(first))
    assert Index.load(project / "index.json").root == first
    assert Index.load(project / "index.json", second).root == second


def test_a_variable_that_is_about_other_images_leaves_an_index_alone(project, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "empty"))
    index = Index.load(project / "index.json")
    assert index.root == project / "images"
    assert index.tried == (tmp_path / "empty", project / "images")


def test_an_option_that_names_no_folder_or_goes_with_none_is_a_usage_error(project, tmp_path):
    with pytest.raises(
        UsageError, match=r"--data-root .*gone: no such folder; expected the one that holds blast/0\.png"
    ):
        Index.load(project / "index.json", tmp_path / "gone")
    with pytest.raises(UsageError, match="is the folder of images itself; --data-root is for an index"):
        open_index(project / "images", data_root=project)


def test_the_images_of_a_manifest_may_lie_elsewhere(project, tmp_path):
    index = Index.load(project / "index.json")
    rows = [f"{image.path}\t{image.sha256}\t{image.size_bytes}" for image in index.images]
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "cells.tsv").write_text("\n".join(["path\tsha256\tsize", *rows]))
    found = open_index(tmp_path / "lists" / "cells.tsv", data_root=project / "images")
    assert found.sha256 == index.sha256
    verify_files(found, found.images)
    with pytest.raises(DataError, match="--data-root DIR"):
        verify_files(open_index(tmp_path / "lists" / "cells.tsv"), index.images)


def test_an_index_of_an_older_version_is_read_and_known_by_both_hashes(project, tmp_path):
    index = Index.load(project / "index.json")
    former = as_older_versions_wrote_it(index, tmp_path / "old.json")
    old = Index.load(tmp_path / "old.json")
    assert (old.sha256, old.root, old.former_sha256) == (index.sha256, index.root, former)
    assert all(each.is_known_as(known) for each in (old, index) for known in (former, index.sha256))
    assert not index.is_known_as(None)
    assert not index.is_known_as("ab" * 32)


def test_an_old_index_whose_images_moved_is_still_known_by_its_old_hash(project, tmp_path):
    former = as_older_versions_wrote_it(Index.load(project / "index.json"), tmp_path / "old.json")
    (project / "images").rename(project / "pictures")
    old = Index.load(tmp_path / "old.json", project / "pictures")
    verify_files(old, old.images)
    assert old.is_known_as(former)


@pytest.mark.parametrize(
    "change",
    [{"label": "healthy"}, {"subject": "S1"}, {"fold": 1}, {"split": "test", "fold": None}, {"sha256": "ab" * 32}],
)
def test_other_content_labels_subjects_folds_or_splits_are_another_index(project, change):
    index = Index.load(project / "index.json")
    first = next(image for image in index.images if image.fold == 0)
    others = tuple(image for image in index.images if image != first)
    changed = dataclasses.replace(index, images=(dataclasses.replace(first, **change), *others))
    assert changed.sha256 != index.sha256
    assert dataclasses.replace(index, images=(*others, dataclasses.replace(first, path="x.png"))).sha256 == index.sha256


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["\ud800", "a\0b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_an_index_with_anything_in_it_is_read_or_refused_as_data(project, tmp_path, data):
    raw = json.loads((project / "index.json").read_text())
    target = data.draw(st.sampled_from([raw, raw["images"][0]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(ANY)
    (tmp_path / "any.json").write_text(json.dumps(raw))
    with contextlib.suppress(DataError):
        index = Index.load(tmp_path / "any.json")
        index.save(tmp_path / "again.json")
        assert Index.load(tmp_path / "again.json").sha256 == index.sha256
        render_index(index, tmp_path / "any.json")
        verify_files(index, index.images)
