"""Calls `gh` and `glab`, which open pull requests on GitHub and merge requests on GitLab.

Both programs keep the credentials; nothing here reads one. Each is told the repository by its
address, never by the folder that it runs in, so that no prompt asks which remote is meant.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug.errors import ProcessError, ToolError
from tvmplug.fleet.git import complaint
from tvmplug.process import Completed, run

# No questions, no colours, no news of other versions.
_QUIET = {
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "NO_PROMPT": "1",
    "GLAB_CHECK_UPDATE": "false",
    "NO_COLOR": "1",
}
_TIMEOUT_S = 120
_ADDRESS = re.compile(r"https?://\S+/\d+")
_DRAFT = re.compile(r"^(draft|wip):\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a pull request shall be.

    Attributes:
        title: Its title.
        body: Its description, in Markdown.
        branch: The branch that it brings in.
        base: The branch that it goes to; None for the repository's default.
        is_draft: Open it as a draft.
    """

    title: str
    body: str
    branch: str
    base: str | None
    is_draft: bool


@dataclass(frozen=True, kw_only=True)
class Existing:
    """An open pull request.

    Attributes:
        number: Its number in the repository.
        url: Where people see it.
        title: Its title, without what marks a draft.
        body: Its description.
        is_draft: It is a draft.
    """

    number: int
    url: str
    title: str
    body: str
    is_draft: bool


@dataclass(frozen=True, kw_only=True)
class Project:
    """A repository on a server.

    Attributes:
        host: The server, with its port when that is not the usual one.
        path: Owner and name, without `.git`.
    """

    host: str
    path: str


class GitHub:
    """GitHub, also a company's own, by `gh`."""

    program = "gh"

    def login(self, host: str) -> None:
        """Ask `gh auth status`."""
        _must_be_logged_in("gh", host)

    def find(self, project: Project, branch: str) -> Existing | None:
        """Ask `gh pr list`; a fork's branch of that name is another one."""
        told = _json(
            "gh", "pr", "list", "--repo", _repo(project), "--head", branch, "--state", "open",
            "--json", "number,url,title,body,isDraft,isCrossRepository",
        )  # fmt: skip
        ours = [each for each in told if not each["isCrossRepository"]]
        return next((_github_request(each) for each in ours), None)

    def create(self, project: Project, request: Request) -> str:
        """Call `gh pr create`."""
        base = ["--base", request.base] if request.base is not None else []
        draft = ["--draft"] if request.is_draft else []
        told = _call(
            "gh", "pr", "create", "--repo", _repo(project), "--head", request.branch, *base,
            "--title", request.title, "--body-file", "-", *draft, stdin=request.body,
        )  # fmt: skip
        return _address("gh", told)

    def edit(self, project: Project, existing: Existing, request: Request) -> None:
        """Call GitHub's own interface through `gh api`.

        `gh pr edit` before 2.82.1, which distributions still have, asks for a field that GitHub
        has removed, and fails: https://github.com/cli/cli/issues/11983.
        """
        _call(
            "gh", "api", "--hostname", project.host, "--method", "PATCH",
            f"repos/{project.path}/pulls/{existing.number}", "--input", "-",
            stdin=json.dumps({"title": request.title, "body": request.body}),
        )  # fmt: skip


class GitLab:
    """GitLab, also a company's own, by `glab`."""

    program = "glab"

    def login(self, host: str) -> None:
        """Ask `glab auth status`."""
        _must_be_logged_in("glab", host)

    def find(self, project: Project, branch: str) -> Existing | None:
        """Ask `glab mr list`, which lists open ones; a fork's branch is another one."""
        told = _json(
            "glab", "mr", "list", "--repo", _url(project), "--source-branch", branch,
            "--output", "json",
        )  # fmt: skip
        ours = [each for each in told if each["source_project_id"] == each["target_project_id"]]
        return next((_gitlab_request(each) for each in ours), None)

    def create(self, project: Project, request: Request) -> str:
        """Call `glab mr create`."""
        base = ["--target-branch", request.base] if request.base is not None else []
        draft = ["--draft"] if request.is_draft else []
        told = _call(
            "glab", "mr", "create", "--repo", _url(project), "--source-branch", request.branch,
            *base, "--title", request.title, "--description", request.body, *draft, "--yes",
        )  # fmt: skip
        return _address("glab", told)

    def edit(self, project: Project, existing: Existing, request: Request) -> None:
        """Call `glab mr update`; the title keeps what marks a draft."""
        draft = "Draft: " if existing.is_draft else ""
        _call(
            "glab", "mr", "update", str(existing.number), "--repo", _url(project),
            "--title", draft + request.title, "--description", request.body,
        )  # fmt: skip


def _must_be_logged_in(program: str, host: str) -> None:
    done = _run(program, "auth", "status", "--hostname", host)
    if done.returncode != 0:
        raise ToolError(
            f"{program} is not logged in to {host}",
            mend=f"Run `{program} auth login --hostname {host}`",
        )


def _run(*command: str, stdin: str | None = None) -> Completed:
    # In the root folder, where no repository is that could be taken for the one that is meant.
    return run(
        command, cwd=Path("/"), env=_QUIET, stdin=stdin, timeout_s=_TIMEOUT_S, echo=False,
        check=False,
    )  # fmt: skip


def _call(*command: str, stdin: str | None = None) -> str:
    done = _run(*command, stdin=stdin)
    if done.returncode != 0:
        output = f"{done.stderr}\n{done.stdout}".strip()
        raise ProcessError(
            f"{' '.join(command[:3])} failed: {complaint(output) or 'without a word'}",
            output=output,
            returncode=done.returncode,
        )
    return f"{done.stdout}\n{done.stderr}"


def _json(*command: str) -> list[dict[str, Any]]:
    done = _run(*command)
    if done.returncode != 0:
        raise ProcessError(
            f"{' '.join(command[:3])} failed: {complaint(done.stderr or done.stdout)}",
            output=done.stderr,
            returncode=done.returncode,
        )
    try:
        told = json.loads(done.stdout or "[]")
    except json.JSONDecodeError as error:
        raise ProcessError(
            f"{' '.join(command[:3])} printed no JSON: {complaint(done.stdout)}",
            mend=f"Update {command[0]}",
        ) from error
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []


def _github_request(told: dict[str, Any]) -> Existing:
    return Existing(
        number=told["number"],
        url=told["url"],
        title=told["title"],
        body=told["body"] or "",
        is_draft=told["isDraft"],
    )


def _gitlab_request(told: dict[str, Any]) -> Existing:
    return Existing(
        number=told["iid"],
        url=told["web_url"],
        title=_DRAFT.sub("", told["title"]),
        body=told["description"] or "",
        is_draft=bool(told.get("draft", _DRAFT.match(told["title"]))),
    )


def _repo(project: Project) -> str:
    return f"{project.host}/{project.path}"


def _url(project: Project) -> str:
    return f"https://{project.host}/{project.path}"


def _address(program: str, told: str) -> str:
    found = _ADDRESS.findall(told)
    if not found:
        raise ProcessError(f"{program} opened a request, and did not say where", output=told)
    return str(found[-1])
