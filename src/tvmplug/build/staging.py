"""Put built libraries where the plugin's package expects them, each one whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files


@dataclass(frozen=True)
class Staged:
    """One library in its place.

    Attributes:
        path: Relative to the plugin's folder, with `/`.
        size: In bytes.
        sha256: Of its content, hexadecimal.
    """

    path: str
    size: int
    sha256: str


def stage(root: Path, folder: Path, sources: Sequence[Path]) -> list[Staged]:
    """Copy libraries into a folder of the package.

    Each is written to a temporary name and renamed: an app that has the old library mapped keeps
    it, and a killed build leaves the old one or the new one.

    Args:
        root: The plugin's folder.
        folder: The folder to put them in, below `root`.
        sources: The built libraries; their file names are kept.

    Returns:
        What lies there now, in the order of `sources`.

    Raises:
        FileError: The folder is read-only, the disk is full, ...
    """
    staged = []
    for source in sources:
        with files.file_errors(source):
            content = source.read_bytes()
        place = folder / source.name
        digest = files.sha256_bytes(content)
        if not place.is_file() or files.sha256_file(place) != digest:
            files.write_bytes(place, content)
        staged.append(Staged(place.relative_to(root).as_posix(), len(content), digest))
    return staged


def human_size(size: int) -> str:
    """Return a size in bytes as a person reads it: `3.4 MB`."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
