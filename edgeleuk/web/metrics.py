"""Counters of this process, and the text format in which Prometheus reads them (version 0.0.4)."""

from collections import Counter
from collections.abc import Iterable, Mapping

from edgeleuk.device.facts import DeviceHealth
from edgeleuk.runtime.classifier import Prediction

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """What has happened since the start. Belongs to the event loop."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._labels: Counter[str] = Counter()
        self._seconds: Counter[float] = Counter()  # by upper bound of their bucket
        self._seconds_sum = 0.0

    def answered(self, method: str, status: int) -> None:
        """A request was answered."""
        self._requests[method if method in _METHODS else "other", status] += 1

    def classified(self, prediction: Prediction) -> None:
        """An image was classified."""
        seconds = (prediction.prepare_ms + prediction.invoke_ms) / 1000
        self._labels[prediction.label] += 1
        self._seconds[next((bound for bound in _BUCKETS_S if seconds <= bound), float("inf"))] += 1
        self._seconds_sum += seconds

    def text(self, gauges: Mapping[str, float], health: DeviceHealth) -> str:
        """Everything in Prometheus's format. `gauges`: name without prefix and value."""
        requests = (
            (f'{{method="{method}",status="{status}"}}', count) for (method, status), count in self._requests.items()
        )
        labels = ((f'{{label="{_escaped(label)}"}}', count) for label, count in self._labels.items())
        families = [
            _family("requests_total", "counter", "Requests answered.", sorted(requests)),
            _family("classified_total", "counter", "Images classified, by label.", sorted(labels)),
            self._histogram(),
        ]
        values = {**gauges, **_health_gauges(health)}
        families += [_family(name, "gauge", _HELP[name], [("", value)]) for name, value in values.items()]
        return "".join(families)

    def _histogram(self) -> str:
        name, total = "inference_seconds", 0
        rows: list[tuple[str, float]] = []
        for bound in (*_BUCKETS_S, float("inf")):
            total += self._seconds[bound]
            rows.append((f'_bucket{{le="{"+Inf" if bound == float("inf") else f"{bound:g}"}"}}', total))
        rows += [("_sum", self._seconds_sum), ("_count", total)]
        return _family(name, "histogram", "Decoding, preparing and running the network, one image.", rows)


_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PATCH", "DELETE"}
)  # anything else is the client's word, and would grow without bound
_HELP = {
    "queue_waiting": "Images that wait for their answer.",
    "queue_reading": "Images that are being received.",
    "queue_bound": "Images that may wait at most.",
    "listeners": "Browsers that follow the live list.",
    "uptime_seconds": "Since the start of this process.",
    "temperature_celsius": "Of the processor.",
    "process_memory_bytes": "Of this process, resident.",
    "memory_available_bytes": "Of the device.",
    "throttled": "1 where the firmware holds the clock back or the supply is too weak now.",
    "load1": "Processes that ran or wanted to, averaged over a minute.",
}


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


def _family(name: str, kind: str, text: str, rows: Iterable[tuple[str, float]]) -> str:
    lines = [f"# HELP edgeleuk_{name} {text}", f"# TYPE edgeleuk_{name} {kind}"]
    return "\n".join([*lines, *(f"edgeleuk_{name}{labels} {value:.12g}" for labels, value in rows)]) + "\n"


def _bytes(mebibytes: float | None) -> float | None:
    return None if mebibytes is None else mebibytes * 1024 * 1024


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
