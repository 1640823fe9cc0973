"""A service goes on with the model it has, whatever it is told to load instead."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.classify.model import Model
from edgeleuk.classify.service import Control, Service
from edgeleuk.classify.steps import Steps
from edgeleuk.errors import ModelError
from edgeleuk.runtime.bundle import read_bundle
from tests.hostile import hostile_models


class Heard:
    """What a Notifier is told."""

    listening = False

    def __init__(self) -> None:
        self.words: list[str] = []

    def ready(self, status: str = "") -> None:
        self.words.append("ready")

    def reloading(self) -> None:
        self.words.append("reloading")

    def stopping(self) -> None:
        self.words.append("stopping")

    def beat(self) -> None:
        pass


class Folder:
    """A FolderWatch that brings one image and then asks for the end."""

    def __init__(self, image: Path, control: Control) -> None:
        self._images, self._control = [image], control

    def poll(self, timeout_s: float) -> list[Path]:
        self._control.stopping = not self._images
        return [self._images.pop()] if self._images else []

    def retry_later(self, path: Path, passing: bool = False) -> bool:
        return False


class UnheardOfError(ValueError):
    """What no caller can have heard of."""


def _raise(error: BaseException) -> Callable[[], Model]:
    def load() -> Model:
        raise error

    return load


@pytest.fixture
def reload(small_model: Path, write_image: Any) -> Callable[[Callable[[], Model]], "tuple[Any, list[str], list[str]]"]:
    """Run a service that reloads before its only image: the row, what was reported, what systemd heard."""
    old = Model.of(read_bundle(small_model), small_model)

    def run(load: Callable[[], Model]) -> "tuple[Any, list[str], list[str]]":
        control, heard, lines = Control(), Heard(), list[str]()
        service = Service(Steps(old), control, load, lines.append, heard)  # type: ignore[arg-type]
        control.reload_wanted = True
        (row,) = service.watch(Folder(write_image("x.bmp"), control), None)  # type: ignore[arg-type]
        return row, lines, heard.words

    return run


@pytest.mark.parametrize(
    "error",
    [
        ModelError("bad\nmodel"),
        OverflowError("int too large"),
        MemoryError(),
        RecursionError(),
        UnheardOfError("x" * 9999),
    ],
)
def test_whatever_loading_raises_the_old_model_stays_and_systemd_hears_that_it_is_ready(
    error: Exception, reload: Any
) -> None:
    row, lines, heard = reload(_raise(error))
    assert row.result is not None
    assert len(lines) == 1
    assert lines[0].startswith("the new model cannot be used, the old one stays: ")
    assert "\n" not in lines[0]
    assert len(lines[0]) < 1200
    assert heard == ["ready", "reloading", "ready", "stopping"]


def test_no_hostile_model_takes_the_place_of_a_good_one(reload: Any, small_model: Path, tmp_path: Path) -> None:
    for name, content in hostile_models(small_model.read_bytes()).items():
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        row, lines, heard = reload(lambda path=path: Model.of(read_bundle(path), path))
        assert row.result is not None, name
        assert ["the old one stays" in line for line in lines] == [True], name
        assert heard[-2] == "ready", name


def test_a_model_that_loads_and_cannot_run_is_tried_out_before_it_is_taken(
    reload: Any, small_float_model: Path
) -> None:
    def load() -> Model:
        model = Model.of(read_bundle(small_float_model), small_float_model)
        object.__setattr__(model.classifier.spec.preprocessing, "pixel_offset", float("nan"))  # which no spec may say
        return model

    row, lines, _ = reload(load)
    assert row.result is not None
    assert "expected finite probabilities" in lines[0]


def test_an_image_that_the_network_has_no_answer_to_is_a_row_and_the_rest_go_on(
    small_float_model: Path, write_image: Any
) -> None:
    model = Model.of(read_bundle(small_float_model), small_float_model)
    paths = [write_image("a.bmp"), write_image("bb.bmp")]
    infer, first = model.classifier.network.scores_and_extra, [True]

    def scores_and_extra(values: Any, names: Any) -> Any:
        found, extra = infer(values, names)
        return (found * float("nan") if first.pop() else found), extra

    first[:] = [False, True]
    model.classifier.network.scores_and_extra = scores_and_extra  # type: ignore[method-assign]
    batches: list[Sequence[Path]] = [(path,) for path in paths]
    bad, good = (row for row in Steps(model).rows(batches, workers=1) if row is not None)
    assert bad.error is not None
    assert "expected finite probabilities" in bad.error
    assert good.result is not None
