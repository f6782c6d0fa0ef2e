"""What a repository says about itself at the commit that an update would start from.

Asked of git, never of the working tree: what is not committed is not updated. Three git processes
a repository.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tvmplug import registry
from tvmplug.errors import FleetError, ProcessError, ProjectError, RegistryError, TvmplugError
from tvmplug.fleet import git
from tvmplug.fleet.clones import ORIGIN, refresh_clone
from tvmplug.fleet.discover import ANSWERS_NAME
from tvmplug.fleet.records import Reason, Repository
from tvmplug.manifest import MANIFEST_NAME, Manifest, parse_manifest
from tvmplug.registry import REGISTRY_NAME

_FIELDS = "%(refname)%00%(objectname)%00%(symref)%00%(worktreepath)%00"
Problem = tuple[Reason, str, "str | None"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one repository.

    Attributes:
        repository: Its entry in fleet.yaml.
        problem: Why it cannot be updated as it is: reason, message, mend; what else is known then
            is what could still be found out.
        head: Full hash of the commit that an update starts from.
        head_branch: What is checked out (for a clone of ours: the branch that `head` is of); None
            when HEAD is on no branch.
        dirty: There are changes that no commit holds, or files that git does not know.
        branch_tip: Full hash of the branch for updates; None when there is none.
        branch_checked_out: That branch is checked out, here or in another worktree.
        answers: The answers file at `head`.
        manifest: The manifest at `head`.
        registered: The registry at `head`: prefix by plugin; None where there is none.
    """

    repository: Repository
    problem: Problem | None = None
    head: str | None = None
    head_branch: str | None = None
    dirty: bool = False
    branch_tip: str | None = None
    branch_checked_out: bool = False
    answers: Mapping[str, Any] = field(default_factory=dict)
    manifest: Manifest | None = None
    registered: Mapping[str, str] | None = None


@dataclass(frozen=True)
class _Reference:
    commit: str
    points_to: str
    worktree: str


class _ProblemError(FleetError):
    """Ends the questions; what was found out so far is kept."""


def look(repository: Repository) -> Facts:
    """Ask one repository. Never raises: what is wrong with it is a fact too."""
    known: dict[str, Any] = {}
    try:
        _ask(repository, known)
    except ProcessError as error:
        mend = f"See what `git -C {repository.path} fsck` says"
        known["problem"] = (Reason.REPOSITORY, error.message, error.mend or mend)
    except (FleetError, ProjectError, RegistryError) as error:
        known["problem"] = (Reason.REPOSITORY, error.message, error.mend)
    except TvmplugError as error:
        known["problem"] = (Reason.TOOL, error.message, error.mend)
    except OSError as error:
        known["problem"] = (Reason.REPOSITORY, f"{error.filename}: {error.strerror}", None)
    except Exception as error:  # one repository that nobody thought of must not hide all others
        told = " ".join(f"{type(error).__name__}: {error}".split())
        known["problem"] = (Reason.CRASH, told, "Please report this; the others are not affected")
    return Facts(repository=repository, **known)


def look_all(
    repositories: Sequence[Repository], jobs: int | None = None, *, refresh: bool = True
) -> list[Facts]:
    """Ask many repositories at once.

    Args:
        repositories: Whom to ask.
        jobs: How many at once; None for two a processor.
        refresh: Clone or fetch those that are named by address first.

    Returns:
        One answer each, in order.
    """

    def ask(repository: Repository) -> Facts:
        try:
            if refresh and repository.is_remote:
                refresh_clone(repository)
        except TvmplugError as error:
            problem = (Reason.REPOSITORY, error.message, error.mend)
            return Facts(repository=repository, problem=problem)
        return look(repository)

    with ThreadPoolExecutor(jobs or 2 * (os.cpu_count() or 1)) as pool:
        return list(pool.map(ask, repositories))


