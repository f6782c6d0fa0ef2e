"""Writes an adoption: one commit on a branch of its own, made without a working tree.

Whatever goes wrong, the repository keeps its branches, its index and its files as they were.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.adopt.plan import Plan
from tvmplug.errors import AdoptError, TvmplugError
from tvmplug.fleet import git

BRANCH = "tvmplug/adopt"
_REF = f"refs/heads/{BRANCH}"
_EXECUTABLE, _SUBMODULE = "100755", "160000"


@dataclass(frozen=True)
class Repository:
    """The git repository that a plugin lies in.

    Attributes:
        top: Its folder.
        commit: The commit that is checked out.
        branch: The branch that is checked out; None when it is none.
        origin: The address of its remote; None when it has none.
    """

    top: Path
    commit: str
    branch: str | None
    origin: str | None


@dataclass(frozen=True)
class Applied:
    """What was written.

    Attributes:
        repository: Where.
        commit: The new commit.
    """

    repository: Repository
    commit: str


def find_repository(folder: Path) -> Repository | None:
    """Return the repository that a folder lies in; None when there is none with a commit."""
    done = git.completed(folder, "rev-parse", "--show-toplevel")
    if done.returncode != 0:
        return None
    top = Path(done.stdout.rstrip("\n"))
    commit = git.resolve(top, "HEAD")
    if commit is None:
        return None
    branch = git.completed(top, "symbolic-ref", "--quiet", "--short", "HEAD")
    origin = git.completed(top, "config", "--get", "remote.origin.url")
    return Repository(
        top=top,
        commit=commit,
        branch=branch.stdout.strip() or None,
        origin=origin.stdout.strip() or None,
    )


def ignored_in(folder: Path) -> list[str]:
    """Return the files below a folder of a repository that git does not keep on purpose.

    Those of submodules belong to other repositories: their folders are named, with a slash.
    """
    told = git.git(folder, "ls-files", "--others", "--ignored", "--exclude-standard", "-z")
    staged = git.git(folder, "ls-files", "--stage", "-z").split("\0")
    submodules = [entry.partition("\t")[2] for entry in staged if entry.startswith(_SUBMODULE)]
    return [path for path in told.split("\0") if path] + [f"{path}/" for path in submodules]


def check_ready(folder: Path) -> Repository:
    """Return the repository of a plugin that can be adopted now.

    Raises:
        AdoptError: There is none, it has uncommitted changes, or an adoption lies there already.
    """
    repository = find_repository(folder)
    if repository is None:
        raise AdoptError(
            f"{folder} is in no git repository with a commit, so nothing could be taken back",
            mend=f"In {folder}, run `git init && git add --all && git commit -m Before` first",
        )
    status = git.git(repository.top, "status", "--porcelain", "--untracked-files=normal")
    if status.strip():
        lines = status.splitlines()
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        raise AdoptError(
            f"{repository.top} has changes that are not committed ({lines[0][3:]}{more})",
            mend="Commit them, or `git stash --include-untracked`",
        )
    if git.resolve(repository.top, _REF) is not None:
        raise AdoptError(
            f"{repository.top} has a branch {BRANCH} already",
            mend=f"Look at it with `git log {BRANCH}`; to begin anew, `git branch -D {BRANCH}`",
        )
    return repository


def apply(plans: Sequence[tuple[Repository, Plan]], message: str) -> list[Applied]:
    """Commit plans, all of a repository in one commit, each on a new branch.

    Args:
        plans: With the repository that each plugin lies in, as `check_ready` returned it.
        message: Of the commits.

    Returns:
        What was written, one for each repository.

    Raises:
        AdoptError: A branch could not be made; then there is none at all.
        ToolError: git failed.
        FileError: The folder for temporary files cannot be used.
    """
    by_top: dict[Path, list[Plan]] = {}
    repositories = {repository.top: repository for repository, _ in plans}
    for repository, plan in plans:
        by_top.setdefault(repository.top, []).append(plan)
    made = [
        Applied(repositories[top], _commit(repositories[top], own, message))
        for top, own in by_top.items()
    ]
    done: list[Applied] = []
    try:
        for each in made:
            git.update_ref(each.repository.top, _REF, each.commit, None, why="tvmplug adopt")
            done.append(each)
    except TvmplugError as error:
        for each in done:
            git.completed(each.repository.top, "update-ref", "-d", _REF, each.commit)
        raise AdoptError(error.message, mend=error.mend) from error
    return made


def _commit(repository: Repository, plans: Sequence[Plan], message: str) -> str:
    """Make the commit, in an index and a folder of its own, which holds the changed files alone.

    Nothing is checked out and no git hook runs; the repository has some more objects, which nothing
    names until the branch does.
    """
    top, commit = repository.top, repository.commit
    tracked = git.listing(top, commit)
    with tempfile.TemporaryDirectory(prefix="tvmplug-adopt-") as scratch:
        folder = Path(scratch, "tree")
        folder.mkdir()
        paths = []
        for plan in plans:
            inside = plan.survey.root.resolve().relative_to(top.resolve())
            for change in plan.changes:
                path = inside / change.path
                paths.append(path.as_posix())
                if change.after is not None:
                    files.write_bytes(folder / path, change.after)
                    if tracked.get(path.as_posix(), ("", ""))[0] == _EXECUTABLE:
                        (folder / path).chmod(0o755)
        env = {
            "GIT_DIR": git.git(top, "rev-parse", "--absolute-git-dir").rstrip("\n"),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(Path(scratch, "index")),
        }
        git.git(folder, "read-tree", commit, env=env)
        # What is not in the folder is removed from the index.
        listed = "".join(f"{path}\0" for path in paths)
        update = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        git.git(folder, *update, env=env, stdin=listed)
        tree = git.git(folder, "write-tree", env=env).strip()
    return git.git(top, "commit-tree", tree, "-p", commit, "-m", message).strip()
