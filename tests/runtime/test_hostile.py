"""Hostile model files: whatever is wrong, it is a ModelError of one line before any image is touched."""

from pathlib import Path

import pytest

from edgeleuk.errors import ModelError
from edgeleuk.runtime.bundle import parse_bundle
from edgeleuk.runtime.models import model_of
from tests.hostile import hostile_models


def test_every_hostile_model_is_refused_with_a_sentence(small_model: Path) -> None:
    models = hostile_models(small_model.read_bytes())
    assert len(models) > 25
    for name, content in models.items():
        with pytest.raises(ModelError) as raised:
            model_of(parse_bundle(content, Path("x.tflite")), Path("x.tflite")).try_out()
        assert "x.tflite" in str(raised.value), name
        assert len(str(raised.value)) < 1000, name
