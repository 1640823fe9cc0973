"""Conversion: from a source to one model file with its spec and the proof of what it is."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.device.delegate import coverage
from edgeleuk.errors import UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.quantization.calibration import ImageSet, draw
from edgeleuk.quantization.fidelity import Probabilities, compare, keras_probabilities, noise_probabilities
from edgeleuk.quantization.freeze import convert_float, convert_quantization_aware
from edgeleuk.quantization.judging import ImageJudge, open_flatbuffer
from edgeleuk.quantization.layer_errors import ErrorTable, measure
from edgeleuk.quantization.mixed import Keep, check_keep
from edgeleuk.quantization.mixing import Mixture, mix
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.quantization.proof import Fidelity, Proof, check_int8, check_mixed, check_portable, examine
from edgeleuk.quantization.qat_floors import widen_ranges
from edgeleuk.quantization.source import Source, prepare_source
from edgeleuk.quantization.surgery import float_twin
from edgeleuk.runtime.bundle import write_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.spec import ModelSpec, Provenance
from edgeleuk.training.results import made_by


@dataclass(frozen=True)
class Request:
    """What to make. `calibration`: an index to draw calibration images from, by default the source's own.

    `rewrite`: first put depthwise convolutions in the place of average pools, which the int8 delegate does not take;
    None does so where a float network becomes int8.
    `keep`: what of an int8 network is to stay in float. `error_samples`: images to measure each layer's error on.
    """

    precision: str = "int8"
    calibration: Index | None = None
    samples: int = 256
    fidelity_samples: int = 256
    seed: int = 0
    rewrite: bool | None = None
    keep: Keep = field(default_factory=Keep)
    error_samples: int = 16


@dataclass(frozen=True)
class Conversion:
    """What was made. `seen`: digests of the images it was trained or calibrated on.

    `errors`: of each layer as int8; None where there are none or none were asked for.
    """

    model: bytes
    spec: ModelSpec
    proof: Proof
    seen: frozenset[str]
    errors: ErrorTable | None = None


def convert(source: Source, request: Request, say: Callable[[str], None] = lambda text: None) -> Conversion:
    """Convert a source. Int8 of a QAT source uses the ranges it was trained with; of any other, calibration.

    `say` hears of the choice of layers to keep in float. Raises ProofError where an int8 model is not fully int8, a
    mixed one not as was asked, or a gate is not met, UsageError where images are missing or a request makes no sense,
    DataError where images have changed since they were indexed.
    """
    _check(source, request)
    source = prepare_source(source, request.precision, request.rewrite)
    calibration = _calibration_set(source, request)
    model, network = _model(source, request, calibration)
    if request.precision == "int8" and not request.keep.asked:
        check_int8(examine(model, "int8", source.spec.preprocessing))  # before all that takes long
    seen = source.seen | (calibration.digests if calibration else frozenset())
    compared = _fidelity_set(source, request, seen)
    answers = _keras_answers(source, compared) if compared else {}
    errors = _layer_errors(source, request, model, network, compared or calibration)
    if mixture := _mixture(source, request, network, errors, (compared, answers), say):
        model = mixture.model
    proof = _examined(source, request, model, mixture)
    spec = _spec_of(source, proof.precision)
    classifier = open_flatbuffer(model, spec)
    drawn = {"images": len(calibration.images), "sha256": calibration.sha256} if calibration else None
    proof = dataclasses.replace(
        proof,
        calibration=drawn,
        delegate=_delegate(classifier),
        rewriting=_rewriting(source, answers),
        layer_errors=errors.summary() if errors else None,
        fidelity=_fidelity(classifier, compared, answers),
    )
    return Conversion(model, spec, proof, seen, errors)


def _check(source: Source, request: Request) -> None:
    """Raise UsageError for a request that makes no sense for a source."""
    if request.calibration is not None and (request.precision != "int8" or source.kind == "qat"):
        raise UsageError("--calibration is for --int8 of a float network; this conversion sets no ranges")
    check_keep(request.keep, request.precision, source.kind, request.error_samples)


def write_conversion(conversion: Conversion, path: Path) -> None:
    """Write the model file, and its proof beside it as PATH's name with .proof.json. Raises OutputError."""
    proof = conversion.proof.to_dict()
    write_bundle(path, conversion.model, conversion.spec, proof, conversion.seen)
    write_text(path.with_suffix(".proof.json"), to_json(proof))


def _model(source: Source, request: Request, calibration: ImageSet | None) -> tuple[bytes, PostTraining | None]:
    """The model with all of it in the precision, and what else can be made of its network after training."""
    if request.precision != "int8":
        if source.kind == "qat":
            raise UsageError(f"a QAT run converts to --int8, not {request.precision}; convert the float run instead")
        return convert_float(source.network, request.precision), None
    if calibration is None:
        widen_ranges(source.network)
        return convert_quantization_aware(source.network), None
    preprocessing = source.spec.preprocessing.on_int8_grid()
    images = calibration.inputs(preprocessing)
    network = PostTraining(convert_float(source.network), images, preprocessing.input_range)
    return network.quantize(), network


