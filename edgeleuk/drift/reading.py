"""A store and a model file, compared."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgeleuk.drift.judging import Asked, Drift, judge, of_cascade, reference_of
from edgeleuk.errors import UsageError
from edgeleuk.runtime.bundle import FIRST, parse_bundle, read_bundle
from edgeleuk.spec import ModelSpec
from edgeleuk.store import Store
from edgeleuk.store.asking import make_filter, named
from edgeleuk.store.reading import Reading
from edgeleuk.store.values import Filter

NO_REFERENCE = (
    "its file does not say what training's pictures were like; 'edgeleuk convert' makes it anew from its run and "
    "measures those"
)


def drift_of(
    db: Path, model: Path, asked: Asked, since: str | None = None, report: Callable[[str], None] = lambda told: None
) -> tuple[Drift, ModelSpec]:
    """What the store holds of the model, from `since` on, compared with its training; and the model's spec.

    `report` is told of each damaged row, which is passed over. Raises UsageError if the store has nothing of that
    model, or its file nothing to compare with; StoreError, ModelError, SpecError.
    """
    bundle = read_bundle(model)
    spec = bundle.require_spec(model)
    bundle.check_calibration(model)
    if bundle.cascade is not None:
        spec = of_cascade(spec, parse_bundle(bundle.cascade.first, model / FIRST).require_spec(model / FIRST))
    wanted = replace(make_filter(since), model_sha256=bundle.sha256)
    with Store.open(db, read_only=True) as store:
        store.on_damage = report
        if reference_of(spec) is None:
            raise UsageError(f"{model}: {NO_REFERENCE}")
        if not store.count(Filter(model_sha256=bundle.sha256)):
            others = ", ".join(map(named, store.answered())) or "none"
            raise UsageError(f"{db} has no result of {model} ({bundle.sha256[:12]}); it has results of: {others}")
        return compared(store, spec, wanted, replace(asked, model_sha256=bundle.sha256, model_name=model.name)), spec


def compared(store: Reading, spec: ModelSpec, wanted: Filter, asked: Asked) -> Drift:
    """The results of the filter, of one model, compared with its training. Raises UsageError, StoreError."""
    reference = reference_of(spec)
    if reference is None:
        raise UsageError(f"{asked.model_name}: {NO_REFERENCE}")
    return judge(store.query(wanted), reference, spec, asked)
