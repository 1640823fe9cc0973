"""Deciding which filters of a run's network stay, within a budget of operations or of milliseconds."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.sampling import draw
from edgeleuk.errors import UsageError
from edgeleuk.pruning.channels import find_channels
from edgeleuk.pruning.importance import bn_l1, taylor
from edgeleuk.pruning.latency import Probe, search_macs
from edgeleuk.pruning.macs import Costs
from edgeleuk.pruning.plan import Plan
from edgeleuk.pruning.ranking import Limits, Ranking
from edgeleuk.pruning.slicing import kept_filters, slice_network
from edgeleuk.training.config import PruneConfig, macs_budget
from edgeleuk.training.preparation import balanced_weights, stream_of
from edgeleuk.training.results import Report
from edgeleuk.training.run import Run

_TAYLOR_BATCH = 16
MeasureMs = Callable[[Any, int], float]  # milliseconds of a network with a number of threads


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
