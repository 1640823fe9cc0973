"""Results to store."""

from edgeleuk.store import Result


def result(
    digit: str,
    *,
    model: str = "0",
    path: str = "cell.bmp",
    label: str = "all",
    subject: str | None = None,
    source: str = "file",
    created: str = "2026-11-24T10:11:12.345Z",
    probability: float = 0.9,
) -> Result:
    """A result whose content hash ends in `digit`, of the model whose hash is 64 times that digit."""
    return Result(
        sha256=digit.rjust(64, "0"),
        model_sha256=model * 64,
        path=path,
        label=label,
        probabilities={"all": probability, "hem": round(1 - probability, 6)},
        prepare_ms=1.5,
        invoke_ms=20.25,
        spec_version=1,
        device="pi",
        created=created,
        subject=subject,
        source=source,
    )
