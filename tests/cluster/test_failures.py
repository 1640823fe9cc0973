"""What Ray raises comes out as an error of ours, in one line."""

import pytest

from edgeleuk.cluster.failures import first_line, ray_errors
from edgeleuk.cluster.joining import joined
from edgeleuk.errors import DataError, EdgeleukError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ray():
    with joined("local", 1) as cluster:
        yield cluster.ray


def gotten(ray, function, **options):
    with ray_errors("the work"):
        return ray.get(ray.remote(function).options(max_retries=0, **options).remote())


def test_what_a_task_answers_is_untouched(ray):
    assert gotten(ray, lambda: 7) == 7


def test_an_error_of_ours_comes_out_of_a_task_as_it_is(ray):
    def fail():
        raise DataError("image x.bmp is damaged")

    with pytest.raises(DataError, match=r"^image x.bmp is damaged$"):
        gotten(ray, fail)


def test_an_error_of_others_is_told_in_one_line(ray):
    def fail():
        raise ValueError("\nfirst.\nsecond")

    with pytest.raises(EdgeleukError, match=r"^the work: first$"):
        gotten(ray, fail)


def test_a_worker_that_dies_is_told(ray):
    def die():
        import os

        os._exit(1)

    with pytest.raises(EdgeleukError, match="the work: its worker died"):
        gotten(ray, die)


def test_what_takes_too_long_is_told(ray):
    def sleep():
        import time

        time.sleep(60)

    reference = ray.remote(sleep).remote()
    with pytest.raises(EdgeleukError, match=r"^the work: no answer in time$"), ray_errors("the work"):
        ray.get(reference, timeout=0.1)
    ray.cancel(reference, force=True)


def test_why_an_actor_could_not_start_is_told(ray):
    class Unwilling:
        def __init__(self):
            raise ValueError("no model here")

        def work(self):
            pass

    with pytest.raises(EdgeleukError, match=r"^the work: .*no model here") as found, ray_errors("the work"):
        ray.get(ray.remote(Unwilling).remote().work.remote())
    assert "\x1b" not in str(found.value)


def test_the_first_line_that_says_something_or_the_name():
    assert first_line(ValueError("\n  one.\ntwo")) == "one"
    assert first_line(KeyboardInterrupt()) == "KeyboardInterrupt"
