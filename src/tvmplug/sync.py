"""Keeps the one line in pubspec.yaml and in Cargo.toml that names the runtime plugin.

Both files belong to the author; that line follows the manifest and the pins, so an update that
moves a pin never conflicts with an author's edit. Plugins over flutter_rust_bridge have a second
such line, with the bridge's version.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import tomlkit
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from tomlkit.exceptions import TOMLKitError

from tvmplug import files
from tvmplug.build.bridge import is_bridged
from tvmplug.errors import ProjectError
from tvmplug.manifest import RuntimeGit, RuntimePath, RuntimeSource
from tvmplug.pins import PINS
from tvmplug.project import Project

RUNTIME_PLUGIN = "tvm_runtime_flutter"
BRIDGE = "flutter_rust_bridge"
PUBSPEC = "pubspec.yaml"
CARGO = "rust/Cargo.toml"
# Of mappings, of lists, and of a list's dashes; the first where a text has several.
_INDENTS = ((2, 2, 0), (2, 4, 2), (4, 4, 2), (4, 6, 4), (4, 4, 0))
# The keys of a Cargo dependency that say where it comes from; all others are the author's.
_CARGO_SOURCE_KEYS = ("path", "git", "branch", "tag", "rev", "version")


def sync_project(project: Project) -> list[str]:
    """Set the runtime plugin's requirement in a plugin's two package files, and the bridge's.

    Args:
        project: A model plugin; the runtime plugin has nothing to keep in step.

    Returns:
        The files that were changed, relative to the plugin.

    Raises:
        ProjectError: A file is missing or cannot be parsed.
        FileError: A file cannot be written.
    """
    changed = []
    for name, text, wanted in _wanted(project):
        if text != wanted:
            files.write_text(project.root / name, wanted)
            changed.append(name)
    return changed


def out_of_step(project: Project) -> list[str]:
    """Return the files that `sync_project` would change."""
    return [name for name, text, wanted in _wanted(project) if text != wanted]


def _wanted(project: Project) -> Iterator[tuple[str, str, str]]:
    """Each file's name, its text, and the text it should have."""
    if not project.is_model:
        return
    runtime = project.model.runtime
    for name, change in ((PUBSPEC, with_pub_requirement), (CARGO, with_cargo_requirement)):
        path = project.root / name
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectError(
                f"{path} cannot be read: {error}", mend=f"Restore it: git checkout {name}"
            ) from error
        try:
            wanted = change(text, runtime, bridged=is_bridged(project))
        except (YAMLError, TOMLKitError, AttributeError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise ProjectError(
                f"{path} cannot be parsed: {reason}", mend=f"Mend {name}, or git checkout {name}"
            ) from error
        yield name, text, wanted


def with_pub_requirement(text: str, runtime: RuntimeSource, *, bridged: bool = False) -> str:
    """Return a pubspec's text with the requirement of a runtime plugin; the rest stays.

    Args:
        text: The pubspec.
        runtime: Where the runtime plugin comes from.
        bridged: The plugin's calls go over flutter_rust_bridge: its version follows the pins, too.
    """
    yaml = yaml_of(text)
    document = yaml.load(text)
    dependencies = document.get("dependencies")
    if dependencies is None:
        dependencies = document["dependencies"] = CommentedMap()
    wanted = {RUNTIME_PLUGIN: pub_requirement(runtime)} | ({BRIDGE: PINS.frb} if bridged else {})
    if all(_plain(dependencies.get(name)) == value for name, value in wanted.items()):
        return text
    for name, value in wanted.items():
        if _plain(dependencies.get(name)) != value:
            dependencies[name] = value
    return dumped(yaml, document)


def yaml_of(text: str) -> YAML:
    """Return a YAML that writes with the indentation that a text has."""
    found = (yaml for yaml in map(_indented, _INDENTS) if dumped(yaml, yaml.load(text)) == text)
    return next(found, _indented(_INDENTS[0]))


def _indented(indent: tuple[int, int, int]) -> YAML:
    mapping, sequence, offset = indent
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    return yaml


def dumped(yaml: YAML, document: Any) -> str:
    """Return a document as text."""
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def pub_requirement(runtime: RuntimeSource) -> Any:
    """Return what stands after `tvm_runtime_flutter:` in a pubspec."""
    if isinstance(runtime, RuntimePath):
        return {"path": runtime.path}
    if isinstance(runtime, RuntimeGit):
        return {"git": {"url": runtime.url, "ref": runtime.ref}}
    return runtime.version


def with_cargo_requirement(text: str, runtime: RuntimeSource, *, bridged: bool = False) -> str:
    """Return a Cargo.toml's text with the requirement of a runtime plugin's crate.

    Args:
        text: The crate's manifest.
        runtime: Where the runtime plugin comes from.
        bridged: The plugin's calls go over flutter_rust_bridge: its version follows the pins, too.
    """
    document = tomlkit.parse(text)
    if bridged:
        _set_bridge(document)
    tables = [document.get(name) for name in ("dependencies", "dev-dependencies")]
    held = [table for table in tables if table is not None and RUNTIME_PLUGIN in table]
    if not held:
        dependencies = document.setdefault("dependencies", tomlkit.table())
        dependencies[RUNTIME_PLUGIN] = tomlkit.inline_table()
        held = [dependencies]
    for table in held:
        _set_cargo_source(table, runtime)
    return tomlkit.dumps(document)


def _set_bridge(document: MutableMapping[str, Any]) -> None:
    """Change the version of the bridge's crate, and leave its features to the author."""
    dependencies = document.setdefault("dependencies", tomlkit.table())
    entry = dependencies.get(BRIDGE)
    if isinstance(entry, MutableMapping):
        if entry.get("version") != f"={PINS.frb}":
            entry["version"] = f"={PINS.frb}"
    elif entry != f"={PINS.frb}":
        dependencies[BRIDGE] = f"={PINS.frb}"


def _set_cargo_source(table: MutableMapping[str, Any], runtime: RuntimeSource) -> None:
    """Change the keys that say where the crate comes from, and only where they differ."""
    wanted = cargo_source(runtime)
    entry = table[RUNTIME_PLUGIN]
    if isinstance(entry, str):
        if wanted == {"version": entry}:
            return
        entry = table[RUNTIME_PLUGIN] = tomlkit.inline_table()
    if "version" in entry and "version" not in wanted:
        wanted = {**wanted, "version": PINS.runtime_version}
    for key in _CARGO_SOURCE_KEYS:
        if key not in wanted and key in entry:
            del entry[key]
        elif key in wanted and entry.get(key) != wanted[key]:
            entry[key] = wanted[key]


def cargo_source(runtime: RuntimeSource) -> dict[str, str]:
    """Return the keys of the dependency in Cargo.toml that say where the crate comes from."""
    if isinstance(runtime, RuntimePath):
        return {"path": posixpath.join("..", runtime.path, "rust")}
    if isinstance(runtime, RuntimeGit):
        return {"git": runtime.url, "rev": runtime.ref}
    return {"version": runtime.version.removeprefix("^")}


def _plain(value: Any) -> Any:
    return (
        {key: _plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value
    )
