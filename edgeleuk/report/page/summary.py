"""A report's tables as plain rows, which every format renders: what stands in the page stands in Markdown, too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeleuk.bench.record import Result
from edgeleuk.data.shortcuts.text import HEAD, explained_text, how_text, rows_text
from edgeleuk.evaluation.evaluated import Evaluated
from edgeleuk.report.page.charts import Point
from edgeleuk.report.page.reading import Figures, Material, Suite
from edgeleuk.report.page.rows import Row
from edgeleuk.report.page.words import COLUMNS, accuracy_text, caveat_lines
from edgeleuk.report.text.benchmark import interval_text, rate_text, speed_text
from edgeleuk.report.text.calibration import about_ece, score_rows
from edgeleuk.report.text.degraded import HEAD as DEGRADED
from edgeleuk.report.text.degraded import counted_text, degraded_cells, explanations
from edgeleuk.report.text.operators import operator_times
from edgeleuk.statistics.metrics import Estimate
from edgeleuk.text import counted, minute, shortened

_MOST_SUBJECTS = 30


@dataclass(frozen=True)
class Table:
    """Head and rows of text, the first column a name. `title` says what the numbers are, `notes` what limits them."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def latency_table(rows: Sequence[Row]) -> Table:
    """The median, its interval, how many times as fast that is, then what else names a row, and other percentiles."""
    model, *others = _identity(rows).items()
    columns: dict[str, Callable[[Row], str]] = {
        **dict([model]),
        "median": lambda row: f"{row.summary.p50_ms:.4g}",
        "95 % interval": lambda row: interval_text(row.summary.p50_interval),
    }
    bases = [row.speed.base for row in rows if row.speed is not None]
    if bases:
        alone = len({id(base) for base in bases}) == 1
        head = f"against {_model(bases[0])}" if alone else "against another of its kind"
        columns[head] = lambda row: _speed(row, not alone)
    columns |= {
        "valid": lambda row: "yes" if row.valid else "NO",
        **dict(others),
        "least": lambda row: f"{row.summary.min_ms:.4g}",
        "p90": lambda row: f"{row.summary.p90_ms:.4g}",
        "95 % interval of p90": lambda row: interval_text(row.summary.p90_interval),
        "p95": lambda row: f"{row.summary.p95_ms:.4g}",
        "p99": lambda row: f"{row.summary.p99_ms:.4g}",
    }
    return _table("Latency of bare inference, ms", columns, rows)


def costs_table(rows: Sequence[Row], material: Material) -> Table:
    """Cold start, memory, size, throughput, delegate; energy and accuracy if they are known."""
    columns: dict[str, Callable[[Row], str]] = _identity(rows)
    notes = list(COLUMNS)
    if material.accuracies:
        columns["accuracy (95 % interval)"] = lambda row: accuracy_text(
            material.accuracy_of(row.result.model.sha256), "-"
        )
        notes += caveat_lines(material)
    columns |= {
        "file MB": lambda row: f"{row.result.model.size_bytes / 1e6:.2f}",
        "inferences/s": lambda row: rate_text(row.summary.throughput_per_s),
        "load ms": lambda row: f"{row.summary.load_ms:.4g}",
        "first ms": lambda row: f"{row.summary.first_ms:.4g}",
        "peak MiB": lambda row: _peak(row),
        "activations KiB": lambda row: (
            "-" if row.summary.arena_bytes is None else f"{row.summary.arena_bytes / 1024:,.0f}"
        ),
        "in the delegate": lambda row: _delegate(row.result),
    }
    if any(row.millijoules is not None for row in rows):
        columns["mJ an inference"] = lambda row: "-" if row.millijoules is None else f"{row.millijoules:.4g}"
    columns["queries"] = lambda row: f"{row.summary.runs:,}"
    return _table(
        "Accuracy, size, cold start, memory" if material.accuracies else "Size, cold start, memory",
        columns,
        rows,
        tuple(notes),
    )


def side_by_side(rows: Sequence[Row]) -> Table | None:
    """Median by model, interpreter and threads, one column a device; None if there is one device only.

    Of several records of one device the last one's figure stands there.
    """
    devices = list(dict.fromkeys(row.record.label for row in rows))
    if len(devices) < 2:
        return None
    cells: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: row.record.created):
        mark = "" if row.valid else " (not valid)"
        cells.setdefault(row.result.title, {})[row.record.label] = f"{row.summary.p50_ms:.4g}{mark}"
    body = tuple((title, *(found.get(device, "-") for device in devices)) for title, found in cells.items())
    return Table("Median, ms", ("model", *devices), body)


