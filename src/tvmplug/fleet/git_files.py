"""Where git keeps its files, for what is read without a process."""

from __future__ import annotations

import contextlib
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
