"""A run folder is read as it was written, also by an older version, or refused as a model."""

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeleuk.data.index import Index, verify_files
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.files import sha256_file, write_text
from edgeleuk.training.config import QatConfig
from edgeleuk.training.preparation import child_texts
from edgeleuk.training.run import INDEX, hashes_of, load_run_folder
from edgeleuk.training.unfinished import refuse_other_settings, unfinished_run
from tests.data.test_root import as_older_versions_wrote_it
from tests.training.test_teacher import write_run


@pytest.fixture
def index(cells_index: Path) -> Index:
    return Index.load(cells_index)


@pytest.fixture
def old_run(index: Index, tmp_path: Path) -> Path:
    """As older versions wrote it: an absolute root, and the hash of the file with it in run.json and spec.json."""
    folder = write_run(tmp_path / "old", index).folder
    former = as_older_versions_wrote_it(index, folder / INDEX)
    spec = json.loads((folder / "spec.json").read_text())
    spec["provenance"] |= {"index_sha256": former, "fold": 0}
    (folder / "spec.json").write_text(json.dumps(spec))
    raw = json.loads((folder / "run.json").read_text()) | {"schema_version": 1, "parent": str(tmp_path / "parent")}
    raw["files"] = hashes_of(folder) | {INDEX: former}
    (folder / "run.json").write_text(json.dumps(raw))
    return folder


def test_a_run_of_an_older_version_is_read_and_its_images_may_lie_elsewhere(
    old_run: Path, index: Index, tmp_path: Path
) -> None:
    run = load_run_folder(old_run)
    assert (run.index.sha256, run.index.root) == (index.sha256, index.root)
    assert index.is_known_as(run.spec.provenance.index_sha256)
    there = shutil.copytree(index.root, tmp_path / "there")
    moved = load_run_folder(old_run, there)
    assert moved.index.root == there
    verify_files(moved.index, moved.index.images)
    assert moved.index.is_known_as(run.spec.provenance.index_sha256)


def test_what_is_made_of_an_old_run_says_the_new_hash_and_a_relative_root(old_run: Path, index: Index) -> None:
    texts = child_texts(load_run_folder(old_run), QatConfig(), old_run.parent / "qat")
    assert json.loads(texts["spec.json"])["provenance"]["index_sha256"] == index.sha256
    assert not Path(json.loads(texts[INDEX])["root"]).is_absolute()


def test_an_unfinished_run_of_an_older_version_goes_on(old_run: Path, index: Index, tmp_path: Path) -> None:
    """Its files hold the old hash and root; they are written anew."""
    texts = child_texts(load_run_folder(old_run), QatConfig(), tmp_path / "qat")
    partial = tmp_path / "qat.partial"
    spec = json.loads(texts["spec.json"])
    spec["provenance"]["index_sha256"] = as_older_versions_wrote_it(index, tmp_path / "old.json")
    before = texts | {INDEX: (tmp_path / "old.json").read_text(), "spec.json": json.dumps(spec)}
    for name, text in before.items():
        write_text(partial / name, text)
    with unfinished_run(tmp_path / "qat", texts, True, lambda text: None) as found:
        assert found == partial
        assert (partial / INDEX).read_text() == texts[INDEX]
    changed = json.loads(texts[INDEX])
    changed["images"][0]["label"] = None
    with pytest.raises(UsageError, match=r"another index\.json"):
        refuse_other_settings(partial, texts | {INDEX: json.dumps(changed)})


def test_the_root_in_a_run_may_be_edited_and_nothing_else_of_its_index(index: Index, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", index)
    raw = json.loads((run.folder / INDEX).read_text())
    (run.folder / INDEX).write_text(json.dumps(raw | {"root": str(index.root)}))
    assert load_run_folder(run.folder).sha256 == run.sha256
    (run.folder / INDEX).write_text(json.dumps(raw | {"images": raw["images"][1:]}))
    with pytest.raises(ModelError, match=r"index\.json has changed since the run was made"):
        load_run_folder(run.folder)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["\ud800", "a\0b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60)
@given(st.data())
def test_a_run_with_anything_in_it_is_read_or_refused_as_a_model(
    index: Index, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    folder = tmp_path_factory.mktemp("any") / "run"
    write_run(folder, index)
    name = data.draw(st.sampled_from(["metrics.json", "run.json", INDEX, "spec.json", "config.json"]))
    raw = json.loads((folder / name).read_text())
    changed = (
        raw | {data.draw(st.sampled_from(sorted(raw))): data.draw(ANY)} if data.draw(st.booleans()) else data.draw(ANY)
    )
    (folder / name).write_text(json.dumps(changed))
    if name != "run.json":  # as if it had been written so
        manifest = json.loads((folder / "run.json").read_text())
        manifest["files"][name] = sha256_file(folder / name)
        with contextlib.suppress(Exception):
            manifest["files"] = hashes_of(folder)
        (folder / "run.json").write_text(json.dumps(manifest))
    with contextlib.suppress(ModelError):
        run = load_run_folder(folder)
        assert run.best_weighted_f1 is not None
        assert run.best_epoch >= 0
        assert run.trained_on
