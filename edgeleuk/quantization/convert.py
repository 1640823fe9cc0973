"""Conversion: from a source to one model file with its spec and the proof of what it is."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.data.index import Index
from edgeleuk.data.sampling import ImageSet
from edgeleuk.device.delegate import coverage
from edgeleuk.errors import UsageError
from edgeleuk.files import to_json
from edgeleuk.quantization.fidelity import Probabilities, compare, keras_probabilities, noise_probabilities
from edgeleuk.quantization.freeze import convert_float, convert_quantization_aware
from edgeleuk.quantization.gate import Gate
from edgeleuk.quantization.image_sets import calibration_set, fidelity_set
from edgeleuk.quantization.judging import ImageJudge, open_flatbuffer
from edgeleuk.quantization.layer_errors import ErrorTable, measure
from edgeleuk.quantization.mixed import Keep, check_keep
from edgeleuk.quantization.mixing import Mixture, mix
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.quantization.proof import Proof, check_layers_int8, check_mixed, check_portable, examine
from edgeleuk.quantization.qat_floors import widen_ranges
from edgeleuk.quantization.source import Source, prepare_source
from edgeleuk.quantization.surgery import float_twin
from edgeleuk.quantization.toolchain import toolchain_errors
from edgeleuk.quantization.verdict import FLOAT, QAT, REWRITTEN, Compared, compared_on, judge
from edgeleuk.quantization.writing import write_with_proof
from edgeleuk.runtime.bundle import pack
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

    `errors`: of each layer as int8; None if there are none or none were asked for.
    """

    model: bytes
    spec: ModelSpec
    proof: Proof
    seen: frozenset[str]
    errors: ErrorTable | None = None


def convert(source: Source, request: Request, say: Callable[[str], None] = lambda text: None) -> Conversion:
    """Convert a source. Int8 of a QAT source uses the ranges it was trained with; of any other, calibration.

    `say` hears of the choice of layers to keep in float. Raises ProofError if an int8 model is not fully int8, a
    mixed one not as was asked, or a gate is not met, UsageError if images are missing or a request makes no sense,
    DataError if images have changed since they were indexed.
    """
    _check(source, request)
    source = prepare_source(source, request.precision, request.rewrite)
    calibration = _calibration_set(source, request)
    seen = source.seen | (calibration.digests if calibration else frozenset())
    gate, compared = _gate(source, request, seen)
    model, network = _model(source, request, calibration)
    if request.precision == "int8" and not request.keep.asked:
        # Before all that takes long.
        check_layers_int8(examine(model, "int8", source.spec.preprocessing), model, source.kind)
    compared = _asked(source, compared)
    errors = _layer_errors(source, request, model, network, compared.images or calibration)
    if mixture := _mixture(source, request, network, errors, compared, say):
        model = mixture.model
    proof = _examined(source, request, model, mixture)
    spec = _spec_of(source, proof.precision)
    classifier = open_flatbuffer(model, spec)
    drawn = {"images": len(calibration.images), "sha256": calibration.sha256} if calibration else None
    proof = dataclasses.replace(
        proof,
        calibration=drawn,
        delegate=_delegate(classifier),
        rewriting=_rewriting(source, compared.answers),
        layer_errors=errors.summary() if errors else None,
        **vars(judge(classifier, compared, gate, errors)),
    )
    return Conversion(model, spec, proof, seen, errors)


def _check(source: Source, request: Request) -> None:
    """Raise UsageError for a request that makes no sense for a source."""
    if request.calibration is not None and (request.precision != "int8" or source.kind == "qat"):
        raise UsageError("--calibration is for --int8 of a float network; this conversion sets no ranges")
    check_keep(request.keep, request.precision, source.kind, request.error_samples)


def write_conversion(conversion: Conversion, path: Path) -> None:
    """Write the model file, and its proof beside it as PATH's name with .proof.json. Raises OutputError.

    Both are made before either is written, and appear together, see `write_with_proof`.
    """
    proof = conversion.proof.to_dict()
    write_with_proof(path, pack(conversion.model, conversion.spec, proof, conversion.seen), to_json(proof))


