"""Pushes the branches that hold updates, and opens or renews their pull requests."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tvmplug.errors import TvmplugError
from tvmplug.fleet.config import Fleet
from tvmplug.fleet.facts import Facts, look_all
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.push_branch import push_branch, remote_address, waiting_update
from tvmplug.fleet.push_request import Requested, Requests
from tvmplug.fleet.records import Outcome, Repository, Result

# Servers slow down who opens many requests at once.
_AT_ONCE = 4


class Pushed(enum.Enum):
    """What became of a repository's branch."""

    PUSHED = "pushed"
    UP_TO_DATE = "up to date"  # the remote has it already
    NOTHING = "nothing to push"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a push was asked for.

    Attributes:
        remote: The remote's name.
        is_draft: Open new requests as drafts.
        dry: Ask the remote and its server, and change nothing.
        jobs: How many repositories at once; None for four.
    """

    remote: str = "origin"
    is_draft: bool = False
    dry: bool = False
    jobs: int | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of one repository.

    Attributes:
        name: Its name in the fleet.
        result: What became of its branch.
        branch: The branch.
        commit: The commit that was pushed.
        request: What became of its request; None when there is none.
        url: Where people see the request.
        message: Why it failed, or why there is no request, in one line.
        mend: The command or edit that puts that right.
    """

    name: str
    result: Pushed
    branch: str
    commit: str | None = None
    request: Requested | None = None
    url: str | None = None
    message: str | None = None
    mend: str | None = None


def push_all(
    fleet: Fleet,
    chosen: Sequence[Repository],
    options: Options,
    outcomes: Mapping[str, Outcome],
    told: Callable[[str], None] = lambda _: None,
) -> list[Report]:
    """Push the updates of some repositories; one that fails does not keep the others.

    Args:
        fleet: The fleet.
        chosen: Its repositories to push.
        options: How.
        outcomes: What the ledger says of updates, by their commit.
        told: Takes a line for each repository that is done.

    Returns:
        One report a repository, in order.
    """
    requests = Requests(fleet.hosts, outcomes, is_draft=options.is_draft, dry=options.dry)

    def push_one(facts: Facts) -> Report:
        report = _push(facts, options, requests)
        told(f"{report.name}: {report.result.value}")
        return report

    seen = look_all(chosen, options.jobs)
    with ThreadPoolExecutor(options.jobs or _AT_ONCE) as pool:
        return list(pool.map(push_one, seen))


def updates_of(ledger: Ledger | None) -> dict[str, Outcome]:
    """Return what a ledger says of all updates, by their commit."""
    if ledger is None:
        return {}
    return {
        attempt.outcome.commit: attempt.outcome
        for run in ledger.runs()
        for attempt in ledger.attempts(run.id)
        if attempt.outcome is not None
        and attempt.outcome.result is Result.UPDATED
        and attempt.outcome.commit is not None
    }


def _push(facts: Facts, options: Options, requests: Requests) -> Report:
    repository = facts.repository
    report = Report(name=repository.name, result=Pushed.FAILED, branch=repository.branch)
    try:
        update = waiting_update(facts)
        if update is None:
            return replace(report, result=Pushed.NOTHING)
        report = replace(report, commit=update.tip)
        address = remote_address(repository, options.remote)
        moved = push_branch(repository, options.remote, dry=options.dry)
        answer = requests.ask(update, address)
    except TvmplugError as error:
        return replace(report, message=error.message, mend=error.mend)
    return replace(
        report,
        result=Pushed.PUSHED if moved else Pushed.UP_TO_DATE,
        request=answer.request,
        url=answer.url,
        message=answer.message,
        mend=answer.mend,
    )
