"""Which channels to keep within a budget of operations: the least important for what they cost go first.

Removing channels is a knapsack; the greedy order by value for cost (Dantzig 1957, "Discrete-Variable Extremum
Problems") is computed again after each step, because a layer's cost depends on what is left around it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import UsageError
from edgeleuk.pruning.channels import Channels
from edgeleuk.pruning.macs import Costs


@dataclass(frozen=True)
class Limits:
    """How far a layer may shrink: to a multiple of `multiple` filters (what SIMD kernels like), and to no less than
    `least_share` of them. A layer with fewer filters than `multiple` keeps them all.
    """

    multiple: int = 8
    least_share: float = 0.25


class Ranking:
    """Groups of channels in the order in which they go. `full_macs` and `least_macs`: all stay, as few as may."""

    def __init__(self, costs: Costs, channels: Channels, importance: NDArray[np.float64], limits: Limits) -> None:
        """Take the costs and the importance [groups] of a network's channels."""
        self._costs, self._multiple = costs, limits.multiple
        self._order = [
            members[np.argsort(importance[members], kind="stable")]
            for kind in range(len(costs.sizes))
            for members in [np.flatnonzero(costs.kind == kind)]
        ]
        self._lost = [np.concatenate([[0.0], np.cumsum(importance[members])]) for members in self._order]
        self._groups = len(channels.free)
        self._least = _least(costs, limits)
        self.full_macs = costs.macs(costs.sizes)
        self.least_macs = costs.macs(self._least)

    def within(self, budget_macs: int) -> NDArray[np.bool_]:
        """Return bool [groups]: the groups to keep, as many as the budget allows.

        Raises UsageError if even the fewest that may be kept need more.
        """
        if budget_macs < self.least_macs:
            raise UsageError(
                f"no choice of filters needs {budget_macs:,} MACs or less; the nearest has {self.least_macs:,} "
                f"({self.least_macs / self.full_macs:.1%} of {self.full_macs:,}). Ask for more, or allow layers to "
                "shrink further with a lower --least-share or --multiple"
            )
        numbers, taken = self._shrink(budget_macs)
        self._refill(numbers, taken, budget_macs)
        keep = np.ones(self._groups, bool)
        for members, number in zip(self._order, numbers, strict=True):
            keep[members[: len(members) - number]] = False
        return keep

    def macs(self, keep: NDArray[np.bool_]) -> int:
        """Operations of the network with the groups of `keep`, bool [groups]."""
        return self._costs.macs(np.bincount(self._costs.kind[keep], minlength=len(self._costs.sizes)))

    def _shrink(self, budget_macs: int) -> tuple[NDArray[np.intp], list[tuple[int, int]]]:
        """Numbers that stay [kinds], and the steps (kind, groups) by which the others went."""
        numbers, taken = self._costs.sizes.copy(), []
        while self._costs.macs(numbers) > budget_macs:
            steps = self._steps(numbers)
            saved = self._costs.saved(numbers, steps)
            scores = np.full(len(numbers), np.inf)
            open_ = (steps > 0) & (saved > 0)
            scores[open_] = self._losses(numbers, steps)[open_] / saved[open_]
            kind = int(np.argmin(scores))
            numbers[kind] -= steps[kind]
            taken.append((kind, int(steps[kind])))
        return numbers, taken

    def _refill(self, numbers: NDArray[np.intp], taken: list[tuple[int, int]], budget_macs: int) -> None:
        """Take back, last first, what the budget has room for: the last step often goes too far."""
        full: set[int] = set()
        for kind, step in reversed(taken):
            if kind in full:
                continue
            numbers[kind] += step
            if self._costs.macs(numbers) > budget_macs:
                numbers[kind] -= step
                full.add(kind)

    def _steps(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """intp [kinds]: groups that go next, down to the next multiple; 0 if none may."""
        steps = np.where(numbers % self._multiple, numbers % self._multiple, self._multiple)
        return np.where(numbers - steps >= self._least, steps, 0)

    def _losses(self, numbers: NDArray[np.intp], steps: NDArray[np.intp]) -> NDArray[np.float64]:
        """float64 [kinds]: the importance of what goes next."""
        gone = self._costs.sizes - numbers
        pairs = zip(self._lost, gone, gone + steps, strict=True)
        return np.array([lost[after] - lost[before] for lost, before, after in pairs])


def _least(costs: Costs, limits: Limits) -> NDArray[np.intp]:
    """intp [kinds]: the fewest groups that may stay; of those that are fixed, all."""
    share = np.maximum(1, np.ceil(costs.sizes * limits.least_share - 1e-9)).astype(np.intp)
    rounded = -(-share // limits.multiple) * limits.multiple
    return np.where(costs.free, np.minimum(rounded, costs.sizes), costs.sizes)
