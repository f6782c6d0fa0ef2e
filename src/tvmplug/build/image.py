"""A linked library, and what went into it: what a build leaves beside the compiled model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.errors import ArtifactError
from tvmplug.targets import Target, target_named

RECORD = "image.json"
LINK_MAP = "link.map"
_BUILD_AGAIN = "Run `tvmplug build` to make it again"


@dataclass(frozen=True)
class Image:
    """One linked library.

    Attributes:
        target: What it is for.
        path: The linked file.
        link_map: What the linker says it put into it; None where there is no such file.
        linker: Name and version of what linked it, for people.
        proof_only: It was made without the platform's own tools: it proves the link, and is not
            for an app that is published.
        archives: The static archives that were forced into it: all their objects must be in it.
    """

    target: Target
    path: Path
    link_map: Path | None
    linker: str
    proof_only: bool
    archives: tuple[Path, ...]


def write_image(folder: Path, image: Image) -> None:
    """Write an image's record, `image.json`, as the last step of a link.

    Raises:
        FileError: It cannot be written.
    """
    document = {
        "target": image.target.name,
        "path": _recorded(image.path, folder),
        "link_map": None if image.link_map is None else _recorded(image.link_map, folder),
        "linker": image.linker,
        "proof_only": image.proof_only,
        "archives": [_recorded(path, folder) for path in image.archives],
    }
    files.write_text(folder / RECORD, json.dumps(document, indent=2) + "\n")


def _recorded(path: Path, folder: Path) -> str:
    """What stands beside the record's folder, or in it, is found from there: folders are moved."""
    near = folder.parent
    return path.relative_to(near).as_posix() if path.is_relative_to(near) else str(path)


def forget_image(folder: Path) -> None:
    """Remove the record of an image that is about to be replaced.

    Raises:
        FileError: It cannot be removed.
    """
    with files.file_errors(folder / RECORD):
        (folder / RECORD).unlink(missing_ok=True)


def read_image(folder: Path) -> Image | None:
    """Read the record of an image; None where nothing was linked, or the file is gone.

    Raises:
        ArtifactError: The record is damaged.
    """
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        document = json.loads(text)
        near, link_map = folder.parent, document["link_map"]
        image = Image(
            target=target_named(document["target"]),
            path=near / document["path"],
            link_map=None if link_map is None else near / link_map,
            linker=str(document["linker"]),
            proof_only=bool(document["proof_only"]),
            archives=tuple(near / path for path in document["archives"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{folder / RECORD} is damaged: {error}", mend=_BUILD_AGAIN) from error
    return image if image.path.is_file() else None
