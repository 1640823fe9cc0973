"""The input gate: whether a picture is what the model knows, by the measures of its training images in the spec.

Two of the measures are distances to the nearest training image: of what the picture looks like, and of what the network
makes of it (Sun et al. 2022, "Out-of-Distribution Detection with Deep Nearest Neighbors"), in a space where all
directions vary alike, as by Mahalanobis' distance (Lee et al. 2018, "A Simple Unified Framework for Detecting
Out-of-Distribution Samples"). The points of those images lie in the model file.
"""

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.reliability import FEATURE_DISTANCE, PICTURE_DISTANCE, InputGate, Measured
from edgeleuk.runtime.appended import open_archive, read_file
from edgeleuk.runtime.measures import LIGHT, measure_picture
from edgeleuk.spec import ModelSpec

MAX_REFERENCE_BYTES = 8 << 20
_SPACES = {PICTURE_DISTANCE: "picture", FEATURE_DISTANCE: "features"}
OTHER_LIGHT = "other_light"  # the training images as training changed their light, see `Gate`
_STORED = {**_SPACES, OTHER_LIGHT: OTHER_LIGHT}
_USUAL = (0.01, 0.99)  # of the training images: light between these quantiles is theirs
_FEWEST_DIGITS, _MOST_DIGITS = 2, 6
_MANY_POINTS = 200  # from which on it is sooner to look first where the nearest can be
_ROUNDING = 2.0**-20  # of a sum of float32, for each of its terms: 16 times what one rounding may lose
_LARGE = 1e37  # squares of which float32 still holds the sums


class _Words(NamedTuple):
    """What it means that a measure is too low or too high; `what` it is of."""

    low: str
    high: str
    what: str


WORDS = {
    "brightness": _Words("too dark", "too bright", "brightness"),
    "contrast": _Words("too little contrast", "too much contrast", "contrast"),
    "clipped_dark": _Words("too little black", "under-exposed", "share of black"),
    "clipped_bright": _Words("too little white", "over-exposed", "share of what is full"),
    "focus": _Words("out of focus", "too sharp", "focus"),
    "noise": _Words("smoothed", "noisy", "noise"),
    "cell_red_green": _Words("stain too green", "stain too red", "red to green of the cell"),
    "cell_blue_green": _Words("stain too little blue", "stain too blue", "blue to green of the cell"),
    "background_red_green": _Words("background too green", "background too red", "red to green of the background"),
    "background_blue_green": _Words(
        "background too little blue", "background too blue", "blue to green of the background"
    ),
    "cell_share": _Words("too little cell", "too much cell", "share of cell"),
    "cell_size": _Words("cell too small", "cell too large", "size of the cell"),
    "cell_pieces": _Words("too few pieces", "not one cell", "pieces"),
    "cell_edge": _Words("too little cell at the edge", "cell cut off at the edge", "share of cell at the edge"),
    PICTURE_DISTANCE: _Words("", "unlike the training pictures", "distance"),
    FEATURE_DISTANCE: _Words("", "unlike what the network has learnt", "distance of features"),
}


@dataclass(frozen=True)
class Reference:
    """Training images as points. `projection`: float32 [numbers + 1, dimensions], the last row is added; `points`:
    float32 [images, dimensions].
    """

    projection: NDArray[np.float32]
    points: NDArray[np.float32]

    def place(self, vector: NDArray[Any]) -> NDArray[np.float32]:
        """Float32 [..., dimensions] of [..., numbers]."""
        found: NDArray[np.float32] = vector.astype(np.float32, copy=False) @ self.projection[:-1] + self.projection[-1]
        return found

    def distance(self, vector: NDArray[Any]) -> float:
        """From [numbers] to the nearest training image."""
        place = self.place(vector)
        apart = self._near(place) - place
        return math.sqrt(float(np.einsum("ij,ij->i", apart, apart).min()))

    def _near(self, place: NDArray[np.float32]) -> NDArray[np.float32]:
        """The points of which one is the nearest to float32 [dimensions], however sums are rounded; most others not.

        Half of a squared distance, less what all have in common, is half of |p|^2 less p x: one product of matrices.
        """
        if len(self.points) < _MANY_POINTS:
            return self.points
        halves, longest = self._half_squares
        squares = 2 * longest + len(place) * float(np.abs(place).max()) ** 2
        if not squares < _LARGE:  # or no number
            return self.points
        apart = halves - self.points @ place
        return self.points[apart <= float(apart.min()) + _ROUNDING * len(place) * squares]

    @cached_property
    def _half_squares(self) -> tuple[NDArray[np.float32], float]:
        """Float32 [images], half of each point's squared length; and the greatest."""
        halves = np.einsum("ij,ij->i", self.points, self.points) / np.float32(2)
        return halves, float(halves.max())


