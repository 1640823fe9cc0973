"""What a watched folder offers: the same things by inotify and by polling."""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from edgeleuk.errors import UsageError
from edgeleuk.sources.watch.watcher import FolderWatch

WHOLE = b"pixels" * 100


def write(path: Path, content: bytes = WHOLE, age_s: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if age_s:
        when = time.time() - age_s
        os.utime(path, (when, when))
    return path


def test_images_that_are_there_come_first_in_order(watched, folder):
    names = ["b/2.png", "a.png", "c.bmp", "b/10.PNG", "b-1.jpg", "b/a/x.tif"]
    for name in names:
        write(folder / name, age_s=100)
    expected = [str(path.relative_to(folder)) for path in sorted(folder / name for name in names)]
    made = watched()
    assert made.names(*names) == expected
    assert made.rest() == expected


def test_a_new_image_is_offered_once(watched, folder):
    made = watched()
    made.rest(0.2)
    write(folder / "new.png")
    made.names("new.png")
    assert made.rest() == ["new.png"]


def test_what_is_not_an_image_is_not_offered(watched, folder):
    made = watched()
    for name in ("notes.txt", ".hidden.png", "x.png.part", "x.png~", "x.tmp", ".png", "png", ".cache/thumbnail.png"):
        write(folder / name)
    write(folder / "last.webp")
    made.names("last.webp")
    assert made.rest() == ["last.webp"]


def test_a_slowly_written_image_is_whole_when_it_is_last_offered(watched, folder):
    made = watched(settle_s=0.5)

    def write_slowly() -> None:
        with (folder / "slow.png").open("wb", buffering=0) as stream:
            for _ in range(20):
                stream.write(WHOLE)
                time.sleep(0.03)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    made.until(lambda: bool(made.offered) and not writer.is_alive())
    writer.join()
    made.rest(1.0)
    assert set(made.offered) == {"slow.png"}
    assert len((folder / "slow.png").read_bytes()) == 20 * len(WHOLE)


def test_inotify_waits_for_the_writer_to_close(open_watch, folder):
    made = open_watch(settle_s=0.2)
    made.rest(0.1)
    with (folder / "slow.png").open("wb", buffering=0) as stream:
        stream.write(WHOLE)
        made.rest(1.0)
        assert made.offered == []
        stream.write(WHOLE)
    assert made.names("slow.png") == ["slow.png"]
    assert made.rest() == ["slow.png"]


def test_an_image_that_is_renamed_in_or_gets_its_suffix_is_offered(watched, folder, tmp_path):
    made = watched()
    write(tmp_path / "outside.png").rename(folder / "inside.png")
    write(folder / "x.png.part").rename(folder / "x.png")
    made.names("inside.png", "x.png")
    assert sorted(made.rest()) == ["inside.png", "x.png"]


def test_an_image_that_is_replaced_or_written_again_is_offered_again(watched, folder):
    write(folder / "a.png", age_s=100)
    write(folder / "b.png", age_s=100)
    made = watched()
    made.names("a.png", "b.png")
    write(folder / "new.tmp", WHOLE + b"1").rename(folder / "a.png")
    write(folder / "b.png", WHOLE + b"2")
    made.until(lambda: made.offered.count("a.png") == 2 and made.offered.count("b.png") == 2)
    assert len(made.rest()) == 4


def test_the_same_size_written_again_at_once_is_not_taken_for_the_same_file(open_watch, folder):
    """FAT stores times in steps of two seconds: signatures agree, but the kernel said that it was written."""
    made = open_watch()
    made.rest(0.1)
    path = write(folder / "a.png")
    made.names("a.png")
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"PIXELS")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    made.until(lambda: made.offered.count("a.png") >= 2)


def test_a_file_that_was_only_opened_for_writing_is_not_offered_again(open_watch, folder):
    path = write(folder / "a.png", age_s=100)
    made = open_watch()
    made.names("a.png")
    path.open("r+b").close()
    assert made.rest() == ["a.png"]