def operators_table(result: Result) -> Table | None:
    """Time by type of operator, the longest first, and what of the median is missing; None if none was timed."""
    found = operator_times(result)
    if found is None:
        return None
    rows = (
        (
            row.name,
            row.place or "",
            "" if row.calls is None else f"{row.calls:g}",
            f"{row.ms:.3f}",
            "-" if row.share is None else f"{row.share:.1%}",
        )
        for row in found.rows
    )
    head = ("operator", "run by", "calls", "ms an inference", "share of the median")
    return Table("Time by operator", head, tuple(rows), found.how)


def stages_table(rows: Sequence[Row]) -> Table | None:
    """Median milliseconds an image by stage; None if no result has stages."""
    staged = [row for row in rows if row.stage_medians_ms]
    if not staged:
        return None
    names = tuple(dict.fromkeys(name for row in staged for name in row.stage_medians_ms))
    medians = [row.stage_medians_ms for row in staged]
    body = tuple(
        (row.name, *(f"{found[name]:.4g}" if name in found else "-" for name in names))
        for row, found in zip(staged, medians, strict=True)
    )
    note = "Each is a median of its own, so that the stages need not add up to the whole."
    return Table("From image file to decision, ms, medians", ("model", *names), body, (note,))


def suite_table(suite: Suite) -> Table:
    """Of pytest-benchmark."""
    rows = (
        (t.name, f"{t.min_ms:.4g}", f"{t.median_ms:.4g}", f"{t.iqr_ms:.3g}", f"{t.rounds:,}") for t in suite.timings
    )
    return Table("Times of the tests", ("test", "min ms", "median ms", "IQR ms", "rounds"), tuple(rows))


def figures_table(figures: Figures) -> Table:
    """Of a script in benchmarks/."""
    passed = {True: "met", False: "MISSED", None: ""}
    body = (
        (r.name, f"{r.value:.4g} {r.unit}", "" if r.bar is None else f"{r.bar:g}", passed[r.met]) for r in figures.rows
    )
    return Table("Figures and their bars", ("figure", "measured", "bar", "result"), tuple(body))


def evaluation_tables(found: Evaluated) -> tuple[Table, ...]:
    """Scores, colour beside them, calibration, confusion matrix; subjects and degraded pictures if they are known."""
    tables = (
        *(scores_table(found), shortcuts_table(found), reliability_table(found), confusion_table(found)),
        *(subjects_table(found), degraded_table(found)),
    )
    return tuple(table for table in tables if table is not None)


def scores_table(found: Evaluated) -> Table:
    """Every score with its interval, how many subjects it rests on, and below it what limits all of them."""
    rows = tuple(
        (name, "-", "a class has no image", "-")
        if score is None
        else (name, f"{score.value:.3f}", score.bounds, "-" if score.groups is None else f"{score.groups:,}")
        for name, score in found.named.items()
    )
    unit = f"{found.scores.bootstrap.unit}s"
    confidence = f"{found.scores.bootstrap.confidence:.0%}".replace("%", " %")
    title = f"{found.model}: scores on {found.images:,} images of split '{found.split}'"
    return Table(title, ("score", "value", f"{confidence} interval", unit), rows, found.caveats)


def shortcuts_table(found: Evaluated) -> Table | None:
    """The model's accuracy above what colour and the like reach on the same images; None if that is not known."""
    if found.shortcuts is None:
        return None
    accuracy = found.accuracy
    rows = (("the model", "", f"{accuracy.value:.3f}", accuracy.bounds), *(r[:4] for r in rows_text(found.shortcuts)))
    notes = (f"Trivial features: {how_text(found.shortcuts)}.", *found.shortcuts.notes)
    told = explained_text(found.shortcuts, accuracy.value)
    return Table(
        f"{found.model}: what the accuracy is made of", HEAD[:4], rows, (f"{told[0].upper()}{told[1:]}.", *notes)
    )


def reliability_table(found: Evaluated) -> Table | None:
    """Calibration and what conformal sets came to; None in records that do not say."""
    known = found.reliability
    if known is None:
        return None
    columns = {} if known.untempered is None else {"at temperature 1": known.untempered}
    head, *rows = score_rows(columns | {"as it answers": known.scores})
    notes: tuple[str, ...] = (about_ece(known.scores),)
    if known.sets is not None:
        covered, uncertain = (percents(each) for each in (known.sets.covered, known.sets.uncertain))
        notes += (
            f"sets of classes hold the right one in {covered} of images, {known.sets.asked:.1%} was asked for; "
            f"{uncertain} are uncertain: more than one class in the set",
        )
    return Table(f"{found.model}: whether probabilities mean what they say", tuple(head), tuple(rows), notes)


