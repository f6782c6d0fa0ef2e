"""Decides what an update does with each repository, before anything is done."""

from __future__ import annotations

import enum
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.version import Version

from tvmplug.fleet import git
from tvmplug.fleet.facts import Facts, look
from tvmplug.fleet.records import Checkout, Outcome, Reason, Repository, Result, Verify
from tvmplug.pins import read_defaults


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an update was asked for. The ledger keeps it, so that `resume` does the same.

    Attributes:
        only: Names and patterns of repositories; empty for all.
        groups: Groups of repositories; empty for all.
        limit: How many repositories are updated at most.
        jobs: How many at once; None for as many as there are processors.
        ref: The template's tag or commit; None for the newest tag.
        tvm: The TVM whose newest template version is meant.
        verify: How far updates are tried; None for what fleet.yaml says.
        keep_edits: Put back what Copier would lose; None for what fleet.yaml says.
        dirty: Update from the last commit where there are uncommitted changes, too.
        trust: Run the template's own hooks.
        publish: False leaves all branches alone.
        want_patch: Return each change as a patch.
        executor: Where the work is done; None for processes on this machine.
    """

    only: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    limit: int | None = None
    jobs: int | None = None
    ref: str | None = None
    tvm: str | None = None
    verify: Verify | None = None
    keep_edits: bool | None = None
    dirty: bool = False
    trust: bool = False
    publish: bool = True
    want_patch: bool = False
    executor: str | None = None


class Relation(enum.Enum):
    """How the branch for updates lies to the branch that they start from."""

    NONE = "there is none"
    MERGED = "everything on it is in the base"
    AHEAD = "it holds the base and more"
    OURS = "went apart, but nothing on it that the base lacks is anybody's but the fleet's"
    APART = "both hold what the other does not"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A repository that needs an update.

    Attributes:
        repository: Its entry in fleet.yaml.
        facts: What it said about itself where the update starts.
        start: The commit that the update starts from.
        branch_tip: Where its branch for updates is; None when there is none.
        supersedes: That branch has commits of earlier updates, which this one replaces.
        old: The template version that it is at.
        new: The one it is brought to.
        data: Answers given to the update.
    """

    repository: Repository
    facts: Facts
    start: str
    branch_tip: str | None
    supersedes: bool
    old: Checkout
    new: Checkout
    data: Mapping[str, Any] = field(default_factory=dict)


def relation(facts: Facts, ours: Callable[[], Container[str]] = tuple) -> Relation:
    """Ask git how a repository's two branches lie to each other.

    Args:
        facts: What the repository says.
        ours: Returns the commits that earlier updates made; asked only where branches went apart.
    """
    if facts.branch_tip is None or facts.head is None:
        return Relation.NONE
    if facts.branch_tip == facts.head:
        return Relation.MERGED
    path = facts.repository.path
    if git.is_ancestor(path, facts.branch_tip, facts.head):
        return Relation.MERGED
    if git.is_ancestor(path, facts.head, facts.branch_tip):
        return Relation.AHEAD
    # What a pull request leaves behind that was squashed when it was merged, and one that still
    # waits while the base moved on: what it brings is made anew from the base.
    known = ours()
    only_ours = all(
        each in known for each in git.commits_between(path, facts.head, facts.branch_tip)
    )
    if only_ours or git.merges_to_nothing(path, facts.head, facts.branch_tip):
        return Relation.OURS
    return Relation.APART


def at_start(facts: Facts, lie: Relation) -> Facts:
    """Return what a repository says where its update starts: an update that waits counts."""
    if lie is not Relation.AHEAD:
        return facts
    there = look(replace(facts.repository, base=facts.repository.branch))
    return replace(there, repository=facts.repository, dirty=facts.dirty)


def hindrance(facts: Facts, lie: Relation, options: Options) -> Outcome | None:
    """Return why an update must not begin; None when it may."""
    repository = facts.repository
    if facts.problem is not None:
        reason, message, mend = facts.problem
        return skipped(repository, reason, message, mend)
    if facts.dirty and not options.dirty:
        return skipped(
            repository,
            Reason.DIRTY,
            "it has changes that no commit holds",
            "Commit or stash them; or --dirty updates from the last commit and leaves them alone",
        )
    if not options.publish:
        return None
    branch = repository.branch
    if facts.branch_checked_out:
        return skipped(
            repository,
            Reason.BRANCH,
            f"branch {branch} is checked out",
            f"Check out another branch, or a worktree elsewhere: git -C {repository.path} switch -",
        )
    if lie is Relation.APART:
        return skipped(
            repository,
            Reason.BRANCH,
            f"branch {branch} went apart from where updates start, and not only updates are on it",
            f"Merge the one into {branch}, or delete it: "
            f"git -C {repository.path} branch -D {branch}",
        )
    return None


def decide(
    facts: Facts, lie: Relation, branch_tip: str | None, *, old: Checkout, new: Checkout
) -> Draft | Outcome:
    """Decide what a repository that nothing hinders needs.

    Args:
        facts: What it says where its update would start.
        lie: How its two branches lie to each other.
        branch_tip: Where its branch for updates is.
        old: The template version that it is at.
        new: The one that the fleet goes to.

    Returns:
        What is to be done, or the outcome when nothing is.
    """
    repository = facts.repository
    data = {**_moved_pin(facts.answers, old, new), **repository.data}
    asked = {key: value for key, value in data.items() if facts.answers.get(key) != value}
    if old.commit == new.commit and not asked:
        return Outcome(
            attempt=0,
            name=repository.name,
            result=Result.UNCHANGED,
            from_version=old.described,
            to_version=new.described,
        )
    if old.version and new.version and Version(old.version) > Version(new.version):
        return skipped(
            repository,
            Reason.TEMPLATE,
            f"it is at {old.described} already, which is newer than {new.described}",
            "Copier goes no way back: choose a newer version with --to or --tvm",
        )
    return Draft(
        repository=repository,
        facts=facts,
        start=facts.head or "",
        branch_tip=branch_tip,
        supersedes=lie is Relation.OURS,
        old=old,
        new=new,
        data=data,
    )


def _moved_pin(answers: Mapping[str, Any], old: Checkout, new: Checkout) -> dict[str, str]:
    """The tag of the runtime plugin's repository, where the author follows the pins' tags."""
    ref = answers.get("runtime_git_ref")
    if ref is None or old.tvm is None or new.tvm is None:
        return {}
    before, after = (f"v{_runtime_version(each)}" for each in (old, new))
    return {"runtime_git_ref": after} if ref == before and before != after else {}


def _runtime_version(checkout: Checkout) -> str:
    return str(read_defaults(checkout.path / "src/tvmplug/pins.yml")["runtime_version"])


def skipped(repository: Repository, reason: Reason, message: str, mend: str | None) -> Outcome:
    """Return the outcome of a repository that is not begun."""
    return Outcome(
        attempt=0,
        name=repository.name,
        result=Result.SKIPPED,
        reason=reason,
        message=message,
        mend=mend,
    )


def in_order(drafts: Sequence[Draft], limit: int | None) -> tuple[Draft, ...]:
    """Return what is done, in order: the runtime plugin first, and no more than `limit`."""
    first = sorted(drafts, key=lambda draft: not draft.repository.is_runtime)
    return tuple(first if limit is None else first[:limit])
