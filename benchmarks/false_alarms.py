"""How often `evaluate --against` passes a candidate that is just too bad: its true loss is the margin of one point.

Nominally 5 %. Subjects of equal or unequal numbers of images differ in how much they lose as in `benchmarks.intervals`:
the standard deviation of their rates is half of, equal to, 1.5 times or twice the mean; or one in five has 90 % of the
losses ("few"). The candidate loses and gains, or only loses. Printed are the mean and the worst case, and the mean of
the same test over images, as if those were independent.
"""

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.intervals import Case, image_counts, true_rates
from benchmarks.measure import Figure, finish, parser, positive, progress
from edgeleuk.statistics.noninferiority import NOT_INFERIOR, Gate, compare_images, compare_subjects

SUBJECTS = (20, 30, 60)
SPREADS = ("0.5", "1", "1.5", "2", "few")
_LOSS = 0.01
_DISCORDANT = (0.04, 0.01)  # with gains, and without any
_GATE = Gate(margin=_LOSS)


def main() -> int:
    """Simulate; returns the exit code."""
    made = parser(__doc__)
    made.add_argument("--trials", type=positive, default=500, help="trials of each case")
    made.add_argument("--seed", type=int, default=0, help="seed of all of them")
    arguments = made.parse_args()
    return finish("false_alarms", list(_figures(arguments)), arguments)


def _figures(arguments: argparse.Namespace) -> Iterator[Figure]:
    random = np.random.default_rng(arguments.seed)
    for spread, subjects in product(SPREADS, SUBJECTS):
        cases = [(Case(subjects, 0.0, spread, unequal), d) for unequal in (False, True) for d in _DISCORDANT]
        found = np.array([_false_alarms(case, d, arguments.trials, random) for case, d in cases])
        named = f"spread {spread}, {subjects} subjects"
        progress(named)
        yield Figure(f"{named}: false alarms", float(found[:, 0].mean()), "%")
        yield Figure(f"{named}: worst", float(found[:, 0].max()), "%")
        yield Figure(f"{named}: over images", float(found[:, 1].mean()), "%")


def _false_alarms(case: Case, discordant: float, trials: int, random: np.random.Generator) -> tuple[float, float]:
    """Per cent of trials that come out "not inferior": over subjects, and over images."""
    passed = np.zeros(2)
    for trial in range(trials):
        reference, candidate, groups = _answers(case, discordant, random)
        by_subject = compare_subjects(reference, candidate, groups, _GATE, seed=trial)
        by_image = compare_images(reference, candidate, _GATE)
        passed += [by_subject.verdict == NOT_INFERIOR, by_image.verdict == NOT_INFERIOR]
    of_subjects, of_images = 100 * passed / trials
    return float(of_subjects), float(of_images)


def _answers(
    case: Case, discordant: float, random: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Which images the reference and the candidate get right, bool [n], and the subject of each, int64 [n]."""
    sizes = image_counts(case, random)
    groups = np.repeat(np.arange(case.subjects), sizes)
    losing = true_rates((discordant + _LOSS) / 2, case, random)[groups]
    drawn = random.random(len(groups))
    reference = drawn >= (discordant - _LOSS) / 2  # what it gets wrong, the candidate gains
    candidate = ~((drawn > 1 - losing) & reference)
    return reference, candidate, groups


if __name__ == "__main__":
    raise SystemExit(main())
