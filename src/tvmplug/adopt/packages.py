"""Libraries inside packages: Android's .aar and .jar, and the .zip and .tar of other tools."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tvmplug.adopt.binaries import START, Binary, is_binary, read_binary
from tvmplug.files import file_errors

_ZIP = b"PK\x03\x04"
_TAR, _TAR_AT = b"ustar", 257


def is_package(start: bytes) -> bool:
    """Tell by a file's first bytes (`START` of them) whether it is a package."""
    return start.startswith(_ZIP) or start[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def read_package(path: Path) -> tuple[tuple[str, Binary], ...]:
    """Return name and symbols of each library in a package; of a damaged one, those before.

    Args:
        path: A package.

    Raises:
        FileError: It cannot be read.
    """
    found = []
    with file_errors(path):
        try:
            for name, content in _libraries(path):
                found.append((name, read_binary(content, name)))
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError):
            pass  # no tool that builds an app could read on either
    return tuple(found)


def _libraries(path: Path) -> Iterator[tuple[str, bytes]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as package:
            for name in package.namelist():
                with package.open(name) as member:
                    yield from _library(name, member)
    else:
        with tarfile.open(path) as archive:
            for entry in archive:
                opened = archive.extractfile(entry) if entry.isfile() else None
                if opened is not None:
                    yield from _library(entry.name, opened)


def _library(name: str, member: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    start = member.read(START)
    if is_binary(start):
        yield name, start + member.read()
