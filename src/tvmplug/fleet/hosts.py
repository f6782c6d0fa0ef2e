"""Who takes the pull requests for a repository: GitHub, GitLab or nobody."""

from __future__ import annotations

import re
import threading
from typing import Protocol

from tvmplug.errors import FleetError, ToolError
from tvmplug.fleet import addresses
from tvmplug.fleet.config import Host
from tvmplug.fleet.host_programs import Existing, GitHub, GitLab, Project, Request


class Hosting(Protocol):
    """A server's program."""

    program: str

    def login(self, host: str) -> None:
        """See that the program can be used.

        Raises:
            ToolError: It is not installed, or not logged in to that server.
        """

    def find(self, project: Project, branch: str) -> Existing | None:
        """Return the open request for a branch."""

    def create(self, project: Project, request: Request) -> str:
        """Open a request; returns where people see it."""

    def edit(self, project: Project, existing: Existing, request: Request) -> None:
        """Give an open request another title and body."""


def hosting_for(setting: Host, address: str) -> Hosting | None:
    """Return who takes pull requests for a remote.

    Args:
        setting: What fleet.yaml says.
        address: The remote's address.

    Returns:
        The program to call; None when nobody takes them, or nothing tells who does.
    """
    if setting is Host.AUTO:
        words = re.split(r"[.-]", (addresses.host(address) or "").partition(":")[0])
        setting = Host.NONE
        if "github" in words or words[-2:] == ["ghe", "com"]:
            setting = Host.GITHUB
        elif "gitlab" in words:
            setting = Host.GITLAB
    programs: dict[Host, Hosting] = {Host.GITHUB: GitHub(), Host.GITLAB: GitLab()}
    return programs.get(setting)


def project_of(address: str) -> Project:
    """Return which repository of which server a remote's address names.

    Raises:
        FleetError: It is a folder, or names no owner and repository.
    """
    host = addresses.host(address)
    if "://" in address:
        scheme, _, rest = addresses.without_credentials(address).partition("://")
        server, _, path = rest.partition("/")
        # The port of ssh is not that of the server's pages.
        if scheme in ("http", "https"):
            host = server.lower() or None
    else:
        path = address.partition(":")[2]
    path = path.strip("/").removesuffix(".git")
    if host is None or not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", path):
        raise FleetError(
            f"{addresses.without_credentials(address)} names no repository of a server",
            mend="Give the remote its address (git remote set-url), or set `host: none`",
        )
    return Project(host=host, path=path)


class Logins:
    """Remembers which programs can be used, so that each is asked once for each server."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], ToolError | None] = {}
        self._guard = threading.Lock()

    def problem(self, hosting: Hosting, host: str) -> ToolError | None:
        """Return why a program cannot be used for a server; None when it can."""
        key = (hosting.program, host)
        with self._guard:
            if key not in self._answers:
                try:
                    hosting.login(host)
                    self._answers[key] = None
                except ToolError as error:
                    self._answers[key] = error
            return self._answers[key]
