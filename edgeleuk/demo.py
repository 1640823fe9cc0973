"""Every step on synthetic cells: data, training, both int8 models, and a report of what quantization cost."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.bench.candidates import Request as BenchmarkRequest
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Record, Result
from edgeleuk.bench.session import benchmark
from edgeleuk.data.index import Index
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.files import refuse_taken, write_text
from edgeleuk.processes.background import in_background
from edgeleuk.report.page.page import render_page
from edgeleuk.report.page.reading import read_material
from edgeleuk.runtime.models import open_model
from edgeleuk.text import counted
from edgeleuk.training.config import QatConfig, TrainConfig

if TYPE_CHECKING:  # TensorFlow, which is imported while the cells are drawn
    from edgeleuk.demo_models import Variant

Report = Callable[[str], None]
_TIMED_IMAGES = 16


@dataclass(frozen=True)
class DemoSettings:
    """A data set and a network small enough for two cores and five minutes."""

    subjects: int = 24
    images_per_subject: int = 30
    test_fraction: float = 0.25
    training: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            weights="none",
            input_size=96,
            crop=300,
            width=0.125,
            robust="off",  # so small a network learns too slowly from cells as other cameras would see them
            epochs=20,
            batch_size=16,
            learning_rate=4e-3,
        )
    )
    quantization: QatConfig = field(default_factory=lambda: QatConfig(epochs=1, batch_size=16, samples=128))
    protocol: Protocol = field(default_factory=lambda: Protocol(processes=6, seconds=2.0))


@dataclass(frozen=True)
class Demo:
    """What a demo made: its report in Markdown, its page, and the models with their benchmark."""

    report: Path
    page: Path
    variants: "tuple[Variant, ...]"
    record: Record

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        models = [
            {
                "name": variant.name,
                "path": str(variant.path),
                "size_bytes": variant.path.stat().st_size,
                "accuracy": dataclasses.asdict(variant.evaluation.scores.accuracy),
                "accuracy_unit": variant.evaluation.scores.bootstrap.unit,
                "accuracy_caveats": list(variant.evaluation.caveats),
                "label_agreement": variant.label_agreement,
                "latency_p50_ms": result.latency.p50_ms,
                "latency_p90_ms": result.latency.p90_ms,
            }
            for variant, result in zip(self.variants, self.record.results, strict=True)
        ]
        invalid = list(self.record.invalid)
        paths = {"report": str(self.report), "page": str(self.page)}
        return {"schema_version": 1, **paths, "models": models, "latency_not_valid": invalid}


def demo(out: Path, report: Report = print, settings: DemoSettings | None = None) -> Demo:
    """Run every step below the new folder `out`. Raises OutputError if out is taken."""
    refuse_taken(out)
    settings = settings or DemoSettings()
    index = _make_data(out, report, settings)
    variants = _make_variants(index, out, report, settings)
    report("6/7 measure the latency of all three, in turn, and from image file to decision")
    record = _measure(variants, index, out, settings.protocol)
    report("7/7 classify one image with the int8 model")
    report(_classify_one(variants[-1], index))
    path, page = out / "report.md", out / "report.html"
    write_text(path, render_report(variants, record))
    evaluations = [out / "evaluation" / variant.path.stem for variant in variants]
    write_text(page, render_page(read_material([out / "benchmark.json", *evaluations])))
    report(render_table(variants, record.results))
    made = Demo(path, page, tuple(variants), record)
    report(_closing(made, out))
    return made


def _closing(made: Demo, out: Path) -> str:
    """What was written, what to open and what to do next."""
    model = made.variants[-1].path
    return f"""int8 model  {model}
