"""What the endpoints share: one server's model, store, counters and limits."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from edgeleuk import __version__
from edgeleuk.classify.desk import Desk
from edgeleuk.classify.model import Model
from edgeleuk.device.facts import DeviceHealth, device_health
from edgeleuk.errors import StoreError, reason_of
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.store import Filter, Store
from edgeleuk.store.asking import checked_filter
from edgeleuk.web.admission import Admission
from edgeleuk.web.events import Events
from edgeleuk.web.guard import Access
from edgeleuk.web.metrics import Metrics
from edgeleuk.web.params import filter_of
from edgeleuk.web.patience import Patience
from edgeleuk.web.pictures import Pictures
from edgeleuk.web.problems import RefusalError
from edgeleuk.web.proxies import TrustedProxies
from edgeleuk.web.rates import RateLimit
from edgeleuk.web.settings import Settings

SERVED = "served"  # as a model's name: the one that serves now
_HEALTH_S = 2.0  # how long a reading of the device's health is reused


class Services:
    """Opened before the server listens, closed after its last answer. A context manager."""

    def __init__(self, settings: Settings, report: Callable[[str], None]) -> None:
        """Load the model and open the store. Raises ModelError, SpecError, StoreError."""
        limits = settings.limits
        self.settings, self.report = settings, report
        self.started_s = time.monotonic()
        self.metrics, self.access = Metrics(), Access(settings.token, limits)
        self.proxies = TrustedProxies(settings.trusted_proxies)
        self.admission, self.patience = Admission(limits), Patience(limits.held)
        self.uploads = RateLimit(limits.uploads_per_s, limits.upload_burst)
        self.downloads = asyncio.Semaphore(limits.downloads)
        model = load(settings)
        with ExitStack() as opened:
            self.writer = opened.enter_context(Store.open(settings.store))
            # Of their own for reading: a long query then holds up no upload, and `version` sees what `writer` writes.
            self.store, lookups = (opened.enter_context(Store.open(settings.store, read_only=True)) for _ in range(2))
            self._stores = (self.writer, self.store, lookups)
            for one in self._stores:
                one.on_damage = report
            self._note_model(model)
            self.desk = Desk(model, lookups, self.writer, self.metrics.classified, settings.keep, limits.max_pixels)
            opened.callback(self.desk.close)
            self._opened = opened.pop_all()
        self.events = Events(self.store, limits, self.served)
        self.pictures = Pictures(self.store, limits.max_upload_bytes, limits.max_pixels)
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
        """Reload the model's file and serve it from then on; one that cannot be used is reported and ignored."""
        try:
            model = await asyncio.to_thread(load, self.settings)
        except Exception as error:  # noqa: BLE001 - whatever a file from elsewhere does, the server goes on
            self.report(f"the model was not reloaded, the old one stays: {reason_of(error)}")
            return
        await asyncio.to_thread(self._note_model, model)
        self.desk.model = model
        self.events.tell_model()
        self.report(f"reloaded {self.settings.model} ({model.identity.sha256[:12]})")

    def filter(self, values: Mapping[str, Any]) -> Filter:
        """The filter that query parameters say. Asks the store: not for the event loop. Raises UsageError."""
        model = values.get("model")
        served = self.desk.model.identity
        wanted = checked_filter(self.store, filter_of(values), None if model == SERVED else model, served.classes)
        return replace(wanted, model_sha256=served.sha256) if model == SERVED else wanted

    def take_upload(self, client: str) -> None:
        """Count an image of this client. Raises RefusalError (429) for too many a second."""
        wait_s = self.uploads.take(client)
        if wait_s > 0:
            reason = "too many images a second from this client; slow down"
            raise RefusalError("too-many-requests", reason, retry_after_s=wait_s)

    async def trouble(self, patience_s: float) -> str | None:
        """Why this process has to be restarted; None while it is healthy."""
        if not await asyncio.to_thread(lambda: self.store.in_place):
            return "the store was replaced"
        return None if await self.desk.alive(patience_s) else "inference hangs"

    @property
    def damaged(self) -> int:
        """How many rows of the store could not be read so far."""
        return max(one.damaged for one in self._stores)

    def served(self) -> dict[str, Any]:
        """Which model serves, as far as an open page must know."""
        card = self.desk.model.card
        spec = card["spec"]
        about = {"classes": spec["classes"], "positive_class": spec["positive_class"], "version": __version__}
        return {"name": card["name"], "sha256": card["sha256"], "display_names": card["display_names"], **about}

    def _note_model(self, model: Model) -> None:
        """So that older results of it have a name, too. The next result notes it if the disk is full now."""
        try:
            self.writer.add_model(model.identity)
        except StoreError as error:
            self.report(f"the model's name could not be stored: {error}")


def load(settings: Settings) -> Model:
    """The model as it is on disk now, run once. Raises ModelError or SpecError if it cannot be used."""
    model = Model.of(read_bundle(settings.model), settings.model, settings.threads, settings.backend, settings.gate)
    model.classifier.try_out()
    return model
