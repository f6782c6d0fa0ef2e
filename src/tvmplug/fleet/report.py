"""What a run did, put together from the ledger: what `fleet report` tells in every form."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug.fleet.ledger_rows import Attempt, Run, State
from tvmplug.fleet.records import Outcome, Result
from tvmplug.fleet.wording import visible

_TAIL_LINES = 40
_TAIL_BYTES = 16_384
_OF_EVERY_RUN = frozenset({"publish", "want_patch"})


@dataclass(frozen=True, kw_only=True)
class RepositoryReport:
    """One repository in a run.

    Attributes:
        name: Its name in the fleet.
        attempts: How often the run tried.
        state: How it ended (`Result`), or "queued" or "running" while it did not.
        outcome: What became of the last attempt; None while it goes on.
        log: Its log; None when nothing was written.
        tail: The last lines of the log, of what was not updated.
    """

    name: str
    attempts: int
    state: str
    outcome: Outcome | None
    log: Path | None
    tail: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """The wall time of all phases."""
        return 0.0 if self.outcome is None else sum(self.outcome.seconds.values())


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """All that is told of a run.

    Attributes:
        run: Its number.
        started: When it began, for people.
        is_done: False while it goes on, and after it was killed.
        options: What it was asked for.
        targets: The versions that it brings repositories to.
        repositories: Each once, in the order of the run.
    """

    run: int
    started: datetime.datetime
    is_done: bool
    options: Mapping[str, Any]
    targets: Mapping[str, Any]
    repositories: tuple[RepositoryReport, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many repositories are in each state; those that occur, in a fixed order."""
        found = Counter(repository.state for repository in self.repositories)
        order = [*(result.value for result in Result), *(state.value for state in State)]
        return {state: found[state] for state in order if found[state]}

    @property
    def asked(self) -> dict[str, Any]:
        """The options without those that every run in the ledger has."""
        return {key: self.options[key] for key in self.options if key not in _OF_EVERY_RUN}

    def outcomes(self, *results: Result) -> list[Outcome]:
        """The outcomes that ended in one of these ways; all of them when none is named."""
        known = [entry.outcome for entry in self.repositories if entry.outcome is not None]
        return [outcome for outcome in known if not results or outcome.result in results]


def build_report(
    run: Run,
    attempts: Sequence[Attempt],
    *,
    logs: Mapping[str, Path] | None = None,
    tails: Mapping[str, Sequence[str]] | None = None,
) -> RunReport:
    """Put a report together; reads nothing.

    Args:
        run: The run's row.
        attempts: Its attempts, the oldest first. The last one at a repository counts.
        logs: The log of each repository that has one.
        tails: The last lines of logs, by repository.

    Returns:
        The report.
    """
    last: dict[str, Attempt] = {}
    tries: Counter[str] = Counter()
    for attempt in attempts:
        last[attempt.name] = attempt
        tries[attempt.name] += 1
    return RunReport(
        run=run.id,
        started=datetime.datetime.fromtimestamp(run.started, datetime.timezone.utc),
        is_done=run.is_done,
        options=run.options,
        targets=run.targets,
        repositories=tuple(
            RepositoryReport(
                name=name,
                attempts=tries[name],
                state=(attempt.outcome.result if attempt.outcome else attempt.state).value,
                outcome=attempt.outcome,
                log=(logs or {}).get(name),
                tail=tuple((tails or {}).get(name, ())),
            )
            for name, attempt in last.items()
        ),
    )


def read_tail(log: Path) -> tuple[str, ...]:
    """Return the last lines of a log; none when it cannot be read, for then it says nothing."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    lines = text.splitlines()[1 if size > _TAIL_BYTES else 0 :]
    return tuple(visible(line) for line in lines[-_TAIL_LINES:])
