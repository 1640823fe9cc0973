"""Conversion, in four steps: `Prepared`, `Quantized`, `Measured`, `Proven`. Each is made from the one before."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.data.calibration_images import foreign_labels
from edgeleuk.data.index import Index
from edgeleuk.data.sampling import ImageSet
from edgeleuk.device.delegate import coverage
from edgeleuk.errors import DataError, UsageError
from edgeleuk.files import to_json, whole_file
from edgeleuk.importing.toolchain import refuse_without_int8_form, toolchain_errors
from edgeleuk.quantization.answering import Answers, answers_to
from edgeleuk.quantization.bordered import between, check_io
from edgeleuk.quantization.borders import INT8
from edgeleuk.quantization.fidelity import compare
from edgeleuk.quantization.float_networks import KerasNetwork
from edgeleuk.quantization.freeze import convert_quantization_aware
from edgeleuk.quantization.gate import COMPARED_IMAGES, Gate
from edgeleuk.quantization.input_gate import GateImages, fit_gate, gate_images
from edgeleuk.quantization.judging import (
    FLOAT,
    QAT,
    REWRITTEN,
    Compared,
    ImageJudge,
    compared_on,
    judge,
    open_flatbuffer,
)
from edgeleuk.quantization.layer_errors import ErrorTable
from edgeleuk.quantization.layer_errors import measure as measure_layers
from edgeleuk.quantization.mixed import Keep, Mixture, check_keep, mix
from edgeleuk.quantization.outputs import check_map, expose_outputs, has_output
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.quantization.proof import (
    Proof,
    check_layers_int8,
    check_mixed,
    check_portable,
    check_rescalings,
    examine,
)
from edgeleuk.quantization.source import Source, calibration_set, fidelity_set, prepare_source
from edgeleuk.quantization.surgery import float_twin
from edgeleuk.runtime.bundle import pack, with_references
from edgeleuk.runtime.classifier import FEATURES
from edgeleuk.runtime.decision import as_probabilities
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import Decision, ModelSpec
from edgeleuk.training.results import made_by


@dataclass(frozen=True)
class Request:
    """What to make. `calibration`: an index to draw calibration images from, by default the source's own.

    `rewrite`: first put depthwise convolutions in the place of average pools, which the int8 delegate does not take;
    None does so if a float network becomes int8.
    `keep`: what of an int8 network is to stay in float. `error_samples`: images to measure each layer's error on.
    `extra_outputs`: what the file gives out behind its scores, see `ModelSpec`. `gate_samples`: most training
    images, and most held-out ones, that the input gate is fitted to; 0 for no gate. `max_rescalings`: most rescalings
    from int8 to int8 in the graph, None for any number. `io`: the type of an int8 network's input and scores, see
    `edgeleuk.quantization.borders`.
    """

    precision: str = "int8"
    calibration: Index | None = None
    samples: int = 256
    fidelity_samples: int = COMPARED_IMAGES
    seed: int = 0
    rewrite: bool | None = None
    keep: Keep = field(default_factory=Keep)
    error_samples: int = 16
    extra_outputs: tuple[str, ...] = ()
    gate_samples: int = 500
    max_rescalings: int | None = None
    io: str = INT8


@dataclass(frozen=True)
class Prepared:
    """The source, rewritten if that was asked for, with its images drawn and the gate that its model has to meet.

    `calibration` is None if no ranges are to be set. `compared`: images outside training and calibration. `known`:
    those that the input gate is fitted to; None if there is to be none.
    """

    source: Source
    request: Request
    calibration: ImageSet | None
    seen: frozenset[str]
    compared: Compared
    gate: Gate
    known: GateImages | None = None


@dataclass(frozen=True)
class Quantized:
    """A model with all of it in the precision. `network`: what else can be made of it after training, if anything."""

    prepared: Prepared
    model: bytes
    network: PostTraining | None = None


@dataclass(frozen=True)
class Measured:
    """A model beside the networks behind it: what they answer, and each layer's error as int8, if that was asked for.

    The model is no longer the quantized one if its `mixture` keeps layers in float.
    """

    prepared: Prepared
    model: bytes
    compared: Compared
    errors: ErrorTable | None
    mixture: Mixture | None
    extra_outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proven:
    """A model that is what it was to be. `seen`: digests of the images it was trained or calibrated on.

    `errors`: of each layer as int8; None if there are none or none were asked for. `references`: see `Bundle`.
    """

    model: bytes
    spec: ModelSpec
    proof: Proof
    seen: frozenset[str]
    errors: ErrorTable | None = None
    references: bytes = b""


def convert(source: Source, request: Request, say: Callable[[str], None] = lambda text: None) -> Proven:
    """Convert a source. Int8 of a QAT source uses the ranges it was trained with; of any other, calibration.

    `say` hears of the choice of layers to keep in float, and why there is no input gate. Raises ProofError if an int8
    model is not fully int8, a mixed one not as was asked, or a gate is not met, UsageError if images are missing or a
    request makes no sense, DataError if images have changed since they were indexed.
    """
    prepared = _prepare(source, request, say)
    measured = _measure(_quantize(prepared), say)
    proven, answers = _prove(measured)
    return _gated(proven, prepared.known, answers if proven.model is measured.model else {}, say)


def write_conversion(proven: Proven, path: Path) -> None:
    """Write the model file, and its proof beside it as PATH's name with .proof.json. Raises OutputError.

    Both are made before either is written, and appear together, see `write_with_proof`.
    """
    proof = proven.proof.to_dict()
    packed = pack(proven.model, proven.spec, proof, proven.seen)
    write_with_proof(path, with_references(packed, proven.references), to_json(proof))


def _prepare(source: Source, request: Request, say: Callable[[str], None]) -> Prepared:
    """Raises UsageError for a request that makes no sense for a source, or if images are missing or too few."""
    sets_ranges = request.precision == "int8" and source.kind != "qat"
    if request.calibration is not None and not sets_ranges:
        raise UsageError("--calibration is for --int8 of a float network; this conversion sets no ranges")
    if request.calibration is not None and (foreign := foreign_labels(request.calibration, source.spec.classes)):
        say(foreign)
    check_keep(request.keep, request.precision, source.kind, request.error_samples)
    check_io(request.io, request.precision)
    source = prepare_source(source, request.precision, request.rewrite)
    given, seed = request.calibration, request.seed
    calibration = calibration_set(source, given, request.samples, seed) if sets_ranges else None
    seen = source.seen | (calibration.digests if calibration else frozenset())
    images = fidelity_set(source, given, request.fidelity_samples, seed, seen)
    if images is None and request.precision == "int8" and request.fidelity_samples:
        raise UsageError(
            "no image is left, outside training and calibration, to compare the int8 file with its network on. Give "
            "more images; or write it unjudged with --fidelity-samples 0, and its proof says so"
        )
    gate, compared = request.keep.gate(source.kind), compared_on(images, source.spec.classes)
    gate.check_images(compared.count, compared.labelled)
    return Prepared(source, request, calibration, seen, compared, gate, _known(source, request, say))


def _known(source: Source, request: Request, say: Callable[[str], None]) -> GateImages | None:
    if request.gate_samples == 0:
        return None
    try:
        return gate_images(source, request.gate_samples, request.seed)
    except (UsageError, DataError) as error:
        say(f"no input gate: {error}")
        return None


def _quantize(prepared: Prepared) -> Quantized:
    source, request = prepared.source, prepared.request
    quantized = _quantized(prepared)
    check_map(quantized.model, request.extra_outputs)
    if request.precision == "int8" and not request.keep.asked:
        # Before all that takes long.
        proof = examine(quantized.model, "int8", source.spec.preprocessing)
        check_layers_int8(proof, quantized.model, source.kind)
        check_rescalings(proof, request.max_rescalings)
    return quantized


def _quantized(prepared: Prepared) -> Quantized:
    source, precision, calibration = prepared.source, prepared.request.precision, prepared.calibration
    if source.kind == "qat" and isinstance(source.network, KerasNetwork):
        if precision != "int8":
            raise UsageError(f"a QAT run converts to --int8, not {precision}; convert the float run instead")
        from edgeleuk.quantization.qat_floors import widen_ranges  # tfmot, which float runs do not need

        with toolchain_errors("converting the QAT network"):
            widen_ranges(source.network.model)
            return Quantized(prepared, convert_quantization_aware(source.network.model))
    if precision == "int8" and isinstance(source.network, KerasNetwork):
        refuse_without_int8_form(source.network.model)
    kind = precision if calibration is None else "float32"
    preprocessing = source.spec.preprocessing.on_int8_grid()
    inputs = calibration.inputs(preprocessing) if calibration else None
    with toolchain_errors(f"converting the network to {kind}"):
        model = source.network.to_tflite(kind)
    if inputs is None:
        return Quantized(prepared, model)
    with toolchain_errors("quantizing the network"):
        network = PostTraining(model, inputs, preprocessing.input_range)
        return Quantized(prepared, network.quantize(), network)


def _measure(quantized: Quantized, say: Callable[[str], None]) -> Measured:
    compared = _asked(quantized.prepared)
    errors = _layer_errors(quantized, compared.images or quantized.prepared.calibration)
    mixture = _mixture(quantized, compared, errors, say)
    model = mixture.model if mixture else quantized.model
    extra = _extra_outputs(quantized.prepared, model)
    return Measured(quantized.prepared, expose_outputs(model, extra), compared, errors, mixture, extra)


def _extra_outputs(prepared: Prepared, model: bytes) -> tuple[str, ...]:
    """Those asked for; of a model with an input gate features first, if it has any."""
    asked = tuple(name for name in prepared.request.extra_outputs if name != FEATURES)
    wants = prepared.known is not None or asked != prepared.request.extra_outputs
    return (FEATURES, *asked) if wants and has_output(read_graph(model), FEATURES) else asked


def _asked(prepared: Prepared) -> Compared:
    """The images with what the networks behind the file say of them, by name."""
    source, compared = prepared.source, prepared.compared
    if compared.images is None:
        return compared
    preprocessing = source.spec.preprocessing
    networks = {FLOAT: (source.float_network or source.network, preprocessing)}
    if source.kind == "qat":
        networks[QAT] = source.network, preprocessing.on_int8_grid()
    elif source.rewritten:
        networks[REWRITTEN] = source.network, preprocessing
    paths = compared.images.paths
    scores = {name: network.answers(paths, seen) for name, (network, seen) in networks.items()}
    answers = {name: as_probabilities(found, source.spec) for name, found in scores.items()}
    return dataclasses.replace(compared, answers=answers)


def _layer_errors(quantized: Quantized, images: ImageSet | None) -> ErrorTable | None:
    """Errors of the int8 model's layers; those of a QAT network against its trained weights, with nothing rounded."""
    model, network, request = quantized.model, quantized.network, quantized.prepared.request
    if request.precision != "int8" or images is None or request.error_samples == 0:
        return None
    inputs = images.spread(request.error_samples).inputs(quantized.prepared.source.spec.preprocessing.on_int8_grid())
    if network is None:
        return measure_layers(float_twin(model), model, inputs, "its own weights in float")
    return measure_layers(network.float_model, model, inputs, "the float network")


