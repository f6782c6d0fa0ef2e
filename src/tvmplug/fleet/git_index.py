"""Reads a git index without starting git: what an update asks most often."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Listing = Mapping[str, tuple[str, str]]

_HEADER = struct.Struct(">4sII")
_ENTRY = struct.Struct(">40x 20s H")  # after times, ids and size: the hash and the flags
_MODE = struct.Struct(">24x I")
_SHA1 = 20
_STAGE = 0x3000
_EXTENDED = 0x4000
_NAME = 0x0FFF


@dataclass(frozen=True)
class Index:
    """What an index holds.

    Attributes:
        files: Path -> (mode, blob).
        tree: The tree that `git write-tree` would give; None when git has to work it out.
    """

    files: Listing
    tree: str | None


def read_index(path: Path) -> Index | None:
    """Return what is in an index; None when git itself has to be asked.

    The format is that of git's documentation (gitformat-index), version 2. Not read here: other
    versions, unmerged entries, split and sparse indexes, and repositories with other hashes.

    Args:
        path: The index; a missing one is empty.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Index({}, None)
    body, checksum = content[:-_SHA1], content[-_SHA1:]
    if len(content) < _HEADER.size + _SHA1 or hashlib.sha1(body).digest() != checksum:  # noqa: S324, git's own
        return None
    signature, version, count = _HEADER.unpack_from(body)
    if signature != b"DIRC" or version != 2:
        return None
    files: dict[str, tuple[str, str]] = {}
    at = _HEADER.size
    for _ in range(count):
        blob, flags = _ENTRY.unpack_from(body, at)
        if flags & (_STAGE | _EXTENDED):
            return None
        (mode,) = _MODE.unpack_from(body, at)
        start = at + _ENTRY.size
        end = body.index(b"\0", start) if flags & _NAME == _NAME else start + (flags & _NAME)
        files[os.fsdecode(body[start:end])] = (f"{mode:06o}", blob.hex())
        at += (end - at + 8) & ~7  # at least one NUL, up to a multiple of eight
    return _with_tree(files, body, at)


def blob_hash(content: bytes, digits: int = 40) -> str:
    """Return the hash that git gives some content.

    Args:
        content: The bytes of a file.
        digits: 40 for git's SHA-1, 64 for SHA-256.
    """
    digest = hashlib.new("sha1" if digits == 40 else "sha256", usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()


def _with_tree(files: Listing, body: bytes, at: int) -> Index | None:
    """Read the extensions that follow the entries."""
    tree = None
    while at < len(body):
        name, size = struct.unpack_from(">4sI", body, at)
        at += 8
        if name == b"TREE":
            tree = _root(body[at : at + size])
        elif name[:1].islower():  # one that changes what the entries mean
            return None
        at += size
    return Index(files, tree)


def _root(cache: bytes) -> str | None:
    """The first entry of the cached trees: an empty path, "COUNT SUBTREES", the hash."""
    counts, _, rest = cache.removeprefix(b"\0").partition(b"\n")
    if counts.startswith(b"-"):  # something was staged since
        return None
    return rest[:_SHA1].hex()
