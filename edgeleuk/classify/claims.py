"""Contents under way: of several files of one content one is classified, and the first of them has the result."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeleuk.runtime.classifier import Prediction
    from edgeleuk.store import Result

_REMEMBERED = 256  # more than are ever under way between the first step and the store

Key = tuple[str, str]  # SHA-256 of a content and of a model


class Claim:
    """What comes of one content: the prediction, made in any thread; the result, made in the order of the images."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.prediction: Prediction | None = None
        self.result: Result | None = None


class Claims:
    """Who classifies which content. Thread-safe."""

    def __init__(self) -> None:
        self._claims: OrderedDict[Key, Claim] = OrderedDict()
        self._lock = threading.Lock()

    def claim(self, key: Key) -> tuple[Claim, bool]:
        """The claim to a content, and whether it is the caller's to fulfil or `give_up`; else it is fulfilled."""
        while True:
            with self._lock:
                claim = self._claims.get(key)
                if claim is None:
                    claim = self._claims[key] = Claim()
                    if len(self._claims) > _REMEMBERED:
                        self._claims.popitem(last=False)
                    return claim, True
            claim.done.wait()
            if claim.prediction is not None:
                return claim, False

    def fulfil(self, claim: Claim, prediction: "Prediction | None") -> None:
        """Tell what the network says."""
        claim.prediction = prediction
        claim.done.set()

    def give_up(self, key: Key, claim: Claim) -> None:
        """It came to nothing: whoever waits tries for himself."""
        with self._lock:
            self._claims.pop(key, None)
        claim.done.set()
