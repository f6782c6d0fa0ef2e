"""The ledger's tables, the rules that SQLite itself keeps, and what its errors mean."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tvmplug.errors import FileError, FleetError, TvmplugError

APPLICATION_ID = 0x54564D46  # "TVMF": so that another program's database is not taken for a ledger
VERSION = 1

# Order is by id everywhere: a clock that jumps changes what is shown, and nothing else.
SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
    started REAL NOT NULL,
    options TEXT NOT NULL,
    targets TEXT NOT NULL
);

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (id),
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done')),
    queued REAL NOT NULL,
    repository TEXT NOT NULL,
    scratch TEXT NOT NULL,
    branch TEXT NOT NULL,
    branch_tip TEXT,
    base TEXT,
    result TEXT,
    reason TEXT,
    message TEXT,
    mend TEXT,
    outcome TEXT,
    UNIQUE (run, name, number),
    CHECK ((state = 'done') = (result IS NOT NULL)),
    CHECK ((state = 'done') = (outcome IS NOT NULL))
);

CREATE UNIQUE INDEX one_open_attempt ON attempts (run, name) WHERE state <> 'done';
CREATE INDEX attempts_by_name ON attempts (name, id);

CREATE TRIGGER attempt_goes_forward BEFORE UPDATE ON attempts
WHEN NOT (
    (OLD.state = 'queued' AND NEW.state IN ('running', 'done'))
    OR (OLD.state = 'running' AND NEW.state = 'done')
)
BEGIN SELECT RAISE(ABORT, 'the state of an attempt only moves forward'); END;

CREATE TRIGGER attempt_keeps_its_task BEFORE UPDATE OF
    id, run, name, number, queued, repository, scratch, branch, branch_tip, base ON attempts
BEGIN SELECT RAISE(ABORT, 'what an attempt is about does not change'); END;

CREATE TRIGGER attempt_stays BEFORE DELETE ON attempts
BEGIN SELECT RAISE(ABORT, 'an attempt is never forgotten'); END;

CREATE TRIGGER attempt_needs_an_open_run BEFORE INSERT ON attempts
WHEN (SELECT state FROM runs WHERE id = NEW.run) IS NOT 'running'
BEGIN SELECT RAISE(ABORT, 'the run is over'); END;

CREATE TRIGGER run_ends_once BEFORE UPDATE ON runs
WHEN OLD.state = 'done' OR NEW.state <> 'done'
    OR EXISTS (SELECT 1 FROM attempts WHERE run = OLD.id AND state <> 'done')
BEGIN SELECT RAISE(ABORT, 'a run ends once, when all its attempts are done'); END;
"""


def is_made(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether a file has the ledger's tables, and refuse one that this tvmplug cannot keep.

    A run that was killed while it made the ledger leaves a file without any.

    Raises:
        FleetError: A newer tvmplug wrote it, or it is no ledger.
    """
    with errors(path):
        application = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if version > VERSION and application == APPLICATION_ID:
        raise FleetError(
            f"{path} was written by a newer tvmplug (its format is {version}, "
            f"this one knows {VERSION})",
            mend="Use that tvmplug, or a newer one",
        )
    if tables and (application, version) != (APPLICATION_ID, VERSION):
        raise FleetError(f"{path} is no ledger of a fleet", mend=f"Move {path} away")
    return bool(tables)


def make(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables, in one transaction: a kill leaves all of them or none."""
    with errors(path):
        connection.executescript(
            f"BEGIN IMMEDIATE;{SCHEMA}"
            f"PRAGMA application_id = {APPLICATION_ID};PRAGMA user_version = {VERSION};COMMIT;"
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


# Python 3.10 does not give SQLite's codes, so its words decide.
_FILE_MENDS = {
    "full": "Free some space on the disk of {folder}, then run `tvmplug fleet resume`",
    "readonly": "Make {folder} writable, or run as its owner",
    "unable to open": "Make {folder} writable, or run as its owner",
    "disk i/o": "Free some space on the disk of {folder} and see whether it is healthy, "
    "then run `tvmplug fleet resume`",
    "locked": "Another program reads or writes the ledger; end it, then run the command again",
}
_DAMAGED = ("malformed", "not a database", "corrupt")


@contextlib.contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error


def translated(error: sqlite3.Error, path: Path) -> TvmplugError:
    """Return the error that a person can act on."""
    words = str(error)
    lower = words.lower()
    for sign, mend in _FILE_MENDS.items():
        if sign in lower:
            return FileError(f"{path}: {words}", mend=mend.format(folder=path.parent))
    if any(sign in lower for sign in _DAMAGED):
        return FleetError(
            f"{path} is damaged: {words}",
            mend="Move it and its -wal and -shm files away; repositories and their update "
            "branches are not touched by that, and the next update begins a new ledger",
        )
    return FleetError(f"{path}: {words}")
