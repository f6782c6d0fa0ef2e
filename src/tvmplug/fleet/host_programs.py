"""Pull requests on GitHub by `gh api`, and merge requests on GitLab by `glab api`.

Both programs keep the credentials; nothing here reads one. Both have commands of their own for
requests, but those depend on the folder that they run in, on prompts, and on their version: `gh pr
edit` before 2.82.1, which distributions still have, asks for a field that GitHub has removed
(https://github.com/cli/cli/issues/11983), and `glab mr create` wants a clone and leaves recovery
files. The servers' REST interfaces, which `api` calls, stay the same.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

from tvmplug.errors import ProcessError, ToolError
from tvmplug.process import Completed, run

# No questions, no colours, no news of other versions.
_QUIET = {
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "NO_PROMPT": "1",
    "GLAB_CHECK_UPDATE": "false",
    "NO_COLOR": "1",
}
_HOMES = {"gh": "https://cli.github.com", "glab": "https://docs.gitlab.com/cli"}
_TIMEOUT_S = 120
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
    """GitHub, also a company's own: https://docs.github.com/en/rest/pulls/pulls."""

    program = "gh"

    def login(self, host: str) -> None:
        """Ask `gh auth status`."""
        _must_be_logged_in(self.program, host)

    def find(self, project: Project, branch: str) -> Existing | None:
        """Return the open request for a branch of the repository itself, not of a fork."""
        owner = project.path.partition("/")[0]
        query = urlencode({"state": "open", "head": f"{owner}:{branch}"})
        for told in self._api(project, "GET", f"pulls?{query}"):
            return Existing(
                number=told["number"],
                url=told["html_url"],
                title=told["title"],
                body=told["body"] or "",
                is_draft=bool(told.get("draft")),
            )
        return None

    def create(self, project: Project, request: Request) -> str:
        """Open a request; returns where people see it."""
        told = self._api(
            project,
            "POST",
            "pulls",
            {
                "title": request.title,
                "body": request.body,
                "head": request.branch,
                "base": request.base or self._api(project, "GET", "")["default_branch"],
                "draft": request.is_draft,
            },
        )
        return str(told["html_url"])

    def edit(self, project: Project, existing: Existing, request: Request) -> None:
        """Give an open request another title and body."""
        text = {"title": request.title, "body": request.body}
        self._api(project, "PATCH", f"pulls/{existing.number}", text)

    def _api(
        self, project: Project, method: str, what: str, payload: dict[str, Any] | None = None
    ) -> Any:
        endpoint = f"repos/{project.path}/{what}".rstrip("/")
        return _api(self.program, project.host, method, endpoint, payload)


class GitLab:
    """GitLab, also a company's own: https://docs.gitlab.com/api/merge_requests/."""

    program = "glab"

    def login(self, host: str) -> None:
        """Ask `glab auth status`."""
        _must_be_logged_in(self.program, host)

    def find(self, project: Project, branch: str) -> Existing | None:
        """Return the open request for a branch of the project itself, not of a fork."""
        query = urlencode({"state": "opened", "source_branch": branch})
        for told in self._api(project, "GET", f"merge_requests?{query}"):
            if told["source_project_id"] == told["target_project_id"]:
                return Existing(
                    number=told["iid"],
                    url=told["web_url"],
                    title=_DRAFT.sub("", told["title"]),
                    body=told["description"] or "",
                    is_draft=_DRAFT.match(told["title"]) is not None,
                )
        return None

    def create(self, project: Project, request: Request) -> str:
        """Open a request; returns where people see it."""
        told = self._api(
            project,
            "POST",
            "merge_requests",
            {
                "title": _titled(request, is_draft=request.is_draft),
                "description": request.body,
                "source_branch": request.branch,
                "target_branch": request.base or self._api(project, "GET", "")["default_branch"],
            },
        )
        return str(told["web_url"])

    def edit(self, project: Project, existing: Existing, request: Request) -> None:
        """Give an open request another title and body; a draft stays one."""
        title = _titled(request, is_draft=existing.is_draft)
        text = {"title": title, "description": request.body}
        self._api(project, "PUT", f"merge_requests/{existing.number}", text)

    def _api(
        self, project: Project, method: str, what: str, payload: dict[str, Any] | None = None
    ) -> Any:
        endpoint = f"projects/{quote(project.path, safe='')}/{what}".rstrip("/")
        return _api(self.program, project.host, method, endpoint, payload)


def _titled(request: Request, *, is_draft: bool) -> str:
    """GitLab tells a draft by its title."""
    return f"Draft: {request.title}" if is_draft else request.title


def _must_be_logged_in(program: str, host: str) -> None:
    if shutil.which(program) is None:
        raise ToolError(
            f"{program} is not installed",
            mend=f"Install it from {_HOMES[program]}, or write `host: none` into fleet.yaml",
        )
    done = _run([program, "auth", "status", "--hostname", host])
    if done.returncode != 0:
        raise ToolError(
            f"{program} is not logged in to {host}",
            mend=f"Run `{program} auth login --hostname {host}`",
        )


def _api(
    program: str, host: str, method: str, endpoint: str, payload: dict[str, Any] | None
) -> Any:
    """Call a server's REST interface, and return its answer.

    Raises:
        ProcessError: The server refused, or cannot be reached; says what it answered.
        ToolError: The program is not installed.
    """
    command = [program, "api", "--method", method, endpoint]
    environment = {}
    if program == "glab":
        environment["GITLAB_HOST"] = host  # its --hostname takes no port
    else:
        command += ["--hostname", host]
    body = None
    if payload is not None:
        # glab does not say by itself that this is JSON; gh does, and takes being told.
        command += ["--header", "Content-Type: application/json", "--input", "-"]
        body = json.dumps(payload)
    done = _run(command, stdin=body, env=environment)
    what = f"{program} api {method} {endpoint.partition('?')[0]}"
    if done.returncode != 0:
        raise ProcessError(
            f"{what} failed: {_complaint(done)}",
            output=f"{done.stderr}\n{done.stdout}".strip(),
            returncode=done.returncode,
        )
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise ProcessError(
            f"{what} did not answer in JSON: {_complaint(done)}", output=done.stdout
        ) from error


def _run(
    command: list[str], stdin: str | None = None, env: Mapping[str, str] | None = None
) -> Completed:
    # In the root folder, where no repository is that could be taken for the one that is meant.
    return run(
        command,
        cwd=Path("/"),
        env={**_QUIET, **(env or {})},
        stdin=stdin,
        timeout_s=_TIMEOUT_S,
        echo=False,
        check=False,
    )


def _complaint(done: Completed) -> str:
    """What the program says first, and what the server answered: each names a part of the cause."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = [re.sub(r"^(gh|glab|x|X): ?|^[xX✗] ", "", lines[0])] if lines else []
    try:
        answer = cast(dict[str, Any], json.loads(done.stdout))
        reasons = answer.get("errors") or answer.get("message") or answer.get("error") or []
    except (json.JSONDecodeError, AttributeError):
        reasons = []
    for reason in reasons if isinstance(reasons, list) else [reasons]:
        text = str(reason.get("message", reason) if isinstance(reason, dict) else reason)
        if not any(text in each for each in told):
            told.append(text)
    return "; ".join(told) or "it said nothing"
