"""A stream that runs until it is told to stop: signals, systemd, and a model that may be replaced meanwhile."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType

from edgeleuk.classify.model import Model
from edgeleuk.classify.recorder import BackOff, recorded
from edgeleuk.classify.rows import Row
from edgeleuk.classify.steps import Steps
from edgeleuk.device.systemd import Notifier
from edgeleuk.errors import EdgeleukError, reason_of
from edgeleuk.sources.cameras.base import CameraSource, Frame, frames
from edgeleuk.sources.watch.watcher import FolderWatch
from edgeleuk.store import Store

_POLL_S = 1.0  # how long a signal and systemd's watchdog may wait


class Control:
    """SIGTERM and SIGINT ask to stop, SIGHUP to reload the model; between images, never within one.

    A second SIGINT interrupts at once. Use as a context manager, in the main thread.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.reload_wanted = False
        self._restore = ExitStack()

    def __enter__(self) -> "Control":
        for number, handler in (
            (signal.SIGTERM, self._stop),
            (signal.SIGINT, self._stop),
            (signal.SIGHUP, self._reload),
        ):
            self._restore.callback(signal.signal, number, signal.signal(number, handler))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore.close()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.stopping = True

    def _reload(self, number: int, frame: FrameType | None) -> None:
        self.reload_wanted = True


class Service:
    """Classifies what a folder or a camera brings until `control` says stop. No bad model or full disk ends it."""

    def __init__(
        self,
        steps: Steps,
        control: Control,
        load: Callable[[], Model],
        report: Callable[[str], None],
        notifier: Notifier | None = None,
    ) -> None:
        """`load` reads the model file again, on SIGHUP; `report` takes a line about the service."""
        self._steps, self._control, self._load, self._report = steps, control, load, report
        self._notifier = notifier or Notifier()
        self._count = 0

    def watch(self, watch: FolderWatch, store: Store | None) -> Iterator[Row]:
        """Yield a row for each image of the folder, once stored. An image that may yet be written is tried again."""
        rows = self._steps.rows(self._folder_batches(watch))
        return self._without_blame(self._run(self._settled(rows, watch), store, "watch"))

    def camera(self, camera: CameraSource, store: Store | None, every_s: float, count: int | None) -> Iterator[Row]:
        """Yield a row for each frame, one every `every_s` seconds at most, until `count` or the camera's last."""
        return self._run(self._steps.rows(self._camera_batches(camera, every_s, count)), store, "camera")

    def _run(self, rows: Iterable[Row | None], store: Store | None, source: str) -> Iterator[Row]:
        self._notifier.ready("waiting for images")
        if store is not None:
            attempt = BackOff(self._report, lambda: self._control.stopping, self._wait)
            rows = recorded(rows, store, source, attempt)
        for row in rows:
            self._notifier.beat()
            if row is not None:
                yield row
                self._count += 1
            elif self._notifier.listening:
                self._notifier.status(f"{self._count} images since the start")
        self._notifier.stopping()

    def _without_blame(self, rows: Iterator[Row]) -> Iterator[Row]:
        """An end that was asked for, or that the store made, is no fault of the files under way."""
        try:
            yield from rows
        except (EdgeleukError, KeyboardInterrupt, GeneratorExit):
            self._close_attempts()
            raise
        self._close_attempts()

    def _close_attempts(self) -> None:
        if self._steps.attempts is not None:
            self._steps.attempts.close()

    def _alone(self, path: Path) -> bool:
        return self._steps.attempts is not None and self._steps.attempts.suspects(path)

    def _folder_batches(self, watch: FolderWatch) -> Iterator[Sequence[Path]]:
        """Empty batches tell the pipeline to finish what is under way before the next wait."""
        busy = False
        while not self._control.stopping:
            batch = watch.poll(0.0 if busy else _POLL_S)
            busy = bool(batch)
            for path in batch:
                self._reload_where_wanted()
                if self._control.stopping:
                    return  # what is not begun is there at the next start
                yield from [(), (path,), ()] if self._alone(path) else [(path,)]
            if not batch:
                self._reload_where_wanted()
                yield ()

    def _camera_batches(self, camera: CameraSource, every_s: float, count: int | None) -> Iterator[Sequence[Frame]]:
        stop = threading.Event()  # set here and not by a signal: a handler may not wait for the event's own lock
        taken = 0
        for frame in frames(camera, self._report, stop):
            due = time.monotonic() + every_s
            yield () if frame is None else (frame,)
            taken += frame is not None
            if taken == count:
                return
            while not self._control.stopping and (remaining_s := due - time.monotonic()) > 0:
                yield ()
                time.sleep(min(remaining_s, _POLL_S))
            self._reload_where_wanted()
            if self._control.stopping:
                stop.set()

    def _settled(self, rows: Iterable[Row | None], watch: FolderWatch) -> Iterator[Row | None]:
        """Leave out the failures of files that the watch will give again: half written, or memory was lacking."""
        for row in rows:
            if row is None or row.error is None or not watch.retry_later(Path(row.image), row.passing):
                yield row
            elif row.passing:
                self._report(f"{row.image}: {row.error}; retrying in a minute")

    def _reload_where_wanted(self) -> None:
        if not self._control.reload_wanted:
            return
        self._control.reload_wanted = False
        self._notifier.reloading()
        try:
            model = self._load()
            model.classifier.try_out()
        except Exception as error:  # noqa: BLE001 - whatever a file from elsewhere does, the service goes on
            self._report(f"the new model cannot be used, the old one stays: {reason_of(error)}")
        else:
            self._steps.model = model
            self._report(f"model reloaded: {model.identity.sha256[:12]}")
        finally:
            self._notifier.ready()

    def _wait(self, seconds: float) -> None:
        self._notifier.beat()  # a full disk is not a hanging service: a restart would not help
        time.sleep(seconds)
