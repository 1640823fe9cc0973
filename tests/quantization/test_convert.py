import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, OutputError, ProofError, SpecError, UsageError
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.quantization.convert import Request, _spec_of, convert, write_with_proof
from edgeleuk.quantization.mixed import Keep
from edgeleuk.quantization.source import Source, load_source
from edgeleuk.reliability import Calibration
from edgeleuk.report.text.proof import one_label
from edgeleuk.runtime.bundle import pack, read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.graph import read_constant, read_graph
from edgeleuk.spec import Decision, ModelSpec, Preprocessing

ANY = Keep(min_agreement=0.0, most=0)  # of networks that are hardly trained

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["ptq", "qat"])
def test_int8_files_have_no_float_tensor_and_nothing_to_rescale(converted: dict[str, Any], name: str) -> None:
    proof = converted[name].proof
    assert proof.operators["CONV_2D"] == 94
    assert proof.operators["DEPTHWISE_CONV_2D"] == proof.operators["MUL"] == 9
    assert proof.delegate == {"operators": 134, "delegated": 133, "partitions": 1, "outside": {"SOFTMAX": 1}}
    assert (proof.float_tensors, proof.float_convolutions) == (0, 0)
    assert (proof.quantize_nodes, proof.dequantize_nodes) == (0, 0)
    assert (proof.input["dtype"], proof.output["dtype"]) == ("int8", "int8")
    assert proof.pixel_error_steps <= 0.501


@pytest.mark.parametrize(("name", "reference"), [("ptq", "float network"), ("qat", "QAT network")])
def test_int8_files_agree_with_the_network_they_were_made_of(
    converted: dict[str, Any], name: str, reference: str
) -> None:
    fidelity = next(f for f in converted[name].proof.fidelity if f.reference == reference)
    assert fidelity.images == 24
    # A network after two epochs is unsure of most images, so labels near the border may differ; probabilities may not.
    assert fidelity.mean_difference < 0.02
    assert fidelity.largest_difference < 0.1


def test_the_float_file_answers_as_its_network(converted: dict[str, Any]) -> None:
    (fidelity,) = converted["float32"].proof.fidelity
    assert fidelity.label_agreement == 1
    assert fidelity.largest_difference < 1e-4


@pytest.mark.parametrize("name", ["ptq", "qat"])
def test_factors_of_a_pools_border_are_exact_in_int8(float_run: Path, converted: dict[str, Any], name: str) -> None:
    content = converted[name].model
    graph = read_graph(content)
    factors = {tensor for operator in graph.operators if operator.name == "MUL" for tensor in operator.inputs[1:]}
    found = set()
    for tensor in factors:
        codes = read_constant(content, tensor)
        assert codes is not None
        scale, zero_point = graph.tensors[tensor].scale, graph.tensors[tensor].zero_point
        found |= {round(float(scale * (int(code) - zero_point)), 3) for code in np.unique(codes)}
    assert found == {1.0, 1.5, 2.25, 9.0}  # 9 where the last blocks have a single pixel


def test_the_model_is_one_file_with_spec_labels_and_proof(float_run: Path, converted: dict[str, Any]) -> None:
    path = float_run.parent / "qat.tflite"
    with zipfile.ZipFile(path) as archive:
        assert "labels.txt" in archive.namelist()
        assert archive.read("labels.txt") == b"all\nhem\n"
    listed = subprocess.run(["unzip", "-l", str(path)], capture_output=True, text=True, check=False)
    assert "labels.txt" in listed.stdout
    bundle = read_bundle(path)
    assert bundle.spec == converted["qat"].spec
    assert bundle.proof == json.loads(path.with_suffix(".proof.json").read_text())
    assert bundle.spec is not None
    assert bundle.spec.provenance.parent_sha256 is not None


@pytest.mark.filterwarnings("ignore::UserWarning")  # TensorFlow's interpreter says that LiteRT succeeds it
def test_the_file_runs_unchanged_in_tensorflows_interpreter(float_run: Path, converted: dict[str, Any]) -> None:
    path = float_run.parent / "ptq.tflite"
    classifier = Classifier.load(path)
    values = np.random.default_rng(0).integers(-128, 128, (1, 75, 75, 3), dtype=np.int8)
    interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.abs(theirs.astype(int) - classifier.network.invoke(values)).max() <= 1


def test_calibration_images_are_recorded_and_never_from_the_held_out_fold(
    float_run: Path, converted: dict[str, Any]
) -> None:
    source = load_source(float_run)
    held_out = {image.sha256[:16] for image in source.held_out}
    assert len(held_out) == 24
    assert converted["ptq"].proof.calibration["images"] == 32
    assert not converted["ptq"].seen & held_out
    assert converted["ptq"].seen >= source.seen


