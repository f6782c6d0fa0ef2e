"""Where a run writes what it does: the ledger, or nowhere for a run that changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from tvmplug.errors import TvmplugError
from tvmplug.fleet import git
from tvmplug.fleet.git_files import remove_stale_lock
from tvmplug.fleet.ledger import Attempt, Ledger, Run, State
from tvmplug.fleet.plan import Draft, Options
from tvmplug.fleet.records import Checkout, Outcome, Repository, Result, Verify


class Book(Protocol):
    """What a run writes into."""

    def together(self) -> contextlib.AbstractContextManager[None]:
        """All that the block writes is written in one go."""

    def begin(self, targets: Mapping[str, Checkout]) -> int:
        """Begin the run, or go on with it; returns its number."""

    def enter(self, entry: Repository, scratch: Path, draft: Draft | None = None) -> int:
        """Write that a repository is part of the run; returns the attempt's number."""

    def began(self, attempt: int) -> None:
        """Write that an attempt has begun."""

    def ended(self, outcome: Outcome) -> None:
        """Write what became of an attempt."""

    def finish(self) -> None:
        """Write that the run is over."""


class NoBook:
    """Keeps nothing: for `diff` and `--dry-run`, which leave nothing to resume or to report."""

    def __init__(self) -> None:
        self._entered = 0

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is written."""
        return contextlib.nullcontext()

    def begin(self, targets: Mapping[str, Checkout]) -> int:
        """The ledger counts from 1."""
        return 0

    def enter(self, entry: Repository, scratch: Path, draft: Draft | None = None) -> int:
        """Count."""
        self._entered += 1
        return self._entered

    def began(self, attempt: int) -> None:
        """Nothing is written."""

    def ended(self, outcome: Outcome) -> None:
        """Nothing is written."""

    def finish(self) -> None:
        """Nothing is written."""


class LedgerBook:
    """Writes into the ledger.

    Args:
        ledger: The ledger, open.
        options: What the run was asked for; `resume` reads it back.
        resumed: The run to go on with; None for a new one.
    """

    def __init__(self, ledger: Ledger, options: Options, resumed: Run | None = None) -> None:
        self._ledger = ledger
        self._options = options
        self._run = resumed.id if resumed is not None else None

    def together(self) -> contextlib.AbstractContextManager[None]:
        """One transaction."""
        return self._ledger.together()

    def begin(self, targets: Mapping[str, Checkout]) -> int:
        """Begin the run with the versions that it goes to, also after a kill."""
        if self._run is None:
            commits = {source: each.commit for source, each in targets.items()}
            self._run = self._ledger.begin_run(options_to(self._options), commits)
        return self._run

    def enter(self, entry: Repository, scratch: Path, draft: Draft | None = None) -> int:
        """One row."""
        return self._ledger.queue(
            self._run or 0,
            entry.name,
            repository=entry.path,
            scratch=scratch,
            branch=entry.branch,
            branch_tip=draft.branch_tip if draft is not None else None,
            base=draft.start if draft is not None else None,
        )

    def began(self, attempt: int) -> None:
        """Its state moves on."""
        self._ledger.running(attempt)

    def ended(self, outcome: Outcome) -> None:
        """Its state moves to its end."""
        self._ledger.done(outcome.attempt, outcome)

    def finish(self) -> None:
        """The run's state moves to its end."""
        self._ledger.finish_run(self._run or 0)


def options_to(options: Options) -> dict[str, Any]:
    """Return options as the ledger keeps them."""
    return {**asdict(options), "verify": options.verify and options.verify.value}


def options_from(told: Mapping[str, Any]) -> Options:
    """Return options as the ledger kept them."""
    values = {**told, "verify": told["verify"] and Verify(told["verify"])}
    return Options(**{**values, "only": tuple(told["only"]), "groups": tuple(told["groups"])})


def close_attempts(ledger: Ledger, run: Run) -> set[str]:
    """End the attempts that a kill cut off; return the repositories that are still to be done.

    Those are also the ones whose attempts an earlier `resume` ended, killed itself right after.
    """
    is_left: dict[str, bool] = {}  # what the last attempt at each says
    with ledger.together():
        for attempt in ledger.attempts(run.id):
            outcome = attempt.outcome
            if attempt.state is not State.DONE:
                outcome = _close(ledger, attempt)
            is_left[attempt.name] = outcome is None or outcome.result is Result.INTERRUPTED
    return {name for name, left in is_left.items() if left}


def _close(ledger: Ledger, attempt: Attempt) -> Outcome:
    remove_stale_lock(attempt.repository, f"refs/heads/{attempt.branch}")
    published = moved(
        attempt.repository,
        attempt.branch,
        before=attempt.branch_tip,
        base=attempt.base,
        name=attempt.name,
    )
    if published is None:
        return ledger.interrupt(attempt.id)
    ledger.done(attempt.id, published)
    return published


def moved(
    repository: Path, branch: str, *, before: str | None, base: str | None, name: str
) -> Outcome | None:
    """Return the outcome of an update that reached its branch before its process was killed.

    Args:
        repository: The git repository.
        branch: The branch for updates.
        before: Where that branch was when the attempt was queued.
        base: The commit that the update started from.
        name: The repository's name in the fleet.

    Returns:
        The outcome; None when the branch was not moved by that attempt.
    """
    try:
        tip = git.resolve(repository, f"refs/heads/{branch}")
        if base is None or tip in (None, before) or git.resolve(repository, f"{tip}^") != base:
            return None
        changes = git.changes(repository, base, tip or "")
    except TvmplugError:  # whoever looks at the repository next says what is wrong
        return None
    return Outcome(
        attempt=0,
        name=name,
        result=Result.UPDATED,
        commit=tip,
        branch=branch,
        changes=changes,
        notices=("its process was killed after the update was on its branch",),
    )
