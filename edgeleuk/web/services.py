"""What the endpoints share: one server's model, store, counters and limits."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from edgeleuk.device.facts import DeviceHealth, device_health
from edgeleuk.errors import reason_of
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store import Result, Store
from edgeleuk.web.admission import Admission
from edgeleuk.web.desk import Desk
from edgeleuk.web.events import Events
from edgeleuk.web.guard import Access
from edgeleuk.web.metrics import Metrics
from edgeleuk.web.model import ServedModel
from edgeleuk.web.pictures import Pictures
from edgeleuk.web.rates import RateLimit
from edgeleuk.web.settings import Settings

_HEALTH_S = 2.0  # a reading of the device's health serves everyone for so long


class Services:
    """Opened before the server listens, closed after its last answer. A context manager."""

    def __init__(self, settings: Settings, report: Callable[[str], None]) -> None:
        """Load the model and open the store. Raises ModelError, SpecError, StoreError."""
        limits = settings.limits
        self.settings, self.report = settings, report
        self.started_s = time.monotonic()
        self.metrics, self.access = Metrics(), Access(settings.token, limits)
        self.admission = Admission(limits)
        self.uploads = RateLimit(limits.uploads_per_s, limits.upload_burst)
        self.downloads = asyncio.Semaphore(limits.downloads)
        model = ServedModel.load(settings.model, settings.threads, settings.backend)
        with ExitStack() as opened:
            writer = opened.enter_context(Store.open(settings.store))
            # Of their own for reading: a long query then holds up no upload, and `version` sees what `writer` writes.
            self.store, lookups = (opened.enter_context(Store.open(settings.store, read_only=True)) for _ in range(2))
            self.desk = Desk(model, lookups, writer, self.metrics.classified)
            opened.callback(self.desk.close)
            self._opened = opened.pop_all()
        self.events = Events(self.store, limits.listeners, shown)
        self.pictures = Pictures(self.store, limits.max_upload_bytes)
        self.picture_turn = asyncio.Semaphore(1)
        self._health: tuple[float, DeviceHealth] | None = None

    def __enter__(self) -> "Services":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    async def health(self) -> DeviceHealth:
        """How the device is, at most two seconds old."""
        if self._health is None or time.monotonic() - self._health[0] > _HEALTH_S:
            self._health = time.monotonic(), await asyncio.to_thread(device_health)
        return self._health[1]

    async def reload(self) -> None:
        """Load the model's file anew and serve it from then on; one that cannot be used is reported and left alone."""
        settings = self.settings
        try:
            model = await asyncio.to_thread(ServedModel.load, settings.model, settings.threads, settings.backend)
        except Exception as error:  # noqa: BLE001 - whatever a file from elsewhere does, the server goes on
            self.report(f"the model was not reloaded, the old one stays: {reason_of(error)}")
            return
        self.desk.model = model
        self.report(f"reloaded {settings.model} ({model.identity.sha256[:12]})")


def shown(result: Result) -> dict[str, Any]:
    """A result as the API tells it."""
    return result.to_dict() | {"research_use": RESEARCH_USE}
