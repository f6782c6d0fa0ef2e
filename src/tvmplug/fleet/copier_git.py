"""git as Copier calls it, without plumbum's cost: what the fleet's updates run Copier's code with.

Copier starts about thirty git processes for an update, and plumbum takes longer to start one than
git takes to run. `Git` speaks as much of plumbum's language as `Worker._apply_update` uses. Bytes
go through it as they do through plumbum: decoded with errors ignored, line ends untouched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from plumbum import ProcessExecutionError

from tvmplug.fleet.git_files import common_folder
from tvmplug.process import run_bytes

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Copier",
    "GIT_AUTHOR_EMAIL": "copier@copier",
    "GIT_COMMITTER_NAME": "Copier",
    "GIT_COMMITTER_EMAIL": "copier@copier",
}
# What `git rev-parse --local-env-vars` lists, but for configuration: set when tvmplug runs inside
# a git hook, they would send every command to that repository.
_LOCAL = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Git:
    """A git command that is not run yet; calling it runs it and returns what it printed.

    Attributes:
        arguments: What follows `git`.
        cwd: The folder to run in; None for the current one.
        stdin: What it reads.
        known: Asked first for what git would print in a folder; None starts git.
    """

    arguments: tuple[str, ...] = ()
    cwd: Path | None = None
    stdin: str | None = None
    known: Callable[[Path, tuple[str, ...]], str | None] | None = None

    def __getitem__(self, arguments: object) -> Git:
        more = arguments if isinstance(arguments, (tuple, list)) else (arguments,)
        return replace(self, arguments=(*self.arguments, *map(str, more)))

    def with_cwd(self, folder: Path) -> Git:
        """Return the same command for another folder."""
        return replace(self, cwd=folder)

    def __lshift__(self, text: str) -> Git:
        return replace(self, stdin=text)

    def __call__(self, *arguments: object, retcode: int | None = 0) -> str:
        """Run it.

        Args:
            arguments: Further arguments.
            retcode: The exit status that is no error; None for any.

        Returns:
            What it printed.

        Raises:
            ProcessExecutionError: Another exit status.
        """
        words = (*self.arguments, *map(str, arguments))
        if (
            self.known is not None
            and (answer := self.known(self.cwd or Path.cwd(), words)) is not None
        ):
            return answer
        command = ["git", *words]
        encoding = sys.getfilesystemencoding()
        done = run_bytes(
            command,
            cwd=self.cwd,
            env=_IDENTITY,
            without=_LOCAL,
            stdin=(self.stdin or "").encode(encoding),
            check=False,
        )
        stdout = done.stdout.decode(encoding, "ignore")
        if retcode is not None and done.returncode != retcode:
            raise ProcessExecutionError(command, done.returncode, stdout, done.stderr)
        return stdout


def get_git(context_dir: Path | None = None) -> Git:
    """Return git, like `copier._vcs.get_git`."""
    return Git(cwd=context_dir)


def set_git_alternates(*repositories: Path, path: Path | None = None) -> None:
    """Let a repository borrow the objects of others, like `copier._tools.set_git_alternates`."""
    alternates = common_folder(path or Path()) / "objects/info/alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    objects = [common_folder(Path(each)).resolve() / "objects" for each in repositories]
    lines = [os.fsencode(each) for each in objects]
    alternates.write_bytes(b"\n".join(lines))
