"""What `edgeleuk results` does: list, or change what the filters choose."""

import getpass
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.errors import UsageError
from edgeleuk.store.answers import Answers
from edgeleuk.store.asking import EVERY_MODEL, checked_filter, empty_because, make_filter
from edgeleuk.store.database import Store
from edgeleuk.store.editing import Correction
from edgeleuk.store.listing import Listing, lines, write_lines
from edgeleuk.store.values import Filter
from edgeleuk.text import printable

MAX_NAME = 128
_SHOWN = 10


@dataclass(frozen=True)
class Request:
    """What was asked for. See the options of `edgeleuk results`."""

    db: Path
    form: str = "table"
    subject: str | None = None
    no_subject: bool = False
    label: str | None = None
    source: str | None = None
    model: str | None = None
    since: str | None = None
    until: str | None = None
    older_than: str | None = None
    ids: tuple[int, ...] = ()
    limit: int | None = None
    byte_order_mark: bool = False
    subjects: bool = False
    failures: bool = False
    changes: bool = False
    output: Path | None = None
    set_subject: str | None = None
    clear_subject: bool = False
    set_label: str | None = None
    clear_label: bool = False
    delete: bool = False
    dry_run: bool = False
    yes: bool = False
    by: str | None = None
    error_rates: Path | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if the request does not fit together."""
        if self.subject is not None and self.no_subject:
            raise UsageError("--subject and --no-subject cannot be combined")
        if self.older_than is not None and self.until is not None:
            raise UsageError("--older-than and --until cannot be combined")
        if self.set_subject is not None and self.clear_subject:
            raise UsageError("--set-subject and --clear-subject cannot be combined")
        if self.set_label is not None and self.clear_label:
            raise UsageError("--set-label and --clear-label cannot be combined")
        if self.delete and self.corrects:
            raise UsageError("--delete cannot be combined with setting or clearing")
        for option, text in (("--set-subject", self.set_subject), ("--set-label", self.set_label), ("--by", self.by)):
            if text is not None and not (0 < len(text.strip()) <= MAX_NAME and printable(text) == text):
                raise UsageError(f"{option} is '{printable(text):.80}'; expected 1 to {MAX_NAME} printable characters")
        if self.changes_something:
            self._check_change()
        elif self.dry_run or self.yes or self.by or self.ids:
            raise UsageError("--dry-run, --yes, --by and --id need --set-subject, --set-label or --delete")

    @property
    def corrects(self) -> bool:
        """Whether a subject or a label is to be set or cleared."""
        return bool(self.clear_subject or self.clear_label) or (self.set_subject, self.set_label) != (None, None)

    @property
    def changes_something(self) -> bool:
        """Whether the store is to be written."""
        return self.delete or self.corrects

    def _check_change(self) -> None:
        listed = (
            self.error_rates
            or self.width is not None
            or self.subjects
            or self.failures
            or self.changes
            or self.output
            or self.form != "table"
            or self.limit
        )
        if listed:
            raise UsageError(
                "a change takes no --subjects, --failures, --changes, --csv, --json, --limit, -o, --error-rates or "
                "--width"
            )
        if not self.ids and self.model is None and self.filter() == Filter():
            raise UsageError(
                "this would change every result; expected --id or a filter, such as --subject NAME or --older-than 365d"
            )

    def filter(self) -> Filter:
        """The filter, without the model, whose name only the store knows. Raises UsageError."""
        return make_filter(
            self.since,
            _end(self.older_than) if self.older_than is not None else self.until,
            subject=self.subject,
            label=self.label,
            source=self.source,
            no_subject=self.no_subject,
        )

    def correction(self) -> Correction:
        """What is to be set."""
        return Correction(
            self.by or _user(),
            subject=None if self.set_subject is None else self.set_subject.strip(),
            label=None if self.set_label is None else self.set_label.strip(),
            sets_subject=self.clear_subject or self.set_subject is not None,
            sets_label=self.clear_label or self.set_label is not None,
        )


def run(request: Request, report: Callable[[str], None], confirmed: Callable[[str], bool]) -> None:
    """List or change; `confirmed` asks a person a question. Raises UsageError, StoreError, OutputError."""
    if request.changes_something:
        with Store.open(request.db, read_only=request.dry_run) as store:
            store.on_damage = report
            _change(store, request, confirmed)
        return
    with Store.open(request.db, read_only=True) as store:
        list_what_is_asked(store, request, report)


def list_what_is_asked(held: Answers, request: Request, report: Callable[[str], None]) -> None:
    """Print or write what is asked for; `report` is told of damage. Raises UsageError, StoreError, OutputError."""
    wanted = request.filter()
    held.on_damage = report
    if not request.subjects:
        wanted = checked_filter(held, wanted, None if request.model == EVERY_MODEL else request.model)
    listing = Listing(
        request.form, wanted, request.limit, request.subjects, request.failures, request.changes, request.model,
        request.byte_order_mark, request.error_rates, request.width,
    )  # fmt: skip
    write_lines(lines(held, listing), request.output)
    if request.form != "table" and not (request.failures or request.changes) and not held.count(wanted):
        report(empty_because(held, wanted))


def _change(store: Store, request: Request, confirmed: Callable[[str], bool]) -> None:
    if request.model == EVERY_MODEL:
        raise UsageError("--model all needs --subjects")
    wanted = checked_filter(store, request.filter(), request.model)
    chosen = store.ids(wanted)
    if request.ids:
        chosen = [number for number in chosen if number in request.ids]
        if absent := set(request.ids) - set(chosen):
            raise UsageError(f"no result {', '.join(map(str, sorted(absent)))} among those that the filters choose")
    if not chosen:
        print(f"nothing to change: {empty_because(store, wanted)}")
        return
    what = "delete" if request.delete else "change"
    _show(store, chosen, what)
    if request.dry_run:
        print("nothing was done (--dry-run)")
        return
    if not request.yes and not _asked(f"{what} {_results(len(chosen))}?", confirmed):
        print("nothing was done")
        return
    by = request.by or _user()
    done = store.delete(chosen, by) if request.delete else store.correct(chosen, request.correction())
    print(f"{'deleted' if request.delete else 'changed'} {_results(done)}")


def _asked(question: str, confirmed: Callable[[str], bool]) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask: add --yes, or --dry-run to see what would be done")
    return confirmed(question)


def _show(store: Store, chosen: list[int], what: str) -> None:
    """The first of them, and how many."""
    print(f"to {what}: {_results(len(chosen))}{f', the first {_SHOWN} of them' if len(chosen) > _SHOWN else ''}")
    for number in chosen[:_SHOWN]:
        result = store.by_id(number)
        if result is None:
            print(f"{number:6}  damaged")
        else:
            told = (result.held_label, result.subject or "-", result.path)
            print("  ".join([f"{number:6}", *map(printable, told)]))


def _results(count: int) -> str:
    return "1 result" if count == 1 else f"{count} results"


def _end(age: str) -> str:
    """Older than a day is before it began; `until` would include it."""
    from edgeleuk.store.times import since

    try:
        return since(age)
    except ValueError as error:
        raise UsageError(f"--older-than '{printable(age):.80}' is not an age; expected 365d, 36h or {error}") from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        import os

        return f"user {os.getuid()}"
