"""`edgeleuk infer` as a user meets it: in a process of its own."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from edgeleuk.cli.infer import command
from edgeleuk.runtime.backend import BACKENDS
from tests.subjects.test_errors_known import ROWS, write_evaluation


@pytest.fixture
def many(write_image, tmp_path):
    """A folder of more images than a pipe holds lines for."""
    image = write_image("one.bmp")
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(2000):
        (folder / f"{number:04}.bmp").symlink_to(image)
    return folder


def start(*arguments):
    program = [sys.executable, "-m", "edgeleuk", "infer", *map(str, arguments)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def on_a_terminal(*arguments):
    """What a terminal shows, and the exit code."""
    shown, terminal = pty.openpty()
    program = [sys.executable, "-m", "edgeleuk", "infer", *map(str, arguments)]
    with subprocess.Popen(program, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        chunks = []
        try:
            while chunk := os.read(shown, 65536):
                chunks.append(chunk)
        except OSError:
            pass  # Linux reports the far end of a terminal closed as an error
    os.close(shown)
    return b"".join(chunks).decode().replace("\r\n", "\n"), process.returncode


def test_piped_output_is_a_line_of_json_for_each_image(run_edgeleuk, small_model, write_image):
    paths = [write_image("a.bmp"), write_image("b.png", "L")]
    done = run_edgeleuk("infer", small_model, *paths)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["image"] for row in rows] == list(map(str, paths))
    assert set(rows[0]) == {
        "image",
        "label",
        "probabilities",
        "prepare_ms",
        "invoke_ms",
        "model_name",
        "model_sha256",
        "warnings",
    }
    assert set(rows[0]["probabilities"]) == {"all", "hem"}


def test_subjects_are_summed_up_behind_the_images_each_content_once(run_edgeleuk, small_model, write_image, tmp_path):
    first = write_image("UID_7_1_1_all.bmp")
    copy = tmp_path / "UID_7_1_2_all.bmp"
    copy.write_bytes(first.read_bytes())
    bad = tmp_path / "UID_7_1_3_all.bmp"
    bad.write_bytes(b"no image")
    done = run_edgeleuk("infer", small_model, first, copy, bad, write_image("x.png"), "--by-subject", "--width", "0.2")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    nobody, known = rows[4:]
    assert (known["subject"], known["counted"] + known["abstained"] + known["refused"], known["failed"]) == (
        "UID_7",
        1,
        1,
    )
    assert nobody["shares"] == []
    assert "subject is unknown" in nobody["no_share_because"]
    assert "the model's errors are not in the intervals" in known["errors"]


def test_error_rates_of_another_model_are_refused_before_the_first_image(
    run_edgeleuk, small_model, write_image, tmp_path
):
    evaluation = write_evaluation(tmp_path / "evaluation", ROWS)
    done = run_edgeleuk("infer", small_model, write_image("a.bmp"), "--by-subject", "--error-rates", evaluation)
    assert (done.returncode, done.stdout) == (2, "")
    assert "an evaluation of another model" in done.stderr


@pytest.mark.parametrize("options", [["--watch", "/", "--by-subject"], ["x.bmp", "--width", "0.1"]])
def test_subjects_are_summed_up_of_named_images_alone(options, small_model):
    done = CliRunner().invoke(command, [str(small_model), *options])
    assert "by-subject" in str(done.exception)


def test_a_terminal_gets_a_table_and_the_note_on_research_use(small_model, write_image):
    path = write_image("a.bmp")
    text, status = on_a_terminal(small_model, path)
    head, line, note = text.splitlines()
    assert status == 0
    assert head.split() == ["label", "ALL", "healthy", "prepare", "ms", "invoke", "ms", "image"]
    assert line.endswith(str(path))
    assert note == "For research use, not a diagnosis."


def test_json_can_be_asked_for_on_a_terminal(small_model, write_image):
    text, _ = on_a_terminal(small_model, write_image("a.bmp"), "--json")
    row, note = text.splitlines()
    assert json.loads(row)["label"] in ("all", "hem")
    assert note == "For research use, not a diagnosis."


def test_bad_images_are_reported_and_the_rest_go_on(run_edgeleuk, small_model, write_image, tmp_path):
    write_image("good.bmp")
    whole = write_image("cut.bmp")
    whole.write_bytes(whole.read_bytes()[:500])
    write_image("deep.png", "I;16")
    (tmp_path / "empty.bmp").write_bytes(b"")
    (tmp_path / "link.bmp").symlink_to(tmp_path / "absent")
    (tmp_path / "text.jpg").write_text("not an image")
    done = run_edgeleuk("infer", small_model, tmp_path)
    rows = {row["image"].rsplit("/", 1)[1]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, done.stderr) == (1, "")
    assert [name for name, row in rows.items() if "error" not in row] == ["good.bmp"]
    assert "truncated" in rows["cut.bmp"]["error"]
    assert "8 bits" in rows["deep.png"]["error"]
    assert "0 bytes" in rows["empty.bmp"]["error"]
    assert "no such file" in rows["link.bmp"]["error"]
    assert "not an image" in rows["text.jpg"]["error"]


def test_a_bad_image_stands_in_the_table(small_model, tmp_path):
    (tmp_path / "x.bmp").write_bytes(b"")
    text, status = on_a_terminal(small_model, tmp_path)
    assert status == 1
    assert "x.bmp: not an image" in text


def test_a_path_that_does_not_exist_is_a_usage_error(run_edgeleuk, small_model, tmp_path):
    done = run_edgeleuk("infer", small_model, tmp_path / "absent.bmp")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no such file or folder")


def test_a_folder_without_images_is_an_error(run_edgeleuk, small_model, tmp_path):
    done = run_edgeleuk("infer", small_model, tmp_path)
    assert done.returncode == 2
    assert "holds no images" in done.stderr


@pytest.mark.parametrize("share", [0.0, 0.001, 0.25, 0.5, 0.75, 0.95, 0.999])
def test_a_cut_model_is_one_sentence(run_edgeleuk, small_model, write_image, tmp_path, share):
    content = small_model.read_bytes()
    (tmp_path / "cut.tflite").write_bytes(content[: int(share * len(content))])
    done = run_edgeleuk("infer", tmp_path / "cut.tflite", write_image("x.bmp"))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("error: ")


def test_ctrl_c_ends_with_130_and_without_a_traceback(small_model, many):
    process = start(small_model, many)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "interrupted"


def test_a_reader_that_goes_away_is_no_error(small_model, many):
    process = start(small_model, many)
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert errors == ""


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_the_answer(run_edgeleuk, small_model, write_image, threads):
    path = write_image("x.bmp")
    lines = [run_edgeleuk("infer", small_model, path, *more).stdout for more in ((), ("--threads", threads))]
    first, second = (json.loads(line)["probabilities"] for line in lines)
    assert first == second


def test_backends_on_offer_are_those_of_the_runtime():
    [backend] = [parameter for parameter in command.params if parameter.name == "backend"]
    assert tuple(backend.type.choices) == BACKENDS


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("x.bmp", "--watch", "."),
        ("--watch", ".", "--camera", "0"),
        ("x.bmp", "--frames", "3"),
        ("x.bmp", "--polling"),
        ("x.bmp", "-0"),
        ("x.bmp", "--subject", "S", "--subject-pattern", "(.)"),
        ("--camera", "nonsense"),
        ("--watch", "absent"),
    ],
)
def test_requests_that_do_not_fit_together_exit_with_2(run_edgeleuk, small_model, tmp_path, arguments):
    done = run_edgeleuk("infer", small_model, *arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_names_come_on_standard_input(small_model, write_image):
    paths = [write_image("a.bmp"), write_image("line\nbreak.bmp")]
    text = "".join(f"{path}\0" for path in paths)
    program = [sys.executable, "-m", "edgeleuk", "infer", str(small_model), "-", "--null"]
    done = subprocess.run(program, input=text, capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["image"] for line in done.stdout.splitlines()] == list(map(str, paths))


def test_a_store_keeps_results_and_a_second_run_classifies_nothing_again(
    run_edgeleuk, small_model, write_image, tmp_path
):
    paths = [write_image("UID_7_1_1_all.bmp"), write_image("b.bmp")]
    runs = [run_edgeleuk("infer", small_model, *paths, "--store", tmp_path / "r.db") for _ in range(2)]
    first, second = ([json.loads(line) for line in done.stdout.splitlines()] for done in runs)
    assert [(row["id"], row["known"], row["subject"]) for row in first] == [(1, False, "UID_7"), (2, False, None)]
    assert [(row["id"], row["known"]) for row in second] == [(1, True), (2, True)]


def test_a_store_in_a_place_that_does_not_exist_is_one_sentence(run_edgeleuk, small_model, write_image, tmp_path):
    done = run_edgeleuk("infer", small_model, write_image("a.bmp"), "--store", tmp_path / "absent" / "r.db")
    assert (done.returncode, done.stdout) == (1, "")
    assert "its folder must exist" in done.stderr


def test_frames_of_a_camera_are_classified_until_they_end(run_edgeleuk, small_model, write_image, tmp_path):
    for name in ("f/a.bmp", "f/b.png"):
        write_image(name)
    done = run_edgeleuk("infer", small_model, "--camera", f"file:{tmp_path / 'f'}", "--every", "0")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)


@pytest.mark.parametrize(
    "arguments", [("model.tflite", "x.bmp", "--backend", "x"), ("model.tflite", "x.bmp", "--threads", "0"), ()]
)
def test_malformed_requests_exit_with_2(arguments):
    assert CliRunner().invoke(command, arguments).exit_code == 2


def test_explain_writes_a_picture_for_each_image_and_names_it(run_edgeleuk, small_map_model, write_image, tmp_path):
    done = run_edgeleuk("infer", small_map_model, write_image("cell.png"), "--explain", tmp_path / "maps")
    assert done.returncode == 0
    (written,) = (tmp_path / "maps").iterdir()
    assert json.loads(done.stdout)["map"] == str(written)
    shown, _ = on_a_terminal(small_map_model, write_image("cell.png"), "--explain", tmp_path / "maps")
    assert f"(map: {written})" in shown


def test_explain_needs_a_model_with_a_map_and_a_folder_outside_the_images(
    run_edgeleuk, small_model, small_map_model, write_image, tmp_path
):
    image = write_image("cells/cell.png")
    without = run_edgeleuk("infer", small_model, image, "--explain", tmp_path / "maps")
    assert without.returncode == 2
    assert "edgeleuk convert SOURCE -o MODEL.tflite --explain" in without.stderr
    assert without.stderr.count("\n") == 1
    within = run_edgeleuk("infer", small_map_model, image.parent, "--explain", image.parent / "maps")
    assert within.returncode == 2
    assert "give a folder outside of it" in within.stderr
    assert not (image.parent / "maps").exists()
