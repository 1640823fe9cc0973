"""What a model card is made of: the model's own records, and others that are shown to be of the same model."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.bench.record import Record
from edgeleuk.codec import read_json
from edgeleuk.data.index import Index
from edgeleuk.errors import DataError, ModelError
from edgeleuk.evaluation.evaluated import Evaluated
from edgeleuk.files import sha256_bytes, sha256_file
from edgeleuk.report.page.reading import read_material
from edgeleuk.runtime.bundle import Bundle, read_bundle
from edgeleuk.spec import Provenance

MODEL, SPEC, PROOF, SEEN, CASCADE = "model", "spec", "proof", "seen", "cascade"
RUN_FILES = ("run.json", "config.json", "metrics.json", "strengths.json", "pruning.json")


@dataclass(frozen=True)
class Named:
    """The records that were named beside the model's file."""

    run: Path | None = None
    index: Path | None = None
    evaluations: tuple[Path, ...] = ()
    benchmarks: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Records:
    """Plain values by the name of the record that holds them; `title` is the name of the model's file.

    `evaluations` and `benchmarks` are the names of those records, in the order in which they were given.
    """

    title: str
    sha256: str
    plain: dict[str, Any] = field(default_factory=dict)
    evaluations: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    run: str | None = None
    index: str | None = None

    def value(self, record: str | None, key: str) -> Any:
        """What stands at the dotted key of a record; None if it holds nothing there."""
        found = self.plain.get(record or "")
        for part in key.split(".") if key else ():
            if isinstance(found, list | tuple) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            elif isinstance(found, dict):
                found = found.get(part)
            else:
                return None
        return found


def read_records(model: Path, named: Named) -> Records:
    """Read a model file and the records beside it. Raises DataError for one that is not of this model, by name.

    Raises ModelError and SpecError for what is no model of ours.
    """
    bundle = read_bundle(model)
    spec = bundle.require_spec(model)
    bundle.check_calibration(model)
    plain = _of_model(bundle, model)
    if named.run is not None:
        plain |= _of_run(named.run, spec.provenance)
    index = _index(named, spec.provenance)
    if index is not None:
        plain[index[0]] = index[1]
    evaluations = _evaluations(named.evaluations, bundle.sha256, model)
    benchmarks = _benchmarks(named.benchmarks, bundle.sha256, model)
    return Records(
        model.name,
        bundle.sha256,
        plain | evaluations | benchmarks,
        tuple(evaluations),
        tuple(benchmarks),
        None if named.run is None else named.run.name,
        None if index is None else index[0],
    )


def _of_model(bundle: Bundle, path: Path) -> dict[str, Any]:
    about = {"name": path.name, "sha256": bundle.sha256, "size_bytes": len(bundle.content)}
    plain: dict[str, Any] = {MODEL: about, SPEC: bundle.spec.to_dict() if bundle.spec else {}}
    plain[PROOF] = bundle.proof or {}
    plain[SEEN] = {"images": bundle.seen_images}
    if bundle.cascade is not None:
        plain[CASCADE] = asdict(bundle.cascade.rule)
    return plain


def _of_run(folder: Path, provenance: Provenance) -> dict[str, Any]:
    manifest = folder / "run.json"
    if not manifest.is_file():
        raise DataError(f"{folder} is not a run; expected a folder that 'edgeleuk train', qat or prune made")
    same_settings = (folder / "config.json").is_file() and sha256_file(
        folder / "config.json"
    ) == provenance.config_sha256
    if provenance.parent_sha256 != sha256_file(manifest) and not same_settings:
        raise DataError(f"{folder} is not the run that the model was made from; give that one, or leave --run out")
    return {
        f"{folder.name}/{name}": read_json(folder / name, ModelError) for name in RUN_FILES if (folder / name).is_file()
    }


def _index(named: Named, provenance: Provenance) -> tuple[str, Any] | None:
    path = named.index
    if path is None and named.run is not None:
        path = named.run / "index.json"
    if path is None:
        return None
    index = Index.load(path)
    if not index.is_known_as(provenance.index_sha256):
        raise DataError(
            f"{path} is not the index that the model was trained on ({index.sha256[:12]} instead of "
            f"{(provenance.index_sha256 or 'one that its file does not name')[:12]}); give that one"
        )
    return (path.name, read_json(path))


def _evaluations(paths: Sequence[Path], sha256: str, model: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        material = read_material([path])
        if len(material.accuracies) != 1:
            raise DataError(f"{path} is no evaluation; expected a folder that 'edgeleuk evaluate -o' made")
        _check_same(path, material.accuracies[0], sha256, model)
        found[_unused(path.name, found)] = material.sources[0][1]
    return found


def _check_same(path: Path, evaluated: Evaluated, sha256: str, model: Path) -> None:
    if evaluated.model_sha256 != sha256:
        raise DataError(
            f"{path} is of another model, {evaluated.model} ({evaluated.model_sha256[:12]}), not of {model} "
            f"({sha256[:12]}); evaluate that file, or leave it out"
        )


def _benchmarks(paths: Sequence[Path], sha256: str, model: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        material = read_material([path])
        if len(material.records) != 1:
            raise DataError(f"{path} is no benchmark record; expected a file that 'edgeleuk benchmark -o' made")
        rows = _rows(material.records[0], sha256)
        if not rows:
            others = ", ".join(
                sorted({f"{one.model.name} ({one.model.sha256[:12]})" for one in material.records[0].results})
            )
            raise DataError(f"{path} is of other models, {others}, not of {model} ({sha256[:12]}); leave it out")
        record = material.records[0]
        found[_unused(path.name, found)] = {
            "label": record.label,
            "created": record.created,
            "invalid": list(record.invalid),
            "results": rows,
            "sha256": sha256_bytes(path.read_bytes()),
        }
    return found


def _rows(record: Record, sha256: str) -> list[dict[str, Any]]:
    """What a card says of each result of this model."""
    return [
        {
            "backend": result.backend,
            "threads": result.threads,
            "processes": len(result.processes),
            "summary": _summary(result.summary),
        }
        for result in record.results
        if result.model.sha256 == sha256
    ]


def _summary(summary: Any) -> dict[str, Any]:
    interval = summary.p50_interval
    return {
        "p50_ms": summary.p50_ms,
        "p90_ms": summary.p90_ms,
        "p50_interval": None if interval is None else [interval.low, interval.high],
        "peak_memory_mib": summary.peak_memory_mib,
    }


def _unused(name: str, taken: dict[str, Any]) -> str:
    """Two evaluations may lie in folders of one name."""
    number, made = 2, name
    while made in taken:
        made, number = f"{name} ({number})", number + 1
    return made
