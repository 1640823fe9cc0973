"""The text that Prometheus reads, as Prometheus's own parser reads it."""

from prometheus_client.parser import text_string_to_metric_families

from edgeleuk.device.facts import DeviceHealth
from edgeleuk.device.throttling import Throttling
from edgeleuk.web.metrics import Metrics

from .helpers import result

GAUGES = {"queue_waiting": 3, "queue_reading": 0, "queue_bound": 8, "listeners": 1, "uptime_seconds": 4.5}
NOTHING = DeviceHealth()


def classified(milliseconds, label="all"):
    return result(1, label=label, prepare_ms=1.0, invoke_ms=milliseconds - 1)


def samples(metrics, gauges=GAUGES, health=NOTHING):
    """Value by name and labels."""
    families = text_string_to_metric_families(metrics.text(gauges, health).decode())
    return {
        (sample.name.removeprefix("edgeleuk_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_label_may_have_any_characters():
    metrics = Metrics()
    metrics.classified(classified(20, 'a"b\\c\nd'))
    assert samples(metrics)["classified_total", 'a"b\\c\nd'] == 1


def test_names_are_those_that_dashboards_know_and_none_of_the_process_besides():
    metrics = Metrics()
    metrics.answered("GET", 200)
    metrics.classified(classified(20))
    health = DeviceHealth(51.5, Throttling(("throttled",), ()), 1000, 500, 100, (0.5, 0.4, 0.3))
    found = samples(metrics, health=health)
    counted = {"requests_total", "classified_total"} | {f"inference_seconds_{of}" for of in ("bucket", "sum", "count")}
    told = {"temperature_celsius", "process_memory_bytes", "memory_available_bytes", "throttled", "load1"}
    assert {name for name, *_ in found} == counted | told | set(GAUGES)
    assert (found["temperature_celsius",], found["throttled",], found["load1",]) == (51.5, 1, 0.5)
    assert found["memory_available_bytes",] == 500 * 1024 * 1024
    assert found["queue_waiting",] == 3


def test_requests_are_counted_by_method_and_status_and_no_method_is_made_up():
    metrics = Metrics()
    for method in ("GET", "GET", "POST", "XYZZY", "PLUGH"):
        metrics.answered(method, 200)
    found = samples(metrics, {})
    assert found["requests_total", "GET", "200"] == 2
    assert found["requests_total", "other", "200"] == 2
    assert not any("XYZZY" in labels for labels in found)


def test_the_histogram_is_cumulative():
    metrics = Metrics()
    for milliseconds in (4, 5, 30, 9000):
        metrics.classified(classified(milliseconds))
    found = samples(metrics)
    counts = [value for (name, *_), value in found.items() if name == "inference_seconds_bucket"]
    assert counts == [2, 2, 2, 3, 3, 3, 3, 3, 3, 4]
    assert (found["inference_seconds_count",], found["inference_seconds_sum",]) == (4, 9.039)


def test_two_servers_in_one_process_count_for_themselves():
    one, other = Metrics(), Metrics()
    one.answered("GET", 200)
    assert ("requests_total", "GET", "200") not in samples(other)


def test_what_the_machine_does_not_tell_is_left_out():
    assert {name for name, *_ in samples(Metrics(), {})} == {
        f"inference_seconds_{n}" for n in ("bucket", "sum", "count")
    }