def _layer_errors(
    source: Source, request: Request, model: bytes, network: PostTraining | None, images: ImageSet | None
) -> ErrorTable | None:
    """Errors of the int8 model's layers; those of a QAT network against its trained weights, with nothing rounded."""
    if request.precision != "int8" or images is None or request.error_samples == 0:
        return None
    some = images.spread(request.error_samples)
    inputs = some.inputs(source.spec.preprocessing.on_int8_grid())
    if network is None:
        return measure(float_twin(model), model, inputs, "its own weights in float")
    return measure(network.float_model, model, inputs, "the float network")


def _mixture(
    source: Source,
    request: Request,
    network: PostTraining | None,
    errors: ErrorTable | None,
    compared: tuple[ImageSet | None, dict[str, Probabilities]],
    say: Callable[[str], None],
) -> Mixture | None:
    """The network with layers in float, where that was asked for. Raises UsageError where a gate has no images."""
    keep, (images, answers) = request.keep, compared
    if network is None or not keep.asked:
        return None
    if keep.gated and images is None:
        raise UsageError("--min-agreement and --max-drop need images outside training and calibration; there are none")
    judge = ImageJudge(source.spec, images, answers["float network"], keep.max_drop is not None) if images else None
    return mix(network, errors or ErrorTable((), "", 0), keep, judge, say)


def _examined(source: Source, request: Request, model: bytes, mixture: Mixture | None) -> Proof:
    """The facts of a model that is what it was to be. Raises ProofError."""
    in_float = mixture.in_float if mixture else {}
    precision = "mixed" if in_float else request.precision
    proof = examine(model, precision, source.spec.preprocessing)
    if in_float:
        check_mixed(proof, model, in_float)
    elif precision == "int8":
        check_int8(proof)
    check_portable(proof)
    return dataclasses.replace(proof, mixed=mixture.mixed, gate=mixture.gate) if mixture else proof


def _calibration_set(source: Source, request: Request) -> ImageSet | None:
    """Images for post-training quantization, never from what is evaluated; None where none are needed."""
    if request.precision != "int8" or source.kind == "qat":
        return None
    index = request.calibration or source.index
    if index is None:
        raise UsageError("--int8 of a Keras model needs --calibration INDEX_OR_DIR: images to set its ranges on")
    hashes = {image.sha256 for image in source.held_out}
    subjects = {image.subject for image in source.held_out} - {None}
    usable = [
        image
        for image in _training_part(index, source.fold)
        if image.sha256 not in hashes and image.subject not in subjects
    ]
    return draw(index, usable, request.samples, request.seed)


def _training_part(index: Index, fold: int | None) -> tuple[ImageRecord, ...]:
    """What the fold trains on; without a fold, every second image is kept back for fidelity."""
    if fold is not None:
        return index.training(fold)
    return index.select(lambda image: image.split == "train")[::2]


def _fidelity_set(source: Source, request: Request, seen: frozenset[str]) -> ImageSet | None:
    index = source.index or request.calibration
    if index is None or request.fidelity_samples == 0:
        return None
    candidates = source.held_out or index.select(lambda image: image.split != "unlabelled")
    unseen = [image for image in candidates if image.sha256[:16] not in seen]
    return draw(index, unseen, request.fidelity_samples, request.seed) if unseen else None


def _keras_answers(source: Source, images: ImageSet) -> dict[str, Probabilities]:
    """What the networks behind the file say of the images, by name."""
    preprocessing = source.spec.preprocessing
    networks = {"float network": (source.float_network or source.network, preprocessing)}
    if source.kind == "qat":
        networks["QAT network"] = source.network, preprocessing.on_int8_grid()
    elif source.rewritten:
        networks["rewritten network"] = source.network, preprocessing
    return {name: keras_probabilities(network, images.paths, seen) for name, (network, seen) in networks.items()}


def _fidelity(
    classifier: Classifier, images: ImageSet | None, answers: dict[str, Probabilities]
) -> tuple[Fidelity, ...]:
    if images is None:
        return ()
    found: Probabilities = np.stack([classifier.network.scores(classifier.prepare(path)) for path in images.paths])
    return tuple(compare(name, expected, found) for name, expected in answers.items())


def _rewriting(source: Source, answers: dict[str, Probabilities]) -> dict[str, Any] | None:
    """What was rewritten, and how far the network is from what it was before, on the images or else on noise."""
    if source.changes is None:
        return None
    pair = [answers[name] for name in ("float network", "rewritten network") if name in answers]
    if source.rewritten and not pair:
        pair = [noise_probabilities(network) for network in (source.float_network, source.network)]
    what = f"network before rewriting{'' if answers else ' (noise for images)'}"
    difference = dataclasses.asdict(compare(what, *pair)) if source.rewritten else None
    return {"changes": [dataclasses.asdict(change) for change in source.changes], "difference": difference}


def _delegate(classifier: Classifier) -> dict[str, Any] | None:
    found = coverage(classifier.network.operations())
    return None if found is None else dataclasses.asdict(found)


def _spec_of(source: Source, precision: str) -> ModelSpec:
    made = made_by()
    provenance: Provenance = dataclasses.replace(
        source.spec.provenance,
        created=made["created"],
        kind=f"{precision} of a {'rewritten ' if source.rewritten else ''}{source.kind} network",
        parent_sha256=source.sha256,
        tool_versions=made["versions"],
    )
    return dataclasses.replace(source.spec, provenance=provenance)
