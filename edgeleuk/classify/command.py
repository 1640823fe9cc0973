"""What `edgeleuk infer` does: images from where they were asked for, rows printed once they are stored."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from edgeleuk.classify.crew import Crew
from edgeleuk.classify.model import Model
from edgeleuk.classify.rows import Row, json_line, table_head, table_line
from edgeleuk.classify.steps import Steps, Way
from edgeleuk.classify.subjects import subject_finder
from edgeleuk.errors import UsageError
from edgeleuk.progress import Counter
from edgeleuk.runtime.bundle import Bundle, read_bundle
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.runtime.gate_modes import WARN
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.sources.files import STANDARD_INPUT, named_images
from edgeleuk.text import printable
from edgeleuk.value import value

if TYPE_CHECKING:
    from edgeleuk.classify.attempts import Attempts
    from edgeleuk.classify.maps import MapFolder
    from edgeleuk.sources.cameras.frame import CameraSource
    from edgeleuk.sources.watch.watcher import FolderWatch
    from edgeleuk.store import Store


@value
class Request:
    """What was asked for; exactly one of `names`, `watch` and `camera`. See the options of `edgeleuk infer`."""

    model: Path
    names: tuple[str, ...] = ()
    watch: Path | None = None
    camera: str | None = None
    every: float = 1.0
    frames: int | None = None
    store: Path | None = None
    subject: str | None = None
    subject_pattern: str | None = None
    null: bool = False
    polling: bool = False
    page: int | None = None
    max_pixels: int = MAX_PIXELS
    threads: int | None = None
    backend: str = "auto"
    gate: str = WARN
    explain: Path | None = None
    by_subject: bool = False
    error_rates: Path | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if the request says nothing, too much, or what does not fit together."""
        given = [bool(self.names), self.watch is not None, self.camera is not None]
        if sum(given) != 1:
            raise UsageError(
                "expected images (files, folders, patterns or -), --watch DIR or --camera NAME: one of them"
            )
        if self.frames is not None and self.camera is None:
            raise UsageError("--frames needs --camera")
        if self.polling and self.watch is None:
            raise UsageError("--polling needs --watch")
        if self.null and STANDARD_INPUT not in self.names:
            raise UsageError("-0 needs - (names on standard input)")
        if self.page is not None and self.store is not None:
            raise UsageError("--page cannot be combined with --store, which knows files by content, not by page")
        self._check_maps_lie_elsewhere()
        if self.by_subject and not self.names:
            raise UsageError("--by-subject sums images that are named; 'edgeleuk results DB --subjects' sums a store")
        if not self.by_subject and (self.error_rates is not None or self.width is not None):
            raise UsageError("--error-rates and --width need --by-subject")

    def _check_maps_lie_elsewhere(self) -> None:
        """Raise UsageError if the pictures that are written would be read as images to classify."""
        if self.explain is None:
            return
        read = [Path(name) for name in self.names] + ([self.watch] if self.watch is not None else [])
        for folder in read:
            if folder.is_dir() and self.explain.resolve().is_relative_to(folder.resolve()):
                raise UsageError(
                    f"--explain {self.explain} lies in {folder}, all of whose images are classified: the pictures of "
                    "the maps would be, too; give a folder outside of it"
                )

    def load(self, crew: Crew, read: Callable[[Path], Bundle] = read_bundle) -> Model:
        """The model as it is on disk now, for as many as work on images at once."""
        model = Model.of(read(self.model), self.model, crew.threads, self.backend, self.gate)
        crew.equip(model.classifier)
        return model


def run(request: Request, as_json: bool = False, read: Callable[[Path], Bundle] = read_bundle) -> bool:
    """Classify and print. Returns False if an image could not be used; a watch or a camera that ended is well.

    `read`: `read_bundle`, or what does the same of a model that was begun to be read before.
    """
    with ExitStack() as stack:
        rows, model = _open(request, stack, read)
        table = sys.stdout.isatty() and not as_json
        if request.by_subject:
            return _print_subjects(rows, model, table, request)
        return _print(rows, model.classifier.spec.shown_names, table, _counter(request)) or not request.names


def _print_subjects(rows: Iterable[Row | None], model: Model, table: bool, request: Request) -> bool:
    """Print the images, then what may be said of each subject."""
    from edgeleuk.classify.by_subject import BySubject, subject_lines, told_errors  # and what only this needs

    sums, errors = BySubject(), told_errors(model, request.error_rates)
    well = _print(sums.counted(rows), model.classifier.spec.shown_names, table, _counter(request))
    for line in subject_lines(sums.cells(), model, errors, request.width, table):
        print(printable(line))
    return well


