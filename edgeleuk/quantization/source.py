"""What can be converted, a run or a Keras model file with a spec, and the images to calibrate and judge it on."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.sampling import ImageSet, draw
from edgeleuk.errors import LeakError, ModelError, SpecError, UsageError, reading_what_was_named
from edgeleuk.files import sha256_bytes, sha256_file
from edgeleuk.importing.contents import OTHER, TFLITE, kind_of
from edgeleuk.importing.imported import import_network
from edgeleuk.importing.keras3 import export_keras3_file
from edgeleuk.importing.keras3_config import OnlyKeras3Error
from edgeleuk.importing.saved_model import has_keras_network, is_saved_model
from edgeleuk.importing.signature import signature_tflite
from edgeleuk.keras.augmentation import PLAIN, Augmentation
from edgeleuk.keras.rewrite import LEFT_ALONE, Change
from edgeleuk.keras.weights import load_weights
from edgeleuk.quantization.float_networks import FloatNetwork, KerasNetwork
from edgeleuk.quantization.tflite.network import read_tflite
from edgeleuk.runtime.bundle import Bundle, read_bundle
from edgeleuk.spec import PROBABILITIES, SIGMOID, SIGMOIDS, STRETCH, ModelSpec, Preprocessing, Provenance, unsaid
from edgeleuk.spec_presets import preset
from edgeleuk.training.results import load_float_network, untrained_network
from edgeleuk.training.run import Run, load_run_folder


@dataclass(frozen=True)
class Source:
    """A network to convert. `float_network` is the one a QAT or rewritten network started from, else None.

    `changes`: what rewriting did to it; None if it was left as it is.

    `index` and `fold` are those it was trained with; None for a Keras file, whose training images are unknown.
    `augmentation`: how far training changed the images. `notes`: what reading a model file changed, for people.
    """

    network: FloatNetwork
    spec: ModelSpec
    kind: str
    sha256: str
    seen: frozenset[str] = frozenset()
    index: Index | None = None
    fold: int | None = None
    float_network: FloatNetwork | None = None
    changes: tuple[Change, ...] | None = None
    augmentation: Augmentation = PLAIN
    notes: tuple[str, ...] = ()

    @property
    def rewritten(self) -> bool:
        """Whether rewriting changed anything."""
        return any(change.outcome != LEFT_ALONE for change in self.changes or ())

    @property
    def held_out(self) -> tuple[ImageRecord, ...]:
        """Images of its index that it was not trained on: the validation fold and the test split."""
        if self.index is None or self.fold is None:
            return ()
        return self.index.validation(self.fold) + self.index.test()


@dataclass(frozen=True)
class Said:
    """What is said of a model file beside a spec.

    `preset` and `classes`, in output order, make a spec where none is given. `weights`, `logits`: see `import_network`.
    """

    preset: str | None = None
    classes: tuple[str, ...] = ()
    weights: Path | None = None
    logits: bool = False


_NOTHING = Said()


@reading_what_was_named()
def load_source(
    path: Path,
    spec_path: Path | None = None,
    data_root: Path | None = None,
    said: Said = _NOTHING,
) -> Source:
    """Load a run folder, or a model file whose spec is in `spec_path` or a preset.

    `data_root`: where a run's images lie now. `said`: what else is known of a model file. Raises ModelError, SpecError,
    or UsageError if these do not go together.
    """
    if path.is_dir() and not is_saved_model(path):
        if not (path / "run.json").exists() and (spec_path or said != _NOTHING):
            raise ModelError(
                f"{path} is neither a run (it has no run.json) nor a SavedModel (nor saved_model.pb){_inner(path)}"
            )
        if spec_path or said != _NOTHING:
            options = "--spec, --preset, --classes, --weights and --logits are"
            raise UsageError(f"{path} is a run and has its own spec and weights; {options} for model files")
        return _load_run(path, data_root)
    if not path.exists():
        raise ModelError(f"{path}: no such run or model file")
    if _is_tflite(path):
        return _load_tflite(path, spec_path, said)
    if path.is_dir() and not has_keras_network(path):
        return _load_signature(path, spec_path, said)
    source = _load_keras(path, _given_spec(path, spec_path, said), said)
    return dataclasses.replace(source, notes=(*_assumed(spec_path), *source.notes))


def _inner(path: Path) -> str:
    """Where in a folder a SavedModel is, if it is in one of its folders, such as those of versions."""
    found = sorted(inner for inner in path.iterdir() if is_saved_model(inner))
    return f"; {found[-1]} is one: give that" if found else ""


def _is_tflite(path: Path) -> bool:
    """By its content; by its name if that is nothing that can be read otherwise either."""
    named = path.suffix.lower() == ".tflite"
    if not path.is_file():
        return named and not path.is_dir()
    kind = kind_of(path)
    return kind == TFLITE or (named and kind == OTHER)


def _assumed(spec_path: Path | None) -> tuple[str, ...]:
    """A warning that names what a spec file leaves out and InceptionV3's own values stand for."""
    missing = unsaid(spec_path.read_bytes()) if spec_path else ()
    if not missing:
        return ()
    usual = Preprocessing(1, fit=STRETCH)
    taken = {
        "pixel_scale": "pixels / 127.5",
        "pixel_offset": "- 1",
        "resample": usual.resample,
        "colour_order": usual.colour_order,
    }
    return (
        f"warning: {spec_path} does not say {', '.join(missing)}; taken as InceptionV3 of Keras is shown images "
        f"({', '.join(taken[name] for name in missing)}). A network trained otherwise answers, but wrongly: say "
        "it in the spec, which 'edgeleuk spec new' asks for",
    )


