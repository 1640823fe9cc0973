"""What colour and other trivial features reach on a run's validation images, learned from its training images."""

from edgeleuk.codec import decode, read_json
from edgeleuk.data.shortcuts.judging import SHORT_SEARCH, Shortcuts, shortcuts_held_out
from edgeleuk.data.shortcuts.text import explained_text, short_text
from edgeleuk.errors import DataError, MissingExtraError
from edgeleuk.files import to_json, write_text
from edgeleuk.training.run import SHORTCUTS, Run


def shortcuts_of(run: Run) -> Shortcuts:
    """Of a complete run, from its folder or worked out and left there.

    Raises DataError if its images do not allow it, MissingExtraError without scikit-learn, OutputError.
    """
    path = run.folder / SHORTCUTS
    if path.exists():
        kept: Shortcuts = decode(Shortcuts, read_json(path), str(path))
        return kept
    found = shortcuts_held_out(
        run.index.root, run.index.training(run.fold), run.index.validation(run.fold), SHORT_SEARCH
    )
    write_text(path, to_json(found.to_dict()))
    return found


def shortcut_line(run: Run) -> str:
    """What they reach, beside the accuracy of the run's best epoch; or why that is not known."""
    try:
        found = shortcuts_of(run)
    except (DataError, MissingExtraError) as error:
        return f"how far colour alone goes on the validation images is not known: {error}"
    beside = f"; {explained_text(found, float(run.best['val_accuracy']))}" if run.best else ""
    return f"validation images: {short_text(found)}{beside}"
