"""`infer MODEL IMAGE...` as it is typed most is done without click, and as the command does it."""

import json

import pytest

from edgeleuk.cli.plain_infer import PlainInfer


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.touch()
    return str(path)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (None, False)),
        (["--json"], (None, True)),
        (["--threads", "2"], (2, False)),
        (["--threads", "2", "--json", "--threads", "3"], (3, True)),
    ],
)
def test_names_threads_and_json_are_taken_wherever_they_stand(model, words, expected):
    for given in (["infer", model, "a.bmp", "b", *words], ["infer", *words, model, "a.bmp", "b"]):
        assert PlainInfer.of(given) == (model, ("a.bmp", "b"), *expected)


@pytest.mark.parametrize(
    "words",
    [
        ["infer"],
        ["infer", "MODEL"],
        ["infer", "absent.tflite", "a.bmp"],
        ["infer", ".", "a.bmp"],
        ["inspect", "MODEL", "a.bmp"],
        ["--version"],
        ["infer", "MODEL", "a.bmp", "--help"],
        ["infer", "MODEL", "-"],
        ["infer", "MODEL", ""],
        ["infer", "MODEL", "--", "a.bmp"],
        ["infer", "MODEL", "a.bmp", "--store", "r.db"],
        ["infer", "MODEL", "a.bmp", "--threads"],
        ["infer", "MODEL", "a.bmp", "--threads", "0"],
        ["infer", "MODEL", "a.bmp", "--threads", "-1"],
        ["infer", "MODEL", "a.bmp", "--threads", "two"],
        ["infer", "MODEL", "a.bmp", "--threads", "1_0"],
        ["infer", "MODEL", "a.bmp", "--threads", "\N{ARABIC-INDIC DIGIT TWO}"],
        ["infer", "MODEL", "a.bmp", "--threads=2"],
        ["infer", "MODEL", "a.bmp", "--js"],
    ],
)
def test_all_else_is_left_to_the_command(model, words):
    assert PlainInfer.of([model if word == "MODEL" else word for word in words]) is None


def test_a_shell_that_completes_gets_the_command(model, monkeypatch):
    monkeypatch.setenv("_EDGELEUK_COMPLETE", "bash_complete")
    assert PlainInfer.of(["infer", model, "a.bmp"]) is None


def _without_times(done):
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, done.stderr, [line | {"prepare_ms": 0, "invoke_ms": 0} for line in lines]


@pytest.mark.parametrize("names", [["good.bmp"], ["good.bmp", "bad.bmp"], ["absent.bmp"], ["*.png"], ["empty"]])
def test_it_answers_and_fails_as_the_command_does(run_edgeleuk, small_model, write_image, tmp_path, names):
    write_image("good.bmp")
    (tmp_path / "bad.bmp").write_bytes(b"BM")
    (tmp_path / "empty").mkdir()
    given = [tmp_path / name for name in names]
    plain = run_edgeleuk("infer", small_model, *given, "--json")
    by_click = run_edgeleuk("infer", small_model, *given, "--json", "--backend", "auto")
    assert _without_times(plain) == _without_times(by_click)


def test_a_model_that_is_none_is_refused_as_the_command_refuses_it(run_edgeleuk, write_image, tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"no model")
    given = ("infer", tmp_path / "model.tflite", write_image("good.bmp"))
    plain, by_click = run_edgeleuk(*given), run_edgeleuk(*given, "--backend", "auto")
    assert (plain.returncode, plain.stderr) == (by_click.returncode, by_click.stderr)
    assert plain.returncode == 2
