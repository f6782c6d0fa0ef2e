"""`tvmplug fleet ...` as a user runs it, and what a repository looks like from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.templates.conftest import git
from tvmplug import cli

BRANCH = "tvmplug/update"


def fleet(capsys: pytest.CaptureFixture[str], action: str, file: Path, *options: str) -> Told:
    """Run one action with --json.

    Returns:
        The exit code and the JSON that it printed.
    """
    capsys.readouterr()
    code = cli.main(["fleet", action, "--fleet", str(file), "--json", *options])
    captured = capsys.readouterr()
    return Told(code, json.loads(captured.out), captured.err)


class Told:
    """What a command said."""

    def __init__(self, code: int, document: Any, err: str) -> None:
        self.code = code
        self.document = document
        self.err = err

    @property
    def results(self) -> dict[str, str]:
        """Result by repository."""
        return {each["name"]: each["result"] for each in self.document["repositories"]}

    def of(self, name: str) -> dict[str, Any]:
        """One repository's outcome."""
        found = [each for each in self.document["repositories"] if each["name"] == name]
        assert len(found) == 1, self.document
        outcome: dict[str, Any] = found[0]
        return outcome


def look(folder: Path) -> dict[str, str | dict[str, bytes]]:
    """Everything of a repository that a user could see: head, branches, index, status, files."""
    return {
        "head": git(folder, "rev-parse", "HEAD"),
        "branch": git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "refs": git(folder, "for-each-ref"),
        "worktrees": git(folder, "worktree", "list", "--porcelain"),
        "index": git(folder, "ls-files", "--stage"),
        "status": git(folder, "status", "--porcelain", "--ignored"),
        "stash": git(folder, "stash", "list"),
        "files": {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(folder).parts
        },
    }


def show(folder: Path, path: str, ref: str = BRANCH) -> str:
    """A file on a branch."""
    return git(folder, "show", f"{ref}:{path}")


def commits_on(folder: Path, branch: str = BRANCH) -> int:
    """How many commits a branch has more than what is checked out."""
    return int(git(folder, "rev-list", "--count", f"HEAD..{branch}"))
