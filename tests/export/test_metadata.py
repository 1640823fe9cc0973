"""TFLite Metadata as written: read back by the reader of `attach`, and by what unpacks archives as MediaPipe does."""

import dataclasses
import zipfile

import pytest

from edgeleuk.errors import SpecError
from edgeleuk.export.metadata import Described, with_metadata
from edgeleuk.export.repacked import repack, scores_only
from edgeleuk.export.target import Source
from edgeleuk.quantization.outputs import expose_outputs
from edgeleuk.runtime.bundle import pack, parse_bundle, read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.graph import read_graph
from edgeleuk.runtime.tflite_metadata import read_metadata
from edgeleuk.spec import ModelSpec, Preprocessing

pytestmark = pytest.mark.slow


def source_of(path, content):
    path.write_bytes(content)
    bundle = read_bundle(path)
    return Source(bundle, bundle.spec, path)


def described(model, spec):
    return with_metadata(model, Described("cells", spec))


@pytest.fixture
def source(int8_flatbuffer, small_spec, tmp_path):
    """An int8 model with features behind its scores."""
    spec = dataclasses.replace(small_spec, extra_outputs=("features",))
    model = expose_outputs(int8_flatbuffer, ("features",))
    return source_of(tmp_path / "m.tflite", pack(model, spec, {"precision": "int8"}, frozenset({"0123456789abcdef"})))


def test_the_reader_finds_scaling_and_labels(source):
    found = read_metadata(repack(source, described).content)
    assert found.labels == ("all", "hem")
    assert found.mean == pytest.approx((127.5,) * 3)
    assert found.deviation == pytest.approx((127.5,) * 3)
    assert not found.grey


def test_scales_of_each_channel_and_grey_are_said(float_flatbuffer):
    imagenet = Preprocessing(32, 64, pixel_scale=(0.01, 0.02, 0.04), pixel_offset=(-1.0, -2.0, -3.0))
    grey = Preprocessing(32, 64, colour_order="GREY", pixel_scale=1 / 255, pixel_offset=0.0)
    found = read_metadata(
        pack(described(float_flatbuffer, spec := ModelSpec(("a", "b"), imagenet)), spec, {}, frozenset())
    )
    assert found.mean == pytest.approx((100, 100, 75))
    assert found.deviation == pytest.approx((100, 50, 25))
    spec = ModelSpec(("a", "b"), grey)
    assert read_metadata(pack(described(float_flatbuffer, spec), spec, {}, frozenset())).grey


def test_what_the_schema_cannot_say_is_refused(float_flatbuffer):
    with pytest.raises(SpecError, match="BGR"):
        described(float_flatbuffer, ModelSpec(("a", "b"), Preprocessing(32, 64, colour_order="BGR")))


def test_written_twice_it_stands_there_once(float_flatbuffer, small_spec):
    again = described(described(float_flatbuffer, small_spec), small_spec)
    assert read_metadata(pack(again, small_spec, {}, frozenset())).labels == ("all", "hem")
    assert again.count(b"TFLITE_METADATA") == 1


def test_edgeleuk_reads_its_spec_and_other_readers_their_labels_without_unpacking(source, tmp_path):
    made = repack(source, described)
    (tmp_path / "out.tflite").write_bytes(made.content)
    with zipfile.ZipFile(tmp_path / "out.tflite") as archive:
        assert archive.read("labels.txt") == b"all\nhem\n"
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    bundle = parse_bundle(made.content, tmp_path / "out.tflite")
    assert bundle.spec == made.spec
    assert bundle.seen == source.bundle.seen
    assert bundle.proof["io"]["int8_sha256"] == source.bundle.network_sha256
    assert bundle.proof["flatbuffer_sha256"] == bundle.network_sha256


def test_only_the_scores_are_given_out_and_they_are_the_same(source, write_image, tmp_path):
    made = repack(source, described)
    (tmp_path / "out.tflite").write_bytes(made.content)
    before, after = Classifier.load(source.path), Classifier.load(tmp_path / "out.tflite")
    assert (len(before.network.extra), len(after.network.extra)) == (1, 0)
    image = write_image("x.png")
    assert before.predict(image).probabilities == after.predict(image).probabilities
    assert scores_only(scores_only(source.bundle.flatbuffer)) == scores_only(source.bundle.flatbuffer)


def test_pixels_that_are_scaled_go_in_as_float32(int8_flatbuffer, tmp_path):
    spec = ModelSpec(("all", "hem"), Preprocessing(32, 64, pixel_scale=1 / 255, pixel_offset=0.0))
    made = repack(source_of(tmp_path / "m.tflite", pack(int8_flatbuffer, spec, {}, frozenset())))
    assert made.kind == "float32"
    assert read_graph(made.content).tensors[read_graph(made.content).inputs[0]].dtype == "float32"