def _ask(repository: Repository, known: dict[str, Any]) -> None:
    path = repository.path
    _must_be_repository(repository)
    committed = _status(path, known)
    references = _references(repository)
    tip = references.get(f"refs/heads/{repository.branch}")
    if tip is not None:
        known["branch_tip"] = tip.commit
        known["branch_checked_out"] = bool(tip.worktree)
    known["head"], branch = _base(repository, references, committed)
    if repository.is_remote:
        known["head_branch"] = branch
    names = (ANSWERS_NAME, MANIFEST_NAME, REGISTRY_NAME)
    answers, manifest, registered = git.files_at(path, known["head"], names).values()
    known["answers"] = _answers(path, answers)
    if manifest is None:
        raise _ProblemError(
            f"it is no tvmplug plugin: its last commit has no {MANIFEST_NAME}",
            mend="Commit the whole plugin, or take it out of the fleet",
        )
    known["manifest"] = parse_manifest(manifest, path)
    if registered is not None:
        text = registered.decode(errors="replace")
        entries = registry.parse_registry(path / REGISTRY_NAME, text)
        known["registered"] = {name: entry.prefix for name, entry in entries.items()}


def _must_be_repository(repository: Repository) -> None:
    path = repository.path
    if not path.is_dir():
        raise _ProblemError(
            f"there is no folder {path}",
            mend=f"Clone {repository.name} there, or take it out of the fleet",
        )
    if not (path / ".git").exists():
        raise _ProblemError(
            f"{path} is no git repository of its own",
            mend=f"Make it one: git -C {path} init, then commit its files",
        )


def _status(path: Path, known: dict[str, Any]) -> str | None:
    """Note what is checked out; return the commit, or None before the first one."""
    # Where .git is broken, git would go on upwards and tell of a repository around this one.
    ceiling = {"GIT_CEILING_DIRECTORIES": str(path.resolve().parent)}
    arguments = ("status", "--porcelain=v2", "--branch", "-z")
    told = git.git(path, *arguments, env=ceiling).split("\0")[:-1]
    # Headers come first; a later entry may be the old name of a renamed file, "# branch.head" too.
    above = list(itertools.takewhile(lambda line: line.startswith("# "), told))
    headers = dict(line[2:].split(" ", 1) for line in above)
    branch = headers["branch.head"]
    known["head_branch"] = None if branch == "(detached)" else branch
    known["dirty"] = len(told) > len(above)
    return None if headers["branch.oid"] == "(initial)" else headers["branch.oid"]


def _references(repository: Repository) -> dict[str, _Reference]:
    names = [f"refs/heads/{repository.branch}"]
    if repository.is_remote:
        base = repository.base or "HEAD"
        names.append(f"refs/remotes/{ORIGIN}/{base}")
    elif repository.base is not None:
        names.append(f"refs/heads/{repository.base}")
    told = git.git(repository.path, "for-each-ref", f"--format={_FIELDS}", *names).split("\0\n")
    rows = (line.split("\0") for line in told if line)
    return {name: _Reference(commit, to, worktree) for name, commit, to, worktree in rows}


def _base(
    repository: Repository, references: Mapping[str, _Reference], committed: str | None
) -> tuple[str, str | None]:
    """The commit that an update starts from, and the branch that it is of."""
    base = repository.base
    if repository.is_remote and base != repository.branch:
        found = references.get(f"refs/remotes/{ORIGIN}/{base or 'HEAD'}")
        if found is not None:
            branch = found.points_to.removeprefix(f"refs/remotes/{ORIGIN}/") or base
            return found.commit, branch
    elif base is not None:
        found = references.get(f"refs/heads/{base}")
        if found is not None:
            return found.commit, base
    elif committed is not None:
        return committed, None
    if base is None:
        mend = "Commit its files first"
        raise _ProblemError(f"{repository.name} has no commit yet", mend=mend)
    raise _ProblemError(
        f"{repository.name} has no branch {base}", mend="Write another `base:` in fleet.yaml"
    )


def _answers(path: Path, content: bytes | None) -> dict[str, Any]:
    mend = f"Restore it from an earlier commit: git -C {path} log -- {ANSWERS_NAME}"
    if content is None:
        raise _ProblemError(f"its last commit has no {ANSWERS_NAME}", mend=mend)
    try:
        answers = YAML(typ="safe").load(content.decode())
    except (ValueError, RecursionError, YAMLError) as error:  # a 13th month is a ValueError
        line = f":{mark.line + 1}" if (mark := getattr(error, "problem_mark", None)) else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise _ProblemError(f"{ANSWERS_NAME}{line} cannot be read: {problem}", mend=mend) from error
    if not isinstance(answers, dict):
        raise _ProblemError(f"{ANSWERS_NAME} holds no answers", mend=mend)
    for key in ("_src_path", "_commit"):
        if not isinstance(answers.get(key), str):
            raise _ProblemError(f"{ANSWERS_NAME} records no {key}", mend=mend)
    return answers