def pack_references(references: Mapping[str, Reference]) -> bytes:
    """As a file of a model: an .npz whose arrays are float32; the same points give the same bytes."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {}
    for name, reference in references.items():
        arrays[f"{_STORED[name]}_projection"] = reference.projection.astype("<f4")
        arrays[f"{_STORED[name]}_points"] = reference.points.astype("<f4")
    np.savez(stream, **arrays)
    return stream.getvalue()


def read_references(content: bytes) -> dict[str, Reference]:
    """What `pack_references` wrote, by measure. Raises ModelError for anything else; nothing in it is executed."""
    try:
        with open_archive(content) as archive:
            names = archive.namelist()
            arrays = {name: _array(read_file(archive, name, MAX_REFERENCE_BYTES), name) for name in names}
        found = {}
        for measure, space in _STORED.items():
            if f"{space}_points.npy" in arrays:
                found[measure] = _reference(arrays[f"{space}_projection.npy"], arrays[f"{space}_points.npy"], space)
        return found
    except ModelError:
        raise
    except Exception as error:  # numpy's reader raises whatever a damaged file leads to
        raise ModelError(
            f"what the input gate compares with is damaged ({' '.join(str(error).split()):.100})"
        ) from error


def _array(content: bytes, name: str) -> NDArray[np.float32]:
    """Of an .npy file, whose header is believed only if the bytes that it promises are there."""
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ModelError(f"{name} is no array of version 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    at = stream.tell()
    if dtype != np.dtype("<f4") or fortran or len(shape) != 2 or 4 * math.prod(shape) != len(content) - at:
        raise ModelError(f"{name} is {dtype} {list(shape)} of {len(content) - at:,} bytes; expected float32 [n, m]")
    array: NDArray[np.float32] = np.frombuffer(content, "<f4", offset=at).reshape(shape).astype(np.float32)
    if not np.isfinite(array).all():
        raise ModelError(f"{name} holds numbers that are not finite")
    return array


def _reference(projection: NDArray[np.float32], points: NDArray[np.float32], space: str) -> Reference:
    if len(projection) < 2 or len(points) < 1 or projection.shape[1] != points.shape[1]:
        raise ModelError(f"the {space} space is {projection.shape} with points {points.shape}, which do not fit")
    return Reference(projection, points)


class Gate:
    """Measures pictures, and says in words which measure is beyond its bounds.

    A picture in other light than the training images had is compared with them in the light that training gave them,
    if it did: what a sensor clipped no colour constancy brings back, but the network has seen it.
    """

    def __init__(self, spec: InputGate, references: Mapping[str, Reference]) -> None:
        """Raise SpecError for a bound of a measure that is not known here, ModelError if a distance has no points."""
        self._bounds = {name: bound for name, bound in spec.measures.items() if _is_bound(bound)}
        unknown = sorted(set(self._bounds) - set(WORDS))
        if unknown:
            raise SpecError(f"its input gate has bounds of {', '.join(unknown)}, unknown here: upgrade edgeleuk")
        lacking = [name for name in _SPACES if name in spec.measures and name not in references]
        if lacking:
            raise ModelError(
                f"its input gate lacks the training images that {lacking[0]} is measured to; convert again"
            )
        self._spec = spec
        self._picture = references[PICTURE_DISTANCE] if PICTURE_DISTANCE in spec.measures else None
        self._other_light = references.get(OTHER_LIGHT)
        self._usual = usual_light(spec.measures)
        self._features = references[FEATURE_DISTANCE] if FEATURE_DISTANCE in spec.measures else None

    @property
    def wants_features(self) -> bool:
        """Whether it measures the network's features, too."""
        return self._features is not None

    def of_picture(self, shown: NDArray[np.uint8], came: NDArray[np.uint8]) -> dict[str, float]:
        """The measures of RGB uint8 [size, size, 3] by name; see `measure_picture`."""
        measured = measure_picture(shown, came)
        if self._picture is None:
            return measured.named
        other = self._other_light is not None and is_other_light(measured.named, self._usual)
        reference = self._other_light if other and self._other_light is not None else self._picture
        return measured.named | {PICTURE_DISTANCE: reference.distance(measured.vector)}

    def of_features(self, features: NDArray[Any]) -> dict[str, float]:
        """The measure of the network's output of that name, [1, ...] in its own dtype; none if it is not measured."""
        return {} if self._features is None else {FEATURE_DISTANCE: self._features.distance(features.ravel())}

    def findings(self, measures: Mapping[str, float]) -> tuple[str, ...]:
        """A phrase for each measure that is beyond its bounds, with the number and the bound."""
        found = []
        for name, words in WORDS.items():
            value, bound = measures.get(name), self._bounds.get(name)
            if value is None or bound is None:
                continue
            if bound.low is not None and value < bound.low:
                found.append(_phrase(words.low, name, value, bound.low, "at least"))
            elif bound.high is not None and not value <= bound.high:
                found.append(_phrase(words.high, name, value, bound.high, "at most"))
        if [phrase for phrase in found if phrase.startswith(WORDS[PICTURE_DISTANCE].high)] == found[:1]:
            found[:1] = [f"{phrase[:-1]}; most unusual: {self._most_unusual(measures)})" for phrase in found[:1]]
        return tuple(found)

    def _most_unusual(self, measures: Mapping[str, float]) -> str:
        """The measure that lies farthest from the middle of the training images, in widths of their middle 80 %."""

        def far(name: str) -> float:
            low, middle, high = (_quantile(self._spec.measures[name], share) for share in (0.1, 0.5, 0.9))
            return abs(measures[name] - middle) / (high - low + 1e-3)

        names = [n for n in WORDS if n in measures and n in self._spec.measures and n not in _SPACES]
        return WORDS[max(names, key=far)].what if names else WORDS[PICTURE_DISTANCE].what


