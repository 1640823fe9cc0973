"""What to prune: which filters stay within a budget of operations or milliseconds; as JSON in a run, and as text."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.codec import decode, read_json
from edgeleuk.data.sampling import draw
from edgeleuk.errors import DataError, ModelError, UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.pruning.channels import find_channels
from edgeleuk.pruning.importance import bn_l1, taylor
from edgeleuk.pruning.latency import Probe, search_macs
from edgeleuk.pruning.macs import Costs
from edgeleuk.pruning.ranking import Limits, Ranking
from edgeleuk.pruning.slicing import Kept, kept_filters, slice_network
from edgeleuk.text import counted, table
from edgeleuk.training.config import PruneConfig, macs_budget
from edgeleuk.training.preparation import balanced_weights, stream_of
from edgeleuk.training.results import Report
from edgeleuk.training.run import Run

_TAYLOR_BATCH = 16
MeasureMs = Callable[[Any, int], float]  # milliseconds of a network with a number of threads


@dataclass(frozen=True)
class Plan:
    """Filters of each convolution before, and positions of those kept if that is not all.

    `fixed`: convolutions whose filters had to stay, with the reason. `probes`: what was measured for a budget of
    milliseconds, with that many `threads`.
    """

    criterion: str
    macs_before: int
    macs_after: int
    filters: dict[str, int]
    kept: dict[str, tuple[int, ...]]
    fixed: dict[str, str]
    probes: tuple[Probe, ...] = ()
    threads: int | None = None

    @property
    def positions(self) -> Kept:
        """`kept` as arrays."""
        return {name: np.array(kept, np.intp) for name, kept in self.kept.items()}


def write_plan(plan: Plan, path: Path) -> None:
    """Write it as JSON. Raises OutputError."""
    write_text(path, to_json(dataclasses.asdict(plan)))


def read_plan(path: Path) -> Plan:
    """Read what `write_plan` wrote. Raises ModelError if it is damaged."""
    try:
        plan: Plan = decode(Plan, read_json(path), str(path))
        for name, kept in plan.kept.items():
            if not all(0 <= position < plan.filters.get(name, 0) for position in kept):
                raise DataError(f"{path}.kept.{name} names filters that the layer does not have")
    except DataError as error:
        raise ModelError(f"{path} is not a pruning plan ({error}); remove its folder and prune again") from error
    return plan


def render_plan(plan: dict[str, Any]) -> str:
    """Lines for a terminal from the dictionary of a `Plan`: layers before and after, operations, latencies."""
    filters, kept = plan["filters"], plan["kept"]
    counts = {name: (before, len(kept.get(name, range(before)))) for name, before in filters.items()}
    counts["together"] = (sum(before for before, _ in counts.values()), sum(after for _, after in counts.values()))
    rows = [(name, before, after, f"{after / before:.0%}") for name, (before, after) in counts.items()]
    lines = table([("convolution", "filters", "kept", "share"), *rows])
    lines += [f"{name} stays as it is: {reason}" for name, reason in plan["fixed"].items()]
    share = plan["macs_after"] / plan["macs_before"]
    lines.append(f"ranked by {plan['criterion']}; MACs {plan['macs_before']:,} -> {plan['macs_after']:,} ({share:.1%})")
    if plan["probes"]:
        full = plan["probes"][0]
        chosen = next(probe for probe in plan["probes"] if probe["macs"] == plan["macs_after"])
        threads = counted(plan["threads"], "thread")
        lines.append(f"int8 inference here, {threads}: {full['latency_ms']:.3g} ms -> {chosen['latency_ms']:.3g} ms")
    return "\n".join(lines)


def make_plan(network: Any, source: Run, config: PruneConfig, report: Report, measure_ms: MeasureMs) -> Plan:
    """The largest choice of filters within the budget of `config`, for the trained network of the run.

    Raises UsageError if nothing meets the budget, or the whole network does.
    """
    chooser = Chooser(network, importance_of(network, source, config), Limits(config.multiple, config.least_share))
    if config.budget_ms is not None:
        return chooser.within_ms(config, report, measure_ms)
    full, text = chooser.ranking.full_macs, str(config.macs)
    budget = macs_budget(text, full)
    if budget >= full:
        raise UsageError(f"{source.folder} has {full:,} MACs, within the budget {text}: nothing to prune")
    return chooser.within_macs(config, budget)


def importance_of(network: Any, source: Run, config: PruneConfig) -> NDArray[np.float64]:
    """float64 [groups]: importance of the channels of the run's network, by the criterion."""
    channels = find_channels(network)
    if config.criterion == "bn-l1":
        return bn_l1(network, channels)
    images = draw(source.index, source.index.training(source.fold), config.samples, config.seed)
    stream = stream_of(source.index, images.images, source.spec.preprocessing, _TAYLOR_BATCH)
    return taylor(network, channels, stream.in_order(), balanced_weights(stream.labels, len(source.index.classes)))


class Chooser:
    """Chooses filters of one network to keep, and remembers what it chose."""

    def __init__(self, network: Any, importance: NDArray[np.float64], limits: Limits) -> None:
        """Take a network with the importance [groups] of its channels."""
        self._network = network
        self._channels = find_channels(network)
        self.ranking = Ranking(Costs(network, self._channels), self._channels, importance, limits)

    def within_macs(self, config: PruneConfig, budget_macs: int) -> Plan:
        """The largest network within a budget of operations. Raises UsageError if there is none."""
        return self._plan(config, self.ranking.within(budget_macs))

    def within_ms(self, config: PruneConfig, report: Report, measure_ms: MeasureMs) -> Plan:
        """The largest network found within a budget of milliseconds. Raises UsageError if there is none."""
        chosen: dict[Probe, NDArray[np.bool_]] = {}
        full = self.ranking.full_macs

        def measure(budget_macs: int) -> Probe:
            keep = self.ranking.within(budget_macs)
            network = slice_network(self._network, kept_filters(self._channels, keep))
            probe = Probe(self.ranking.macs(keep), measure_ms(network, config.threads))
            report(f"{probe.macs:>14,} MACs ({probe.macs / full:6.1%}): {probe.latency_ms:.3g} ms as int8")
            chosen[probe] = keep
            return probe

        assert config.budget_ms is not None  # make_plan comes here with one only
        best, probes = search_macs(measure, self.ranking.least_macs, full, config.budget_ms)
        return self._plan(config, chosen[best], probes)

    def _plan(self, config: PruneConfig, keep: NDArray[np.bool_], probes: tuple[Probe, ...] = ()) -> Plan:
        kept = kept_filters(self._channels, keep)
        return Plan(
            config.criterion,
            self.ranking.full_macs,
            self.ranking.macs(keep),
            {name: len(self._channels.makes[name]) for name in self._channels.convolutions},
            {name: tuple(positions.tolist()) for name, positions in kept.items()},
            dict(self._channels.fixed),
            probes,
            config.threads if probes else None,
        )
