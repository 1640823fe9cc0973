"""The study: which candidate is next and which goes on, by Optuna, whose own store keeps it.

Candidates come from the tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter
Optimization"), and are halved successively (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning").
The sampler's seed follows for each trial from the search's seed and the trial's number, and compared are all
that have reached a rung: what is tried depends neither on which was done first nor on whether the search was killed.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeleuk.errors import MissingExtraError
from edgeleuk.optimize.config import WHOLE, Candidate, Space
from edgeleuk.optimize.database import Database, in_file, store_errors

try:
    import optuna
except ImportError as error:
    raise MissingExtraError(f"a search ({error.name} is missing)", "search") from error

_REDUCTION = 2
_FIRST_RUNG = 4  # the first comparison is after a quarter: before, a network trained from scratch tells little
_COHORT, _BATCH_END = "cohort", "batch_end"
_States = optuna.trial.TrialState
optuna.logging.set_verbosity(optuna.logging.WARNING)


def rung_epochs(epochs: int) -> tuple[int, ...]:
    """Epochs after which candidates are compared: a quarter of all, at least 1, and twice that if it is not all."""
    first = max(1, epochs // _FIRST_RUNG)
    return tuple(epoch for epoch in (first, _REDUCTION * first) if epoch < epochs)


class Study:
    """An Optuna study in a file or a database, opened or made."""

    def __init__(self, store: Path | Database, space: Space, seed: int, startup: int = 4) -> None:
        """Open the study of a file or a database.

        After `startup` trials its candidates follow from what became of earlier ones. Raises OutputError if it cannot
        be written or is damaged.
        """
        self._space, self._seed, self._startup = space, seed, startup
        self._asked: set[int] = set()
        database = store if isinstance(store, Database) else in_file(store)
        with store_errors(database):
            self._storage = database.open()
            self._study = optuna.create_study(
                storage=self._storage, study_name=database.study, direction="maximize", load_if_exists=True
            )

    def close(self) -> None:
        """Close what connects to the store."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def trials(self) -> list[Any]:
        """Optuna's frozen trials, in the order of their numbers."""
        return self._study.get_trials(deepcopy=False)

    def trained(self) -> list[Any]:
        """Those of them that were, or are being, trained."""
        return [trial for trial in self.trials() if _COHORT in trial.user_attrs]

    def unfinished(self) -> list[Any]:
        """Trials that were being trained when the search ended, to be resumed."""
        return [self._again(trial) for trial in self.trained() if trial.state == _States.RUNNING]

    @property
    def cohort(self) -> int:
        """The number of the last cohort, -1 before the first."""
        return max((int(trial.user_attrs[_COHORT]) for trial in self.trained()), default=-1)

    def is_training(self, cohort: int) -> bool:
        """Whether the cohort is complete, as some of it has been trained, and not still being chosen."""
        members = [trial for trial in self.trained() if trial.user_attrs[_COHORT] == cohort]
        return any("rungs" in trial.user_attrs or trial.state != _States.RUNNING for trial in members)

    def begin_batch(self, count: int) -> int:
        """Announce that `count` trials will be asked for before any is accepted or rejected; returns `count`."""
        self.note(_BATCH_END, len(self._decided()) + count)
        return count

    @property
    def batch_left(self) -> int:
        """How many of the last batch are still to be taken in or rejected, asked for or not: a search may be killed."""
        return max(0, int(self.notes.get(_BATCH_END, 0)) - len(self._decided()))

    def _decided(self) -> list[Any]:
        """Trials that were taken in or rejected, in the order of their numbers."""
        undecided = (_States.WAITING, _States.RUNNING)
        return [trial for trial in self.trials() if _COHORT in trial.user_attrs or trial.state not in undecided]

    def _again(self, trial: Any) -> Any:
        return optuna.trial.Trial(self._study, trial._trial_id)

    def ask(self) -> tuple[Any, Candidate]:
        """A new trial, and what it is to try; first those that a killed search had asked for and not decided on."""
        running = [trial for trial in self.trials() if trial.state == _States.RUNNING]
        left = [trial for trial in running if _COHORT not in trial.user_attrs and trial.number not in self._asked]
        trial = self._again(left[0]) if left else self._study.ask()
        self._asked.add(trial.number)
        chosen = {}
        for place, (name, values) in enumerate(self._space.values().items()):
            # A seed for each dimension: one that the store holds already draws no random number.
            self._study.sampler = self._sampler(trial.number, place)
            chosen[name] = trial.suggest_categorical(name, [_shown(value) for value in values])
        return trial, self.candidate(chosen)

    def _sampler(self, number: int, dimension: int) -> Any:
        """Trials that are under way count for nothing: which these are depends on when a search was killed."""
        seed = (31 * self._seed_of(number) + dimension) % 2**32
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=self._startup, multivariate=False, constant_liar=False
        )

    @property
    def rejected_in_a_row(self) -> int:
        """How many of the last trials that were decided on were not taken in."""
        rejected = [_COHORT not in trial.user_attrs for trial in reversed(self._decided())]
        return (*rejected, False).index(False)

    def enqueue(self, candidates: Sequence[Candidate]) -> None:
        """Have one of these asked next, drawn at random, unless one is waiting."""
        if any(trial.state == _States.WAITING for trial in self.trials()):
            return
        chosen = random.Random(self._seed_of(len(self.trials()))).choice(candidates)
        params = {name: _shown(value) for name, value in asdict(chosen).items()}
        self._study.enqueue_trial(params)

    def _seed_of(self, number: int) -> int:
        return (self._seed * 1_000_003 + number) % 2**32

    def candidate(self, params: dict[str, Any]) -> Candidate:
        """The candidate of a trial's parameters."""
        values = self._space.values()
        named = {name: {_shown(value): value for value in values[name]} for name in values}
        return Candidate(**{name: named[name][value] for name, value in params.items()})

    def admit(self, trial: Any, cohort: int) -> None:
        """Take the trial in for training with others of its cohort."""
        trial.set_user_attr(_COHORT, cohort)

    def reject(self, trial: Any, reason: str) -> None:
        """Close a trial that is not to be trained."""
        trial.set_user_attr("reason", reason)
        self._study.tell(trial, state=_States.FAIL)

    def fail(self, trial: Any, reason: str, facts: dict[str, Any]) -> None:
        """Close a trial that did not come to its end."""
        self._close(trial, facts | {"reason": reason}, None, _States.FAIL)

    def goes_on(self, trial: Any, epoch: int, value: float, facts: dict[str, Any]) -> bool:
        """Whether the trial is among the best of all that have reached this rung; it is closed if not.

        That follows from the store alone, so a search killed half-way through it decides the same again.
        """
        if epoch not in self.trials()[trial.number].intermediate_values:
            trial.report(value, epoch)
        others = [other for other in self.trained() if other.number != trial.number]
        rungs = [rung for other in others for rung in other.user_attrs.get("rungs", ())]
        if goes_on([rung["weighted_f1"] for rung in rungs if rung["epoch"] == epoch], value):
            return True
        self._close(trial, facts, None, _States.PRUNED)
        return False

    def complete(self, trial: Any, value: float, facts: dict[str, Any]) -> None:
        """Close a trial that came to its end."""
        self._close(trial, facts, value, _States.COMPLETE)

    def _close(self, trial: Any, facts: dict[str, Any], value: float | None, state: Any) -> None:
        for name, fact in facts.items():
            trial.set_user_attr(name, fact)
        self._study.tell(trial, value, state)

    @property
    def notes(self) -> dict[str, Any]:
        """What was kept beside the trials."""
        return dict(self._study.user_attrs)

    def note(self, name: str, value: Any) -> None:
        """Keep a JSON value beside the trials."""
        self._study.set_user_attr(name, value)


def goes_on(others: Sequence[float], value: float) -> bool:
    """Whether a trial that reached `value` is in the better half of all at a rung, if the `others` are known.

    Successive halving with a reduction of 2; the best of all goes on, and of equals each.
    """
    return not others or value >= sorted(others)[len(others) // _REDUCTION]


def _shown(value: Any) -> Any:
    """As Optuna's store takes it: no None."""
    return WHOLE if value is None else value
