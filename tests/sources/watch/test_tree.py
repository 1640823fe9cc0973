"""A walk meets images in order, and goes on past what it cannot list."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.sources.watch.feed import Notices
from edgeleuk.sources.watch.tree import walk_images


class Everywhere:
    """Enters every folder but those named, and keeps what went wrong."""

    def __init__(self, shut: tuple[str, ...] = ()) -> None:
        self.shut, self.entered, self.failed = shut, list[str](), list[str]()

    def enter(self, folder: str) -> bool:
        self.entered.append(folder)
        return Path(folder).name not in self.shut

    def unreadable(self, folder: str, error: OSError) -> None:
        self.failed.append(folder)


def walk(folder, visitor=None, report=print):
    return list(walk_images(str(folder), visitor or Everywhere(), Notices(report)))


PARTS = st.text("ab.-_ 1", min_size=1, max_size=3).filter(lambda part: not part.startswith("."))


@given(st.sets(st.lists(PARTS, min_size=1, max_size=4).map("/".join)))
def test_the_order_is_that_of_sorted_paths(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("tree")
    paths = [folder / f"{name}.png" for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert walk(folder) == [str(path) for path in sorted(paths)]


def test_a_folder_is_entered_before_its_images_are_met(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/1.png").write_bytes(b"")
    visitor = Everywhere()
    steps = walk_images(str(tmp_path), visitor, Notices(print))
    assert visitor.entered == []
    (tmp_path / "0.png").write_bytes(b"")
    assert next(steps) == str(tmp_path / "0.png")
    assert visitor.entered == [str(tmp_path)]
    assert next(steps) == str(tmp_path / "sub/1.png")


def test_a_folder_that_is_not_entered_is_left_out(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"")
    assert walk(tmp_path, Everywhere(shut=("a",))) == [str(tmp_path / "b/1.png")]


def test_a_folder_that_vanishes_meanwhile_is_told_to_the_visitor(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b.png").write_bytes(b"")

    class Removing(Everywhere):
        def enter(self, folder: str) -> bool:
            if folder.endswith("/a"):
                (tmp_path / "a").rmdir()
            return True

    visitor = Removing()
    assert walk(tmp_path, visitor) == [str(tmp_path / "b.png")]
    assert visitor.failed == [str(tmp_path / "a")]


def test_links_are_told_where_they_look_like_something_to_classify(tmp_path):
    (tmp_path / "sub").mkdir()
    for name, target in {"x.png": "/absent", "y.txt": "/absent", "z": "sub", ".h": "sub", "loop": "."}.items():
        (tmp_path / name).symlink_to(target)
    told: list[str] = []
    assert walk(tmp_path, report=told.append) == []
    assert sorted(line.split(":")[0] for line in told) == [str(tmp_path / name) for name in ("loop", "x.png", "z")]