def _model(source: Source, request: Request, calibration: ImageSet | None) -> tuple[bytes, PostTraining | None]:
    """The model with all of it in the precision, and what else can be made of its network after training."""
    if request.precision != "int8":
        if source.kind == "qat":
            raise UsageError(f"a QAT run converts to --int8, not {request.precision}; convert the float run instead")
        return _converted(source, request.precision), None
    if calibration is None:
        with toolchain_errors("converting the QAT network"):
            widen_ranges(source.network)
            return convert_quantization_aware(source.network), None
    preprocessing = source.spec.preprocessing.on_int8_grid()
    images = calibration.inputs(preprocessing)
    float_model = _converted(source, "float32")
    with toolchain_errors("quantizing the network"):
        network = PostTraining(float_model, images, preprocessing.input_range)
        return network.quantize(), network


def _converted(source: Source, precision: str) -> bytes:
    with toolchain_errors(f"converting the network to {precision}"):
        return convert_float(source.network, precision)


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
    compared: Compared,
    say: Callable[[str], None],
) -> Mixture | None:
    """The network with layers in float, if that was asked for."""
    keep, images = request.keep, compared.images
    if network is None or not keep.asked:
        return None
    drop = keep.max_drop is not None
    image_judge = ImageJudge(source.spec, images, compared.answers[FLOAT], drop) if images else None
    return mix(network, errors or ErrorTable((), "", 0), keep, image_judge, say)


def _examined(source: Source, request: Request, model: bytes, mixture: Mixture | None) -> Proof:
    """The facts of a model that is what it was to be. Raises ProofError."""
    in_float = mixture.in_float if mixture else {}
    precision = "mixed" if in_float else request.precision
    proof = examine(model, precision, source.spec.preprocessing)
    if in_float:
        check_mixed(proof, model, in_float)
    elif precision == "int8":
        check_layers_int8(proof, model, source.kind)
    check_portable(proof)
    return dataclasses.replace(proof, mixed=mixture.mixed) if mixture else proof


def _calibration_set(source: Source, request: Request) -> ImageSet | None:
    """None if no ranges are to be set."""
    if request.precision != "int8" or source.kind == "qat":
        return None
    return calibration_set(source, request.calibration, request.samples, request.seed)


def _gate(source: Source, request: Request, seen: frozenset[str]) -> tuple[Gate, Compared]:
    """What has to be met, and the images to judge it on. Raises UsageError if they are too few to."""
    images = fidelity_set(source, request.calibration, request.fidelity_samples, request.seed, seen)
    if images is None and request.precision == "int8" and request.fidelity_samples:
        raise UsageError(
            "no image is left, outside training and calibration, to compare the int8 file with its network on. Give "
            "more images; or write it unjudged with --fidelity-samples 0, and its proof says so"
        )
    gate, compared = request.keep.gate(source.kind), compared_on(images, source.spec.classes)
    gate.check_images(compared.count, compared.labelled)
    return gate, compared


def _asked(source: Source, compared: Compared) -> Compared:
    """With what the networks behind the file say of the images, by name."""
    if compared.images is None:
        return compared
    preprocessing = source.spec.preprocessing
    networks = {FLOAT: (source.float_network or source.network, preprocessing)}
    if source.kind == "qat":
        networks[QAT] = source.network, preprocessing.on_int8_grid()
    elif source.rewritten:
        networks[REWRITTEN] = source.network, preprocessing
    paths = compared.images.paths
    answers = {name: keras_probabilities(network, paths, seen) for name, (network, seen) in networks.items()}
    return dataclasses.replace(compared, answers=answers)


def _rewriting(source: Source, answers: dict[str, Probabilities]) -> dict[str, Any] | None:
    """What was rewritten, and how far the network is from what it was before, on the images or else on noise."""
    if source.changes is None:
        return None
    pair = [answers[name] for name in (FLOAT, REWRITTEN) if name in answers]
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