def gate_of(spec: ModelSpec, network_sha256: str, references: bytes, features: int | None) -> Gate:
    """The gate of a model that has one. `features`: how many numbers its output of that name has, if any.

    Raises SpecError for the gate of another network, ModelError if the file `references` is missing or damaged.
    """
    if spec.gate is None:
        raise SpecError("it has no input gate; convert it again, from its run")
    if spec.gate.network_sha256 != network_sha256:
        raise SpecError(
            f"its input gate is of another network ({spec.gate.network_sha256[:12]}, not {network_sha256[:12]}), whose "
            "training images say nothing of this one; convert it again"
        )
    if FEATURE_DISTANCE in spec.gate.measures and features is None:
        raise SpecError(
            "its input gate measures features, but the network does not give them out (no features in extra_outputs); "
            "convert it again"
        )
    read = read_references(references) if references else {}
    gate = Gate(spec.gate, read)
    pictures = _picture_numbers()
    for name, numbers in ((PICTURE_DISTANCE, pictures), (OTHER_LIGHT, pictures), (FEATURE_DISTANCE, features)):
        if (
            (name in spec.gate.measures or name == OTHER_LIGHT)
            and name in read
            and len(read[name].projection) != (numbers or 0) + 1
        ):
            raise ModelError(
                f"{name} is of {len(read[name].projection) - 1} numbers, here there are {numbers}: the model is "
                "damaged or of another version of edgeleuk; convert it again"
            )
    return gate


def usual_light(measures: Mapping[str, Measured]) -> dict[str, tuple[float, float]]:
    """For each measure of light from where to where nearly all training images lie."""
    low, high = _USUAL
    light = {name: measures[name] for name in LIGHT if name in measures}
    return {name: (_quantile(each, low), _quantile(each, high)) for name, each in light.items()}


def is_other_light(named: Mapping[str, float], usual: Mapping[str, tuple[float, float]]) -> bool:
    """Whether a picture's light is another than `usual_light`."""
    return not all(low <= named[name] <= high for name, (low, high) in usual.items())


def _picture_numbers() -> int:
    return len(measure_picture(np.zeros((8, 8, 3), np.uint8)).vector)


def _is_bound(measured: Measured) -> bool:
    return measured.low is not None or measured.high is not None


def _quantile(measured: Measured, share: float) -> float:
    rows = measured.quantiles
    return rows[round(share * (len(rows) - 1))]


def _phrase(words: str, name: str, value: float, bound: float, side: str) -> str:
    """With as many digits as tell the number from its bound; a distance says that it is one."""
    digits = _FEWEST_DIGITS
    while digits < _MOST_DIGITS and _number(value, digits) == _number(bound, digits):
        digits += 1
    kind = "distance " if name in _SPACES else ""
    return f"{words} ({kind}{_number(value, digits)}, {side} {_number(bound, digits)})"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
