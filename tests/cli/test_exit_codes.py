"""One rule for the exit code of every command: 2 for what cannot be understood or names no such input, else 1."""

import os
import stat

import pytest

from edgeleuk.cli import main
from edgeleuk.cli.program import root
from edgeleuk.store import Store

# Arguments of each command; {input} stands for what is read, {out} for a new place in a temporary folder.
COMMANDS = {
    "data audit": "{input}",
    "data split": "{input} -o {out}.json",
    "data synth": None,
    "data crop-boxes": "{input} -o {out}",
    "train": "{input} -o {out}",
    "qat": "{input} -o {out}",
    "prune": "{input} -o {out} --macs 50%",
    "optimize": "{input} -o {out} --budget-ms 5",
    "convert": "{input} -o {out}.tflite",
    "cascade": "{input} {model} {index} -o {out}.tflite",
    "evaluate": "{input} {index}",
    "cells": None,
    "infer": "{input} {image}",
    "score": "{input} {image} -o {out}",
    "results": "{input}",
    "serve": "{input} --store {out}.db --port 0",
    "install-service": None,
    "doctor": None,
    "benchmark": "{input} --processes 1 --runs 1 --seconds 0",
    "compare": "{input} {input}",
    "report": "{input} -o {out}.md",
    "inspect": "{input}",
    "export": "{input} --for mediapipe -o {out}.tflite --no-check",
    "calibrate": "{input} {index} -o {out}.tflite",
    "drift": "{input} {model}",
    "card": "{input} -o {out}.md",
    "explain": "{input} {image} -o {out}.png",
    "leakage": "{input} -o {out}",
    "spec new": None,
    "spec show": "{input}",
    "spec schema": None,
    "attach": "{input} --preset zero-to-one --classes a,b -o {out}.tflite",
    "demo": None,
}
READING = {name: text for name, text in COMMANDS.items() if text}


def ended(capsys, arguments):
    """Exit code and the one line of standard error."""
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return raised.value.code, said.err


@pytest.fixture
def typed(small_model, cells_index, write_image, tmp_path):
    """The words of a command by its name, with another input."""

    def fill(name, named):
        places = {"model": small_model, "index": cells_index, "image": write_image("x.bmp"), "out": tmp_path / "out"}
        return [*name.split(), *READING[name].format(input=named, **places).split()]

    return fill


def test_every_command_is_in_the_table():
    import click

    names = []
    for name in root.list_commands(click.Context(root)):
        command = root.get_command(click.Context(root), name)
        names += [f"{name} {child}" for child in command.commands] if hasattr(command, "commands") else [name]
    assert sorted(COMMANDS) == sorted(names)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_cannot_be_understood_is_2(name, capsys):
    code, said = ended(capsys, [*name.split(), "--no-such-option"])
    assert (code, "no such option --no-such-option" in said) == (2, True)


@pytest.mark.parametrize("name", READING)
def test_an_input_that_is_not_there_is_2(name, typed, capsys, tmp_path):
    code, said = ended(capsys, typed(name, tmp_path / "absent"))
    assert code == 2
    assert f"{tmp_path / 'absent'}: no such " in said
    assert "; expected " in said


@pytest.mark.parametrize("name", READING)
def test_an_input_of_another_kind_is_2_and_leaves_nothing(name, typed, capsys, tmp_path):
    (tmp_path / "other.txt").write_text("not what was expected, and long enough to be read as the head of a file" * 9)
    arguments = typed(name, tmp_path / "other.txt")
    before = sorted(tmp_path.iterdir())
    code, said = ended(capsys, arguments)
    assert code == 2
    assert "other.txt" in said
    assert sorted(tmp_path.iterdir()) == before


TAKES_FOLDERS = ["results", "spec show", "convert", "train", "qat", "prune", "optimize"]
TAKES_FOLDERS += ["data audit", "data split", "data crop-boxes", "evaluate", "report"]


