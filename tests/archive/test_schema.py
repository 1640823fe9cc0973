"""_archive.json and the columns of a scored archive."""

from pathlib import Path

import pytest

from edgeleuk.archive.schema import HEAD, ArchivedModel, Head, is_archive, read_head, write_head
from edgeleuk.errors import NotAStoreError
from edgeleuk.store.record import ModelIdentity

_MODEL = ModelIdentity("ab" * 32, 3, ("hem", "all"), "model.tflite", {"hem": "healthy"})


def test_what_is_written_of_the_models_is_read(tmp_path: Path) -> None:
    head = Head({_MODEL.sha256: ArchivedModel(_MODEL, {"gate": "warn", "max_pixels": 1000})})
    assert not is_archive(tmp_path)
    write_head(tmp_path, head)
    assert is_archive(tmp_path)
    assert read_head(tmp_path) == head
    assert read_head(tmp_path).identities == {_MODEL.sha256: _MODEL}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "is no archive"),
        ("{}", "something else than an archive"),
        ("[", "JSON"),
        ('{"format": "edgeleuk archive", "format_version": 2, "models": {}}', "archive of format 2"),
        ('{"format": "edgeleuk archive", "format_version": 1}', "damaged"),
        ('{"format": "edgeleuk archive", "format_version": 1, "models": {"ab": {}}}', "damaged"),
        ('{"format": "edgeleuk archive", "format_version": 1, "models": []}', "damaged"),
    ],
)
def test_a_folder_that_is_no_archive_of_this_format_is_refused(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / HEAD).write_text(text)
    with pytest.raises(NotAStoreError, match=told):
        read_head(tmp_path)