def _open(request: Request, stack: ExitStack, read: Callable[[Path], Bundle]) -> tuple[Iterable[Row | None], Model]:
    """Open all that is needed, cheap things first, so that a mistake shows before a model is loaded."""
    source = "watch" if request.watch else "camera" if request.camera else "file"
    subject_of = subject_finder(request.subject, request.subject_pattern)
    named = named_images(request.names, separator=b"\0" if request.null else b"\n")
    crew, images = _crew(request, named)
    way = Way(source, request.watch, subject_of, request.max_pixels, request.page, together_px=crew.together_px)
    watch, camera, store = _opened_watch(request, stack), _opened_camera(request, stack), _opened_store(request, stack)
    model = request.load(crew, read)
    reader = store if crew.workers == 1 else _opened_store(request, stack, read_only=True)
    steps = Steps(model, reader, way, _attempts(request, store), _maps(request, model))
    if watch is None and camera is None:
        return _kept(steps.rows(images, crew.workers), store, source), model
    from edgeleuk.classify.service import Control, Service

    model.classifier.try_out()  # a service that cannot classify ends at its start, not at each image
    service = Service(steps, stack.enter_context(Control()), lambda: request.load(crew), _report)
    if watch is not None:
        return service.watch(watch, store), model
    return service.camera(cast("CameraSource", camera), store, request.every, request.frames), model


def _crew(request: Request, named: Iterator[Sequence[Path]]) -> tuple[Crew, Iterable[Sequence[Path]]]:
    """Who works on the images, and these; no more is read of them than whether there is more than one."""
    if not request.names:
        return Crew.of_each(request.threads), ()
    if STANDARD_INPUT in request.names:
        return Crew.of_many(request.threads), named
    first = list(islice(named, 2))
    return (Crew.of_many if len(first) > 1 else Crew.of_one)(request.threads), chain(first, named)


def _attempts(request: Request, store: "Store | None") -> "Attempts | None":
    """Only of a watch: files that were named are tried whatever happened before."""
    if store is None or request.watch is None:
        return None
    from edgeleuk.classify.attempts import Attempts

    return Attempts(store)


def _maps(request: Request, model: Model) -> "MapFolder | None":
    """Where maps are written. Raises UsageError if there is none of any answer."""
    if request.explain is None:
        return None
    from edgeleuk.classify.maps import MapFolder, check_some

    for warning in check_some(model.classifier):
        _report(f"warning: {warning}")
    return MapFolder(request.explain)


# Each imports what it opens: to classify one image takes no longer for what else can be done.


def _opened_watch(request: Request, stack: ExitStack) -> "FolderWatch | None":
    if request.watch is None:
        return None
    from edgeleuk.sources.watch.watcher import FolderWatch

    return stack.enter_context(FolderWatch(request.watch, polling=request.polling or None, report=_report))


def _opened_camera(request: Request, stack: ExitStack) -> "CameraSource | None":
    if request.camera is None:
        return None
    from edgeleuk.sources.cameras.base import open_camera

    return stack.enter_context(closing(open_camera(request.camera)))


def _opened_store(request: Request, stack: ExitStack, read_only: bool = False) -> "Store | None":
    """Who looks results up waits for no commit of others if he has the store open by himself."""
    if request.store is None:
        return None
    from edgeleuk.store import Store

    store = stack.enter_context(Store.open(request.store, read_only))
    store.on_damage = _report
    return store


def _kept(rows: Iterable[Row | None], store: "Store | None", source: str) -> Iterable[Row | None]:
    if store is None:
        return rows
    from edgeleuk.classify.recorder import recorded

    return recorded(rows, store, source)


def _counter(request: Request) -> Counter:
    """Counts the images that were named, on a terminal; how many they are is looked up for one alone."""
    counter = Counter("images")
    if request.names and STANDARD_INPUT not in request.names and counter.on:
        counter.total = sum(map(len, named_images(request.names)))
    counter.on = counter.total is not None
    return counter


def _print(rows: Iterable[Row | None], shown: Mapping[str, str], table: bool, counter: Counter) -> bool:
    if table:
        print(printable(table_head(shown)))
    well = True
    with closing(counter):
        for number, row in enumerate(rows, 1):
            if row is not None:
                if sys.stdout.isatty():  # the same place as the counter's
                    counter.close()
                print(printable(table_line(row, shown)) if table else json_line(row), flush=True)
                well &= row.error is None
                counter.at(number)
    if table or sys.stderr.isatty():
        print(RESEARCH_USE, file=sys.stdout if table else sys.stderr)
    return well


def _report(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
