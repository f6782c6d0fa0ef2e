"""What a fleet's runs did and are doing: the memory that survives a kill, a crash, a full disk.

One writer, the process that leads a run; `status` and `report` read beside it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tvmplug.errors import FileError, FleetError
from tvmplug.files import file_errors
from tvmplug.fleet.ledger_rows import (
    Attempt,
    Run,
    State,
    attempt_of,
    run_of,
    storable,
    storable_path,
)
from tvmplug.fleet.ledger_schema import errors, is_made, make
from tvmplug.fleet.records import Outcome, Result
from tvmplug.fleet.records_json import outcome_to_json

__all__ = ["Attempt", "Ledger", "Run", "State"]

_BUSY_S = 30


class Ledger:
    """The ledger's file, open.

    Args:
        path: The file; it is made when missing.

    Raises:
        FleetError: It is damaged, or a newer tvmplug wrote it.
        FileError: It cannot be opened or made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()  # the callbacks of an executor come in its own thread
        self._depth = 0
        with file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _connect(path, str(path))
        try:
            with errors(path):
                self._connection.execute("PRAGMA journal_mode = WAL")
                # Past a power cut an attempt that was told to be done must still be.
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA foreign_keys = ON")
            if not is_made(self._connection, path):
                make(self._connection, path)
        except BaseException:
            self.close()
            raise

    @classmethod
    def reading(cls, path: Path) -> Ledger | None:
        """Open a ledger to read it, also in a folder that cannot be written.

        Returns:
            The ledger; None when there is none yet, or only what a run that was killed while
            it made the ledger left of it.

        Raises:
            FleetError: It is damaged, or a newer tvmplug wrote it.
        """
        with file_errors(path):
            if not path.exists():
                return None
        ledger = cls.__new__(cls)
        ledger.path, ledger._guard, ledger._depth = path, threading.RLock(), 0
        # A reader of WAL writes too, beside the file; where nobody can write, nobody does.
        for mode in ("mode=ro", "immutable=1"):
            ledger._connection = _connect(path, f"{path.absolute().as_uri()}?{mode}")
            try:
                made = is_made(ledger._connection, path)
            except FileError:
                ledger.close()
                if mode == "immutable=1":
                    raise
            except BaseException:
                ledger.close()
                raise
            else:
                break
        if made:
            return ledger
        ledger.close()
        return None

    def close(self) -> None:
        """Close the file; what was written is safe without it."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write all that the block writes, or nothing of it, with one wait for the disk.

        Raises:
            FileError: The disk is full, ...; nothing of the block is written.
        """
        with self._guard, errors(self.path):
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._roll_back()
                raise
            self._depth -= 1
            if self._depth == 0:
                try:
                    self._connection.execute("COMMIT")
                except BaseException:
                    self._roll_back()
                    raise

    def begin_run(self, options: Mapping[str, Any], targets: Mapping[str, Any]) -> int:
        """Begin a run, and return its number.

        Args:
            options: What it was asked for, as JSON can hold it: `resume` reads it back.
            targets: The versions that it brings repositories to, as JSON can hold it.
        """
        return self._write(
            "INSERT INTO runs (started, options, targets) VALUES (?, ?, ?)",
            (time.time(), json.dumps(dict(options)), json.dumps(dict(targets))),
        )

    def finish_run(self, run: int) -> None:
        """End a run.

        Raises:
            FleetError: An attempt of it is not done, or it has ended already.
        """
        self._write("UPDATE runs SET state = 'done' WHERE id = ?", (run,))

    def queue(
        self,
        run: int,
        name: str,
        *,
        repository: Path,
        scratch: Path,
        branch: str,
        branch_tip: str | None = None,
        base: str | None = None,
    ) -> int:
        """Add an attempt at a repository, and return its number.

        Raises:
            FleetError: The run is over, or its last attempt at this repository is not done.
        """
        return self._write(
            "INSERT INTO attempts (run, name, number, queued, repository, scratch, branch, "
            "branch_tip, base) VALUES (:run, :name, (SELECT count(*) + 1 FROM attempts "
            "WHERE run = :run AND name = :name), :queued, :repository, :scratch, :branch, "
            ":branch_tip, :base)",
            {
                "run": run,
                "name": name,
                "queued": time.time(),
                "repository": storable_path(repository),
                "scratch": storable_path(scratch),
                "branch": branch,
                "branch_tip": branch_tip,
                "base": base,
            },
        )

    def running(self, attempt: int) -> None:
        """Write that an attempt has begun: from now on its scratch place may hold something.

        Raises:
            FleetError: It has begun already, or is done.
        """
        self._write("UPDATE attempts SET state = 'running' WHERE id = ?", (attempt,))

    def done(self, attempt: int, outcome: Outcome) -> None:
        """Write what became of an attempt.

        Raises:
            FleetError: It is done already.
        """
        self._write(
            "UPDATE attempts SET state = 'done', result = ?, reason = ?, message = ?, mend = ?, "
            "outcome = ? WHERE id = ?",
            (
                outcome.result.value,
                outcome.reason and outcome.reason.value,
                storable(outcome.message),
                outcome.mend and storable(outcome.mend),
                json.dumps(outcome_to_json(outcome)),
                attempt,
            ),
        )

    def interrupt(self, attempt: int, message: str = "the run was killed") -> Outcome:
        """Write that an attempt ended with its run, and return that outcome."""
        with self.together():
            rows = self._attempts("SELECT * FROM attempts WHERE id = ?", (attempt,))
            if not rows:
                raise FleetError(f"{self.path} has no attempt {attempt}")
            outcome = Outcome(
                attempt=attempt, name=rows[0].name, result=Result.INTERRUPTED, message=message
            )
            self.done(attempt, outcome)
        return outcome

    def run(self, run: int) -> Run | None:
        """Return a run by its number."""
        return next(iter(self._runs("SELECT * FROM runs WHERE id = ?", (run,))), None)

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        return self._runs("SELECT * FROM runs ORDER BY id")

    def unfinished(self) -> Run | None:
        """Return the last run, when it did not end."""
        last = self._runs("SELECT * FROM runs ORDER BY id DESC LIMIT 1")
        return last[0] if last and not last[0].is_done else None

    def attempts(self, run: int) -> list[Attempt]:
        """Return the attempts of a run in the order in which they were queued."""
        return self._attempts("SELECT * FROM attempts WHERE run = ? ORDER BY id", (run,))

    def latest(self, name: str) -> Attempt | None:
        """Return the last attempt at a repository that is done, of any run."""
        query = "SELECT * FROM attempts WHERE name = ? AND state = 'done' ORDER BY id DESC LIMIT 1"
        return next(iter(self._attempts(query, (name,))), None)

    def commits(self) -> frozenset[str]:
        """Return the hashes of all commits that updates put on branches."""
        query = "SELECT json_extract(outcome, '$.commit') FROM attempts WHERE result = 'updated'"
        return frozenset(row[0] for row in self._rows(query, ()) if row[0] is not None)

    def latest_of_all(self) -> dict[str, Attempt]:
        """Return what `latest` returns for every repository that has one, by name."""
        query = (
            "SELECT * FROM attempts WHERE id IN "
            "(SELECT max(id) FROM attempts WHERE state = 'done' GROUP BY name)"
        )
        return {attempt.name: attempt for attempt in self._attempts(query)}

    def _write(self, statement: str, values: Mapping[str, Any] | tuple[Any, ...]) -> int:
        with self.together():
            cursor = self._connection.execute(statement, values)
            if cursor.rowcount != 1:
                raise FleetError(f"{self.path} has no such run or attempt: {values}")
            return cursor.lastrowid or 0

    def _roll_back(self) -> None:
        # SQLite may have rolled back by itself (a full disk); the first error is the one to tell.
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _runs(self, query: str, values: tuple[Any, ...] = ()) -> list[Run]:
        return [run_of(row) for row in self._rows(query, values)]

    def _attempts(self, query: str, values: tuple[Any, ...] = ()) -> list[Attempt]:
        return [attempt_of(row) for row in self._rows(query, values)]

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        with self._guard, errors(self.path):
            return self._connection.execute(query, values).fetchall()


def _connect(path: Path, target: str) -> sqlite3.Connection:
    with errors(path):
        connection = sqlite3.connect(
            target,
            timeout=_BUSY_S,
            isolation_level=None,  # transactions are begun by `together`, never by themselves
            check_same_thread=False,
            uri=target.startswith("file:"),
        )
    connection.row_factory = sqlite3.Row
    return connection
