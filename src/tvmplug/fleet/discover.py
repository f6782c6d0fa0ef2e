"""Finds the plugins that a fleet is made of, by their manifests. For `fleet init` and `add`."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tvmplug.errors import FleetError, ProjectError
from tvmplug.manifest import MANIFEST_NAME, Kind, read_manifest

ANSWERS_NAME = ".copier-answers.yml"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A plugin in a folder.

    Attributes:
        path: The folder.
        kind: Which template it comes from.
        name: The plugin's name.
        template: The template's address as the plugin records it; None when it records none.
    """

    path: Path
    kind: Kind
    name: str
    template: str | None


def find_plugins(folder: Path) -> tuple[Found, ...]:
    """Return the plugins in a folder, one level further down, and beside it."""
    folder = folder.absolute()
    below = [each for child in _folders(folder) for each in (child, *_below(child))]
    candidates = [folder, *below, *_folders(folder.parent)]
    unique = {os.path.realpath(each): each for each in reversed(candidates)}
    found: list[Found] = []
    for each in sorted(unique.values()):
        # A broken plugin, or one in a larger repository, is no reason not to find the others.
        with contextlib.suppress(FleetError):
            found.append(must_be_plugin(each))
    return tuple(found)


def must_be_plugin(folder: Path) -> Found:
    """Return what a plugin's folder says.

    Raises:
        FleetError: It is not there, no plugin, or no git repository of its own.
    """
    folder = Path(os.path.normpath(folder.expanduser().absolute()))
    if not folder.is_dir():
        raise FleetError(f"there is no folder {folder}", mend="Check the path")
    try:
        manifest = read_manifest(folder)
    except ProjectError as error:
        raise FleetError(error.message, mend="Name a plugin's own folder") from error
    if not (folder / ".git").exists():
        raise FleetError(
            f"{folder} is no git repository of its own",
            mend=f"Make it one: git -C {folder} init, then commit its files",
        )
    return Found(path=folder, kind=manifest.kind, name=manifest.name, template=_template_of(folder))


def _folders(folder: Path) -> list[Path]:
    try:
        return [
            each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
        ]
    except OSError:
        return []  # a folder that may not be read holds nothing for us


def _below(folder: Path) -> list[Path]:
    """A folder of plugins is gone into; a plugin's own folders are not."""
    return [] if _is_plugin(folder) else _folders(folder)


def _is_plugin(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).is_file()


def _template_of(folder: Path) -> str | None:
    try:
        answers = YAML(typ="safe").load((folder / ANSWERS_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        return None
    source = answers.get("_src_path") if isinstance(answers, dict) else None
    return source if isinstance(source, str) else None
