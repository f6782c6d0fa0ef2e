"""Keeps a clone of each repository that fleet.yaml names by address."""

from __future__ import annotations

import shutil

from tvmplug import files
from tvmplug.errors import FleetError, ProcessError
from tvmplug.fleet import addresses, git
from tvmplug.fleet.records import Repository

ORIGIN = "origin"
# Several clones are fetched at once, and a question at the terminal would have no sender: git's
# credential helpers and ssh-agent answer, or the fetch fails and says so.
NO_QUESTIONS = {"GIT_TERMINAL_PROMPT": "0"}
_TIMEOUT_S = 1800


def refresh_clone(repository: Repository) -> None:
    """Clone a repository that is named by address, or fetch what is new in it.

    The branch for updates follows its remote one where that went on (another machine's update, a
    reviewer's commit), and never goes back.

    Raises:
        FleetError: It cannot be cloned or fetched.
        FileError: The fleet's folder cannot be written.
    """
    path = repository.path
    try:
        with files.locked(path):
            if not (path / ".git").exists():
                _clone(repository)
                return
            if git.git(path, "remote", "get-url", ORIGIN).strip() != repository.source:
                git.git(path, "remote", "set-url", ORIGIN, repository.source)
            git.git(
                path, "fetch", "--quiet", "--prune", ORIGIN,
                env=NO_QUESTIONS, timeout_s=_TIMEOUT_S,
            )  # fmt: skip
            if repository.base is None:
                # The default branch may have another name by now; an empty remote has none.
                git.completed(path, "remote", "set-head", ORIGIN, "--auto", env=NO_QUESTIONS)
            _follow(repository)
    except ProcessError as error:
        shown = addresses.without_credentials(repository.source)
        raise FleetError(
            f"{shown} cannot be fetched: {git.complaint(error.output) or error.message}",
            mend=f"See that `git ls-remote {shown}` works",
        ) from error


def _clone(repository: Repository) -> None:
    """Clone beside the place and rename, so that a killed clone is none."""
    path = repository.path
    begun = path.with_name(f".{path.name}.clone")
    with files.file_errors(begun):
        for rest in (begun, path):
            if rest.exists():
                shutil.rmtree(rest)
    git.git(
        path.parent, *git.NO_HOOKS, "clone", "--quiet", "--", repository.source, begun,
        env=NO_QUESTIONS, timeout_s=_TIMEOUT_S,
    )  # fmt: skip
    with files.file_errors(path):
        begun.rename(path)
    _follow(repository)


def _follow(repository: Repository) -> None:
    path, branch = repository.path, repository.branch
    theirs = git.resolve(path, f"refs/remotes/{ORIGIN}/{branch}")
    ours = git.resolve(path, f"refs/heads/{branch}")
    if theirs is None or theirs == ours:
        return
    if ours is None or git.is_ancestor(path, ours, theirs):
        git.update_ref(path, f"refs/heads/{branch}", theirs, ours, why="tvmplug: fetched")
