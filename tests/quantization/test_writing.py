"""A model and its proof appear together, also where the process is killed between the two."""

import os
import sys
from pathlib import Path

import pytest

from edgeleuk.errors import ModelError, OutputError
from edgeleuk.quantization.writing import write_with_proof
from edgeleuk.runtime.bundle import pack
from edgeleuk.spec import ModelSpec, Preprocessing


def write_and_be_killed(path: Path, step: int) -> None:
    """Write a new pair in a process that ends, without any clean-up, before its step-th change of a name."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    left = [step]

    def kill(event: str, arguments: tuple[object, ...]) -> None:
        del arguments
        if event in ("os.rename", "os.remove"):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)

    sys.addaudithook(kill)
    write_with_proof(path, b"new model", "new proof")
    os._exit(0)


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("before", [None, "old"])
def test_a_kill_leaves_no_proof_of_another_model_and_no_model_of_before_the_proof(
    tmp_path: Path, step: int, before: str | None
) -> None:
    path = tmp_path / "m.tflite"
    if before:
        write_with_proof(path, b"old model", "old proof")
    write_and_be_killed(path, step)
    model = path.read_bytes().decode() if path.exists() else None
    beside = tmp_path / "m.proof.json"
    proof = beside.read_text() if beside.exists() else None
    if before:
        assert (model, proof) in [
            ("old model", "old proof"),
            ("old model", None),
            ("new model", None),
            ("new model", "new proof"),
        ]
    else:
        assert (model, proof) in [(None, None), (None, "new proof"), ("new model", "new proof")]


@pytest.mark.parametrize("blocked", ["m.tflite", "m.proof.json"])
def test_neither_is_written_where_one_cannot_be(tmp_path: Path, blocked: str) -> None:
    (tmp_path / blocked).mkdir()
    with pytest.raises(OutputError):
        write_with_proof(tmp_path / "m.tflite", b"model", "proof")
    assert [path.name for path in tmp_path.iterdir()] == [blocked]


def test_a_proof_that_is_not_json_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ModelError, match="not finite"):
        pack(b"", ModelSpec(("a", "b"), Preprocessing(8, 8)), {"gate": {"drop": float("nan")}}, frozenset())