@pytest.mark.parametrize("precision", ["float16", "dynamic"])
def test_other_precisions_carry_a_proof_that_claims_no_int8(float_run: Path, precision: str) -> None:
    proof = convert(load_source(float_run), Request(precision, fidelity_samples=8, keep=ANY)).proof
    assert proof.precision == precision
    assert proof.float_tensors > 0
    assert proof.fidelity[0].label_agreement >= 0.75


def test_a_qat_run_converts_to_int8_only(qat_run: Path) -> None:
    with pytest.raises(UsageError, match="convert the float run instead"):
        convert(load_source(qat_run), Request("float32"))


@pytest.fixture
def keras_file(float_run: Path, tmp_path: Path) -> Path:
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((32, 32, 3))
    features = tf_keras.layers.Conv2D(8, 3, activation="relu")(source)
    features = tf_keras.layers.GlobalAveragePooling2D()(features)
    model = tf_keras.Model(source, tf_keras.layers.Dense(2, activation="softmax")(features))
    model.save(tmp_path / "model.keras")
    spec = json.loads((float_run / "spec.json").read_text())
    spec["preprocessing"]["input_size_px"] = 32
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    return tmp_path / "model.keras"


def test_a_keras_model_converts_with_a_spec_and_calibration_images(keras_file: Path, cells_index: Path) -> None:
    source = load_source(keras_file, keras_file.with_name("spec.json"))
    conversion = convert(source, Request("int8", Index.load(cells_index), samples=20, keep=ANY))
    assert conversion.proof.float_tensors == 0
    assert conversion.proof.fidelity[0].images > 0
    with pytest.raises(UsageError, match="needs --calibration"):
        convert(source, Request("int8"))


def test_a_model_that_gives_out_its_map_is_proven_like_any_other(keras_file: Path, cells_index: Path) -> None:
    source = load_source(keras_file, keras_file.with_name("spec.json"))
    request = Request("int8", Index.load(cells_index), samples=20, keep=ANY)
    plain, given = (convert(source, dataclasses.replace(request, extra_outputs=extra)) for extra in ((), ("map",)))
    assert given.spec.extra_outputs == ("map",)
    assert len(read_graph(given.model).outputs) == 2
    assert given.proof.delegate == plain.proof.delegate
    assert given.proof.fidelity == plain.proof.fidelity
    assert given.proof.float_tensors == 0


def test_a_keras_model_that_does_not_fit_its_spec_is_refused(keras_file: Path, float_run: Path) -> None:
    with pytest.raises(SpecError, match=r"needs --spec"):
        load_source(keras_file)
    with pytest.raises(SpecError, match="takes pictures of 32x32x3; the spec says 75x75x3"):
        load_source(keras_file, float_run / "spec.json")
    spec = json.loads(keras_file.with_name("spec.json").read_text())
    three = keras_file.with_name("three.json")
    three.write_text(json.dumps(spec | {"classes": ["a", "b", "c"], "positive_class": None}))
    with pytest.raises(SpecError, match=r"returns \(None, 2\), and the spec names 3 classes"):
        load_source(keras_file, three)


def test_a_keras_model_without_softmax_is_refused(keras_file: Path) -> None:
    whole = tf_keras.models.load_model(keras_file)
    whole.layers[-1].activation = tf_keras.activations.linear
    whole.save(keras_file.with_name("logits.keras"))
    with pytest.raises(SpecError, match="does not end in class probabilities"):
        load_source(keras_file.with_name("logits.keras"), keras_file.with_name("spec.json"))


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_a_keras_model_that_scales_pixels_itself_is_taken_at_the_scale_of_the_spec(
    keras_file: Path, dtype: str
) -> None:
    source = tf_keras.Input((32, 32, 3), dtype=dtype)
    pixels = tf_keras.layers.Rescaling(1 / 127.5, -1.0, dtype="float32")(source)
    tf_keras.Model(source, tf_keras.models.load_model(keras_file)(pixels)).save(keras_file)
    loaded = load_source(keras_file, keras_file.with_name("spec.json"))
    assert loaded.spec.preprocessing.scale_and_offset == (pytest.approx(1 / 127.5), pytest.approx(-1))


def test_a_keras_model_of_two_answers_is_refused(keras_file: Path) -> None:
    whole = tf_keras.models.load_model(keras_file)
    tf_keras.Model(whole.input, [whole.output, whole.output]).save(keras_file)
    with pytest.raises(ModelError, match=r"has 2 outputs .*; expected one of class scores"):
        load_source(keras_file, keras_file.with_name("spec.json"))


def test_a_keras_model_whose_weights_are_not_finite_is_called_that(keras_file: Path) -> None:
    whole = tf_keras.models.load_model(keras_file)
    whole.set_weights([np.full_like(weights, np.nan) for weights in whole.get_weights()])
    whole.save(keras_file)
    with pytest.raises(SpecError, match="values that are not finite"):
        load_source(keras_file, keras_file.with_name("spec.json"))


