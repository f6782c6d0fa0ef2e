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
from tvmplug.errors import ArtifactError

_BUILD_AGAIN = "Run `tvmplug build --target ios,ios-simulator,macos` to make it again"


def staged_frameworks(root: Path) -> list[str]:
    """Say everything that is wrong with the XCFrameworks of a plugin.

    Args:
        root: The plugin's folder; nothing need be staged there.

    Raises:
        ArtifactError: One is damaged.
    """
    return [
        problem
        for folder in sorted(root.glob("darwin/*/Frameworks/*.xcframework"))
        for problem in audit_xcframework(folder)
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


def _index(folder: Path) -> list[Mapping[str, Any]]:
    path = folder / "Info.plist"
    try:
        with files.file_errors(path):
            rows = plistlib.loads(path.read_bytes())["AvailableLibraries"]
        return [{**row, "LibraryIdentifier": row["LibraryIdentifier"]} for row in rows]
    except (plistlib.InvalidFileException, ExpatError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged: {error}", mend=_BUILD_AGAIN) from error


def _slice(folder: Path, row: Mapping[str, Any]) -> Iterator[str]:
    identifier = str(row["LibraryIdentifier"])
    variant = row.get("SupportedPlatformVariant")
    platform = f"{row.get('SupportedPlatform')}{f'-{variant}' if variant else ''}"
    path = folder / identifier / str(row.get("BinaryPath") or row.get("LibraryPath"))
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
