"""The whole way on synthetic cells: data, training, both int8 models, and a report of what quantizing cost."""

from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.bench.latency import Latency, interleaved_latency
from edgeleuk.data.index import Index
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.data.synth import write_cells
from edgeleuk.evaluation import Evaluation, Request, evaluate_files
from edgeleuk.files import refuse_taken, write_text
from edgeleuk.quantization.convert import Conversion, convert, write_conversion
from edgeleuk.quantization.convert import Request as ConversionRequest
from edgeleuk.quantization.qat import qat
from edgeleuk.quantization.source import load_source
from edgeleuk.report.evaluation import write_folder
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.training.config import QatConfig, TrainConfig
from edgeleuk.training.results import Report
from edgeleuk.training.train import train


@dataclass(frozen=True)
class DemoSettings:
    """A data set and a network small enough for two cores and five minutes."""

    subjects: int = 24
    images_per_subject: int = 30
    test_fraction: float = 0.25
    training: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            weights="none", input_size=96, crop=300, width=0.125, epochs=20, batch_size=16, learning_rate=4e-3
        )
    )
    quantization: QatConfig = field(default_factory=lambda: QatConfig(epochs=1, batch_size=16, samples=128))


@dataclass(frozen=True)
class Variant:
    """One model file of the demo with its figures."""

    name: str
    path: Path
    conversion: Conversion
    evaluation: Evaluation
    latency: Latency


def demo(out: Path, report: Report = print, settings: DemoSettings | None = None) -> Path:
    """Run every step below the new folder `out`; returns the report's path. Raises OutputError where out is taken."""
    refuse_taken(out)
    settings = settings or DemoSettings()
    index = _make_data(out, report, settings)
    report("3/6 train a small InceptionV3 from scratch")
    run = train(index, settings.training, out / "float-run", report=report)
    report("4/6 quantization-aware training, from that run")
    qat(run, settings.quantization, out / "qat-run", report=report)
    report("5/6 convert to float32, int8 after training (PTQ) and int8 from QAT; evaluate on unseen subjects")
    variants = _make_models(out, settings.quantization.samples)
    report("6/6 classify one image with the int8 model")
    report(_classify_one(variants[-1], index))
    path = out / "report.md"
    write_text(path, render_report(variants))
    report(render_table(variants))
    report(f"int8 model  {variants[-1].path}\nreport      {path}\npictures    {out / 'evaluation'}")
    return path


def _make_data(out: Path, report: Report, settings: DemoSettings) -> Index:
    subjects, each = settings.subjects, settings.images_per_subject
    report(f"1/6 draw {subjects * each} synthetic cells of {subjects} subjects")
    write_cells(out / "cells", subjects=subjects, images_per_subject=each)
    report("2/6 split them so that no subject is on two sides")
    index = make_folds(scan(out / "cells"), test_fraction=settings.test_fraction)
    index.save(out / "index.json")
    return index


def _make_models(out: Path, samples: int) -> list[Variant]:
    made = []
    trained, aware = load_source(out / "float-run"), load_source(out / "qat-run")
    for name, source, precision in (
        ("float32", trained, "float32"),
        ("int8 PTQ", trained, "int8"),
        ("int8 QAT", aware, "int8"),
    ):
        path = out / f"{name.lower().replace(' ', '-')}.tflite"
        conversion = convert(source, ConversionRequest(precision, samples=samples))
        write_conversion(conversion, path)
        evaluation = evaluate_files(path, out / "index.json", Request(split="test"))
        write_folder(evaluation, out / "evaluation" / path.stem)
        made.append((name, path, conversion, evaluation))
    latencies = interleaved_latency([Classifier.load(path, threads=1) for _, path, _, _ in made])
    return [Variant(*each, latency) for each, latency in zip(made, latencies, strict=True)]


def _classify_one(variant: Variant, index: Index) -> str:
    image = index.test()[0]
    prediction = Classifier.load(variant.path).predict(index.path_of(image))
    return f"{image.path}: {prediction.label} ({prediction.probability:.2f}), labelled {image.label}"


def render_table(variants: list[Variant]) -> str:
    """A Markdown table, one model a row."""
    rows = [
        "| model | accuracy (95 % interval) | labels as its network | size | latency, median / p90 |",
        "|---|---|---|---|---|",
    ]
    for variant in variants:
        latency = variant.latency
        agreement = variant.conversion.proof.fidelity[-1].label_agreement
        rows.append(
            f"| {variant.name} | {_accuracy(variant)} | {agreement:.1%} "
            f"| {variant.path.stat().st_size / 1e6:.2f} MB | {latency.median_ms:.2f} / {latency.p90_ms:.2f} ms |"
        )
    return "\n".join(rows)


def _accuracy(variant: Variant) -> str:
    accuracy = variant.evaluation.scores.accuracy
    bounds = "" if accuracy.low is None else f" ({accuracy.low:.3f} to {accuracy.high:.3f})"
    return f"{accuracy.value:.3f}{bounds}"


def render_report(variants: list[Variant]) -> str:
    """The demo's report in Markdown."""
    first = variants[0]
    scores = first.evaluation.scores
    runs = first.latency.runs
    return f"""# edgeleuk demo

Synthetic cells, drawn by a program: the figures say whether the tools work, nothing about leukemia.
Research software, not a medical device.

{render_table(variants)}

- Accuracy on {scores.image_count} images of subjects that no model was trained, validated or calibrated on;
  intervals by bootstrap over {scores.group_count} {scores.bootstrap.unit}s.
- Latency of bare inference on this machine, one thread, the models in turn, {runs} runs each.
- The last model is the one for the device. Its proof: {describe_proof(variants[-1])}
"""


def describe_proof(variant: Variant) -> str:
    """One sentence about an int8 graph."""
    proof = variant.conversion.proof
    return (
        f"{proof.operators.get('CONV_2D', 0)} convolutions, {proof.float_tensors} float tensors, "
        f"{proof.quantize_nodes} QUANTIZE and {proof.dequantize_nodes} DEQUANTIZE nodes."
    )
