"""A finding, and the facts that the checks of doctor judge."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from edgeleuk.device.facts import DeviceHealth
from edgeleuk.device.host import Clock, Host, Place, User, VideoNode
from edgeleuk.device.processor import Processor
from edgeleuk.device.trial import Trial

# ok; note: good to know; warning: slower, hotter or riskier than it need be; problem: it cannot infer.
LEVELS = ("ok", "note", "warning", "problem")


@dataclass(frozen=True)
class Finding:
    """What one check found; `advice` says what to do about it, "" if there is nothing to do."""

    name: str
    level: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything the checks look at. `backend` is the one that would be used, None if none is installed.

    `trials`: the probe, by backend; `model_trial`: the user's model, None if none was given or no backend works.
    """

    host: Host
    health: DeviceHealth
    processor: Processor
    place: Place
    clock: Clock
    user: User
    board: str | None = None
    cameras: tuple[VideoNode, ...] = ()
    requested_backend: str = "auto"
    requested_threads: int | None = None
    backend: str | None = None
    trials: dict[str, Trial] = field(default_factory=dict)
    model: str | None = None
    model_trial: Trial | None = None

    @property
    def is_pi(self) -> bool:
        """Whether the board is a Raspberry Pi."""
        return "Raspberry Pi" in (self.board or "")

    @property
    def trial(self) -> Trial | None:
        """The probe's trial with the backend that would be used."""
        return None if self.backend is None else self.trials.get(self.backend)

    @property
    def works(self) -> bool:
        """Whether the backend that would be used gives answers."""
        return self.trial is not None and self.trial.ran

    def cause(self) -> str:
        """Level of what keeps an interpreter from working: a mere note if one works all the same."""
        return "note" if self.works else "problem"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        plain = dataclasses.asdict(self)
        plain["host"]["cpu_features"] = sorted(self.host.cpu_features)
        plain["host"]["architecture"] = self.host.architecture
        plain["health"] = self.health.to_dict()
        return plain
