"""How many images are worked on at once."""

import pytest

from edgeleuk.classify.crew import Crew, available_bytes
from edgeleuk.runtime.classifier import default_threads

MIB = 1 << 20


@pytest.fixture
def device(monkeypatch):
    """Lets a device have so much memory available."""
    return lambda mib: monkeypatch.setattr("edgeleuk.classify.crew.available_bytes", lambda: mib * MIB)


def test_of_one_image_all_cores_work_on_the_inference():
    assert (Crew.of_one(3).workers, Crew.of_one(3).threads, Crew.of_one(3).own) == (1, 3, False)


def test_of_many_images_each_core_works_on_another_one():
    crew = Crew.of_many(3)
    assert (crew.workers, crew.threads, crew.own) == (3, 1, True)
    assert Crew.of_many().workers in (default_threads(), 2)


def test_on_one_core_an_image_is_read_while_another_is_inferred():
    assert (Crew.of_many(1).workers, Crew.of_many(1).threads, Crew.of_many(1).own) == (2, 1, False)


def test_images_that_come_one_by_one_have_all_cores(device):
    assert (Crew.of_each(4).workers, Crew.of_each(4).threads, Crew.of_each(4).own) == (2, 4, False)


def test_pictures_decoded_at_once_take_half_of_the_memory(device):
    device(480)
    assert Crew.of_many(4).together_px == 240 * MIB // 4 // 12
    assert Crew.of_one(4).together_px is None


class Asked:
    """A classifier that is asked whether it may have another interpreter."""

    def __init__(self, size):
        self.size, self.most, self.answer = size, None, None

    def run_at_once(self, most, affords):
        self.most, self.answer = most, affords(self.size)


@pytest.mark.parametrize(("mib", "fits"), [(100, True), (140, False)])
def test_another_interpreter_leaves_half_of_the_memory(device, mib, fits):
    device(240)
    asked = Asked(mib * MIB)
    Crew.of_many(4).equip(asked)
    assert (asked.most, asked.answer) == (4, fits)
    alone = Asked(1)
    Crew.of_each(4).equip(alone)
    assert alone.most is None


def test_the_limit_of_a_control_group_counts(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/box").mkdir(parents=True)
    assert available_bytes(tmp_path) is None
    (tmp_path / "proc/meminfo").write_text("MemTotal: 900000 kB\nMemAvailable: 819200 kB\n")
    assert available_bytes(tmp_path) == 800 * MIB
    (tmp_path / "proc/self/cgroup").write_text("0::/box\n")
    (tmp_path / "sys/fs/cgroup/box/memory.max").write_text(f"{300 * MIB}\n")
    assert available_bytes(tmp_path) == 300 * MIB