def test_a_layer_of_whole_numbers_is_refused_whether_it_stays_in_float_or_not(
    keras_file: Path, cells_index: Path
) -> None:
    source = tf_keras.Input((32, 32, 3))
    whole = tf.cast(4 * tf_keras.layers.Conv2D(4, 3, activation="relu")(source), "int32")
    pooled = tf_keras.layers.GlobalAveragePooling2D()(tf.cast(whole, "float32"))
    tf_keras.Model(source, tf_keras.layers.Dense(2, activation="softmax")(pooled)).save(keras_file)
    loaded = load_source(keras_file, keras_file.with_name("spec.json"))
    request = Request("int8", Index.load(cells_index), samples=8, fidelity_samples=8)
    with pytest.raises(ProofError, match=r"In float32: tf.cast\S* \(CAST\)"):
        convert(loaded, request)
    with pytest.raises(ProofError, match="is float32 to int32"):
        convert(loaded, dataclasses.replace(request, keep=Keep(layers=("tf.cast*",))))


def test_a_network_that_tells_no_images_apart_is_told(keras_file: Path, cells_index: Path) -> None:
    whole = tf_keras.models.load_model(keras_file)
    kernel, bias = whole.layers[-1].get_weights()
    whole.layers[-1].set_weights([0.01 * kernel, bias + [3, 0]])
    whole.save(keras_file)
    request = Request("int8", Index.load(cells_index), samples=8, fidelity_samples=8)
    proof = convert(load_source(keras_file, keras_file.with_name("spec.json")), request).proof.to_dict()
    assert proof["gate"]["labels"] == 1
    assert one_label(proof).startswith("the float network gives all 8 images one label")
    assert one_label(proof | {"gate": proof["gate"] | {"labels": 2}}) == ""
    assert one_label(proof | {"gate": proof["gate"] | {"images": 1}}) == ""
    assert one_label({}) == ""


def test_calibration_that_would_be_ignored_is_refused(qat_run: Path, cells_index: Path) -> None:
    with pytest.raises(UsageError, match="sets no ranges"):
        convert(load_source(qat_run), Request("int8", Index.load(cells_index)))


def test_what_is_no_source_is_refused(tmp_path: Path, float_run: Path) -> None:
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"PK")
    with pytest.raises(ModelError, match="cannot be read as a Keras 2"):
        load_source(broken, float_run / "spec.json")
    with pytest.raises(ModelError, match="no such run"):
        load_source(tmp_path / "none")
    with pytest.raises(ModelError, match="not a complete run"):
        load_source(tmp_path)
    with pytest.raises(UsageError, match="has its own spec"):
        load_source(float_run, float_run / "spec.json")


def write_and_be_killed(path: Path, step: int) -> None:
    """Write a new pair in a process that ends, without any clean-up, before its step-th change of a name."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    left = [step]

    def kill(event: str, arguments: tuple[object, ...]) -> None:
        del arguments
        if event in ("os.rename", "os.remove"):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)

    sys.addaudithook(kill)
    write_with_proof(path, b"new model", "new proof")
    os._exit(0)


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("before", [None, "old"])
def test_a_kill_leaves_no_proof_of_another_model_and_no_model_of_before_the_proof(
    tmp_path: Path, step: int, before: str | None
) -> None:
    path = tmp_path / "m.tflite"
    if before:
        write_with_proof(path, b"old model", "old proof")
    write_and_be_killed(path, step)
    model = path.read_bytes().decode() if path.exists() else None
    beside = tmp_path / "m.proof.json"
    proof = beside.read_text() if beside.exists() else None
    if before:
        assert (model, proof) in [
            ("old model", "old proof"),
            ("old model", None),
            ("new model", None),
            ("new model", "new proof"),
        ]
    else:
        assert (model, proof) in [(None, None), (None, "new proof"), ("new model", "new proof")]


@pytest.mark.parametrize("blocked", ["m.tflite", "m.proof.json"])
def test_neither_is_written_where_one_cannot_be(tmp_path: Path, blocked: str) -> None:
    (tmp_path / blocked).mkdir()
    with pytest.raises(OutputError):
        write_with_proof(tmp_path / "m.tflite", b"model", "proof")
    assert [path.name for path in tmp_path.iterdir()] == [blocked]


def test_a_proof_that_is_not_json_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ModelError, match="not finite"):
        pack(b"", ModelSpec(("a", "b"), Preprocessing(8, 8)), {"gate": {"drop": float("nan")}}, frozenset())


def test_what_was_calibrated_of_another_network_is_left_out(small_spec: ModelSpec) -> None:
    calibrated = dataclasses.replace(
        small_spec, decision=Decision(2.0, 0.3), calibration=Calibration("ab" * 32, "cd" * 32, 100, 30)
    )
    for spec, decision in (
        (calibrated, Decision()),
        (dataclasses.replace(calibrated, calibration=None), Decision(2.0, 0.3)),
    ):
        made = _spec_of(Source(None, spec, "keras", "0" * 64), "int8", ())
        assert made.calibration is None
        assert made.decision == decision
