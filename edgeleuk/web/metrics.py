"""Counters of this process in a registry of their own, in the text format of Prometheus (version 0.0.4)."""

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from edgeleuk.device.facts import DeviceHealth
from edgeleuk.store import Result

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # what generate_latest writes; its own constant is of 1.0.0
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
_HELP = {
    "queue_waiting": "Images that wait for their answer.",
    "queue_reading": "Images that are being received.",
    "queue_bound": "Images that may wait at most.",
    "listeners": "Browsers that follow the live list.",
    "uptime_seconds": "Since the start of this process.",
    "temperature_celsius": "Of the processor.",
    "process_memory_bytes": "Of this process, resident.",
    "memory_available_bytes": "Of the device.",
    "throttled": "1 if the firmware holds the clock back or the supply is too weak now.",
    "load1": "Processes that ran or wanted to, averaged over a minute.",
}


# Else each counter has a second series with the time of its birth. The function has no annotations.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """What has happened since the start."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter("edgeleuk_requests", "Requests answered.", ["method", "status"], registry=own)
        self._labels = Counter("edgeleuk_classified", "Images classified, by label.", ["label"], registry=own)
        self._seconds = Histogram(
            "edgeleuk_inference_seconds",
            "Decoding, preparing and running the network, one image.",
            registry=own,
            buckets=_BUCKETS_S,
        )

    def answered(self, method: str, status: int) -> None:
        """A request was answered. Any other method is the client's word: a series for each would have no bound."""
        self._requests.labels(method if method in _METHODS else "other", status).inc()

    def classified(self, result: Result) -> None:
        """An image was classified."""
        self._labels.labels(result.label).inc()
        self._seconds.observe((result.prepare_ms + result.invoke_ms) / 1000)

    def text(self, gauges: Mapping[str, float], health: DeviceHealth) -> bytes:
        """Everything in Prometheus's format. `gauges`: name without prefix and value."""
        now = CollectorRegistry()
        for name, value in {**gauges, **_health_gauges(health)}.items():
            Gauge(f"edgeleuk_{name}", _HELP[name], registry=now).set(value)
        return generate_latest(self._registry) + generate_latest(now)


def _health_gauges(health: DeviceHealth) -> dict[str, float]:
    throttling = None if health.throttling is None else float(bool(health.throttling.now))
    found = {
        "temperature_celsius": health.temperature_c,
        "process_memory_bytes": _bytes(health.process_memory_mib),
        "memory_available_bytes": _bytes(health.memory_available_mib),
        "throttled": throttling,
        "load1": None if health.load_average is None else health.load_average[0],
    }
    return {name: value for name, value in found.items() if value is not None}


def _bytes(mebibytes: float | None) -> float | None:
    return None if mebibytes is None else mebibytes * 1024 * 1024
