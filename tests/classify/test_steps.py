"""Read, recognize, classify: what is known is not classified again."""

import shutil
import time
from datetime import UTC, datetime
from itertools import count

import pytest
from PIL import Image

from edgeleuk.classify.model import Model
from edgeleuk.classify.recorder import recorded
from edgeleuk.classify.steps import Steps, Way
from edgeleuk.data.index import Index
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.images import decode_image
from edgeleuk.sources.cameras.frame import Frame
from edgeleuk.store import Store


@pytest.fixture
def model(small_model):
    return Model.of(read_bundle(small_model), small_model)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def singly(paths):
    return ([path] for path in paths)


def test_a_bad_image_becomes_a_row_and_the_rest_go_on(model, write_image, tmp_path):
    (tmp_path / "bad.bmp").write_bytes(b"")
    bad, good = Steps(model).rows(singly([tmp_path / "bad.bmp", write_image("good.bmp")]))
    assert bad.result is None
    assert bad.error.startswith("not an image of type")
    assert good.result.label in ("all", "hem")


def test_rows_are_those_of_predict(model, write_image):
    paths = [write_image(f"{'x' * number}.png") for number in range(1, 9)]
    rows = list(Steps(model).rows(singly(paths)))
    for row, path in zip(rows, paths, strict=True):
        alone = model.classifier.predict(path)
        assert row.result.label == alone.label
        assert row.result.probabilities == pytest.approx(alone.probabilities, abs=1e-6)


def test_rows_come_as_they_are_done(model, write_image):
    path = write_image("x.bmp")
    rows = Steps(model).rows([path] for _ in count())
    assert [next(rows).error, next(rows).error] == [None, None]
    rows.close()


def test_the_same_content_is_classified_once_however_often_it_comes(model, store, write_image, tmp_path, monkeypatch):
    path = write_image("x.bmp")
    copies = [shutil.copy(path, tmp_path / f"copy{number}.bmp") for number in range(30)]
    asked = []
    conclude = model.classifier.conclude
    monkeypatch.setattr(
        model.classifier, "conclude", lambda *given, **named: asked.append(1) or conclude(*given, **named)
    )
    steps = Steps(model, store)
    rows = list(recorded(steps.rows(singly([path, *map(type(path), copies)]), workers=3), store, "file"))
    assert (len(rows), len(asked), store.count()) == (31, 1, 1)
    assert {row.result.id for row in rows} == {1}
    assert [row.known for row in rows] == [False] + [True] * 30
    again = list(recorded(Steps(model, store).rows(singly([path])), store, "file"))
    assert again[0].known
    assert len(asked) == 1


def test_of_one_content_the_first_in_order_has_the_result_whoever_was_faster(model, store, write_image, tmp_path):
    paths = [write_image(f"{number}.png", size=(40 + number, 40)) for number in range(10)]
    copies = [tmp_path / f"copy{path.name}" for path in paths]
    for path, copy in zip(paths, copies, strict=True):
        shutil.copy(path, copy)
    model.classifier.run_at_once(4)
    named = [path for pair in zip(paths, copies, strict=True) for path in pair]
    rows = list(recorded(Steps(model, store).rows(singly(named), workers=4), store, "file"))
    assert [row.image for row in rows] == named
    assert [row.known for row in rows] == [False, True] * 10
    assert [row.result.path for row in rows[::2]] == [row.result.path for row in rows[1::2]] == list(map(str, paths))


def test_large_pictures_are_decoded_one_at_a_time(model, write_image, monkeypatch):
    inside, most = [], []
    prepare = model.classifier.timed_prepare

    def watched(*given):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.005)
        try:
            return prepare(*given)
        finally:
            inside.pop()

    monkeypatch.setattr(model.classifier, "timed_prepare", watched)
    paths = [write_image(f"{number}.png", size=(60, 60)) for number in range(8)]
    rows = list(Steps(model, way=Way(together_px=3599)).rows(singly(paths), workers=4))
    assert all(row.result for row in rows)
    assert max(most) == 1


def test_another_model_classifies_the_same_content_anew(model, store, small_float_model, write_image):
    path = write_image("x.bmp")
    for each in (model, Model.of(read_bundle(small_float_model), small_float_model)):
        list(recorded(Steps(each, store).rows(singly([path])), store, "file"))
    assert store.count() == 2


def test_a_model_replaced_between_images_is_used_from_the_next_one_on(model, small_float_model, store, write_image):
    other = Model.of(read_bundle(small_float_model), small_float_model)
    steps = Steps(model, store)

    def batches():
        yield [write_image("a.bmp")]
        yield []
        steps.model = other
        yield [write_image("bb.bmp")]

    rows = [row for row in recorded(steps.rows(batches()), store, "file") if row]
    assert [row.result.model_sha256 for row in rows] == [model.identity.sha256, other.identity.sha256]