def _given_spec(path: Path, spec_path: Path | None, said: Said) -> ModelSpec:
    if spec_path is not None:
        if said.preset is not None or said.classes:
            raise UsageError("--preset and --classes take the place of --spec; give the one or the other")
        return _read_spec(spec_path)
    if said.preset is None:
        raise SpecError(
            f"{path} needs --spec SPEC.json, or --preset NAME: a model file does not say how an image becomes its input"
        )
    return preset(said.preset, said.classes)


def _load_signature(path: Path, spec_path: Path | None, said: Said) -> Source:
    """A SavedModel without a network of Keras, by the graph of its signature."""
    spec = _given_spec(path, spec_path, said)
    bundle = Bundle(signature_tflite(path, spec.preprocessing.input_shape))
    source = _from_bundle(bundle, path, spec_path, said)
    note = f"{path} holds no network of Keras, so that it is converted by the graph of its signature"
    return dataclasses.replace(source, sha256=_sha256(path), notes=(note, *source.notes))


def _load_tflite(path: Path, spec_path: Path | None, said: Said) -> Source:
    """With the spec that edgeleuk put into it, or one that leaves nothing out."""
    return _from_bundle(read_bundle(path), path, spec_path, said)


def _from_bundle(bundle: Bundle, path: Path, spec_path: Path | None, said: Said) -> Source:
    if said.weights is not None:
        raise UsageError(f"--weights is for an architecture in JSON; {path} holds its own")
    own = bundle.spec if spec_path is None and said.preset is None else None
    spec = own or _given_spec(path, spec_path, said)
    missing = () if spec_path is None else unsaid(spec_path.read_bytes())
    if missing:
        raise SpecError(
            f"{spec_path} does not say {', '.join(missing)}, and nothing is assumed for it; 'edgeleuk spec "
            "new' asks for all of it"
        )
    network, spec, notes = read_tflite(bundle, path, spec, said.logits)
    return Source(network, spec, "tflite", bundle.sha256, bundle.seen, notes=notes)


def prepare_source(source: Source, precision: str, rewrite_asked: bool | None) -> Source:
    """The source with its network rewritten for the delegate, or as it is, as asked.

    None rewrites what becomes int8 by calibration, if there are average pools. Raises UsageError for a QAT run whose
    network is to be rewritten, ModelError for a network that cannot be rebuilt.
    """
    if rewrite_asked is None:
        rewritten = _rewrite_source(source) if precision == "int8" and source.kind != "qat" else source
        return rewritten if rewritten.changes else source
    return _rewrite_source(source) if rewrite_asked else source


def _rewrite_source(source: Source) -> Source:
    if source.kind == "qat":
        raise UsageError(
            "--rewrite is for float networks: a QAT network's ranges belong to the graph that it was trained with. "
            "'edgeleuk qat FLOAT_RUN --pools depthwise' rewrites before it trains"
        )
    try:
        network, changes = source.network.rewritten()
    except ModelError as error:
        raise ModelError(f"{error}; --no-rewrite converts it with its average pools as they are") from error
    return dataclasses.replace(source, network=network, float_network=source.network, changes=changes)


def _load_run(folder: Path, data_root: Path | None) -> Source:
    run = load_run_folder(folder, data_root)
    if run.index.leaks is not None:
        raise LeakError(f"{folder}: {run.index.leaks}; such a run shows what that is worth and becomes no model")
    started_from = load_float_network(run) if run.kind == "qat" else None
    original = None if started_from is None else KerasNetwork(started_from)
    network, changed = KerasNetwork(load_network(run, started_from)), run.strengths.augmentation
    return Source(
        network, run.spec, run.kind, run.sha256, run.trained_on, run.index, run.fold, original, augmentation=changed
    )


def _read_spec(path: Path) -> ModelSpec:
    try:
        return ModelSpec.from_json(path.read_bytes())
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from error
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error


