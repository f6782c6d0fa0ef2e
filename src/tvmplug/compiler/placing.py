"""Puts a finished folder in the place of an old one, in one step where the system has one."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvmplug import files

_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE in linux/fs.h, RENAME_SWAP in macOS's stdio.h


@contextlib.contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Fill a temporary folder beside `out`; it becomes `out` when the block ends without an error.

    A run that is killed leaves the old folder (or none), never half of the new one; what it left
    beside it is removed by the next run. The caller holds the lock of `out`.

    Args:
        out: the folder to replace; its parent is made when missing.

    Yields:
        The folder to fill.

    Raises:
        FileError: the parent is read-only, the disk is full, ...
    """
    with files.file_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        for left in out.parent.glob(f".{out.name}.new-*"):
            shutil.rmtree(left)
        fresh = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.new-"))
        fresh.chmod(0o755)
    try:
        yield fresh
        with files.file_errors(out):
            _flush(fresh)
            _swap(fresh, out)
    finally:
        # Holds the old folder after the exchange, or what was made before an error.
        shutil.rmtree(fresh, ignore_errors=True)


def check_room(folder: Path, size: int) -> None:
    """Make sure that a file of some size can be written, before a library writes it.

    LLVM ends the whole process when it cannot write an object, so the disk is asked first.

    Args:
        folder: where.
        size: in bytes.

    Raises:
        FileError: the disk is too full, the quota or the file size limit too small.
    """
    with files.file_errors(folder), tempfile.TemporaryFile(dir=folder) as probe:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(probe.fileno(), 0, size)
        elif shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _swap(fresh: Path, out: Path) -> None:
    if not out.exists():
        fresh.rename(out)
    elif not _exchange(fresh, out):
        # No system call for it (Windows, old kernels, some network file systems): for an instant
        # there is no folder. A run killed right then compiles again.
        aside = fresh.with_name(fresh.name + "-old")
        out.rename(aside)
        fresh.rename(out)
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders atomically; False where the system or file system cannot."""
    names = os.fsencode(one), os.fsencode(other)
    system = platform.system()
    try:
        library: Any = ctypes.CDLL(None)
        if system == "Linux":
            failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE)
        elif system == "Darwin":
            failed = library.renamex_np(*names, _EXCHANGE)
        else:
            return False
    except (AttributeError, OSError, TypeError):  # no such function, or no C library by that name
        return False
    return bool(failed == 0)
