"""What a report tells of a run: reasons, notices, versions, files and times, ready to be shown."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tvmplug.fleet.records import Change, Result
from tvmplug.fleet.report import RepositoryReport, RunReport
from tvmplug.fleet.wording import printable

_NOT_UPDATED = frozenset({Result.FAILED, Result.SKIPPED, Result.INTERRUPTED})
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_Said = tuple[str, str, "str | None", tuple[str, ...]]  # what makes two cases one


@dataclass(frozen=True, kw_only=True)
class Case:
    """Repositories of which the same is to be said.

    Attributes:
        state: How they ended.
        message: What is wrong.
        mend: What mends it, unless the group says it for all its cases.
        details: What the message is about, line by line.
        entries: The repositories.
    """

    state: str
    message: str
    mend: str | None
    details: tuple[str, ...]
    entries: tuple[RepositoryReport, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Repositories that were not updated for the same reason.

    Attributes:
        title: The reason, or how they ended when there is none.
        mend: What mends each of them, when that is one and the same.
        cases: What is wrong with them.
    """

    title: str
    mend: str | None
    cases: tuple[Case, ...]

    @property
    def names(self) -> list[str]:
        """The repositories."""
        return [entry.name for case in self.cases for entry in case.entries]


@dataclass(frozen=True, kw_only=True)
class ChangedFile:
    """One path that updates changed, over all repositories.

    Attributes:
        path: The path, with `{name}` for a repository's own name.
        repositories: How many changed it.
        added: Lines added in all; None for a binary file.
        removed: Lines removed in all; None for a binary file.
    """

    path: str
    repositories: int
    added: int | None
    removed: int | None


@dataclass(frozen=True, kw_only=True)
class PhaseTimes:
    """What one phase of an update cost, in seconds of wall time."""

    name: str
    median: float
    longest: float
    total: float


def groups(report: RunReport) -> list[Group]:
    """Return what was not updated, by reason, the most frequent first."""
    found: defaultdict[str, list[RepositoryReport]] = defaultdict(list)
    for entry in report.repositories:
        if entry.outcome is not None and entry.outcome.result in _NOT_UPDATED:
            reason = entry.outcome.reason
            found[entry.state if reason is None else reason.value].append(entry)
    return [
        _group(title, entries)
        for title, entries in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _group(title: str, entries: Sequence[RepositoryReport]) -> Group:
    cases: defaultdict[_Said, list[RepositoryReport]] = defaultdict(list)
    for entry in entries:
        if entry.outcome is not None:
            message = entry.outcome.message or entry.state
            said = (entry.state, message, entry.outcome.mend, entry.outcome.details)
            cases[said].append(entry)
    mends = {mend for _, _, mend, _ in cases}
    shared = next(iter(mends)) if len(mends) == 1 else None
    return Group(
        title=title,
        mend=shared,
        cases=tuple(
            Case(
                state=state,
                message=message,
                mend=None if shared else mend,
                details=details,
                entries=tuple(alike),
            )
            for (state, message, mend, details), alike in cases.items()
        ),
    )


def notices(report: RunReport) -> list[tuple[str, tuple[str, ...]]]:
    """Return what people should know though it went well, each with the repositories it is of."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for outcome in report.outcomes():
        for notice in dict.fromkeys(outcome.notices):
            found[notice].append(outcome.name)
    return [(notice, tuple(names)) for notice, names in found.items()]


def versions(report: RunReport) -> list[tuple[str, str, int]]:
    """Return from which version to which how many repositories were updated."""
    found = Counter(
        (outcome.from_version or "", outcome.to_version or "")
        for outcome in report.outcomes(Result.UPDATED)
    )
    return [(before, after, count) for (before, after), count in found.most_common()]


def changed_files(report: RunReport) -> list[ChangedFile]:
    """Return what the updates changed by path, the most frequent first."""
    updates = report.outcomes(Result.UPDATED)
    often = Counter(change.path for outcome in updates for change in outcome.changes)
    found: defaultdict[str, list[Change]] = defaultdict(list)
    for outcome in updates:
        own = re.compile(rf"(?<!\w){re.escape(outcome.name)}(?!\w)")
        for change in outcome.changes:
            # Only one repository has it: its own name may be in it, as in `darwin/{name}.podspec`.
            path = own.sub("{name}", change.path) if often[change.path] == 1 else change.path
            found[path].append(change)
    return [
        ChangedFile(
            path=path,
            repositories=len(changes),
            added=_sum(change.added for change in changes),
            removed=_sum(change.removed for change in changes),
        )
        for path, changes in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def phase_times(report: RunReport) -> list[PhaseTimes]:
    """Return what each phase cost, in the order in which they first occur."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for outcome in report.outcomes():
        for phase, seconds in outcome.seconds.items():
            found[phase].append(seconds)
    return [
        PhaseTimes(
            name=phase, median=statistics.median(spent), longest=max(spent), total=sum(spent)
        )
        for phase, spent in found.items()
    ]


def flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return nested options or targets as lines of key and text.

    What is not set is left out, and hashes of commits are as long as people read them.
    """
    told: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            told.extend(flat(value, f"{name} "))
        elif isinstance(value, (list, tuple)):
            if value:
                told.append((name, ", ".join(printable(str(part)) for part in value)))
        elif value is not None and value is not False:
            text = "yes" if value is True else printable(str(value))
            told.append((name, text[:12] if _COMMIT.fullmatch(text) else text))
    return told
