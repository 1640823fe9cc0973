"""Images handed in: each content classified once, stored, then told."""

import asyncio
import threading
import time

import pytest
from PIL import Image

from edgeleuk.classify import steps
from edgeleuk.classify.attempts import MOST_TRIES, Attempts, upload_key
from edgeleuk.classify.desk import Desk
from edgeleuk.classify.model import Model
from edgeleuk.classify.recorder import Recorder
from edgeleuk.classify.rows import Row
from edgeleuk.classify.steps import Upload
from edgeleuk.errors import ImageError, StoreError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.store import Store
from tests.uploads import picture, result


def loaded(path):
    return Model.of(read_bundle(path), path, 1)


@pytest.fixture(scope="module")
def model(small_model):
    return loaded(small_model)


@pytest.fixture(scope="module")
def other_model(small_float_model):
    return loaded(small_float_model)


@pytest.fixture
def stores(tmp_path):
    with Store.open(tmp_path / "results.db") as writer, Store.open(tmp_path / "results.db", read_only=True) as reader:
        yield reader, writer


def at_desk(model, stores, work):
    """What `work` returns, given a desk and the list of all predictions it made."""
    made = []
    desk = Desk(model, *stores, made.append)

    async def run():
        found = await work(desk)
        await desk.finish(30)
        return found

    try:
        return asyncio.run(run()), made
    finally:
        desk.close()


def upload(content, name="a", subject=None):
    return Upload(name, content, sha256_bytes(content), subject)


def test_a_cascade_is_served_like_any_model_and_its_card_tells_the_rule(write_cascade, small_model, stores, tmp_path):
    served = loaded(write_cascade(tmp_path / "cascade.tflite", 0.0))
    assert served.card["cascade"]["threshold"] == 0.0
    assert loaded(small_model).card["cascade"] is None
    answer, (prediction,) = at_desk(served, stores, lambda desk: desk.answer(upload(picture(), "cell.png", "S1")))
    assert (prediction.stage, answer.result.model_sha256) == (1, served.identity.sha256)


@pytest.mark.parametrize(("passing", "failures"), [(True, []), (False, ["cell.png"])])
def test_what_failed_for_want_of_memory_is_no_failed_image(model, stores, monkeypatch, passing, failures):
    def decode(*_):
        raise ImageError("image: there is no room", passing=passing)

    monkeypatch.setattr("edgeleuk.classify.steps.decode_image", decode)
    with pytest.raises(ImageError, match=r"^there is no room") as told:
        at_desk(model, stores, lambda desk: desk.answer(upload(picture(), "cell.png")))
    assert told.value.passing is passing
    assert [found.path for found in stores[1].failures()] == failures


def test_an_image_is_classified_stored_and_told(model, stores):
    answer, made = at_desk(model, stores, lambda desk: desk.answer(upload(picture(), "cell.png", "S1")))
    assert not answer.known
    assert (answer.result.path, answer.result.subject, answer.result.source, answer.result.id) == (
        "cell.png",
        "S1",
        "upload",
        1,
    )
    assert answer.result.label == made[0].label
    assert stores[0].lookup(sha256_bytes(picture()), model.identity.sha256) == answer.result
    assert stores[0].preview(answer.result.sha256)[:2] == b"\xff\xd8"


def test_an_attempt_ends_with_storing_its_result(model, stores, monkeypatch):
    seen, store = [], stores[1]
    add = store.add
    monkeypatch.setattr(store, "add", lambda *given: (seen.append(store.unfinished_attempts()), add(*given))[1])

    async def work(desk):
        await desk.answer(upload(picture(), "cell.png"))
        return store.unfinished_attempts()

    assert at_desk(model, stores, work)[0] == {}
    assert [list(attempts) for attempts in seen] == [[upload_key(sha256_bytes(picture()))]]


def test_an_attempt_ends_though_its_result_could_not_be_stored(model, stores, monkeypatch):
    def add(*_):
        raise StoreError("the disk is full", passing=True)

    async def work(desk):
        with monkeypatch.context() as patched:
            patched.setattr(stores[1], "add", add)
            with pytest.raises(StoreError, match="full"):
                await desk.answer(upload(picture(), "cell.png"))
        return stores[1].unfinished_attempts(), (await desk.answer(upload(picture(), "cell.png"))).known

    assert at_desk(model, stores, work)[0] == ({}, False)


def test_the_same_content_is_classified_once_also_while_under_way(model, stores):
    async def work(desk):
        first = await asyncio.gather(*(desk.answer(upload(picture(), f"{number}")) for number in range(5)))
        return [*first, await desk.answer(upload(picture(), "later"))]

    answers, made = at_desk(model, stores, work)
    assert len(made) == 1
    assert [answer.known for answer in answers] == [False, True, True, True, True, True]
    assert [answer.result.path for answer in answers] == ["0"] * 6


