"""A search from an index or a float run to the model of the device, in a folder that a killed search resumes from.

search.json       the record; there once the search is complete
model.tflite      the chosen int8 model, model.proof.json beside it
run/              the run that it was converted from
evaluation/       what `evaluate -o` writes of it, with the comparison to the reference
pareto.png, report.html
reference/        the float run that was trained first, if none was given
trials/NNNN/      each trial: runs, model, validation, log
search.db         Optuna's store; where that is a database, study.json says which
latencies.json    milliseconds of shapes
index.json, settings.json
"""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeleuk.data.index import Index
from edgeleuk.data.root import VARIABLE
from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.files import output_errors, refuse_taken, to_json, write_text
from edgeleuk.jobs.job import PYTHON, Runner
from edgeleuk.jobs.on_ray import Asked, workers_on
from edgeleuk.jobs.workers import Workers
from edgeleuk.optimize.budget import INVOKE
from edgeleuk.optimize.conclusion import Conclusion, Render
from edgeleuk.optimize.config import SearchConfig, Space
from edgeleuk.optimize.database import database_of, store_errors
from edgeleuk.optimize.device import Device
from edgeleuk.optimize.halving import Halving, Say
from edgeleuk.optimize.latencies import LATENCIES, Latencies, check_budget
from edgeleuk.optimize.record import Clock, SearchRecord, Spent, read_search
from edgeleuk.optimize.reference import given_reference, trained_reference
from edgeleuk.optimize.study import Study
from edgeleuk.quantization.gate import COMPARED_IMAGES, Gate
from edgeleuk.text import percent
from edgeleuk.training.config import weights_facts
from edgeleuk.training.preparation import check_images
from edgeleuk.training.run import Run, partial_of
from edgeleuk.training.unfinished import hold, refuse_other_settings

RECORD = "search.json"


@dataclass(frozen=True)
class Request:
    """What to search: an index, and the float run to follow, or None to train one.

    `command` is what was typed; `python` runs the jobs; `render` writes what people look at of the finished search.
    `ray`: where jobs are done, None for this machine. `storage`: URL of the database of trials, None for a file.
    """

    index: Index
    run: Run | None
    config: SearchConfig
    space: Space
    device: Device
    command: str
    python: tuple[str, ...] = PYTHON
    render: Render = lambda record, folder: None
    ray: Asked | None = None
    storage: str | None = field(default=None, repr=False)


