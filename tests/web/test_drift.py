"""/api/drift: what the page says of pictures, worked out seldom."""

from dataclasses import replace

import pytest

from edgeleuk.runtime.bundle import Bundle, pack, read_bundle
from edgeleuk.store import Store
from tests.drift.helpers import GATE, pictures


@pytest.fixture
def model(small_model, small_spec, tmp_path):
    known = read_bundle(small_model)
    spec = replace(small_spec, gate=replace(GATE, network_sha256=known.network_sha256))
    (tmp_path / "model.tflite").write_bytes(pack(known.flatbuffer, spec, {}, known.seen))
    return tmp_path / "model.tflite"


def fill(path, model, results):
    sha256 = Bundle(model.read_bytes()).sha256
    with Store.open(path) as store:
        store.add([replace(one, model_sha256=sha256) for one in results])


def test_drift_is_told_in_words(local, model, tmp_path):
    client = local(model=model)
    fill(client.services.settings.store, model, pictures(80, brightness=0.02))
    told = client.get("/api/drift").json()
    assert told["state"] == "drift"
    assert told["sentences"][0].startswith("pictures are darker than in training since")


def test_it_is_not_worked_out_again_within_a_minute(local, model):
    client = local(model=model)
    first = client.get("/api/drift").json()
    fill(client.services.settings.store, model, pictures(80, brightness=0.02))
    assert client.get("/api/drift").json() == first
    assert first["state"] == "too few"


def test_a_model_without_a_gate_has_nothing_to_compare_with(local):
    told = local().get("/api/drift").json()
    assert (told["state"], len(told["sentences"])) == ("unknown", 1)
