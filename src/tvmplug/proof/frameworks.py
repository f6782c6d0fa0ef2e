"""What is in the XCFrameworks that a plugin has staged: is each slice for what its index says?"""

from __future__ import annotations

import plistlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from tvmplug import files
from tvmplug.apple.macho import read_macho
from tvmplug.apple.universal import split
from tvmplug.build.library import machine_paths
from tvmplug.errors import ArtifactError
from tvmplug.targets import Target

_STAGED = "darwin/*/Frameworks/*.xcframework"
_BUILD_AGAIN = "Run `tvmplug build --target ios,ios-simulator,macos` to make it again"


def staged_frameworks(root: Path) -> list[str]:
    """Say everything that is wrong with the XCFrameworks of a plugin.

    Args:
        root: The plugin's folder; nothing need be staged there.

    Raises:
        ArtifactError: One is damaged.
    """
    return [
        problem for folder in sorted(root.glob(_STAGED)) for problem in audit_xcframework(folder)
    ]


def audit_xcframework(folder: Path) -> list[str]:
    """Say where an XCFramework holds something else than its index says.

    Args:
        folder: The bundle, `NAME.xcframework`.

    Returns:
        One line for each wrong slice: another platform or processor, or no library at all.

    Raises:
        ArtifactError: It has no index, or a file of it is damaged.
    """
    index = _index(folder)
    return [f"{folder.name}: {problem}" for row in index for problem in _slice(folder, row)]


def slice_for(root: Path, target: Target) -> Path | None:
    """Return the framework's library that a plugin has staged for a target.

    Args:
        root: The plugin's folder.
        target: One of Apple's.

    Returns:
        The library, which may be universal; None where there is none, or a static one.

    Raises:
        ArtifactError: An XCFramework's index is damaged.
    """
    for folder in sorted(root.glob(_STAGED)):
        for row in _index(folder):
            path = _binary(folder, row)
            is_for = (_platform(row), target.arch in row.get("SupportedArchitectures", ()))
            if is_for == (target.platform, True) and path.suffix != ".a":
                return path if path.is_file() else None
    return None


def _index(folder: Path) -> list[Mapping[str, Any]]:
    path = folder / "Info.plist"
    try:
        with files.file_errors(path):
            rows = plistlib.loads(path.read_bytes())["AvailableLibraries"]
        return [{**row, "LibraryIdentifier": row["LibraryIdentifier"]} for row in rows]
    except (plistlib.InvalidFileException, ExpatError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged: {error}", mend=_BUILD_AGAIN) from error


def _paths(folder: Path, root: Path) -> Iterator[str]:
    """Paths of this machine in any file of a bundle."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with files.file_errors(path):
                for problem in machine_paths(path.read_bytes(), root):
                    yield f"{path.relative_to(folder.parent)}: {problem}"


def _slice(folder: Path, row: Mapping[str, Any]) -> Iterator[str]:
    identifier, platform, path = row["LibraryIdentifier"], _platform(row), _binary(folder, row)
    if not path.is_file():
        yield f"the slice {identifier} has no {path.name}"
        return
    with files.file_errors(path):
        content = path.read_bytes()
    found = []
    for part in split(content, str(path)):
        macho = read_macho(part.content, str(path))
        found.append(part.arch)
        if macho.platform not in (None, platform):
            yield f"the slice {identifier} is for {platform}, its {part.arch} is {macho.platform}"
    if sorted(found) != sorted(row.get("SupportedArchitectures", ())):
        yield f"the slice {identifier} holds {', '.join(found)}"


def _platform(row: Mapping[str, Any]) -> str:
    variant = row.get("SupportedPlatformVariant")
    return f"{row.get('SupportedPlatform')}{f'-{variant}' if variant else ''}"


def _binary(folder: Path, row: Mapping[str, Any]) -> Path:
    inside = str(row.get("BinaryPath") or row.get("LibraryPath"))
    return folder / str(row["LibraryIdentifier"]) / inside