def search(request: Request, out: Path, resume: bool = False, say: Say = print) -> SearchRecord:
    """Search, and write the folder `out`.

    Raises UsageError for a budget that nothing meets or settings that cannot be met, LeakError and DataError as `train`
    does, OutputError if the folder cannot be used, EdgeleukError if the reference or every trial fails.
    """
    _check(request)
    with _folder(request, out, resume, say) as complete:
        if complete is not None:
            return complete
        if not request.index.test():
            say("the index has no test part, so the result cannot be tested; see data split --test-fraction")
        request.index.save(out / "index.json")
        database = database_of(out, request.storage)
        with _workers(request, out, say) as workers, store_errors(database):
            config = request.config
            with closing(Study(database, request.space, config.seed, max(1, config.cohort // 2))) as study:
                database.keep(out)
                return _search(request, out, study, workers, say)


def _check(request: Request) -> None:
    """Raise early for what would otherwise fail after an hour."""
    config, space = request.config, request.space
    check_images(request.index, config.fold)
    widths = {*space.width, config.reference_width or space.width[0]}
    if config.weights == "imagenet" and widths != {1.0}:
        raise UsageError(f"ImageNet weights fit width 1, not {sorted(widths - {1.0})}; leave the widths out")
    if config.weights not in ("none", "imagenet") and not Path(config.weights).is_file():
        raise UsageError(f"{config.weights}: no such weights file; expected none, imagenet or an .h5 file")
    config.training(next(space.candidates()), None)
    _check_agreement(config.min_agreement, len(request.index.validation(config.fold)) + len(request.index.test()))
    if request.run is not None:
        given_reference(request.run)


def _check_agreement(least: float | None, held_out: int) -> None:
    """Raise UsageError if it cannot be judged on so many images outside training."""
    compared = min(held_out, COMPARED_IMAGES)
    needed = 0 if least is None else Gate("qat", least).images_needed
    if least is not None and compared < needed:
        raise UsageError(
            f"--min-agreement {percent(least)} cannot be judged on {compared:,} images outside training, of which at "
            f"most {COMPARED_IMAGES:,} are compared: of fewer than {needed:,} one counts for more than it "
            "allows. Give more images, or ask for less"
        )


@contextmanager
def _workers(request: Request, out: Path, say: Say) -> Iterator[Runner]:
    """What does the jobs."""
    config, environment = request.config, {VARIABLE: str(request.index.root)}
    if request.ray is None:
        yield Workers(config.workers, request.python, environment)
        return
    seen = [request.index.root, *([] if request.run is None else [request.run.folder])]
    seen += [Path(config.weights)] if Path(config.weights).is_file() else []
    with workers_on(request.ray, config.workers, out, seen, say) as workers:
        workers.environment = environment
        workers.python = None if request.python == PYTHON else request.python  # each machine has its own
        yield workers


def _search(request: Request, out: Path, study: Study, workers: Runner, say: Say) -> SearchRecord:
    config, space = _placed(request.config), request.space
    before = Spent(**study.notes["spent"]) if "spent" in study.notes else Spent(0.0, 0.0, 0.0)
    clock = Clock(before, keep=lambda spent: study.note("spent", dataclasses.asdict(spent)))
    latencies = Latencies(out, request.device, config, request.index, workers)
    with clock.measuring():
        check_budget(space, latencies, config.budget_ms, say)
    if request.run is None:
        with clock.training():
            reference = trained_reference(config, space, out, workers, say)
    else:
        reference = given_reference(request.run)
    halving = Halving(study, space, config, latencies, workers, clock, out, Path(reference.run), say)
    halving.run()
    return Conclusion(request.device, request.index, request.command, halving, reference, request.render).draw()


def _placed(config: SearchConfig) -> SearchConfig:
    """With the place of a file of weights as another working folder understands it."""
    return (
        config
        if config.weights in ("none", "imagenet")
        else replace(config, weights=str(Path(config.weights).absolute()))
    )


@contextmanager
def _folder(request: Request, out: Path, resume: bool, say: Say) -> Iterator[SearchRecord | None]:
    """Hold the search's folder; gives the record if the search is complete already."""
    if out.exists() and not out.is_dir():
        refuse_taken(out)
    is_new = not (out / "settings.json").exists()
    if not resume and not is_new:
        raise OutputError(f"{out} holds a search; continue it with --resume, or remove it first")
    if not resume:
        refuse_taken(out)
    elif out.exists() and any(out.iterdir()) and is_new:
        raise OutputError(f"{out} exists and is not an edgeleuk search; move it or choose another output")
    elif not out.exists():
        say(f"nothing to resume at {out}: starting from the beginning")
    with output_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    handle = hold(out)
    try:
        texts = {"settings.json": _settings(request)}
        refuse_other_settings(out, texts | {"index.json": request.index.to_json(out)})
        write_text(out / "settings.json", texts["settings.json"])
        if (out / RECORD).exists():
            say(f"{out} is already complete")
            yield read_search(out / RECORD)
        else:
            yield None
    except EdgeleukError as error:
        if is_new and (isinstance(error, UsageError) or not (out / LATENCIES).exists()):
            _remove_what_holds_nothing(out)
        raise
    finally:
        os.close(handle)


def _settings(request: Request) -> str:
    """All that the outcome depends on; a search may be resumed with another number of workers."""
    config = dataclasses.asdict(request.config) | weights_facts(request.config.weights)
    del config["workers"]
    if config["min_agreement"] is None:  # as before there was the option, so that older searches can be resumed
        del config["min_agreement"]
    if config["budget"] == INVOKE:
        del config["budget"]
    space = request.space.values()
    if space["resample"] == list(Space().resample):
        del space["resample"]
    run = None if request.run is None else request.run.sha256
    settings = {"index_sha256": request.index.sha256, "run_sha256": run, "device": request.device.label}
    return to_json(settings | config | {"space": space})


def _remove_what_holds_nothing(out: Path) -> None:
    """Clear a folder in which nothing was trained yet, so that a mended command can use it."""
    begun = out / "trials", out / "reference", partial_of(out / "reference")
    if not any(place.exists() for place in begun):
        shutil.rmtree(out, ignore_errors=True)