def test_two_models_say_what_they_say_each(model, other_model, stores):
    async def work(desk):
        first = asyncio.create_task(desk.answer(upload(picture(), "a")))
        await asyncio.sleep(0)
        desk.model = other_model  # reloaded while under way
        return await asyncio.gather(first, desk.answer(upload(picture(), "a")))

    answers, made = at_desk(model, stores, work)
    assert len(made) == 2
    assert [answer.result.model_sha256 for answer in answers] == [model.identity.sha256, other_model.identity.sha256]


def test_what_is_no_image_is_an_error_and_the_next_one_goes_on(model, stores):
    async def work(desk):
        return await asyncio.gather(
            desk.answer(upload(b"BM nothing", "a")),
            desk.answer(upload(picture(), "b")),
            return_exceptions=True,
        )

    (bad, good), _ = at_desk(model, stores, work)
    assert isinstance(bad, ImageError)
    assert good.result.id == 1


def test_it_is_stored_also_where_whoever_sent_it_went_away(model, stores):
    async def work(desk):
        task = asyncio.create_task(desk.answer(upload(picture(), "a")))
        await asyncio.sleep(0)
        task.cancel()

    at_desk(model, stores, work)
    assert stores[0].count() == 1


def test_a_store_that_cannot_be_written_is_told_to_everyone_and_nothing_is_half(model, tmp_path):
    with Store.open(tmp_path / "results.db") as store:
        told = []
        with Store.open(tmp_path / "results.db", read_only=True) as reader:
            recorder = Recorder(reader, "upload")
            for number in range(2):
                recorder.put(
                    Row(f"{number}", result(number), sha256="ab", preview=Image.new("RGB", (4, 4))), told.append
                )
            recorder.close()
        assert [type(error) for error in told] == [StoreError, StoreError]
        assert store.count() == 0


def test_the_inference_threads_are_alive_until_one_hangs(model, stores):
    async def work(desk):
        assert await desk.alive(30)
        hang = threading.Event()
        desk._inference.submit(hang.wait)
        found = await desk.alive(0.05)
        hang.set()
        return found

    assert at_desk(model, stores, work)[0] is False


def test_the_time_of_an_inference_leaves_out_the_wait_for_its_turn(model, stores):
    async def work(desk):
        with model.classifier.network.turn():
            waiting = asyncio.create_task(desk.answer(upload(picture(), "a")))
            await asyncio.sleep(2.0)
        return await waiting

    answer, _ = at_desk(model, stores, work)
    assert answer.result.invoke_ms < 2000


def test_what_was_under_way_when_an_earlier_process_was_killed_is_worked_on_alone(model, stores, monkeypatch):
    suspect = upload(picture(1), "killer")
    Attempts(stores[1]).begin(upload_key(suspect.sha256))  # and never ended
    at_once, most, decode = [], {}, steps.decode_image

    def slowly(content, *arguments):
        at_once.append(content)
        time.sleep(0.5)
        most[content] = max(most.get(content, 0), len(at_once))
        found = decode(content, *arguments)
        at_once.remove(content)
        return found

    monkeypatch.setattr(steps, "decode_image", slowly)
    others = [upload(picture(number), f"{number}") for number in (2, 3, 4, 5)]
    asked = [*others[:2], suspect, *others[2:]]

    async def work(desk):
        return await asyncio.gather(*map(desk.answer, asked))

    answers, _ = at_desk(model, stores, work)
    assert [answer.result.path for answer in answers] == ["2", "3", "killer", "4", "5"]
    assert most[suspect.content] == 1
    assert max(most.values()) == 2
    assert stores[1].unfinished_attempts() == {}


def test_an_upload_over_which_the_server_was_killed_again_and_again_is_refused_and_others_are_answered(model, stores):
    handed_in = upload(picture(), "x.png")
    for _ in range(MOST_TRIES):
        Attempts(stores[1]).begin(upload_key(handed_in.sha256))  # and never ended
    with pytest.raises(ImageError, match="skipped: the process was killed 3 times"):
        at_desk(model, stores, lambda desk: desk.answer(handed_in))
    answer, _ = at_desk(model, stores, lambda desk: desk.answer(upload(picture(7), "x.png")))
    assert answer.result.label in ("all", "hem")


def test_an_upload_that_was_answered_or_refused_leaves_nothing_behind(model, stores):
    at_desk(model, stores, lambda desk: desk.answer(upload(picture(), "x.png")))
    with pytest.raises(ImageError):
        at_desk(model, stores, lambda desk: desk.answer(upload(b"no image", "x.png")))
    assert stores[1].unfinished_attempts() == {}
