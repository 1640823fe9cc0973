"""As many interpreters as threads that infer at once, and as memory is for."""

from threading import Barrier, Thread

import pytest

from edgeleuk.errors import ModelError
from edgeleuk.runtime import Classifier
from edgeleuk.runtime.interpreters import Interpreters


class Opened:
    """Stands for what is opened: numbered, as often as wanted."""

    def __init__(self, fails_at=None):
        self.count, self.fails_at = 0, fails_at

    def __call__(self):
        if self.count == self.fails_at:
            raise ModelError("no memory")
        self.count += 1
        return self.count


def own_of(interpreters, threads):
    """What each of several threads that are there at once has, asked twice."""
    found, together = [], Barrier(threads, timeout=30)

    def ask():
        first = interpreters.own()
        together.wait()
        found.append((first.interpreter, interpreters.own() is first))

    started = [Thread(target=ask) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert all(same for _, same in found)
    return sorted(number for number, _ in found)


def test_all_threads_share_one_unless_more_are_allowed():
    assert own_of(Interpreters(Opened()), 3) == [1, 1, 1]


def test_each_thread_keeps_its_own_and_threads_beyond_the_most_share():
    opened = Opened()
    interpreters = Interpreters(opened)
    interpreters.allow(2, lambda size: True)
    assert opened.count == 1
    assert own_of(interpreters, 1) == [1]
    assert opened.count == 1  # the second is opened once a second thread infers
    assert own_of(interpreters, 3) == [1, 2, 2]


@pytest.mark.parametrize("fails_at", [None, 1])
def test_without_memory_for_another_one_is_shared(fails_at):
    asked = []
    interpreters = Interpreters(Opened(fails_at))
    interpreters.allow(4, lambda size: asked.append(size) or fails_at is not None)
    assert own_of(interpreters, 3) == [1, 1, 1]
    assert asked == [interpreters.cost_bytes]  # and nobody asks again


def test_what_an_interpreter_takes_is_measured(small_model):
    size = small_model.stat().st_size
    assert size // 2 < Classifier.load(small_model, 1).network._interpreters.cost_bytes < size + (100 << 20)


def test_answers_are_the_same_whoever_gives_them(small_model, write_image):
    images = [write_image(f"{n}.png", size=(40 + n, 50)) for n in range(12)]
    alone, several = Classifier.load(small_model, 1), Classifier.load(small_model, 1)
    several.run_at_once(3)
    answers = [
        [(found.label, found.probabilities) for found in classifier.predict_many(images, workers)]
        for classifier, workers in ((alone, 1), (several, 3))
    ]
    assert answers[0] == answers[1]
