"""What follows a candidate's training."""

from pathlib import Path

from edgeleuk.optimize.config import Candidate, SearchConfig, Space
from edgeleuk.optimize.halving import Halving, describe

PRUNED = Candidate(96, 0.25, 224, "mixed7", 0.5, True, "average", "qat")
PLAIN = Candidate(96, 0.25, None, None, 1.0, False, "average", "ptq")


def steps(candidate, **settings):
    config = SearchConfig(budget_ms=1.0, **settings)
    return Halving(None, Space(), config, None, None, None, Path(), Path(), print).steps(candidate)


def test_only_the_steps_that_a_candidate_asks_for_are_taken():
    assert steps(PLAIN) == {"prune": None, "qat": None}
    made = steps(PRUNED, epochs=20, qat_epochs=2, batch_size=16, seed=7)
    assert (made["prune"].macs, made["prune"].epochs, made["prune"].batch_size, made["prune"].seed) == ("50%", 4, 16, 7)
    assert (made["qat"].epochs, made["qat"].batch_size, made["qat"].seed) == (2, 16, 7)


def test_the_rate_of_training_is_not_that_of_fine_tuning():
    assert steps(PRUNED, learning_rate=0.01) == steps(PRUNED)


def test_a_candidate_is_described_by_what_is_special_about_it():
    assert describe(PLAIN) == "96 px, width 0.25, PTQ"
    assert describe(PRUNED) == "96 px, width 0.25, crop 224, up to mixed7, pruned to 50%, taught, QAT"
