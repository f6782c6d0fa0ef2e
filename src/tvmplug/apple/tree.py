"""A folder as a table of its files and links, written whole in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files


@dataclass(frozen=True)
class Link:
    """A symbolic link, relative to the folder it lies in."""

    to: str


@dataclass(frozen=True)
class File:
    """A file's content, and whether it is a program or a library."""

    content: bytes
    executable: bool = False


# What lies where, by the path below the folder with `/` between its parts.
Tree = Mapping[str, File | Link]


def write_tree(folder: Path, tree: Tree) -> None:
    """Put a folder in the place of what is there: a killed run leaves the old one or the new one.

    Args:
        folder: The folder; the ones above it are made when missing.
        tree: All that it shall hold.

    Raises:
        FileError: The folder above is read-only, the disk is full, ...
    """
    with files.file_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            made, old = work / "new", work / "old"
            made.mkdir()
            for name, entry in sorted(tree.items()):
                _write(made / name, entry)
            if os.path.lexists(folder):
                folder.replace(old)
            made.replace(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _write(path: Path, entry: File | Link) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry, Link):
        path.symlink_to(entry.to)
        return
    path.write_bytes(entry.content)
    if entry.executable:
        path.chmod(path.stat().st_mode | 0o111)