def percents(share: Estimate) -> str:
    """ "94.4 % (86.2 to 98.4)"."""
    bounds = "no interval" if share.low is None or share.high is None else f"{share.low:.1%} to {share.high:.1%}"
    return f"{share.value:.1%} ({bounds})"


def confusion_table(found: Evaluated) -> Table:
    """Images by truth, a row each, and by what the model answered."""
    heads = tuple(f"answered {name}" for name in found.classes)
    rows = tuple(
        (name, *(f"{count:,}" for count in row), f"{sum(row):,}")
        for name, row in zip(found.classes, found.scores.confusion, strict=True)
    )
    return Table(f"{found.model}: confusion matrix, images", ("truth", *heads, "images"), rows)


def subjects_table(found: Evaluated) -> Table | None:
    """Those with the lowest accuracy first; None if none is known."""
    ordered = sorted(found.subjects, key=lambda row: (row.accuracy, row.subject))
    rows = tuple(
        (
            shortened(row.subject),
            shortened(", ".join(row.labels)),
            f"{row.correct:,} of {row.images:,}",
            f"{row.accuracy:.3f}",
        )
        for row in ordered[:_MOST_SUBJECTS]
    )
    more = len(ordered) - len(rows)
    notes = (f"and {more:,} more with higher accuracy",) if more else ()
    return Table(f"{found.model}: subjects", ("subject", "label", "right", "accuracy"), rows, notes) if rows else None


def degraded_table(found: Evaluated) -> Table | None:
    """A row for each kind and severity; None if no degraded pictures were asked about."""
    if found.degraded is None:
        return None
    title = f"{found.model}: degraded pictures, {counted_text(found.degraded)}"
    notes = tuple(f"{told[0].upper()}{told[1:]}." for told in explanations(found.degraded))
    return Table(title, DEGRADED, tuple(degraded_cells(found.degraded)), notes)


def accuracy_points(rows: Sequence[Row], material: Material) -> list[Point]:
    """Each model that was evaluated, on each device and interpreter with the number of threads that is fastest.

    Nothing if there is only one model.
    """
    fastest: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = (row.result.model.sha256, row.result.backend, row.record.label)
        if key not in fastest or row.summary.p50_ms < fastest[key].summary.p50_ms:
            fastest[key] = row
    found = ((row, material.accuracy_of(row.result.model.sha256)) for row in fastest.values())
    known = [(row, evaluated.accuracy) for row, evaluated in found if evaluated is not None]
    if len({row.result.model.sha256 for row, _ in known}) < 2:
        return []
    return [Point(f"{row.name} ({a.count})", row.summary.p50_ms, a.value, a.low, a.high) for row, a in known]


def _table(
    title: str, columns: dict[str, Callable[[Row], str]], rows: Sequence[Row], notes: tuple[str, ...] = ()
) -> Table:
    return Table(title, tuple(columns), tuple(tuple(cell(row) for cell in columns.values()) for row in rows), notes)


def _model(result: Result) -> str:
    return shortened(result.model.name.removesuffix(".tflite"))


def _speed(row: Row, with_base: bool) -> str:
    if row.speed is None:
        return "-"
    return speed_text(row.speed) + (f" as {_model(row.speed.base)}" if with_base else "")


def _peak(row: Row) -> str:
    peak, start = row.summary.peak_memory_mib, row.start_memory_mib
    if peak is None:
        return "-"
    return f"{peak:.1f}" if start is None else f"{peak:.1f} ({start:.1f})"


def _identity(rows: Sequence[Row]) -> dict[str, Callable[[Row], str]]:
    """Columns that name a row: the model, and what else differs."""
    columns: dict[str, Callable[[Row], str]] = {
        "model": lambda row: row.result.model.name.removesuffix(".tflite"),
        "device": lambda row: row.record.label,
        "measured": lambda row: minute(row.record.created),
        "interpreter": lambda row: f"{row.result.backend} {row.result.backend_version}",
        "threads": lambda row: str(row.result.threads),
    }
    devices = {(row.record.label, row.record.created) for row in rows}
    needed = {
        "model": True,
        "device": len({label for label, _ in devices}) > 1,
        "measured": len({label for label, _ in devices}) < len(devices),
        "interpreter": len({columns["interpreter"](row) for row in rows}) > 1,
        "threads": True,
    }
    return {name: cell for name, cell in columns.items() if needed[name]}


def _delegate(result: Result) -> str:
    found = result.coverage
    if found is None:
        return "-"
    return f"{found.delegated} of {found.operators} in {counted(found.partitions, 'piece')}"