def _mixture(
    quantized: Quantized, compared: Compared, errors: ErrorTable | None, say: Callable[[str], None]
) -> Mixture | None:
    """The network with layers in float, if that was asked for."""
    network, keep, spec = quantized.network, quantized.prepared.request.keep, quantized.prepared.source.spec
    if network is None or not keep.asked:
        return None
    images = ImageJudge(spec, compared, keep.max_drop is not None) if compared.images else None
    return mix(network, errors or ErrorTable((), "", 0), keep, images, say)


def _prove(measured: Measured) -> tuple[Proven, Answers]:
    """With what the model says of the images. Raises ProofError if it is not what it was to be, or fails its gate."""
    prepared, errors = measured.prepared, measured.errors
    proof, calibration = _examined(measured), prepared.calibration
    spec = _spec_of(prepared.source, proof.precision, measured.extra_outputs)
    classifier = open_flatbuffer(measured.model, spec, many=True)
    delegate = coverage(classifier.network.operations())
    answers = answers_to(classifier, measured.compared.paths)
    proof = dataclasses.replace(
        proof,
        calibration={"images": len(calibration.images), "sha256": calibration.sha256} if calibration else None,
        delegate=None if delegate is None else dataclasses.asdict(delegate),
        rewriting=_rewriting(measured),
        layer_errors=errors.summary() if errors else None,
        **vars(judge(classifier, answers, measured.compared, prepared.gate, errors)),
    )
    model, spec, proof = between(measured.model, spec, proof, prepared.request.io)
    return Proven(model, spec, proof, prepared.seen, errors), answers