def test_a_file_renamed_within_comes_under_its_new_name(watched, folder):
    write(folder / "a.png", age_s=100)
    made = watched()
    made.names("a.png")
    (folder / "a.png").rename(folder / "b.png")
    assert made.names("b.png") == ["a.png", "b.png"]


def test_a_hard_link_is_offered(watched, folder, tmp_path):
    made = watched()
    made.rest(0.2)
    os.link(write(tmp_path / "original.png", age_s=100), folder / "link.png")
    assert made.names("link.png") == ["link.png"]


def test_a_copy_that_keeps_its_old_time_is_offered(watched, folder, tmp_path):
    made = watched()
    made.rest(0.2)
    shutil.copy2(write(tmp_path / "old.png", age_s=10_000), folder / "old.png")
    assert made.names("old.png") == ["old.png"]


def test_a_time_in_the_future_keeps_no_file_waiting(watched, folder):
    write(folder / "future.png", age_s=-1_000_000)
    made = watched()
    assert made.names("future.png") == ["future.png"]
    assert made.rest() == ["future.png"]


def test_new_subfolders_are_followed_however_fast_they_are_filled(watched, folder):
    made = watched()
    names = [f"{i}/{j}/{k}/{n}.png" for i in range(3) for j in range(3) for k in range(2) for n in range(3)]

    def fill() -> None:
        for name in names:
            write(folder / name)

    writer = threading.Thread(target=fill)
    writer.start()
    made.names(*names)
    writer.join()
    write(folder / "2/2/1/late.png")
    made.names("2/2/1/late.png")
    made.rest()
    assert sorted(made.offered) == sorted([*names, "2/2/1/late.png"])


def test_a_folder_moved_in_is_looked_through_and_followed(watched, folder, tmp_path):
    made = watched()
    made.rest(0.2)
    write(tmp_path / "batch/deep/1.png", age_s=50)
    (tmp_path / "batch").rename(folder / "batch")
    made.names("batch/deep/1.png")
    write(folder / "batch/deep/2.png")
    assert made.names("batch/deep/2.png") == ["batch/deep/1.png", "batch/deep/2.png"]


def test_a_folder_renamed_within_is_followed_by_its_new_name_only(watched, folder):
    write(folder / "old/deep/1.png", age_s=50)
    made = watched()
    made.names("old/deep/1.png")
    (folder / "old").rename(folder / "new")
    made.names("new/deep/1.png")
    write(folder / "new/deep/2.png")
    made.names("new/deep/2.png")
    made.rest()
    assert made.offered == ["old/deep/1.png", "new/deep/1.png", "new/deep/2.png"]


def test_a_folder_moved_out_is_followed_no_longer(watched, folder, tmp_path):
    write(folder / "sub/1.png", age_s=50)
    made = watched()
    made.names("sub/1.png")
    (folder / "sub").rename(tmp_path / "out")
    made.rest(0.3)
    write(tmp_path / "out/2.png")
    write(folder / "3.png")
    made.names("3.png")
    assert made.rest() == ["sub/1.png", "3.png"]


def test_a_deleted_image_is_not_offered(watched, folder):
    made = watched(settle_s=0.3)
    write(folder / "gone.png").unlink()
    write(folder / "kept.png")
    made.names("kept.png")
    assert made.rest() == ["kept.png"]


def test_symbolic_links_are_reported_once_and_not_followed(watched, folder, tmp_path):
    write(tmp_path / "secret/outside.png")
    (folder / "file.png").symlink_to(tmp_path / "secret/outside.png")
    (folder / "folder").symlink_to(tmp_path / "secret")
    made = watched()
    made.told("file.png")
    made.told("folder")
    (folder / "later.png").symlink_to(tmp_path / "secret/outside.png")
    (folder / "later").symlink_to(tmp_path / "secret")
    made.told("later.png")
    made.told("later:")
    assert made.rest(0.8) == []
    assert sorted(made.reports) == sorted(
        f"{folder / name}: skipped: a symbolic link, which is not followed"
        for name in ("file.png", "folder", "later.png", "later")
    )


