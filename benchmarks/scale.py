"""How cost grows: of inference with the network, of auditing and splitting with the images, of the store with its rows.

A cost y at sizes x is fitted as y = a x^p. The exponent p is told with its 95 % interval; 0 is a constant cost, 1 one
in proportion. Where a constant is added to what grows, p is less than that of what grows. `--json` keeps every sample.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.measure import Figure, finish, median_figure, parser, positive
from benchmarks.scale_data import QUERIES, Point, data, store
from benchmarks.scale_models import latency, memory


@dataclass(frozen=True)
class Growth:
    """y = factor * x ** exponent; the 95 % interval of the exponent is exponent +- half_width."""

    exponent: float
    half_width: float
    factor: float
    points: int


@dataclass(frozen=True)
class Curve:
    """One cost against one size: what is told of it, and the keys of both in the points, with their units."""

    name: str
    size: str
    cost: str
    unit: str
    size_unit: str

    def growth(self, points: Sequence[Point]) -> Growth:
        """The fit through the medians of each point's samples."""
        return fit([point[self.size] for point in points], [float(np.median(point[self.cost])) for point in points])

    def figures(self, points: Sequence[Point]) -> list[Figure]:
        """The cost at the greatest size, the exponent, and the half-width of its 95 % interval."""
        growth = self.growth(points)
        last = max(points, key=lambda point: point[self.size])
        greatest = f"{last[self.size]:,}" if isinstance(last[self.size], int) else f"{last[self.size]:.4g}"
        return [
            median_figure(f"{self.name}, {greatest} {self.size_unit}", last[self.cost], self.unit),
            Figure(f"{self.name}, exponent over {self.size_unit}", growth.exponent, ""),
            Figure(f"{self.name}, exponent +-, 95 %", growth.half_width, ""),
        ]


@dataclass(frozen=True)
class Part:
    """One part: what measures its points, and the costs told of them."""

    measure: Callable[[argparse.Namespace], list[Point]]
    curves: tuple[Curve, ...]


def _process_curves(name: str, size: str, size_unit: str) -> tuple[Curve, ...]:
    """Both memories of a fresh process."""
    return (
        Curve(f"{name}: peak memory", size, "peak_mib", "MiB", size_unit),
        Curve(f"{name}: memory above start", size, "grown_mib", "MiB", size_unit),
    )


def _data_part(command: str) -> Part:
    name = f"data {command}"
    time = Curve(f"{name}: time", "images", "seconds", "s", "images")
    return Part(partial(data, command), (time, *_process_curves(name, "images", "images")))


PARTS = {
    "latency": Part(latency, (Curve("int8 inference", "macs", "latency_ms", "ms", "MACs"),)),
    "memory": Part(memory, _process_curves("int8 model", "file_mib", "MiB of file")),
    "audit": _data_part("audit"),
    "split": _data_part("split"),
    "store": Part(
        store,
        (
            Curve("store: insert a row", "rows", "insert_us", "us", "rows"),
            *(Curve(f"store: {name}", "rows", name, "ms", "rows") for name in QUERIES),
        ),
    ),
}


def fit(sizes: Sequence[float], costs: Sequence[float]) -> Growth:
    """The least-squares line through u = log(sizes), v = log(costs): v = log(factor) + p u.

        p = sum((u - mean u) (v - mean v)) / sum((u - mean u)^2)
        s = sqrt(sum(residual^2) / (n - 2) / sum((u - mean u)^2))      standard error of p

    The 95 % interval is p +- t s, with t the 97.5 % quantile of Student's distribution with n - 2 degrees of freedom.
    Raises ValueError for fewer than three points, values that are not positive, or sizes that are all the same.
    """
    if len(sizes) < 3 or len(set(sizes)) < 2 or min(*sizes, *costs) <= 0:
        raise ValueError(
            f"sizes {list(sizes)} with costs {list(costs)}: expected three points or more, of different sizes, "
            "all values above 0"
        )
    u, v = np.log(sizes), np.log(costs)
    line = stats.linregress(u, v)
    error = float(line.stderr) if np.ptp(v) else 0.0  # not a number where all costs are the same
    half_width = float(stats.t.ppf(0.975, len(sizes) - 2)) * error
    return Growth(float(line.slope), half_width, float(np.exp(line.intercept)), len(sizes))


def main(line: Sequence[str] | None = None) -> int:
    """Measure the parts that the command line asks for; returns the exit code."""
    arguments = _arguments(line)
    points = {name: PARTS[name].measure(arguments) for name in arguments.part}
    curves = [(curve, points[name]) for name in arguments.part for curve in PARTS[name].curves]
    figures = [figure for curve, found in curves for figure in curve.figures(found)]
    fits = {curve.name: asdict(curve.growth(found)) for curve, found in curves}
    return finish("scale", figures, arguments, points=points, fits=fits)


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("part", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} [all]")
    extent = made.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="three small sizes of each: a minute, to see that it runs")
    extent.add_argument("--full", action="store_true", help="the store to ten million rows: an hour and 6 GB")
    made.add_argument("--rounds", type=positive, default=15, help="inferences of each model, queries of each kind")
    made.add_argument("--repeat", type=positive, default=3, help="processes of each size for time and memory, in turn")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    made.add_argument("--folder", type=Path, help="where manifests and the store lie for a while [temporary folder]")
    given = made.parse_args(line)
    unknown = sorted(set(given.part) - set(PARTS))
    if unknown:
        made.error(f"no such part: {', '.join(unknown)}; known are {', '.join(PARTS)}")
    for folder in (given.folder, given.json and given.json.absolute().parent):
        if folder is not None and not folder.is_dir():
            made.error(f"{folder} is no folder; make it first")
    given.part = list(dict.fromkeys(given.part)) or list(PARTS)
    return given


if __name__ == "__main__":
    sys.exit(main())
