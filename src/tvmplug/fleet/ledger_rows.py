"""A row of the ledger as a dataclass."""

from __future__ import annotations

import enum
import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug.fleet.records import Outcome
from tvmplug.fleet.records_json import outcome_from_json


class State(enum.Enum):
    """How far an attempt is; it only moves forward, which SQLite itself keeps."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One `fleet update`, with all that resumed it.

    Attributes:
        id: Its number; a higher one is a later run.
        is_done: False while it goes on, and after it was killed.
        started: Seconds since 1970 by the machine's clock, to be shown only.
        options: What it was asked for.
        targets: The versions that it brings repositories to.
    """

    id: int
    is_done: bool
    started: float
    options: Mapping[str, Any]
    targets: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try at one repository.

    Attributes:
        id: Its number; a higher one is a later attempt.
        run: The run's number.
        name: The repository's name in the fleet.
        number: 1 for the first attempt at this repository in this run.
        state: How far it is.
        queued: Seconds since 1970 by the machine's clock, to be shown only.
        repository: Its git repository.
        scratch: The place for its worktree.
        branch: The branch that the update goes to.
        branch_tip: Where that branch was before; None when it was not there.
        base: The commit that the update starts from; None when it never got that far.
        outcome: What became of it; None until it is done.
    """

    id: int
    run: int
    name: str
    number: int
    state: State
    queued: float
    repository: Path
    scratch: Path
    branch: str
    branch_tip: str | None
    base: str | None
    outcome: Outcome | None


def run_of(row: sqlite3.Row) -> Run:
    """Return a run from its row."""
    return Run(
        id=row["id"],
        is_done=row["state"] == "done",
        started=row["started"],
        options=json.loads(row["options"]),
        targets=json.loads(row["targets"]),
    )


def attempt_of(row: sqlite3.Row) -> Attempt:
    """Return an attempt from its row."""
    return Attempt(
        id=row["id"],
        run=row["run"],
        name=row["name"],
        number=row["number"],
        state=State(row["state"]),
        queued=row["queued"],
        repository=Path(os.fsdecode(row["repository"])),
        scratch=Path(os.fsdecode(row["scratch"])),
        branch=row["branch"],
        branch_tip=row["branch_tip"],
        base=row["base"],
        outcome=row["outcome"] and outcome_from_json(json.loads(row["outcome"])),
    )


def storable(text: str) -> str:
    """Return a text as SQLite takes it: what a program printed may hold bytes that are no UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def storable_path(path: Path) -> str | bytes:
    """Return a path as SQLite takes it: as text, or as bytes where it is no UTF-8."""
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError:
        return os.fsencode(path)