def test_a_pipe_with_an_images_name_is_reported_and_blocks_nothing(watched, folder):
    made = watched()
    os.mkfifo(folder / "pipe.png")
    write(folder / "real.png")
    made.names("real.png")
    assert made.told("pipe.png") == [f"{folder / 'pipe.png'}: skipped: not a regular file"]


def test_the_folder_itself_may_be_a_link(watched, folder, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(folder)
    write(folder / "a.png", age_s=9)
    made = watched(link)
    made.names("a.png")
    write(folder / "sub/b.png")
    assert made.names("sub/b.png") == ["a.png", "sub/b.png"]


def test_the_current_folder_can_be_watched(watched, folder, monkeypatch):
    monkeypatch.chdir(folder)
    write(folder / "a.png", age_s=9)
    made = watched(Path())
    made.names("a.png")
    assert made.watch.retry_later(Path("a.png"))
    made.until(lambda: made.offered.count("a.png") == 2)
    write(folder / "a.png", WHOLE * 2)
    made.until(lambda: made.offered.count("a.png") == 3)
    assert made.rest() == ["a.png"] * 3


@pytest.mark.parametrize(
    "name",
    [b"two\nlines.png", b"\xff\xfe latin \xe9.png", b"a" * 251 + b".png", "Zelle \N{MICROSCOPE}.png".encode()],
    ids=["newline", "no UTF-8", "255 bytes", "emoji"],
)
def test_any_name_is_offered_as_it_is(watched, folder, name):
    made = watched()
    before, after = os.fsdecode(b"0" + name[1:]), os.fsdecode(name)
    write(folder / before)
    made.names(before)
    write(folder / after)
    assert made.names(after) == [before, after]
    assert made.watch.retry_later(folder / after)
    assert made.count(3)[-1] == after


def test_a_report_of_any_name_is_one_printable_line(watched, folder):
    (folder / os.fsdecode(b"a\nb\x1b[31m\xff.png")).symlink_to("/")
    made = watched()
    made.told(r"a\nb\x1b[31m\udcff.png")
    made.reports[0].encode("ascii")


def test_ten_thousand_images_at_once_are_each_offered_once(watched, folder):
    made = watched(settle_s=0.5)
    names = [f"{number % 7}/{number:05}.png" for number in range(10_000)]

    def fill() -> None:
        for name in names:
            write(folder / name, b"x")

    writer = threading.Thread(target=fill)
    writer.start()
    made.count(len(names))
    writer.join()
    assert sorted(made.rest()) == sorted(names)


def test_ten_thousand_images_that_are_there_come_in_order_and_in_bounded_batches(watched, folder):
    names = [f"{number:05}.png" for number in range(10_000)]
    for name in names:
        write(folder / name, b"x", age_s=50)
    made = watched()
    batches = []
    while sum(map(len, batches)) < len(names):
        batches.append(made.watch.poll(30))
    assert [path.name for batch in batches for path in batch] == names
    assert max(map(len, batches)) == 256


def test_images_moved_in_by_another_process_are_offered(watched, folder, tmp_path):
    made = watched()
    for number in range(200):
        write(tmp_path / f"staged/{number}.png", b"x")
    mover = subprocess.Popen(["/bin/sh", "-c", f"for f in {tmp_path}/staged/*; do mv $f {folder}/; done"])
    made.count(200)
    assert mover.wait() == 0
    assert sorted(made.rest()) == sorted(f"{number}.png" for number in range(200))


def test_an_image_that_could_not_be_read_comes_once_more_and_then_when_it_changed(watched, folder):
    path = write(folder / "half.png", b"half", age_s=9)
    made = watched()
    made.names("half.png")
    assert made.watch.retry_later(path)
    made.count(2)
    assert not made.watch.retry_later(path)
    assert made.rest() == ["half.png"] * 2
    write(path, b"whole")
    made.count(3)
    assert made.watch.retry_later(path), "another content has a second chance of its own"
    assert made.count(4) == ["half.png"] * 4


def test_an_image_that_is_gone_is_not_retried(watched, folder):
    path = write(folder / "a.png", age_s=9)
    made = watched()
    made.names("a.png")
    path.unlink()
    assert not made.watch.retry_later(path)


def test_a_folder_that_is_removed_is_waited_for_and_followed_anew(watched, folder):
    write(folder / "sub/1.png", age_s=50)
    made = watched()
    made.names("sub/1.png")
    shutil.rmtree(folder)
    made.told("waiting for it")
    assert made.watch.way == "waiting"
    assert made.watch.poll(0) == []
    write(folder / "sub/2.png")
    made.names("sub/2.png")
    write(folder / "3.png")
    made.names("3.png")
    assert made.offered == ["sub/1.png", "sub/2.png", "3.png"]
    assert len(made.reports) == 2
    assert made.reports[1] == f"{folder}: followed again"


def test_a_folder_that_is_moved_away_and_replaced_is_followed_anew(watched, folder, tmp_path):
    write(folder / "1.png", age_s=50)
    made = watched()
    made.names("1.png")
    write(tmp_path / "other/2.png", age_s=50)
    folder.rename(tmp_path / "away")
    (tmp_path / "other").rename(folder)
    made.names("2.png")
    made.told("followed again")
    write(tmp_path / "away/3.png")
    write(folder / "4.png")
    made.names("4.png")
    assert made.rest() == ["1.png", "2.png", "4.png"]


def test_a_folder_above_that_is_renamed_is_noticed(watched, tmp_path):
    write(tmp_path / "above/images/1.png", age_s=50)
    made = watched(tmp_path / "above/images")
    made.names("1.png")
    (tmp_path / "above").rename(tmp_path / "elsewhere")
    made.told("waiting for it")
    (tmp_path / "elsewhere").rename(tmp_path / "above")
    made.told("followed again")


def test_a_file_in_the_folders_place_is_not_followed(watched, folder):
    made = watched()
    folder.rmdir()
    folder.write_bytes(b"")
    made.told("waiting for it")
    assert made.rest() == []
    folder.unlink()
    folder.mkdir()
    made.told("followed again")


@pytest.mark.parametrize("polling", [None, True, False])
def test_a_folder_that_was_never_there_is_a_mistake(tmp_path, polling):
    with pytest.raises(UsageError, match=r"cannot watch .*absent: No such file or directory"):
        FolderWatch(tmp_path / "absent", polling=polling, report=print)
    with pytest.raises(UsageError, match="Not a directory"):
        FolderWatch(write(tmp_path / "file.png"), polling=polling, report=print)


def test_an_unreadable_subfolder_is_reported_and_the_rest_goes_on(run_beside):
    done = run_beside("""
        import os, sys, pathlib
        from edgeleuk.sources.watch.watcher import FolderWatch
        if os.geteuid() == 0:
            os.setuid(65534)
        folder = pathlib.Path(sys.argv[1])
        (folder / "closed").mkdir()
        (folder / "closed/1.png").write_bytes(b"x")
        (folder / "closed").chmod(0)
        (folder / "open").mkdir()
        (folder / "open/2.png").write_bytes(b"x")
        for polling in (False, True):
            reports = []
            with FolderWatch(folder, polling=polling, settle_s=0.1, report=reports.append) as watch:
                offered = watch.poll(30)
                watch.poll(1)
            print([path.name for path in offered], [line.removeprefix(str(folder)) for line in reports])
        (folder / "closed").chmod(0o700)
    """)
    expected = "['2.png'] ['/closed: left out: cannot be listed (Permission denied)']\n"
    assert (done.stdout, done.stderr) == (2 * expected, "")


def test_closing_twice_is_harmless(watched):
    made = watched()
    made.watch.close()
    made.watch.close()


def test_no_file_descriptor_is_left_open(watched, folder):
    before = len(list(Path("/proc/self/fd").iterdir()))
    made = watched()
    made.rest(0.1)
    shutil.rmtree(folder)
    made.told("waiting for it")
    folder.mkdir()
    made.told("followed again")
    made.watch.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
