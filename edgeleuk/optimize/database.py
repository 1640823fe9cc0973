"""Where a search keeps its trials, by Optuna: a file in its folder, or a database by URL, whose password stays unsaid.

With a database the folder holds study.json: the study's name, and where it is without user and password, so that a
search is never gone on with in another store than its own.
"""

import contextlib
import re
import socket
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from edgeleuk.codec import decode, read_json
from edgeleuk.errors import DataError, MissingExtraError, MissingPackageError, OutputError, UsageError
from edgeleuk.files import to_json, write_text

try:
    import optuna
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
except ImportError as error:
    raise MissingExtraError(f"a search ({error.name} is missing)", "search") from error

FILE, STUDY = "search.db", "study.json"
_NAME = "edgeleuk"  # of the only study of a file
_CONNECT_S = 5.0
_POSTGRES, _POSTGRES_PORT = "postgresql", 5432
_EXAMPLE = "expected one such as postgresql+pg8000://USER@HOST:5432/NAME"


@dataclass(frozen=True)
class _Kept:
    """What study.json holds."""

    study: str
    place: str


@dataclass(frozen=True)
class Database:
    """A store of Optuna's. `place`: what people are told it is; `study`: the name in it; `is_begun`: it is there."""

    place: str
    study: str = _NAME
    url: URL | None = field(default=None, repr=False)
    path: Path | None = None
    is_begun: bool = False

    def open(self) -> Any:
        """Optuna's storage. Raises OutputError if it cannot be reached, MissingPackageError without its driver."""
        with store_errors(self):
            if self.url is None:
                # By a function, for a path in an URL would be decoded.
                connect = {"creator": lambda: sqlite3.connect(str(self.path))}
                return optuna.storages.RDBStorage("sqlite://", engine_kwargs=connect)
            self._reach(self.url)
            try:
                storage = optuna.storages.RDBStorage(self.url.render_as_string(hide_password=False))
            except (ImportError, ArgumentError) as error:  # of no driver, or of no such kind of database
                driver = self.url.get_driver_name() if isinstance(error, ImportError) else self.url.drivername
                raise MissingPackageError(
                    f"--storage {self.place}", f"the driver {driver}", f"pip install {driver}, or name another"
                ) from error
            self._find_study(storage)
        return storage

    def _reach(self, url: URL) -> None:
        """Drivers wait for minutes."""
        if url.host and url.get_backend_name() == _POSTGRES:
            try:
                socket.create_connection((url.host, url.port or _POSTGRES_PORT), _CONNECT_S).close()
            except OSError as error:
                raise OutputError(f"{self.place} cannot be reached ({error}); does PostgreSQL listen there?") from error

    def _find_study(self, storage: Any) -> None:
        if self.is_begun and self.study not in optuna.get_all_study_names(storage):
            raise UsageError(f"{self.place} holds no study {self.study}; give the --storage that the search began with")

    def hidden(self, text: str) -> str:
        """The text without the password."""
        password = None if self.url is None else str(self.url.password or "")
        for secret in {each for each in (password, quote(password or ""), quote_plus(password or "")) if each}:
            text = text.replace(secret, "***")
        return text

    def keep(self, folder: Path) -> None:
        """Have the folder know of it, once the study is there. Raises OutputError."""
        if self.url is not None and not self.is_begun:
            write_text(folder / STUDY, to_json(asdict(_Kept(self.study, self.place))))


def in_file(path: Path) -> Database:
    """A study of its own in a file."""
    return Database(str(path), path=path)


def database_of(folder: Path, url: str | None) -> Database:
    """The store of the search in `folder`, as `--storage` says.

    Raises UsageError for a URL that is none, and if the search keeps its trials elsewhere.
    """
    kept = _kept(folder / STUDY)
    if url is None:
        if kept is not None:
            raise UsageError(f"the trials of {folder} are kept in {kept.place}; give its URL by --storage")
        return in_file(folder / FILE)
    if (folder / FILE).exists():
        raise UsageError(f"the trials of {folder} are kept in its {FILE}; leave --storage out")
    parsed = parsed_url(url)
    study = f"{_NAME}-{uuid.uuid4().hex[:12]}" if kept is None else kept.study
    return Database(_place(parsed), study, parsed, is_begun=kept is not None)


def parsed_url(text: str) -> URL:
    """The URL of a database. Raises UsageError, which does not show it: there may be a password in it."""
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        raise UsageError(f"--storage is not the URL of a database; {_EXAMPLE}") from None
    if url.query.get("password") or url.query.get("sslpassword"):
        raise UsageError(f"--storage has its password behind the question mark; {_EXAMPLE}, and see ~/.pgpass")
    return url


def without_password(text: str) -> str:
    """A URL, or what looks like one, as it may be shown and kept."""
    return re.sub(r"(://[^/?#]*?):[^/?#]*@", r"\1:***@", text)


def _place(url: URL) -> str:
    port = "" if url.port is None else f":{url.port}"
    return f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


def _kept(path: Path) -> _Kept | None:
    if not path.exists():
        return None
    try:
        kept: _Kept = decode(_Kept, read_json(path), str(path))
    except DataError as error:
        raise OutputError(f"{error}; it says where the trials are kept, and the search cannot go on without") from error
    return kept


@contextlib.contextmanager
def store_errors(database: Database) -> Iterator[None]:
    """Turn what Optuna's store raises in the body into OutputError."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.OptunaError, sqlite3.Error) as error:
        mend = "free space, and continue with --resume; or, if it is damaged, choose another place"
        if database.url is not None:
            mend = "is it reached, and may this user write there? Then continue with --resume"
        raise OutputError(
            f"{database.place}, Optuna's store, cannot be used ({database.hidden(str(error))}); {mend}"
        ) from error
