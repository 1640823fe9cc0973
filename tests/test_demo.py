import json
import re
from pathlib import Path

import pytest

from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import read_record
from edgeleuk.demo import DemoSettings, demo
from edgeleuk.errors import OutputError
from edgeleuk.files import to_json
from edgeleuk.training.config import QatConfig, TrainConfig

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_the_whole_way_ends_with_an_int8_model_and_a_report(tmp_path: Path) -> None:
    settings = DemoSettings(
        subjects=16,
        images_per_subject=4,
        training=TrainConfig(weights="none", input_size=75, crop=300, width=0.125, epochs=1, batch_size=16),
        quantization=QatConfig(epochs=0, samples=16),
        protocol=Protocol(processes=2, runs=4, seconds=0.0),
    )
    said: list[str] = []
    made = demo(tmp_path / "demo", said.append, settings)
    text = made.report.read_text()
    told = json.loads(to_json(made.to_dict()))
    assert f"\nopen        {made.page} in a browser\n" in said[-1]
    assert f"edgeleuk infer {made.variants[-1].path} {tmp_path / 'demo' / 'cells'}\n" in said[-1]
    assert [model["name"] for model in told["models"]] == ["float32", "int8 PTQ", "int8 QAT"]
    assert all(model["latency_p50_ms"] > 0 for model in told["models"])
    rows = re.findall(r"^\| (float32|int8 PTQ|int8 QAT) \| (\d\.\d+) .* MB \| [\d.]+ / [\d.]+ ms \|$", text, re.M)
    assert [name for name, _ in rows] == ["float32", "int8 PTQ", "int8 QAT"]
    assert "94 convolutions, 0 float tensors, 0 QUANTIZE and 0 DEQUANTIZE nodes" in text
    assert "not a medical device" in text
    assert "\nAccuracy: " in text  # what limits it
    record = read_record(tmp_path / "demo" / "benchmark.json")
    assert all(f"Not to be quoted: {reason}" in text for reason in record.invalid)
    page = (tmp_path / "demo" / "report.html").read_text()
    assert all(f"{name}.tflite" in page for name in ("float32", "int8-ptq", "int8-qat"))
    assert "cannot be quoted" in page or "do not quote" in page
    for name in ("float32", "int8-ptq", "int8-qat"):
        assert (tmp_path / "demo" / f"{name}.tflite").stat().st_size > 400_000
        assert (tmp_path / "demo" / "evaluation" / name / "evaluation.png").exists()
    for name in ("int8-ptq", "int8-qat"):
        proof = json.loads((tmp_path / "demo" / f"{name}.proof.json").read_text())
        assert (proof["delegate"]["partitions"], proof["delegate"]["outside"]) == (1, {"SOFTMAX": 1})
    with pytest.raises(OutputError, match="already exists"):
        demo(tmp_path / "demo", said.append, settings)