@pytest.mark.parametrize("name", sorted(set(READING) - set(TAKES_FOLDERS)))
def test_a_folder_where_a_file_is_expected_is_2(name, typed, capsys, tmp_path):
    (tmp_path / "folder").mkdir()
    code, said = ended(capsys, typed(name, tmp_path / "folder"))
    assert (code, f"{tmp_path / 'folder'} is a folder; expected " in said) == (2, True)


@pytest.mark.parametrize("name", READING)
def test_an_empty_name_is_2(name, typed, capsys):
    code, said = ended(capsys, ["" if word == "NOTHING" else str(word) for word in typed(name, "NOTHING")])
    assert (code, "it is empty; expected a path" in said) == (2, True)


def test_an_empty_root_of_images_is_not_the_current_folder(typed, capsys):
    code, said = ended(capsys, [*typed("evaluate", "NOTHING"), "--data-root", ""])
    assert (code, "--data-root: it is empty; expected a path" in said) == (2, True)


WRITING = [
    "data split {cells} -o {out}",
    "data synth {out} --subjects 2 --images-per-subject 1 --folds 1",
    "train {index} -o {out}",
    "qat {index} -o {out}",
    "prune {index} -o {out} --macs 50%",
    "optimize {index} -o {out} --budget-ms 5",
    "convert {index} -o {out}.tflite",
    "cascade {model} {model} {index} -o {out}.tflite",
    "evaluate {model} {index} -o {out}",
    "cells {image} -o {out}",
    "results {store} -o {out}",
    "benchmark {model} -o {out}.json --processes 1 --runs 1 --seconds 0",
    "report {index} -o {out}.md",
    "calibrate {model} {index} -o {out}.tflite",
    "card {model} -o {out}.md",
    "explain {model} {image} -o {out}.png",
    "leakage {index} -o {out}",
    "score {model} {image} -o {out}",
    "demo -o {out}",
]
STORING = ["infer {model} {image} --store {out}", "serve {model} --store {out} --port 0"]


@pytest.fixture
def places(small_model, cells_index, write_image, tmp_path):
    """Inputs by name."""
    Store.open(tmp_path / "in.db").close()
    image = write_image("cells/all/x.bmp")
    return {"model": small_model, "index": cells_index, "image": image, "cells": tmp_path, "store": tmp_path / "in.db"}


@pytest.mark.parametrize("command", WRITING)
def test_an_output_that_cannot_be_written_is_1_before_anything_is_done(command, places, capsys, tmp_path):
    (tmp_path / "file").touch()
    place = tmp_path / "file"
    folder = (
        command.split()[0] in ("train", "qat", "prune", "optimize", "evaluate", "leakage", "score", "demo", "cells")
        or "synth" in command
    )
    code, said = ended(capsys, command.format(out=place if folder else place / "x", **places).split())
    assert (code, str(place) in said) == (1, True)
    assert place.read_bytes() == b""


@pytest.mark.parametrize("command", [*WRITING, *STORING])
def test_a_device_a_pipe_and_a_socket_stay_what_they_are(command, places, capsys, tmp_path):
    """A pipe that nothing reads stands for them: it can be made without being root, as devices cannot."""
    suffix = command.partition("{out}")[2].split(" ")[0]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / f"out{suffix}").symlink_to(tmp_path / "pipe")
    with pytest.raises(SystemExit) as raised:
        main(command.format(out=tmp_path / "out", **places).split())
    assert raised.value.code in (1, 2)
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert (tmp_path / f"out{suffix}").is_symlink()


def test_a_link_to_a_file_is_followed_and_stays(places, tmp_path):
    (tmp_path / "link.csv").symlink_to("there.csv")
    with pytest.raises(SystemExit) as raised:
        main(["results", str(places["store"]), "--csv", "-o", str(tmp_path / "link.csv")])
    assert raised.value.code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "there.csv").read_text().startswith("id,")
