"""The branch of a repository that holds an update, and its way to a remote, never with force."""

from __future__ import annotations

from dataclasses import dataclass

from tvmplug.errors import FleetError
from tvmplug.fleet import addresses, git
from tvmplug.fleet.clones import NO_QUESTIONS
from tvmplug.fleet.facts import Facts
from tvmplug.fleet.plan import Relation, at_start, relation
from tvmplug.fleet.records import Repository

_TIMEOUT_S = 1800


@dataclass(frozen=True, kw_only=True)
class Update:
    """A branch that holds an update.

    Attributes:
        facts: What the repository says where the update starts.
        after: What it says on the branch.
        tip: The commit that the branch is at.
    """

    facts: Facts
    after: Facts
    tip: str


def waiting_update(facts: Facts) -> Update | None:
    """Return the update that waits on a repository's branch, if any.

    Raises:
        FleetError: That cannot be told.
    """
    repository = facts.repository
    if facts.problem is not None:
        raise FleetError(facts.problem[1], mend=facts.problem[2])
    if facts.branch_tip is None or facts.head is None:
        return None
    if repository.base is None and facts.head_branch == repository.branch:
        raise FleetError(
            f"its branch {repository.branch} is checked out, so nothing says where updates start",
            mend="Check out the branch that they go to, or name it as `base:` in the fleet file",
        )
    lie = relation(facts)
    # Nobody was asked whose the commits are: OURS is what was squashed when it was merged.
    if lie in (Relation.NONE, Relation.MERGED, Relation.OURS):
        return None
    after = at_start(facts, Relation.AHEAD)
    if after.problem is not None:
        raise FleetError(f"on {repository.branch}: {after.problem[1]}", mend=after.problem[2])
    return Update(facts=facts, after=after, tip=facts.branch_tip)


def remote_address(repository: Repository, remote: str) -> str:
    """Return a remote's address: as it is configured, or as git rewrites what names no server.

    Raises:
        FleetError: There is no such remote.
    """
    done = git.completed(repository.path, "config", "--get", f"remote.{remote}.url")
    if done.returncode != 0:
        raise FleetError(
            f"it has no remote '{remote}'",
            mend=f"Add it: git -C {repository.path} remote add {remote} ADDRESS",
        )
    address = done.stdout.strip()
    if addresses.host(address) is None:
        address = git.git(repository.path, "remote", "get-url", remote).strip()
    return address


def push_branch(repository: Repository, remote: str, *, dry: bool) -> bool:
    """Push a repository's branch; returns False when the remote has it already.

    Other than everything else of the fleet this runs the repository's own `pre-push` hook, as a
    person's `git push` does: Git LFS uploads its files there.

    Args:
        repository: Whose branch.
        remote: The remote's name.
        dry: Ask the remote, and change nothing.

    Raises:
        FleetError: The remote refuses it.
    """
    path, branch = repository.path, repository.branch
    trial = ["--dry-run"] if dry else []
    done = git.completed(
        path, "push", "--porcelain", "--no-follow-tags", *trial, remote,
        f"refs/heads/{branch}:refs/heads/{branch}", env=NO_QUESTIONS, timeout_s=_TIMEOUT_S,
    )  # fmt: skip
    # "FLAG<tab>FROM:TO<tab>SUMMARY", for the one branch.
    told = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    flag, summary = (told[0][0].strip(), told[0][2]) if told else ("!", "")
    if done.returncode == 0 and flag != "!":
        return flag != "="
    if "fetch first" in summary or "non-fast-forward" in summary:
        raise FleetError(
            f"{branch} at {remote} has commits that are not in {branch} here",
            mend=f"Merge them into it (git -C {path} fetch {remote} {branch}, then merge "
            f"FETCH_HEAD), or drop them: git -C {path} push {remote} --delete {branch}",
        )
    why = summary or git.complaint(done.stderr)
    raise FleetError(
        f"{remote} did not take {branch}: {_plain(why)}",
        mend=f"See what it says: git -C {path} push --dry-run {remote} {branch}",
    )


def _plain(text: str) -> str:
    """Git's own words for a refusal, without addresses' credentials and brackets."""
    words = (addresses.without_credentials(word.strip("'")) for word in text.split())
    return (
        " ".join(words).removeprefix("[remote rejected] ").removeprefix("[rejected] ").strip("()")
    )
