"""The sections of a model card, each a list of what records say."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgeleuk.report.card.records import CASCADE, MODEL, PROOF, SEEN, SPEC, Records
from edgeleuk.report.card.statements import Asked, Statement, date, estimate, plainly, say
from edgeleuk.text import counted, percent


@dataclass(frozen=True)
class Section:
    """`topics` are the parts of it that were answered: what a checklist points to."""

    anchor: str
    title: str
    statements: tuple[Statement, ...]


def sections(records: Records) -> tuple[Section, ...]:
    """All of them, also those that no record fills: a reader sees what is missing."""
    made = (
        ("model", "Model", _model),
        ("use", "Intended use", _use),
        ("limits", "Limits", _limits),
        ("data", "Data and their leaks", _data),
        ("training", "Training", _training),
        ("accuracy", "Accuracy", _accuracy),
        ("subgroups", "By class and subject", _subgroups),
        ("degraded", "On degraded pictures", _degraded),
        ("calibration", "Calibration and abstention", _calibration),
        ("gate", "What the input gate knows", _gate),
        ("proof", "Proof of the conversion", _proof),
        ("latency", "Latency", _latency),
    )
    return tuple(Section(anchor, title, tuple(tell(records))) for anchor, title, tell in made)


def _model(records: Records) -> Iterator[Statement]:
    yield from say(records, MODEL, "{} has SHA-256 {}.", "name", "sha256")
    yield from say(records, MODEL, "Its size is {}.", ("size_bytes", lambda value: f"{value / 1e6:.2f} MB"))
    yield from say(records, SPEC, "It was made on {}.", ("provenance.created", date))
    yield from say(records, SPEC, "Kind: {}.", "provenance.kind")
    yield from say(records, SPEC, "Made with {}.", ("provenance.tool_versions", _versions))
    yield from say(records, SPEC, "It takes the centre {} px of a picture, resized to {} px ({}, {}).",
                   *_keys("preprocessing", "crop_px", "input_size_px", "resample", "colour_order"))  # fmt: skip
    yield from say(records, SPEC, "How it takes a picture: fit {}, to {} px ({}, {}).",
                   *_keys("preprocessing", "fit", "input_size_px", "resample", "colour_order"))  # fmt: skip
    yield from say(records, SPEC, "Its scores are {}.", "scores")
    yield from say(records, SPEC, "Colour constancy: {}.", "preprocessing.colour_constancy")
    yield from say(
        records, CASCADE, "It is a cascade: its first model answers alone from a probability of {}.", "threshold"
    )


def _use(records: Records) -> Iterator[Statement]:
    yield from say(records, SPEC, "It tells these classes apart and no others: {}.", "classes")
    yield from say(records, SPEC, "The class that is looked for is {}.", "positive_class")
    yield from say(records, SPEC, "A label is {} from a probability of {} on.", "positive_class", "decision.threshold")


def _limits(records: Records) -> Iterator[Statement]:
    yield from say(records, records.index, "Its folds leak: {}.", ("leaks", _sentence))
    for name in records.evaluations:
        for number in range(len(records.value(name, "notes") or ())):
            yield from say(records, name, "{}.", (f"notes.{number}", _sentence))


def _data(records: Records) -> Iterator[Statement]:
    index = records.index
    yield from say(records, index, "The index holds {}.", ("images", lambda value: counted(len(value), "image")))
    yield from say(records, index, "By class: {}.", ("images", _by("label")))
    yield from say(records, index, "By split: {}.", ("images", _by("split")))
    yield from say(records, index, "Subjects are known: {}.", "subjects_known")
    yield from say(records, index, "They are pictures of {}.", ("images", _subjects))
    yield from say(records, index, "Leaks: {}.", ("images", _leaks))
    yield from say(records, index, "Images were dealt to {} folds with seed {}.", "fold_count", "seed")
    yield from say(records, SPEC, "The index has SHA-256 {}.", "provenance.index_sha256")
    yield from say(records, SPEC, "Fold {} was held out in training.", "provenance.fold")
    yield from say(records, SEEN, "The file lists {} images that it was trained or calibrated on.", "images")


def _training(records: Records) -> Iterator[Statement]:
    run = records.run
    yield from say(records, f"{run}/run.json", "The network was trained as: {}.", "kind")
    yield from say(records, f"{run}/run.json", "Its width is {} times that of InceptionV3, its input {} px.",
                   "network.width", "network.input_size_px")  # fmt: skip
    yield from say(records, f"{run}/config.json", "It started from weights '{}'.", "weights")
    settings: dict[str, Asked] = {name: name for name in
                                  ("epochs", "batch_size", "learning_rate", "dropout", "seed", "robust")}  # fmt: skip
    for name, key in settings.items():
        yield from say(records, f"{run}/config.json", f"{name.replace('_', ' ').capitalize()}: {{}}.", key)
    strengths = records.value(f"{run}/strengths.json", "")
    for name in strengths if isinstance(strengths, dict) else ():
        yield from say(records, f"{run}/strengths.json", f"Training pictures were changed, {name}: {{}}.", name)
    yield from say(records, f"{run}/metrics.json", "Epoch {} was kept, for its weighted F1 of {} on the fold held out.",
                   "epoch", "val_weighted_f1")  # fmt: skip


def _accuracy(records: Records) -> Iterator[Statement]:
    for name in records.evaluations:
        where = _where(records, name)
        yield from say(records, name, f"{where}: {{}} images of {{}} {_unit(records, name)}.",
                       "scores.image_count", "scores.group_count")  # fmt: skip
        for key in ("accuracy", "balanced_accuracy", "weighted_f1", "auroc", "sensitivity", "specificity"):
            title = {"auroc": "AUROC", "weighted_f1": "weighted F1"}.get(key, key.replace("_", " "))
            yield from say(records, name, f"{where}: {title} {{}}.", (f"scores.{key}", estimate))
        yield from say(records, name, f"{where}: {{}} of these images were seen in training.", "trained_images")
        yield from say(records, name, f"{where}: always the most frequent class, {{}}, reaches {{}}.",
                       "shortcuts.majority_class", ("shortcuts.majority", estimate))  # fmt: skip
        for number in range(len(records.value(name, "shortcuts.reached") or ())):
            row = f"shortcuts.reached.{number}"
            yield from say(
                records,
                name,
                f"{where}: trivial features, {{}}: accuracy {{}}.",
                f"{row}.name",
                (f"{row}.accuracy", estimate),
            )


def _subgroups(records: Records) -> Iterator[Statement]:
    for name in records.evaluations:
        where = _where(records, name)
        for number, label in enumerate(records.value(name, "classes") or ()):
            yield from say(records, name, f"{where}: recall of {label} {{}}.", (f"scores.recall.{number}", estimate))
        yield from say(records, name, f"{where}: {{}}.", ("subjects", _by_subject))


def _degraded(records: Records) -> Iterator[Statement]:
    for name in records.evaluations:
        where = _where(records, name)
        yield from say(records, name, f"{where}: {{}} images were changed.", "degraded.images")
        for number in range(len(records.value(name, "degraded.rows") or ())):
            yield from say(records, name, f"{where}: {{}}.", (f"degraded.rows.{number}", _changed))


def _calibration(records: Records) -> Iterator[Statement]:
    yield from say(records, SPEC, "Temperature: {}.", "decision.temperature")
    yield from say(records, SPEC, "Temperature and threshold were chosen on: {}.", "decision.source")
    yield from say(records, SPEC, "It was calibrated on {} held-out images of {} groups; the unit is: {}.",
                   *_keys("calibration", "images", "groups", "unit"))  # fmt: skip
    for key, title in (("ece", "expected calibration error"), ("brier", "Brier score")):
        yield from say(records, SPEC, f"The {title} was {{}} before and {{}} after.",
                       (f"calibration.{key}_before", estimate), (f"calibration.{key}_after", estimate))  # fmt: skip
    point, abstention = "calibration.operating_point", "calibration.abstention"
    yield from say(records, SPEC, "The threshold aims at a {} of {}: sensitivity {}, specificity {} ({}).",
                   f"{point}.aim", f"{point}.target", (f"{point}.sensitivity", estimate),
                   (f"{point}.specificity", estimate), f"{point}.method")  # fmt: skip
    yield from say(records, SPEC, "An answer is 'uncertain' if another class has at least {}; {} are to be covered.",
                   f"{abstention}.least_probability", (f"{abstention}.coverage", percent))  # fmt: skip
    yield from say(records, SPEC, "The share of held-out images that are uncertain is {}.",
                   (f"{abstention}.uncertain", estimate))  # fmt: skip


def _gate(records: Records) -> Iterator[Statement]:
    yield from say(records, SPEC, "It knows {} training images.", "gate.images")
    yield from say(records, SPEC, "They are of {} subjects.", "gate.groups")
    yield from say(records, SPEC, "Of held-out images it lets pass {}.", ("gate.passing", estimate))
    for name in records.value(SPEC, "gate.measures") or ():
        key = f"gate.measures.{name}"
        yield from say(records, SPEC, f"{name}: {{}} in training.", (f"{key}.quantiles", _range))
        yield from say(records, SPEC, f"{name} may not be below {{}}.", f"{key}.low")
        yield from say(records, SPEC, f"{name} may not be above {{}}.", f"{key}.high")


def _proof(records: Records) -> Iterator[Statement]:
    yield from say(records, PROOF, "Precision: {}.", "precision")
    yield from say(records, PROOF, "It has {} float tensors and {} float convolutions.",
                   "float_tensors", "float_convolutions")  # fmt: skip
    for number in range(len(records.value(PROOF, "fidelity") or ())):
        row = f"fidelity.{number}"
        yield from say(records, PROOF, "Its label is that of the {} for {} of {} images.", f"{row}.reference",
                       (f"{row}.label_agreement", percent), f"{row}.images")  # fmt: skip
    yield from say(records, PROOF, "The delegate runs {} of {} operators; pieces that it cuts the graph into: {}.",
                   *_keys("delegate", "delegated", "operators", "partitions"))  # fmt: skip
    yield from say(records, PROOF, "Int8 ranges were found on {} images.", "calibration.images")
    yield from say(records, PROOF, "It runs on TensorFlow Lite from version {} on.", "portability.earliest_runtime")


def _latency(records: Records) -> Iterator[Statement]:
    for name in records.benchmarks:
        for number in range(len(records.value(name, "results") or ())):
            row = f"results.{number}"
            summary = f"{row}.summary"
            yield from say(records, name, "{}, {}, {}: median {} ms, of {} processes.", "label", f"{row}.backend",
                           (f"{row}.threads", _threads), f"{summary}.p50_ms", f"{row}.processes")  # fmt: skip
            yield from say(records, name, "{}: the median lies between {} ms (95 % interval).", "label",
                           (f"{summary}.p50_interval", _between))  # fmt: skip
            yield from say(records, name, "{}: 90 % of inferences take at most {} ms.", "label", f"{summary}.p90_ms")
            yield from say(records, name, "{}: memory at most {} MiB.", "label", f"{summary}.peak_memory_mib")
        yield from say(records, name, "{}: not to be quoted, for {}.", "label",
                       ("invalid", lambda reasons: "; ".join(reasons) or None))  # fmt: skip


def _where(records: Records, name: str) -> str:
    return f"{name}, split '{records.value(name, 'split')}'"


def _unit(records: Records, name: str) -> str:
    return f"{records.value(name, 'scores.bootstrap.unit') or 'group'}s"


def _versions(tools: dict[str, str]) -> str | None:
    return ", ".join(f"{tool} {version}" for tool, version in tools.items()) or None


def _changed(row: dict[str, Any]) -> str:
    """A kind of change and its severity, and what the model makes of it."""
    how = f", {row['told']} (severity {row['severity']})" if row["severity"] else ""
    sure = f"mean confidence {row['confidence']:.3f}"
    apart = "" if row["kept_apart"] is None else f", {percent(round(row['kept_apart'], 3))} kept apart"
    return f"{row['kind']}{how}: accuracy {estimate(row['accuracy'])}, {sure}{apart}"


def _keys(below: str, *names: str) -> Iterator[str]:
    return (f"{below}.{name}" for name in names)


def _threads(count: int) -> str:
    return counted(count, "thread")


def _between(pair: list[float]) -> str:
    return " and ".join(map(plainly, pair))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def _by(field: str) -> Any:
    def tell(images: list[dict[str, Any]]) -> str:
        counts = Counter(str(image.get(field) or "unknown") for image in images)
        return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))

    return tell


def _subjects(images: list[dict[str, Any]]) -> str | None:
    known = {image["subject"] for image in images if image.get("subject") is not None}
    return counted(len(known), "subject") if known else None


def _leaks(images: list[dict[str, Any]]) -> str:
    """Whether a subject or a content is on both sides: of a fold, or of training and test."""
    told = []
    for key, noun in (("subject", "subject"), ("sha256", "content")):
        sides: dict[str, set[tuple[Any, Any]]] = {}
        for image in images:
            if image.get(key) is not None:
                sides.setdefault(image[key], set()).add((image.get("split", "train"), image.get("fold")))
        if not sides:
            continue
        crossing = sum(len(found) > 1 for found in sides.values())
        told.append(f"{counted(crossing, noun)} of {len(sides):,} in more than one fold or split")
    return ", ".join(told)


def _by_subject(subjects: list[dict[str, Any]]) -> str | None:
    if not subjects:
        return None
    rows = sorted(subjects, key=lambda row: row["accuracy"])
    worst = ", ".join(f"{row['subject']} {row['accuracy']:.2f} of {row['images']}" for row in rows[:3])
    return f"accuracy by subject from {rows[0]['accuracy']:.2f} to {rows[-1]['accuracy']:.2f}; lowest: {worst} images"


def _range(quantiles: list[float]) -> str:
    return f"{plainly(quantiles[0])} to {plainly(quantiles[-1])}, median {plainly(quantiles[len(quantiles) // 2])}"
