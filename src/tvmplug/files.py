"""Files written whole, hashed by content, and locked against a second writer."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tvmplug.errors import FileError

_CHUNK = 1 << 20


def write_text(path: Path, text: str) -> None:
    """Write a text file whole: a reader sees the old file or the new one.

    Args:
        path: The file; its folder is made when missing.
        text: The content, written as UTF-8 with the line ends it has.

    Raises:
        FileError: The folder is read-only, the disk is full, ...
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole, like `write_text`.

    Args:
        path: The file; its folder is made when missing.
        content: The bytes.

    Raises:
        FileError: The folder is read-only, the disk is full, ...
    """
    with file_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files for the owner alone; keep what was there, else the umask's.
            temporary.chmod(path.stat().st_mode & 0o7777 if path.exists() else _default_mode())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def sha256_bytes(content: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits.

    Raises:
        FileError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with file_errors(path), path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_tree(root: Path, *, ignore: Callable[[Path], bool] = lambda _: False) -> str:
    """Return one SHA-256 over the names and contents of all files below a folder.

    Args:
        root: The folder; one that does not exist counts as empty.
        ignore: Told each path relative to `root`; true leaves it out, with all below it.

    Returns:
        64 hexadecimal digits that depend on no time, owner or order.

    Raises:
        FileError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(_files_below(root, root, ignore)):
        name = path.relative_to(root).as_posix()
        digest.update(f"{len(name)}:{name}:{sha256_file(path)}\n".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def locked(path: Path, *, timeout_s: float = 60) -> Iterator[None]:
    """Hold the lock that belongs to a file while the block runs.

    The lock is a file `.NAME.lock` beside it, released by the kernel when its
    holder dies, so a killed run never leaves it taken.

    Args:
        path: The file to protect; it need not exist.
        timeout_s: Seconds to wait for another holder.

    Raises:
        FileError: Another process holds it for longer, or the folder is read-only.
    """
    with file_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.parent / f".{path.name}.lock")
        try:
            lock.acquire(timeout=timeout_s)
        except Timeout as error:
            raise FileError(
                f"{path} is in use by another tvmplug process for over {timeout_s:g} s",
                mend="Wait for it to finish, or stop it, then run the command again",
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn an OSError inside the block into a FileError that names the mend.

    Args:
        path: The file that the block is about, for the message.
    """
    try:
        yield
    except OSError as error:
        at = Path(error.filename) if isinstance(error.filename, str) else path
        raise FileError(f"{at}: {error.strerror or error}", mend=_mend(error, at)) from error


_MENDS = {
    errno.EACCES: "Make {folder} writable, or run as its owner",
    errno.EPERM: "Make {folder} writable, or run as its owner",
    errno.EROFS: "{folder} is on a read-only file system; use a folder that can be written",
    errno.ENOSPC: "Free some space on the disk of {folder}, then run the command again",
    errno.EDQUOT: "Free some of your quota on the disk of {folder}, then run the command again",
    errno.EFBIG: "The file size limit (ulimit -f) is too small; raise it",
    errno.ENOENT: "Check the path",
    errno.EEXIST: "A file lies where a folder should be; move it away",
    errno.ENOTDIR: "A file lies where the folder {folder} should be; move it away",
}


def _mend(error: OSError, path: Path) -> str | None:
    mend = _MENDS.get(error.errno or 0)
    return mend.format(folder=path.parent) if mend else None


def _default_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _files_below(root: Path, folder: Path, ignore: Callable[[Path], bool]) -> Iterator[Path]:
    if not folder.is_dir():
        return
    with file_errors(folder):
        for path in folder.iterdir():
            if ignore(path.relative_to(root)):
                continue
            if path.is_dir():
                yield from _files_below(root, path, ignore)
            else:
                yield path