report      {made.page}, {made.report}
pictures    {out / "evaluation"}
open        {made.page} in a browser
next        try the model: edgeleuk infer {model} {out / "cells"}
            then your own images: edgeleuk data audit FOLDER, edgeleuk data split FOLDER -o index.json"""


def _make_data(out: Path, report: Report, settings: DemoSettings) -> Index:
    subjects, each = settings.subjects, settings.images_per_subject
    report(f"1/7 draw {subjects * each} synthetic cells of {subjects} subjects")
    job = {"out": str(out / "cells"), "subjects": subjects, "images_per_subject": each}
    with in_background("edgeleuk.data.synthetic.process", job) as drawn:
        import edgeleuk.demo_models  # noqa: F401 # meanwhile, as it takes as long

        drawn()
    report("2/7 split them so that no subject is on two sides")
    index = make_folds(scan(out / "cells"), test_fraction=settings.test_fraction)
    index.save(out / "index.json")
    return index


def _make_variants(index: Index, out: Path, report: Report, settings: DemoSettings) -> "list[Variant]":
    """Train, and convert what was trained in another process while this one goes on to train it for int8."""
    from edgeleuk.demo_models import FLOAT, PTQ, QAT, make_models, read_variant
    from edgeleuk.quantization.qat import qat
    from edgeleuk.training.train import train

    report("3/7 train a small InceptionV3 from scratch")
    run = train(index, settings.training, out / "float-run", report=report)
    samples = settings.quantization.samples
    job = {"out": str(out), "run": run.folder.name, "names": [FLOAT, PTQ], "samples": samples}
    with in_background("edgeleuk.demo_models", job) as converted:
        report("4/7 quantization-aware training, from that run")
        qat(run, settings.quantization, out / "qat-run", report=report)
        report("5/7 convert to float32, int8 after training (PTQ) and int8 from QAT; evaluate on unseen subjects")
        make_models(out, "qat-run", [QAT], samples)
        converted()
    return [read_variant(out, name) for name in (FLOAT, PTQ, QAT)]


def _measure(variants: "Sequence[Variant]", index: Index, out: Path, protocol: Protocol) -> Record:
    """Measure and write the record. Ctrl-C ends the demo, unlike a benchmark, which keeps a partial record."""
    models = tuple(variant.path for variant in variants)
    images = tuple(str(index.path_of(image)) for image in index.test()[:_TIMED_IMAGES])
    record = benchmark(BenchmarkRequest(models, images=images, protocol=protocol))
    if record.partial:
        raise KeyboardInterrupt
    write_text(out / "benchmark.json", record.to_json())
    return record


def _classify_one(variant: "Variant", index: Index) -> str:
    image = index.test()[0]
    prediction = open_model(variant.path).predict(index.path_of(image))
    return f"{image.path}: {prediction.label} ({prediction.probability:.2f}), labelled {image.label}"


def render_table(variants: "Sequence[Variant]", results: Sequence[Result]) -> str:
    """A Markdown table, one model a row; `results` are the latencies of the variants, in their order."""
    rows = [
        "| model | accuracy (95 % interval) | labels as its network | size | latency, median / p90 |",
        "|---|---|---|---|---|",
    ]
    for variant, result in zip(variants, results, strict=True):
        latency = result.latency
        rows.append(
            f"| {variant.name} | {variant.evaluation.accuracy.text} | {variant.label_agreement:.1%} "
            f"| {variant.path.stat().st_size / 1e6:.2f} MB | {latency.p50_ms:.2f} / {latency.p90_ms:.2f} ms |"
        )
    return "\n".join([*rows, "", *(f"Accuracy: {caveat}." for caveat in _caveats(variants))])


def _caveats(variants: "Sequence[Variant]") -> list[str]:
    """What limits the accuracies, each sentence once."""
    return list(dict.fromkeys(note for each in variants for note in each.evaluation.caveats))


def render_report(variants: "Sequence[Variant]", record: Record) -> str:
    """The demo's report in Markdown."""
    scores = variants[0].evaluation.scores
    protocol = record.protocol
    caution = "".join(f"  - Not to be quoted: {reason}.\n" for reason in record.invalid)
    return f"""# edgeleuk demo

Synthetic cells, drawn by a program: the figures say whether the tools work, nothing about leukemia.
Research software, not a medical device.

{render_table(variants, record.results)}

- Accuracy on {scores.image_count} images of subjects that no model was trained, validated or calibrated on;
  intervals over {counted(scores.group_count, scores.bootstrap.unit)}.
- Latency of bare inference on this machine, one thread, {protocol.processes} processes of each model in turn,
  {protocol.seconds:g} s in all; report.html has intervals, stages and operators.
{caution}- The last model is the one for the device. Its proof: {describe_proof(variants[-1])}
"""


def describe_proof(variant: "Variant") -> str:
    """One sentence about an int8 graph."""
    proof = variant.proof
    return (
        f"{proof['operators'].get('CONV_2D', 0)} convolutions, {proof['float_tensors']} float tensors, "
        f"{proof['quantize_nodes']} QUANTIZE and {proof['dequantize_nodes']} DEQUANTIZE nodes."
    )
