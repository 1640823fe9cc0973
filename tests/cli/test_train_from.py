"""What --from and its options are told, before anything is loaded."""

from pathlib import Path

import pytest

from edgeleuk.cli import main


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--from", "{model}", "--spec", "{model}", "--width", "0.5"], "has a network of its own; leave --width out"),
        (["--from", "{model}", "--spec", "{model}", "--weights", "none"], "leave --weights out"),
        (["--from", "{model}"], "needs --spec SPEC.json or --preset NAME, one of them"),
        (["--from", "{model}", "--spec", "{model}", "--preset", "keras-mobilenet"], "one of them"),
        (["--spec", "{model}"], "--spec is about a network of others; give --from MODEL, too"),
        (["--logits"], "--logits is about a network of others; give --from MODEL, too"),
        (["--preset", "keras-resnet"], "the preset keras-resnet says how a network of others is shown pictures"),
    ],
)
def test_options_that_do_not_go_together_are_usage_errors(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "m.h5").write_bytes(b"x")
    options = [each.format(model=tmp_path / "m.h5") for each in given]
    with pytest.raises(SystemExit) as ended:
        main(["train", str(tmp_path / "cells"), "-o", str(tmp_path / "run"), *options])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("run*"))