def _gated(proven: Proven, known: GateImages | None, answers: Answers, say: Callable[[str], None]) -> Proven:
    """With an input gate, if there are images to fit one to. `answers`: those that the model gave already."""
    if known is None:
        return proven
    classifier = open_flatbuffer(proven.model, proven.spec, many=True)
    fitted = fit_gate(classifier, known, proven.proof.flatbuffer_sha256, answers)
    if FEATURES not in proven.spec.extra_outputs:
        say("the input gate measures pictures alone: the network does not end in features and one dense layer")
    passing = fitted.spec.passing
    share = "" if passing is None else f"; {100 * passing.value:.1f} % of held-out ones pass"
    say(f"input gate: fitted to {fitted.spec.images} training images{share}")
    spec = dataclasses.replace(proven.spec, gate=fitted.spec)
    return dataclasses.replace(proven, spec=spec, references=fitted.references)


def _examined(measured: Measured) -> Proof:
    """The facts of a model that is what it was to be. Raises ProofError."""
    model, mixture, source = measured.model, measured.mixture, measured.prepared.source
    in_float = mixture.in_float if mixture else {}
    precision = "mixed" if in_float else measured.prepared.request.precision
    proof = examine(model, precision, source.spec.preprocessing)
    if in_float:
        check_mixed(proof, model, in_float)
    elif precision == "int8":
        check_layers_int8(proof, model, source.kind)
    check_rescalings(proof, measured.prepared.request.max_rescalings)
    check_portable(proof)
    return dataclasses.replace(proof, mixed=mixture.mixed) if mixture else proof


