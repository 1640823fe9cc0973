"""A model file and its proof, together."""

from pathlib import Path

from edgeleuk.files import whole_file


def write_with_proof(path: Path, content: bytes, proof: str) -> None:
    """Write a model file and, as PATH's name with .proof.json, the text of its proof; both or neither.

    Two files cannot appear at once, but a process that is killed between them leaves no proof beside a model that it
    is not of: a new model comes after its proof, and if a model is replaced its old proof goes first. The proof
    inside the model is never missing. Raises OutputError.
    """
    beside, replaced = path.with_suffix(".proof.json"), path.exists()
    first, second = (path, beside) if replaced else (beside, path)
    contents = {path: content, beside: proof.encode()}
    with whole_file(second) as later, whole_file(first) as sooner:
        later.write_bytes(contents[second])
        sooner.write_bytes(contents[first])
        if replaced:
            beside.unlink(missing_ok=True)
