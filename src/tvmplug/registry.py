"""The registry `tvm_plugins.yaml`: the one list of which plugin holds which prefix.

It lies in the runtime plugin. Teams edit it by hand and by `tvmplug registry`, so comments and
order are kept, and a wrong edit is told by file and line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from tvmplug import files, names
from tvmplug.edited_yaml import EditedYaml, depth, dump, restore
from tvmplug.errors import NamingError, RegistryError
from tvmplug.manifest import Manifest

REGISTRY_NAME = "tvm_plugins.yaml"
VERSION = 1
_REGISTRY = EditedYaml(
    "registry",
    RegistryError,
    "Name the runtime plugin's tvm_plugins.yaml with --registry or TVMPLUG_REGISTRY",
)


@dataclass(frozen=True)
class Entry:
    """One plugin's claim.

    Attributes:
        plugin: The plugin's name.
        prefix: The symbol prefix that it holds.
        line: Where it stands in the file, counted from 1.
    """

    plugin: str
    prefix: str
    line: int


def locate_registry(manifest: Manifest | None, explicit: Path | None = None) -> Path | None:
    """Return the registry that a plugin belongs to.

    Args:
        manifest: The plugin, if the command runs in one.
        explicit: What `--registry` says.

    Returns:
        `explicit`, else TVMPLUG_REGISTRY, else the runtime plugin's own when its folder is here;
        None when the runtime plugin is somewhere else (git, hosted, not generated yet).
    """
    if explicit is None and (named := os.environ.get("TVMPLUG_REGISTRY")):
        explicit = Path(named)
    if explicit is not None:
        explicit = explicit.expanduser().absolute()
        return explicit / REGISTRY_NAME if explicit.is_dir() else explicit
    root = manifest.runtime_root if manifest is not None else None
    return root / REGISTRY_NAME if root is not None and root.is_dir() else None


def read_registry(path: Path) -> dict[str, Entry]:
    """Return all entries by plugin name, in the file's order, after checking all of them.

    Raises:
        RegistryError: It is missing, no YAML, of another version, or two entries collide.
    """
    return parse_registry(path, _REGISTRY.read(path))


def parse_registry(path: Path, text: str) -> dict[str, Entry]:
    """Return all entries of a registry's text, which need not be that of the file now.

    Raises:
        RegistryError: It is no YAML, of another version, or two entries collide.
    """
    return _entries(path, _load(path, text))


def collision(entries: Iterable[Entry], plugin: str, prefix: str) -> Entry | None:
    """Return the entry of another plugin that keeps `plugin` from holding `prefix`, if any."""
    others = (entry for entry in entries if entry.plugin != plugin)
    return next((entry for entry in others if names.conflicts(entry.prefix, prefix)), None)


def register(path: Path, plugin: str, prefix: str) -> bool:
    """Enter a plugin; entering it again changes nothing, with another prefix it moves there.

    Returns:
        True when the file was changed.

    Raises:
        NamingError: The name or the prefix is malformed.
        RegistryError: Another plugin's prefix is in the way, or the registry is wrong.
        FileError: The file cannot be written.
    """
    names.check_plugin_name(plugin)
    names.check_prefix(prefix)
    _REGISTRY.read(path)  # before the lock, whose file would make a folder that is not there
    with files.locked(path):
        document = _load(path, _REGISTRY.read(path))
        entries = _entries(path, document)
        taken = collision(entries.values(), plugin, prefix)
        if taken is not None:
            raise RegistryError(
                f"prefix {prefix} cannot be given to {plugin}: {_why(taken, prefix)} "
                f"({path}:{taken.line})",
                mend="Choose another prefix for this plugin",
            )
        if plugin in entries and entries[plugin].prefix == prefix:
            return False
        _plugins(document).setdefault(plugin, CommentedMap())["prefix"] = prefix
        files.write_text(path, dump(document))
    return True


def unregister(path: Path, plugin: str) -> None:
    """Take a plugin out; the comments around it stay.

    Raises:
        RegistryError: It is not there, or the registry is wrong.
        FileError: The file cannot be written.
    """
    _REGISTRY.read(path)
    with files.locked(path):
        text = _REGISTRY.read(path)
        document = _load(path, text)
        entries = _entries(path, document)
        if plugin not in entries:
            raise RegistryError(
                f"{plugin} is not in {path}", mend="`tvmplug registry list` shows who is"
            )
        kept = {name: entry.prefix for name, entry in entries.items() if name != plugin}
        files.write_text(path, _without(path, text, entries[plugin], kept))


def _load(path: Path, text: str) -> CommentedMap:
    document = _REGISTRY.load(path, text)
    version = document.get("version")
    if version != VERSION:
        raise RegistryError(
            f"{path}:{_line(document, 'version')}: registry version is {version!r}, "
            f"this tvmplug reads {VERSION}",
            mend="Set `version: 1`, or use the tvmplug that wrote it",
        )
    return document


def _entries(path: Path, document: CommentedMap) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    plugins = _plugins(document)
    if not isinstance(plugins, CommentedMap):
        at = f"{path}:{_line(document, 'plugins')}"
        raise RegistryError(f"{at}: 'plugins' is no mapping", mend=restore(path))
    for plugin, value in plugins.items():
        at = f"{path}:{_line(plugins, plugin)}"
        prefix = value.get("prefix") if isinstance(value, Mapping) else None
        if not isinstance(plugin, str) or not isinstance(prefix, str):
            raise RegistryError(
                f"{at}: '{plugin}' has no prefix", mend=f"Write `{plugin}: {{prefix: name_}}`"
            )
        try:
            names.check_plugin_name(plugin)
            names.check_prefix(prefix)
        except NamingError as error:
            raise RegistryError(f"{at}: {error.message}", mend=error.mend) from error
        taken = collision(entries.values(), plugin, prefix)
        if taken is not None:
            raise RegistryError(
                f"{at}: {plugin} cannot hold prefix {prefix}: {_why(taken, prefix)} "
                f"(line {taken.line})",
                mend="Give one of the two another prefix, here and in its plugin",
            )
        entries[plugin] = Entry(plugin, prefix, _line(plugins, plugin))
    return entries


def _why(taken: Entry, prefix: str) -> str:
    if taken.prefix == prefix:
        return f"{taken.plugin} holds it"
    short, long = sorted((taken.prefix, prefix), key=len)
    return f"{taken.plugin} holds {taken.prefix}, and {long} begins with {short}"


def _plugins(document: CommentedMap) -> Any:
    """The mapping of plugins; an empty `plugins:` becomes one that can be written to."""
    if document.get("plugins") in (None, {}):
        document["plugins"] = CommentedMap()
    return document["plugins"]


def _line(mapping: CommentedMap, key: object) -> int:
    return int(mapping.lc.key(key)[0]) + 1 if key in (mapping.lc.data or {}) else 1


def _without(path: Path, text: str, entry: Entry, kept: Mapping[str, str]) -> str:
    """Cut an entry's lines out of the text.

    ruamel.yaml keeps a comment with the value before it, so deleting a key there would take the
    comment of the next entry along. An entry in flow style has no lines of its own: that is left
    to ruamel.yaml.
    """
    lines = text.splitlines(keepends=True)
    start = entry.line - 1
    end = start + 1
    while end < len(lines) and depth(lines[end]) > depth(lines[start]):
        end += 1
    shorter = "".join(lines[:start] + lines[end:])
    try:
        found = {e.plugin: e.prefix for e in _entries(path, _load(path, shorter)).values()}
        if found == dict(kept):
            return shorter
    except RegistryError:
        pass
    document = _load(path, text)
    del document["plugins"][entry.plugin]
    return dump(document)
