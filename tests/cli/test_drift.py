"""`edgeleuk drift`: a store and a model in, an answer in words or JSON out."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from edgeleuk.cli import main
from edgeleuk.runtime.bundle import Bundle, pack, read_bundle
from edgeleuk.store import Store
from tests.drift.helpers import GATE, pictures


@pytest.fixture
def drift(capsys):
    """Run `edgeleuk drift ARGUMENTS` in this process."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["drift", *map(str, arguments)])
        said = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=said.out, stderr=said.err)

    return run


@pytest.fixture
def model(small_model, small_spec, tmp_path):
    """A model file that says what training's pictures were like."""
    known = read_bundle(small_model)
    (tmp_path / "model.tflite").write_bytes(pack(known.flatbuffer, replace(small_spec, gate=GATE), {}, known.seen))
    return tmp_path / "model.tflite"


def stored(path, model, results):
    sha256 = Bundle(model.read_bytes()).sha256
    with Store.open(path) as store:
        store.add([replace(one, model_sha256=sha256) for one in results])
    return path


def test_pictures_as_in_training_end_with_0(drift, model, tmp_path):
    done = drift(stored(tmp_path / "r.db", model, pictures(80)), model)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No drift found in 79 subjects.\n")
    assert "with a chance of at most 5 %, however often one looks" in done.stdout
    assert done.stdout.endswith("For research use, not a diagnosis.\n")


def test_drift_ends_with_1_and_says_what_is_otherwise(drift, model, tmp_path):
    db = stored(tmp_path / "r.db", model, pictures(60) + pictures(40, 1, start=60, brightness=0.03))
    done = drift(db, model)
    assert done.returncode == 1
    assert done.stdout.startswith("Pictures are darker than in training since 2026-01-01 (subject 61 of 99, ")
    told = json.loads(drift(db, model, "--json").stdout)
    assert (told["state"], told["pictures"], told["schema_version"]) == ("drift", 100, 1)
    assert [each["name"] for each in told["watched"] if each["alarm"]] == ["brightness"]
    assert told["sentences"][0].startswith("pictures are darker")


def test_it_begins_anew_where_it_is_told(drift, model, tmp_path):
    db = stored(tmp_path / "r.db", model, pictures(40, brightness=0.03) + pictures(80, 1, start=40))
    assert drift(db, model).returncode == 1
    done = drift(db, model, "--since", "2026-01-01T00:40Z")
    assert (done.returncode, done.stdout[:28]) == (0, "No drift found in 79 subject")


def test_only_results_of_that_model_count(drift, model, small_model, tmp_path):
    db = stored(tmp_path / "r.db", model, pictures(80))
    with Store.open(db) as store:
        store.add(pictures(80, model="a", brightness=0.01))
    assert drift(db, model).returncode == 0
    assert json.loads(drift(db, model, "--json").stdout)["pictures"] == 80


def test_a_damaged_row_is_named_and_passed_over(drift, model, tmp_path):
    db = stored(tmp_path / "r.db", model, pictures(80))
    with Store.open(db) as store:
        store._rows("UPDATE results SET measures = '{' WHERE id = 7")
    done = drift(db, model, "--json")
    assert (done.returncode, json.loads(done.stdout)["pictures"]) == (0, 79)
    assert "result 7 is damaged (measures is '{') and passed over" in done.stderr


def test_a_store_without_that_model_says_what_it_has(drift, model, tmp_path):
    with Store.open(tmp_path / "r.db") as store:
        store.add(pictures(3, model="a"))
    done = drift(tmp_path / "r.db", model)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no result of" in done.stderr
    assert "it has results of: a model whose file is not known (aaaaaaaaaaaa)" in done.stderr


def test_a_model_without_a_gate_is_refused_in_one_sentence(drift, small_model, tmp_path):
    done = drift(stored(tmp_path / "r.db", small_model, pictures(3)), small_model)
    assert done.returncode == 2
    assert "does not say what training's pictures were like; 'edgeleuk convert' makes it anew" in done.stderr
    assert len(done.stderr.splitlines()) == 1
