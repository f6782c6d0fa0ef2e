"""Where git keeps its files, for what is read without a process."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

_LOCK_PATIENCE_S = 1.0  # git holds a reference's lock for milliseconds


def git_folder(repository: Path) -> Path:
    """Return where git keeps what belongs to a checkout: `.git`, or a worktree's part of it."""
    folder = repository / ".git"
    if folder.is_file():  # a worktree: `gitdir: FOLDER`
        return repository / folder.read_text().partition(":")[2].strip()
    return folder


def common_folder(repository: Path) -> Path:
    """Return where git keeps what all worktrees of a repository share."""
    folder = git_folder(repository)
    common = folder / "commondir"
    return folder / common.read_text().strip() if common.exists() else folder


def worktree_records(repository: Path) -> dict[Path, Path | None]:
    """Return the folder of each worktree that a repository has a record of, by the record's folder.

    None stands for a record that names no worktree: git was killed while it wrote it. Asking git
    would cost a process for each of hundreds of repositories, and git stops at a record whose
    `commondir` is empty.

    Args:
        repository: The git repository, which may be gone.
    """
    found: dict[Path, Path | None] = {}
    with contextlib.suppress(OSError):
        for record in (common_folder(repository) / "worktrees").iterdir():
            named = b""
            with contextlib.suppress(OSError):
                named = (record / "gitdir").read_bytes().strip()
            # Newer versions of git can name it relative to the record.
            found[record] = (record / os.fsdecode(named)).parent.resolve() if named else None
    return found


def forget_worktree(repository: Path, path: Path) -> None:
    """Remove what a repository knows of a worktree, as `git worktree remove` does.

    A record that names no worktree goes with it when it bears the folder's name, to which git
    adds a number: nothing else finds it any more.

    Args:
        repository: The git repository, which may be gone.
        path: The folder of the worktree, which may be gone.

    Raises:
        OSError: A record cannot be removed.
    """
    path = path.resolve()
    name = re.compile(re.escape(path.name) + r"\d*")
    for record, worktree in worktree_records(repository).items():
        if worktree == path or (worktree is None and name.fullmatch(record.name)):
            shutil.rmtree(record)
            with contextlib.suppress(OSError):  # others are left
                record.parent.rmdir()


def remove_stale_lock(repository: Path, ref: str) -> None:
    """Remove the lock of a reference that a git left which was killed while it moved it.

    A lock that changes or goes away meanwhile is somebody's, and stays.

    Args:
        repository: The git repository, which may be gone.
        ref: The reference's full name.
    """
    with contextlib.suppress(OSError):
        lock = common_folder(repository) / f"{ref}.lock"
        before = lock.stat()
        time.sleep(_LOCK_PATIENCE_S)
        after = lock.stat()
        if (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns):
            lock.unlink()
