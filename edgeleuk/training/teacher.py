"""The teacher of a distilled run: which run may teach, and what the student's folder remembers of it."""

from collections.abc import Sequence
from pathlib import Path

from edgeleuk.data.groups import subjects_of
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import LeakError, UsageError, reading_what_was_named
from edgeleuk.files import to_json
from edgeleuk.training.config import Distilling
from edgeleuk.training.run import Run, load_run_folder

_SCHEMA_VERSION = 1


def open_teacher(path: Path, index: Index, fold: int) -> Run:
    """A float run that may teach a student of this fold: the same classes, none of its held-out images seen.

    Raises UsageError for a run that is none of that, LeakError if it was trained on images that the student is to be
    validated or tested on, or on others of their subjects, ModelError if it cannot be read.
    """
    if is_cross_validation(path):
        raise UsageError(f"{path} holds one run per fold; give --teacher {path / f'fold_{fold}'}, or --cross-validate")
    run = load_run_folder(path)
    if run.kind != "float":
        raise UsageError(f"{path} is a {run.kind} run; a teacher is a float run, such as the one it started from")
    if run.spec.classes != index.classes:
        raise UsageError(
            f"the teacher {path} knows the classes {', '.join(run.spec.classes)}; the index has "
            f"{', '.join(index.classes)}; both have to be the same, in the same order"
        )
    _refuse_leaks(run, index, fold)
    return run


def is_cross_validation(path: Path) -> bool:
    """Whether `train --cross-validate` made this folder, also if it is not finished."""
    return not (path / "run.json").exists() and (path / "fold_0").is_dir()


@reading_what_was_named()
def fold_teacher(path: Path, fold: int) -> Path:
    """The teacher of this fold in a folder of `train --cross-validate`. Raises UsageError for anything else."""
    if not is_cross_validation(path):
        raise UsageError(
            f"{path} does not hold one run per fold: one has seen what the others hold out; give the folder that "
            "'edgeleuk train --cross-validate' made of the same index"
        )
    return path / f"fold_{fold}"


def teacher_json(teacher: Run, distilling: Distilling) -> str:
    """What the student's folder keeps as teacher.json. The teacher's images count as seen by the student."""
    raw = {
        "schema_version": _SCHEMA_VERSION,
        "run_sha256": teacher.sha256,
        "temperature": distilling.temperature,
        "weight": distilling.weight,
        "trained_on": sorted(teacher.trained_on),
    }
    return to_json(raw)


def _refuse_leaks(teacher: Run, index: Index, fold: int) -> None:
    held_out = index.validation(fold) + index.test()
    seen = sum(not teacher.trained_on.isdisjoint(image.digests) for image in held_out)
    subjects = _seen_subjects(teacher, index, held_out)
    if seen or subjects:
        shown = ", ".join(subjects[:5]) + (" and more" if len(subjects) > 5 else "")
        what = f"{seen:,} of the {len(held_out):,} images" if seen else f"other images of {shown}, subjects"
        raise LeakError(
            f"the teacher {teacher.folder} was trained on {what} that the student is validated or tested on; train "
            f"the teacher with --fold {fold} on the same index"
        )


def _seen_subjects(teacher: Run, index: Index, held_out: Sequence[ImageRecord]) -> tuple[str, ...]:
    """Held-out subjects among the teacher's, if both indexes name them alike: S1 of other data is someone else."""
    theirs = {(image.sha256, image.subject) for image in teacher.index.images}
    if not any((image.sha256, image.subject) in theirs for image in index.images):
        return ()
    held = set(subjects_of(held_out))
    return subjects_of(image for image in teacher.index.training(teacher.fold) if image.subject in held)
