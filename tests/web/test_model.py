"""The model that is served: whatever is to take its place, requests go on being answered."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import hostile_models

from .helpers import picture


def test_no_hostile_model_is_served_instead_of_a_good_one(local: Any, small_model: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(small_model, tmp_path / "model.tflite"))
    client = local(model=path)
    served = client.services.desk.model
    for name, content in hostile_models(small_model.read_bytes()).items():
        path.write_bytes(content)
        client.portal.call(client.services.reload)
        assert client.services.desk.model is served, name
    assert client.post("/api/images", content=picture()).status_code == 201


@pytest.mark.parametrize("error", [OverflowError("int too large"), MemoryError(), RecursionError()])
def test_whatever_loading_raises_the_old_model_stays(local: Any, error: Exception, monkeypatch: Any) -> None:
    client = local()
    served = client.services.desk.model

    def load(*_: object) -> None:
        raise error

    monkeypatch.setattr("edgeleuk.web.services.Model.of", load)
    client.portal.call(client.services.reload)
    assert client.services.desk.model is served
