"""The text that Prometheus reads."""

import re

from edgeleuk.device.facts import DeviceHealth
from edgeleuk.device.throttling import Throttling
from edgeleuk.runtime.classifier import Prediction
from edgeleuk.web.metrics import Metrics

_LINE = re.compile(
    r'edgeleuk_[a-z0-9_]+(\{[a-z]+="(\\.|[^"\\\n])*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+|# (HELP|TYPE) edgeleuk_.+'
)


def prediction(milliseconds, label="all"):
    return Prediction(label, {label: 1.0}, 1.0, milliseconds - 1)


def test_every_line_is_of_the_format():
    metrics = Metrics()
    metrics.answered("GET", 200)
    metrics.classified(prediction(20, 'a"b\\c\nd'))
    text = metrics.text({"queue_waiting": 3}, DeviceHealth(51.5, Throttling(("throttled",), ()), 1000, 500, 100))
    assert text.endswith("\n")
    assert all(_LINE.fullmatch(line) for line in text.splitlines()), text
    assert 'edgeleuk_classified_total{label="a\\"b\\\\c\\nd"} 1' in text
    assert "edgeleuk_temperature_celsius 51.5" in text
    assert "edgeleuk_throttled 1" in text


def test_requests_are_counted_by_method_and_status_and_no_method_is_made_up():
    metrics = Metrics()
    for method in ("GET", "GET", "POST", "XYZZY", "PLUGH"):
        metrics.answered(method, 200)
    text = metrics.text({}, DeviceHealth())
    assert 'edgeleuk_requests_total{method="GET",status="200"} 2' in text
    assert 'edgeleuk_requests_total{method="other",status="200"} 2' in text
    assert "XYZZY" not in text


def test_the_histogram_is_cumulative():
    metrics = Metrics()
    for milliseconds in (4, 5, 30, 9000):
        metrics.classified(prediction(milliseconds))
    text = metrics.text({}, DeviceHealth())
    counts = [int(number) for number in re.findall(r"inference_seconds_bucket\S+ (\d+)", text)]
    assert counts == [2, 2, 2, 3, 3, 3, 3, 3, 3, 4]
    assert "edgeleuk_inference_seconds_count 4" in text
    assert "edgeleuk_inference_seconds_sum 9.039" in text


def test_what_the_machine_does_not_tell_is_left_out():
    text = Metrics().text({}, DeviceHealth())
    assert "temperature" not in text
    assert "throttled" not in text
