"""Searches whose jobs answer at once, and whose device reads milliseconds off the graph's file."""

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import EdgeleukError
from edgeleuk.keras.network import NetworkConfig
from edgeleuk.optimize.config import SearchConfig, Space
from edgeleuk.optimize.device import Measured
from edgeleuk.optimize.search import Request, search
from edgeleuk.report.search.files import write_search_files
from edgeleuk.training.run import Run

JOBS = Path(__file__).with_name("jobs.py")
SPACE = Space(
    input_size=(75, 96),
    width=(0.125, 0.25, 0.5),
    crop=(300,),
    exit=(None, "mixed7"),
    prune=(1.0,),
    distill=(False, True),
)


@dataclass
class Ruler:
    """A device that takes a thousandth of the number in a graph's file, and a fixed time for anything else.

    It is gone once it has measured `lasts` models.
    """

    label: str = "a ruler"
    notes: tuple[str, ...] = ()
    measured: list[str] = field(default_factory=list)
    lasts: float = float("inf")
    faults: tuple[str, ...] = ()

    def measure(self, models, threads, images=()):
        if len(self.measured) >= self.lasts:
            raise EdgeleukError("the ruler is gone")
        self.measured += models
        return Measured({name: self._ms(path) for name, path in models.items()}, self.faults)

    def _ms(self, path):
        text = path.read_text()
        return float(text) / 1000 if text[0].isdigit() else 0.1 + 0.0001 * int(text.split()[-1])


@dataclass
class Bench:
    """A place for searches; `asked` is what its jobs were asked for."""

    folder: Path
    index: Index
    run: Run

    def request(self, **changes) -> Request:
        config: dict[str, Any] = {
            "budget": "invoke",
            "budget_ms": 1.0,
            "trials": 6,
            "epochs": 9,
            "cohort": 3,
            "workers": 2,
        }
        own = {key: changes.pop(key) for key in list(changes) if key in SearchConfig.__dataclass_fields__}
        python = (sys.executable, str(JOBS), str(self.folder))
        made = Request(
            self.index,
            self.run,
            SearchConfig(**config | own),
            SPACE,
            Ruler(),
            "edgeleuk optimize",
            python,
            write_search_files,
        )
        return replace(made, **changes)

    def search(self, out="found", resume=False, said=None, **changes):
        say = (lambda text: None) if said is None else said.append
        return search(self.request(**changes), self.folder / out, resume, say)

    def fail(self, **faults):
        (self.folder / "fail.json").write_text(json.dumps(faults))

    def gain(self, as_int8):
        (self.folder / "gain.json").write_text(json.dumps(as_int8))

    def asked(self, action=None):
        path = self.folder / "asked.txt"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [(name, arguments) for name, arguments, _ in lines if action in (None, name)]


@pytest.fixture(scope="session")
def cells(tmp_path_factory):
    """An index of a few synthetic cells, with a test part."""
    from edgeleuk.data.scan import scan
    from edgeleuk.data.split import make_folds
    from edgeleuk.data.synthetic.synth import write_cells

    folder = tmp_path_factory.mktemp("cells")
    write_cells(folder / "cells", subjects=12, images_per_subject=2)
    return make_folds(scan(folder / "cells"), folds=2, test_fraction=0.25)


@pytest.fixture
def bench(tmp_path, cells):
    """With a reference that was given; a run's weights play no part here."""
    from edgeleuk.spec import ModelSpec, Preprocessing

    spec = ModelSpec(cells.classes, Preprocessing(96, 300))
    best = {"epoch": 9, "val_accuracy": 0.8, "val_weighted_f1": 0.8}
    reference = tmp_path / "reference"
    reference.mkdir()
    run = Run(reference, "float", NetworkConfig(2, 96), spec, cells, 0, "ab" * 32, best)
    return Bench(tmp_path, cells, run)