def _rewriting(measured: Measured) -> dict[str, Any] | None:
    """What was rewritten, and how far the network is from what it was before, on the images or else on noise."""
    source, answers = measured.prepared.source, measured.compared.answers
    if source.changes is None:
        return None
    pair = [answers[name] for name in (FLOAT, REWRITTEN) if name in answers]
    if source.rewritten and not pair:
        networks = (source.float_network, source.network)
        scores = [network.answers_to_noise() for network in networks if network is not None]
        pair = [as_probabilities(found, source.spec) for found in scores]
    what = f"network before rewriting{'' if answers else ' (noise for images)'}"
    difference = dataclasses.asdict(compare(what, *pair)) if source.rewritten else None
    return {"changes": [dataclasses.asdict(change) for change in source.changes], "difference": difference}


def _spec_of(source: Source, precision: str, extra_outputs: tuple[str, ...]) -> ModelSpec:
    made = made_by()
    provenance = dataclasses.replace(
        source.spec.provenance,
        created=made["created"],
        kind=f"{precision} of a {'rewritten ' if source.rewritten else ''}{source.kind} network",
        parent_sha256=source.sha256,
        tool_versions=made["versions"],
    )
    # Temperature, threshold and sets are of the network that they were found on, which this one is not.
    plain = source.spec if source.spec.calibration is None else dataclasses.replace(source.spec, decision=Decision())
    return dataclasses.replace(plain, provenance=provenance, extra_outputs=extra_outputs, calibration=None)


def write_with_proof(path: Path, content: bytes, proof: str) -> None:
    """Write a model file and, as PATH's name with .proof.json, the text of its proof; both or neither.

    Two files cannot appear at once, but a process that is killed between them leaves no proof beside a model that it
    is not of: a new model comes after its proof, and if a model is replaced its old proof goes first. The proof
    inside the model is never missing. Raises OutputError.
    """
    beside, replaced = path.with_suffix(".proof.json"), path.exists()
    first, second = (path, beside) if replaced else (beside, path)
    contents = {path: content, beside: proof.encode()}
    with whole_file(second) as later, whole_file(first) as sooner:
        later.write_bytes(contents[second])
        sooner.write_bytes(contents[first])
        if replaced:
            beside.unlink(missing_ok=True)
