"""Looks at a plugin's folder: every file that is the author's, with what its symbols say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tvmplug import files
from tvmplug.adopt.binaries import START, Binary, is_binary, is_lfs_pointer, read_binary
from tvmplug.adopt.packages import is_package, read_package
from tvmplug.errors import AdoptError

PUBSPEC = "pubspec.yaml"
LICENSES = r"(?i:LICEN[CS]E|COPYING)(?:\.\w+)?"
# What tools make or fetch, and nobody writes: never the author's.
_MADE = frozenset({
    ".git", ".dart_tool", ".gradle", ".idea", ".symlinks", ".venv", "build", "target", "Pods",
    "node_modules", "__pycache__", "ephemeral", "DerivedData", ".cxx", ".build",
})  # fmt: skip
_LONGEST_TEXT = 1 << 20  # bytes; a longer file is data, whatever it is called


@dataclass(frozen=True)
class File:
    """One file of a plugin.

    Attributes:
        path: Relative to the plugin, with slashes.
        size: Bytes.
        sha256: Of its content; for a link of the path that it leads to.
        text: Its content when it is text in UTF-8; None otherwise.
        binary: What its symbols say; None when it is no library.
        packed: Name and symbols of each library in it when it is a package, such as an .aar.
        target: Where a symbolic link leads to; None when it is none.
        is_elsewhere: git LFS keeps its content, and only its address is here.
        is_ignored: git does not keep it, or keeps it in another repository (a submodule).
    """

    path: str
    size: int
    sha256: str
    text: str | None = None
    binary: Binary | None = None
    packed: tuple[tuple[str, Binary], ...] = ()
    target: str | None = None
    is_elsewhere: bool = False
    is_ignored: bool = False

    @property
    def lines(self) -> list[str]:
        """Its lines, without their ends."""
        return (self.text or "").splitlines()


@dataclass(frozen=True)
class Survey:
    """All files of one plugin.

    Attributes:
        root: Its folder, absolute.
        files: Sorted by path.
    """

    root: Path
    files: tuple[File, ...]

    @cached_property
    def by_path(self) -> dict[str, File]:
        """The files by path."""
        return {file.path: file for file in self.files}

    @cached_property
    def runtimes(self) -> tuple[tuple[File, Binary], ...]:
        """The TVM runtimes, with what their symbols say."""
        return tuple((file, binary) for file, binary in self._libraries if binary.runtime)

    @cached_property
    def models(self) -> tuple[tuple[File, Binary], ...]:
        """The compiled models that are no runtimes as well, with what their symbols say."""
        return tuple(
            (file, binary)
            for file, binary in self._libraries
            if binary.has_model and not binary.runtime
        )

    @property
    def _libraries(self) -> Iterator[tuple[File, Binary]]:
        return ((file, file.binary) for file in self.files if file.binary is not None)

    def text(self, path: str) -> str:
        """Return a file's text; empty when it is not there, or no text."""
        file = self.by_path.get(path)
        return (file.text or "") if file is not None else ""


def look(root: Path, ignored: Sequence[str] = ()) -> Survey:
    """Read a plugin's folder; follows no link and changes nothing.

    Args:
        root: The plugin's folder.
        ignored: Paths in it that git does not keep; one with a slash at its end is a folder.

    Raises:
        FileError: A file cannot be read.
    """
    root = root.absolute()
    files_, folders = set(ignored), tuple(path for path in ignored if path.endswith("/"))
    found = [
        _look_at(root, path, is_ignored=path in files_ or path.startswith(folders or ("/",)))
        for path in sorted(_paths(root))
    ]
    return Survey(root, tuple(found))


def find_plugins(folder: Path) -> list[Path]:
    """Return the plugins in a folder: itself, or those that are its folders.

    Raises:
        AdoptError: There is none.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise AdoptError(f"{folder} is no folder", mend="Name the folder of an existing plugin")
    if (folder / PUBSPEC).is_file():
        return [folder]
    with files.file_errors(folder):
        found = [path for path in sorted(folder.iterdir()) if (path / PUBSPEC).is_file()]
    if not found:
        raise AdoptError(
            f"{folder} holds no Flutter plugin: there is no {PUBSPEC} in it, or one folder below",
            mend="Name the folder of an existing plugin, or one that holds several",
        )
    return found


def _paths(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = sorted(set(folders) - _MADE - set(links))
        for name in [*names, *links]:
            if name != ".git":
                yield (inside / name).as_posix()


def _look_at(root: Path, name: str, *, is_ignored: bool) -> File:
    path = root / name
    with files.file_errors(path):
        if path.is_symlink():
            target = str(path.readlink())
            digest = files.sha256_bytes(os.fsencode(target))
            return File(name, len(target), digest, target=target, is_ignored=is_ignored)
        with path.open("rb") as file:
            start = file.read(START)
            library = is_binary(start)
            size = path.stat().st_size
            content = start + file.read() if library or size <= _LONGEST_TEXT else None
    return File(
        path=name,
        size=size,
        sha256=files.sha256_file(path) if content is None else files.sha256_bytes(content),
        text=_text(content) if content is not None and not library else None,
        binary=read_binary(content, name) if content is not None and library else None,
        packed=read_package(path) if is_package(start) else (),
        is_elsewhere=is_lfs_pointer(start),
        is_ignored=is_ignored,
    )


def _text(content: bytes) -> str | None:
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
