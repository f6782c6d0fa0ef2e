"""Compiled kernels that were made before, by what they were made from; in the user's cache folder.

Several processes may use it at once: an entry is a file that is written whole and never changed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tvmplug import files
from tvmplug.pinned_env import cache_dir

LIMIT_BYTES = 512 << 20
"""What the cache may hold: some 20 000 kernels."""
# Down to this share of the limit, so that not every build has to look for the oldest.
_KEPT = 0.8
_DIGEST = 64


def kernel_cache_dir() -> Path:
    """Where compiled kernels are kept."""
    return cache_dir() / "kernels"


class KernelCache:
    """A folder of entries with a limit on their size; what was used longest ago goes first.

    Args:
        folder: The folder; it is made when the first entry is written.
        limit: In bytes.
    """

    def __init__(self, folder: Path, limit: int = LIMIT_BYTES) -> None:
        self.folder = folder
        self.limit = limit

    def get(self, key: str) -> bytes | None:
        """Read an entry, and count it as used now.

        Args:
            key: 64 hexadecimal digits that stand for everything that the entry was made from.

        Returns:
            What was put; None where there is nothing, or where it is damaged.
        """
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, payload = content[:_DIGEST], content[_DIGEST:]
        if digest != files.sha256_bytes(payload).encode():
            return None  # made again, and written over
        with contextlib.suppress(OSError):  # someone else's folder, or removed just now
            os.utime(path)
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Write an entry.

        Args:
            key: What `get` is asked for.
            payload: The entry's bytes.

        Raises:
            FileError: The folder cannot be written, or the disk is full.
        """
        files.write_bytes(self._path(key), files.sha256_bytes(payload).encode() + payload)

    def trim(self) -> None:
        """Remove what was used longest ago, where the entries together are over the limit."""
        entries = sorted(self._entries())
        size = sum(each for _, each, _ in entries)
        if size <= self.limit:
            return
        for _, each, path in entries:
            if size <= self.limit * _KEPT:
                break
            with contextlib.suppress(OSError):  # another process removes, too
                path.unlink()
            size -= each

    def size(self) -> int:
        """How many bytes all entries together have."""
        return sum(size for _, size, _ in self._entries())

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size and path of each file, those that a kill left among them."""
        for path in self.folder.glob("??/*") if self.folder.is_dir() else ():
            with contextlib.suppress(OSError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path