def _load_keras(path: Path, spec: ModelSpec, said: Said) -> Source:
    try:
        imported = import_network(path, spec, said.weights, said.logits)
    except OnlyKeras3Error as error:
        return _load_keras3(path, spec, said, error.what)
    network, spec = imported.network, imported.spec
    shape, count = spec.preprocessing.input_shape, spec.score_count
    if network.input_shape != (None, *shape):
        raise SpecError(f"{path} takes {network.input_shape}; the spec says {shape[0]} px {(None, *shape)}")
    if (dtype := network.inputs[0].dtype.name) != "float32":
        raise SpecError(
            f"{path} takes pixels of type {dtype}; expected float32, as the spec scales them to -1 .. 1: build the "
            "network again with an input of that type and range, and load its weights"
        )
    if network.output_shape != (None, count):
        raise SpecError(f"{path} returns {network.output_shape}; expected one row of {count} classes (None, {count})")
    _check_scores(network, spec, path)
    # Provenance is a run's; a spec file that came from one does not make this model its child.
    spec = dataclasses.replace(spec, provenance=Provenance())
    return Source(KerasNetwork(network), spec, "keras", _sha256(said.weights or path), notes=imported.notes)


def _load_keras3(path: Path, spec: ModelSpec, said: Said, why: str) -> Source:
    """As the float .tflite that Keras 3 makes of its own file."""
    bundle = Bundle(export_keras3_file(path, spec.preprocessing.input_shape))
    network, spec, notes = read_tflite(bundle, path, spec, said.logits)
    note = f"Keras 3 wrote it as a float .tflite, which is what was converted: {why}"
    return Source(network, spec, "tflite", sha256_file(path), notes=(note, *notes))


def _sha256(path: Path) -> str:
    """Of a file; of a folder over the names and digests of its files."""
    if not path.is_dir():
        return sha256_file(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{file.relative_to(path).as_posix()} {sha256_file(file)}\n" for file in files)
    return sha256_bytes("".join(lines).encode())


def _check_scores(network: Any, spec: ModelSpec, path: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (4, *spec.preprocessing.input_shape)).astype(np.float32)
    rows = np.asarray(network.predict_on_batch(images))
    if not np.isfinite(rows).all():
        raise SpecError(f"{path} returns values that are not finite; its weights are damaged, or its training diverged")
    if spec.scores in (SIGMOID, SIGMOIDS) and ((rows < 0).any() or (rows > 1).any()):
        raise SpecError(
            f"{path} returns values outside 0 to 1, which sigmoids do not; the spec's scores say {spec.scores}"
        )
    if spec.scores == PROBABILITIES and ((rows < 0).any() or not np.allclose(rows.sum(axis=-1), 1, atol=1e-3)):
        raise SpecError(f"{path} does not end in class probabilities; add a softmax layer to it")


def calibration_set(source: Source, given: Index | None, count: int, seed: int) -> ImageSet:
    """Images for post-training quantization, of the index given or the source's own, never of what is evaluated.

    Raises UsageError if there is no index, DataError if it has no such image or images have changed.
    """
    index = given or source.index
    if index is None:
        raise UsageError("--int8 of a model file needs --calibration INDEX_OR_DIR: images to set its ranges on")
    pictures = {digest for image in source.held_out for digest in image.digests}
    subjects = {image.subject for image in source.held_out} - {None}
    usable = [
        image
        for image in _training_part(index, source.fold)
        if pictures.isdisjoint(image.digests) and image.subject not in subjects
    ]
    return draw(index, usable, count, seed)


def _training_part(index: Index, fold: int | None) -> tuple[ImageRecord, ...]:
    """What the fold trains on; without a fold, every second image is kept back for fidelity."""
    if fold is not None:
        return index.training(fold)
    return index.select(lambda image: image.split == "train")[::2]


def fidelity_set(source: Source, given: Index | None, count: int, seed: int, seen: frozenset[str]) -> ImageSet | None:
    """Images that were not seen in training or calibration; None if there are none, or none are wanted."""
    index = source.index or given
    if index is None or count == 0:
        return None
    candidates = source.held_out or index.select(lambda image: image.split != "unlabelled")
    unseen = [image for image in candidates if seen.isdisjoint(image.digests)]
    return draw(index, unseen, count, seed) if unseen else None


def load_network(run: Run, started_from: Any = None) -> Any:
    """The trained network of a run, float or quantization-aware. Raises ModelError.

    `started_from`: the float network of a QAT run, if it is loaded already; it stays as it is.
    """
    if run.kind == "float":
        return load_float_network(run)
    from edgeleuk.quantization.network import quantize_network  # tfmot, which float runs do not need
    from edgeleuk.quantization.scheme import SCHEME_VERSION

    if run.scheme_version != SCHEME_VERSION:
        raise ModelError(f"{run.folder} was made by another version of edgeleuk; run 'edgeleuk qat' again")
    network = untrained_network(run) if started_from is None else started_from
    return load_weights(quantize_network(network), run.folder / "weights.npz")
