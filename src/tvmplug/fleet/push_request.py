"""The pull request for an update: opened once, and brought up to date by every further push."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tvmplug.errors import ToolError
from tvmplug.fleet import git, push_text
from tvmplug.fleet.config import Host
from tvmplug.fleet.facts import Facts
from tvmplug.fleet.host_programs import Existing, Project, Request
from tvmplug.fleet.hosts import Hosting, Logins, hosting_for, project_of
from tvmplug.fleet.push_branch import Update
from tvmplug.fleet.push_text import Side
from tvmplug.fleet.records import Outcome


class Requested(enum.Enum):
    """What became of a pull request."""

    OPENED = "opened"
    EDITED = "edited"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of the request for one branch.

    Attributes:
        request: What became of it; None when there is none.
        url: Where people see it.
        message: Why there is none, when somebody might expect one.
        mend: What would change that.
    """

    request: Requested | None = None
    url: str | None = None
    message: str | None = None
    mend: str | None = None


class Requests:
    """Opens and renews requests for one `fleet push`.

    Args:
        hosts: Who takes each repository's requests, by its name.
        outcomes: What the ledger says of updates, by their commit.
        is_draft: Open new requests as drafts.
        dry: Ask the servers, and change nothing.
    """

    def __init__(
        self,
        hosts: Mapping[str, Host],
        outcomes: Mapping[str, Outcome],
        *,
        is_draft: bool,
        dry: bool,
    ) -> None:
        self._hosts = hosts
        self._outcomes = outcomes
        self._is_draft = is_draft
        self._dry = dry
        self._logins = Logins()

    def ask(self, update: Update, address: str) -> Answer:
        """Open a request for a pushed branch, or bring the open one up to date.

        Args:
            update: The branch.
            address: Of the remote that it was pushed to.

        Raises:
            FleetError: fleet.yaml names a server's kind, and the address names no server.
            ToolError: The server's program failed, or fleet.yaml asks for one that cannot be used.
        """
        setting = self._hosts.get(update.facts.repository.name, Host.AUTO)
        hosting = hosting_for(setting, address)
        if hosting is None:
            return Answer()
        project = project_of(address)
        problem = self._logins.problem(hosting, project.host)
        if problem is not None:
            if setting is Host.AUTO:  # nobody asked for requests, so this is no failure
                return Answer(message=f"no request: {problem.message}", mend=problem.mend)
            raise problem
        request = self._request(update)
        try:
            existing = hosting.find(project, request.branch)
            if existing is not None:
                changed = self._edit(hosting, project, existing, request)
                state = Requested.EDITED if changed else Requested.UNCHANGED
                return Answer(request=state, url=existing.url)
            url = None if self._dry else hosting.create(project, request)
        except ToolError as error:
            raise ToolError(
                f"its branch is pushed, but {error.message}",
                mend=error.mend or "Mend that, then run `tvmplug fleet push` again",
            ) from error
        return Answer(request=Requested.OPENED, url=url)

    def _edit(
        self, hosting: Hosting, project: Project, existing: Existing, request: Request
    ) -> bool:
        """Write what changed, and leave what people wrote around it; tells whether it did."""
        wanted = replace(request, body=push_text.merged(existing.body, request.body))
        before = existing.body.replace("\r\n", "\n").strip()
        same = (existing.title, before) == (wanted.title, wanted.body.strip())
        if not same and not self._dry:
            hosting.edit(project, existing, wanted)
        return not same

    def _request(self, update: Update) -> Request:
        facts, after = update.facts, update.after
        repository, path = facts.repository, facts.repository.path
        start = git.git(path, "merge-base", facts.head or "", update.tip).strip()
        # Along first parents: an update that supersedes another has that as its second.
        span = ("--first-parent", "--reverse", f"{start}..{update.tip}")
        commits = git.git(path, "rev-list", *span).split()
        known = [self._outcomes[commit] for commit in commits if commit in self._outcomes]
        before, now = _side(facts), _side(after)
        return Request(
            title=push_text.title(before, now),
            body=push_text.body(
                name=after.manifest.name if after.manifest is not None else repository.name,
                template=after.answers.get("_src_path"),
                before=before,
                after=now,
                changes=git.changes(path, start, update.tip),
                notices=list(dict.fromkeys(each for one in known for each in one.notices)),
            ),
            branch=repository.branch,
            base=repository.base or facts.head_branch,
            is_draft=self._is_draft,
        )


def _side(facts: Facts) -> Side:
    return Side(
        version=facts.answers.get("_commit"),
        tvm=facts.manifest.tvm if facts.manifest is not None else None,
    )
