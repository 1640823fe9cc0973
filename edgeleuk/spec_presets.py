"""Presets: what well-known training code does to a picture before the network sees it.

Sources: `keras.applications.imagenet_utils.preprocess_input` (modes tf, caffe and torch), the weights' transforms of
torchvision, and the notebook "Leukemia Detection using Inception-V3", which resizes with `tf.image.resize` what
`tf.image.convert_image_dtype` scaled, divided by 0.45.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.errors import SpecError, UsageError
from edgeleuk.spec import PROBABILITIES, SIGMOIDS, STRETCH, ModelSpec, Preprocessing
from edgeleuk.text import suggestion

_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, R, G, B of pixels / 255
_IMAGENET: dict[str, Any] = {
    "pixel_scale": tuple(1 / (255 * deviation) for deviation in _DEVIATIONS),
    "pixel_offset": tuple(-mean / deviation for mean, deviation in zip(_MEANS, _DEVIATIONS, strict=True)),
}
_CAFFE: dict[str, Any] = {
    "pixel_scale": 1.0,
    "pixel_offset": (-103.939, -116.779, -123.68),
    "colour_order": "BGR",
}
_PLAIN: dict[str, Any] = {"pixel_scale": 1.0, "pixel_offset": 0.0}
_KERAS: dict[str, Any] = {"fit": STRETCH, "resample": "tf-bilinear"}  # image_dataset_from_directory, tf.image.resize


@dataclass(frozen=True)
class Preset:
    """A name, what it is for, and the preprocessing. `classes` and `scores` where the source fixes them, too."""

    name: str
    about: str
    preprocessing: Preprocessing
    classes: tuple[str, ...] = ()
    positive_class: str | None = None
    scores: str = PROBABILITIES


def _preset(name: str, about: str, size_px: int, *parts: dict[str, Any], **rest: Any) -> Preset:
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    return Preset(name, about, Preprocessing(size_px, **merged), **rest)


PRESETS = {
    preset.name: preset
    for preset in (
        _preset(
            "keras-inception",
            "Keras InceptionV3, Xception, InceptionResNetV2, NASNet: pixels / 127.5 - 1",
            299,
            _KERAS,
        ),
        _preset("keras-mobilenet", "Keras MobileNet, MobileNetV2: pixels / 127.5 - 1", 224, _KERAS),
        _preset(
            "keras-efficientnet",
            "Keras EfficientNet, EfficientNetV2, MobileNetV3, ConvNeXt: pixels as they are, scaled inside the network",
            224,
            _KERAS,
            _PLAIN,
        ),
        _preset("keras-resnet", "Keras ResNet, VGG: B, G, R less ImageNet's means", 224, _KERAS, _CAFFE),
        _preset("keras-densenet", "Keras DenseNet: ImageNet's means and deviations", 224, _KERAS, _IMAGENET),
        _preset(
            "zero-to-one",
            "pixels / 255, as layers.Rescaling(1/255) makes them",
            224,
            _KERAS,
            _PLAIN,
            {"pixel_scale": 1 / 255},
        ),
        _preset(
            "torchvision",
            "torchvision's ImageNet weights: shorter side 256, centre 224, ImageNet's means and deviations",
            224,
            {"fit": "shorter_side", "shorter_side_px": 256},
            _IMAGENET,
        ),
        _preset(
            "torchvision-inception",
            "torchvision's Inception_V3_Weights: shorter side 342, centre 299, ImageNet's means and deviations",
            299,
            {"fit": "shorter_side", "shorter_side_px": 342},
            _IMAGENET,
        ),
        _preset(
            "notebook",
            'the notebook "Leukemia Detection using Inception-V3": 300 px, pixels / 255 / 0.45, two sigmoids',
            300,
            _KERAS,
            {"pixel_scale": 1 / (255 * 0.45), "pixel_offset": 0.0},
            classes=("hem", "all"),
            positive_class="all",
            scores=SIGMOIDS,
        ),
    )
}


def preset(
    name: str,
    classes: Sequence[str] = (),
    positive_class: str | None = None,
    scores: str | None = None,
    **preprocessing: Any,
) -> ModelSpec:
    """The spec of a preset; `classes` in output order where it fixes none, and `preprocessing` what differs from it.

    With a `crop_px` the fit is "crop", with a `shorter_side_px` "shorter_side". Raises UsageError for an unknown name
    or if no classes are known, SpecError for values out of range.
    """
    if name not in PRESETS:
        raise UsageError(f"there is no preset '{name:.60}'{suggestion(name, PRESETS)}; expected {', '.join(PRESETS)}")
    found = PRESETS[name]
    names = tuple(classes) or found.classes
    if not names:
        raise UsageError(
            f"the preset {name} says how pixels are scaled, not which classes there are: name them in output order"
        )
    own = names == found.classes
    return ModelSpec(
        names,
        changed(found.preprocessing, preprocessing),
        positive_class or (found.positive_class if own else None),
        scores=scores or found.scores,
    )


# What a spec has to say, by the option of 'edgeleuk spec new' that says it; a preset says all but the classes.
NEEDED = {
    "classes": "--classes",
    "input_size_px": "--input-size",
    "fit": "--crop, --shorter-side or --fit stretch",
    "resample": "--resample",
    "colour_order": "--colour-order",
    "pixel_scale": "--pixel-scale",
    "pixel_offset": "--pixel-offset",
}
_OF_THE_SPEC = ("classes", "positive_class", "scores")


def lacking(given: Mapping[str, Any], name: str | None = None) -> tuple[str, ...]:
    """Keys of `NEEDED` that neither the values nor the preset of this name says."""
    told = {key for key, value in given.items() if value is not None}
    if told & {"crop_px", "shorter_side_px"}:
        told.add("fit")
    if name is not None:
        told |= set(NEEDED) - ({"classes"} if not PRESETS[name].classes else set())
    return tuple(key for key in NEEDED if key not in told)


def assemble(given: Mapping[str, Any], name: str | None = None) -> ModelSpec:
    """A spec of values by the names of their keys, those of a preset for the rest; None stands for nothing.

    Raises UsageError if neither says what is needed, SpecError for values out of range.
    """
    missing = lacking(given, name)
    if missing:
        options = "; ".join(NEEDED[key] for key in missing)
        raise UsageError(
            f"nothing says {', '.join(missing)}, and a guess would give wrong answers in silence: give {options}"
            + ("" if name or missing == ("classes",) else ", or a --preset")
        )
    values = {key: value for key, value in given.items() if value is not None}
    prepare = {key: value for key, value in values.items() if key not in _OF_THE_SPEC}
    if name is not None:
        return preset(name, values.get("classes", ()), values.get("positive_class"), values.get("scores"), **prepare)
    before = Preprocessing(prepare["input_size_px"], fit=STRETCH)
    return ModelSpec(
        tuple(values["classes"]),
        changed(before, prepare),
        values.get("positive_class"),
        scores=values.get("scores", PROBABILITIES),
    )


def changed(before: Preprocessing, given: dict[str, Any]) -> Preprocessing:
    """A preprocessing with other values. A size that one way to fit a picture needs chooses that way.

    Raises SpecError for values out of range, and for two ways at once.
    """
    told = {key: value for key, value in given.items() if value is not None}
    ways = {"crop_px": "crop", "shorter_side_px": "shorter_side"}
    chosen = [fit for key, fit in ways.items() if key in told]
    if len(chosen) > 1:
        raise SpecError("crop_px and shorter_side_px are two ways to fit a picture to the input; give one of them")
    fit = told.get("fit", chosen[0] if chosen else before.fit)
    values: dict[str, Any] = {key: getattr(before, key) if way == fit else None for key, way in ways.items()}
    return dataclasses.replace(before, **values | told | {"fit": fit})
