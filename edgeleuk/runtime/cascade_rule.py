"""When the first model of a cascade answers alone, and on which images that was found: `edgeleuk/cascade.json`."""

import dataclasses
import json
import re
from dataclasses import dataclass

from edgeleuk.codec import decode, expect_version, parse_json
from edgeleuk.errors import ModelError

SCHEMA_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class CascadeRule:
    """The first model answers if its greatest probability, after `temperature`, is at least `threshold`.

    Both were chosen on the `images` validation images of an index's fold, for a loss of at most `max_drop_points`
    points of accuracy there. `answered_first` counts those that the first model answers, `right_...` those that the
    first, the large model and the cascade get right.
    """

    threshold: float
    temperature: float
    max_drop_points: float
    first_sha256: str
    large_sha256: str
    index_sha256: str
    fold: int
    images: int
    answered_first: int
    right_first: int
    right_large: int
    right_cascade: int
    schema_version: int = SCHEMA_VERSION

    @property
    def share_first(self) -> float:
        """Share of the validation images that the first model answers."""
        return self.answered_first / self.images

    def to_json(self) -> str:
        """JSON text, keys in field order."""
        return json.dumps(dataclasses.asdict(self), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> "CascadeRule":
        """Read what `to_json` wrote. Raises ModelError if it is damaged or of another version."""
        raw = parse_json(text, "cascade.json", ModelError)
        if isinstance(raw, dict):
            expect_version(
                raw.get("schema_version"), SCHEMA_VERSION, "cascade.json", "make the cascade again", ModelError
            )
        rule: CascadeRule = decode(cls, raw, "cascade.json", ModelError)
        _check(rule)
        return rule


def _check(rule: CascadeRule) -> None:
    counts = (rule.answered_first, rule.right_first, rule.right_large, rule.right_cascade)
    holds = {
        "threshold": 0 <= rule.threshold <= 1,
        "temperature": 1e-3 <= rule.temperature <= 1e3,
        "max_drop_points": 0 <= rule.max_drop_points <= 100,
        "images": rule.images > 0 and all(0 <= count <= rule.images for count in counts),
        "fold": 0 <= rule.fold <= 10**6,
        "first_sha256": _SHA256.fullmatch(rule.first_sha256),
        "large_sha256": _SHA256.fullmatch(rule.large_sha256),
        "index_sha256": _SHA256.fullmatch(rule.index_sha256),
    }
    for name, held in holds.items():
        if not held:
            raise ModelError(f"cascade.json.{name} is {getattr(rule, name)!r:.60}, which is not valid")
