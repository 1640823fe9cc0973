"""Dealing groups to bins so that every bin gets its share of every class."""

import random
from collections import Counter
from collections.abc import Sequence

from edgeleuk.data.index import ImageRecord


def deal(groups: Sequence[Sequence[ImageRecord]], shares: Sequence[float], seed: int) -> list[int]:
    """The bin of each group; `shares` (sum 1) is the part of every class that each bin should get.

    Greedy, as scikit-learn's StratifiedGroupKFold: shuffle by seed, largest group first, each to the bin where the
    squared deviation of the class shares from the wanted ones, sum_c (x_bc / n_c - share_b)^2, grows least (that
    class takes the mean of the standard deviations over bins instead). Adding m_c images to bin b makes it grow by
    sum_c m_c / n_c * (2 * (x_bc / n_c - share_b) + m_c / n_c), whose last term is the same for all bins.
    """
    counts = [Counter(str(image.label) for image in group) for group in groups]
    totals: Counter[str] = sum(counts, Counter())
    filled: list[Counter[str]] = [Counter() for _ in shares]
    bins = [0] * len(groups)
    for group in _largest_first(groups, seed):
        parts = {label: number / totals[label] for label, number in counts[group].items()}
        growth = [
            # Rounded: equal shares must tie whatever the order of addition; then the emptier bin gets the group.
            (round(sum(m * (bin_[c] / totals[c] - share) for c, m in parts.items()), 12), bin_.total() / share)
            for bin_, share in zip(filled, shares, strict=True)
        ]
        bins[group] = growth.index(min(growth))
        filled[bins[group]].update(counts[group])
    return bins


def _largest_first(groups: Sequence[Sequence[ImageRecord]], seed: int) -> list[int]:
    order = list(range(len(groups)))
    random.Random(seed).shuffle(order)
    return sorted(order, key=lambda group: -len(groups[group]))