def test_a_frame_of_a_camera_is_classified_under_its_name(model, store, write_image):
    frame = Frame(write_image("x.bmp").read_bytes(), "camera0-1.bmp", datetime.now(UTC))
    [row] = recorded(Steps(model, store, Way("camera")).rows([[frame]]), store, "camera")
    assert (row.result.path, row.result.source) == ("camera0-1.bmp", "camera")


def test_a_link_out_of_the_watched_folder_is_not_followed(model, write_image, tmp_path):
    outside = write_image("outside.bmp")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.bmp").symlink_to(outside)
    [row] = Steps(model, None, Way("watch", folder)).rows([[folder / "link.bmp"]])
    assert "symbolic link" in row.error
    [followed] = Steps(model).rows([[folder / "link.bmp"]])
    assert followed.error is None


def test_the_subject_comes_from_the_path(model, store, write_image):
    path = write_image("UID_H3_1_2_hem.bmp")
    [row] = recorded(Steps(model, store, Way(subject_of=lambda path: path[-9:-4])).rows([[path]]), store, "file")
    assert row.result.subject == "2_hem"
    path.write_bytes(b"no picture")
    [row] = recorded(Steps(model, store, Way(subject_of=lambda path: path[-9:-4])).rows([[path]]), store, "file")
    assert (row.result, row.subject, store.failures()[0].subject) == (None, "2_hem", "2_hem")


def test_a_store_that_cannot_be_read_does_not_stop_classification(model, store, write_image):
    store.close()
    [row] = Steps(model, store).rows([[write_image("x.bmp")]])
    assert row.result is not None


class Exhausted:
    """A classifier for which there is no memory."""

    def timed_prepare(self, content, max_pixels, page):
        decode_image(content, max_pixels, page)
        raise MemoryError


def test_lack_of_memory_is_a_passing_error_and_no_store_calls_the_image_damaged(model, store, write_image, tmp_path):
    path = write_image("x.bmp")
    (tmp_path / "bad.bmp").write_bytes(b"")
    short = Model(Exhausted(), model.identity)
    first, second = recorded(Steps(short, store).rows(singly([path, tmp_path / "bad.bmp"])), store, "file")
    assert (first.error, first.passing) == ("there is not enough memory for it now", True)
    assert not second.passing
    assert [failure.path for failure in store.failures()] == [str(tmp_path / "bad.bmp")]
    (again,) = recorded(Steps(model, store).rows(singly([path])), store, "file")
    assert again.result is not None


def test_a_page_and_the_bound_on_pixels_reach_the_decoder(model, tmp_path):
    path = tmp_path / "stack.tif"
    first, second = (Image.effect_noise((64, 64), sigma).convert("RGB") for sigma in (20, 90))
    first.save(path, save_all=True, append_images=[second])
    (whole,), (page,), (small,) = (
        list(Steps(model, way=way).rows(singly([path]))) for way in (Way(), Way(page=2), Way(page=2, max_pixels=4000))
    )
    assert whole.error.startswith("2 pages (64x64 RGB, 64x64 RGB)")
    assert page.result.probabilities == pytest.approx(model.classifier.predict(second).probabilities, abs=1e-6)
    assert "at most 4,000 are decoded" in small.error


def test_what_is_no_cell_is_said_in_the_row_and_stays_in_the_store(model, store, tmp_path):
    path = tmp_path / "white.png"
    Image.new("RGB", (8, 8), "white").save(path)
    for _ in range(2):
        (row,) = recorded(Steps(model, store).rows(singly([path])), store, "file")
        assert row.result.warnings == ("no content", "8 px")


@pytest.fixture
def swapped_cell(cells_index, tmp_path):
    """A cell whose red is its green and the other way round."""
    index = Index.load(cells_index)
    with Image.open(index.path_of(index.validation(0)[0])) as image:
        red, green, blue = image.convert("RGB").split()
    path = tmp_path / "swapped.png"
    Image.merge("RGB", (green, red, blue)).save(path)
    return path


def _gated(path, mode):
    return Model.of(read_bundle(path), path, gate=mode)


def test_a_picture_that_the_gate_refuses_is_a_failure_in_the_store_with_its_subject(gated_model, store, swapped_cell):
    way = Way(subject_of=lambda path: "P7")
    rows = Steps(_gated(gated_model, "refuse"), store, way).rows(singly([swapped_cell]))
    [row] = recorded(rows, store, "file")
    assert row.result is None
    assert row.error.startswith("refused: ")
    [failure] = store.failures()
    assert (failure.error, failure.subject) == (row.error, "P7")


def test_what_the_store_has_with_a_mark_is_refused_all_the_same(gated_model, store, swapped_cell):
    [marked] = recorded(Steps(_gated(gated_model, "warn"), store).rows(singly([swapped_cell])), store, "file")
    assert marked.result.warnings
    assert marked.result.measures
    [row] = Steps(_gated(gated_model, "refuse"), store).rows(singly([swapped_cell]))
    assert row.result is None
    assert row.error == f"refused: {', '.join(marked.result.warnings)}"
