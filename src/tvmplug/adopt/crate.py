"""An existing crate's Cargo.toml: the smallest edit that puts it onto the one runtime. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tvmplug import sync
from tvmplug.adopt.rules import CRATES, VARIABLES
from tvmplug.errors import AdoptError
from tvmplug.manifest import RuntimeSource

_TABLES = ("dependencies", "dev-dependencies", "build-dependencies")
_GOLDEN = "golden"
_TIGHT = re.compile(r"([^\n])\n\[(?=[\w\[])")
_REQUIREMENT = 'at = { path = "" }'  # as the template spaces it; `sync` says from where
_FEATURES = f"""
[features]
# What tests/golden.rs needs; nothing of it ends up in the library.
default = ["{_GOLDEN}"]
{_GOLDEN} = ["{sync.RUNTIME_PLUGIN}/{_GOLDEN}"]
"""
_TEST = f"""
[[test]]
name = "{_GOLDEN}"
required-features = ["{_GOLDEN}"]
"""


def edited(
    text: str,
    plugin: str,
    runtime: RuntimeSource,
    origin: str = sync.CARGO,
    *,
    bridged: bool = False,
) -> str:
    """Return a Cargo.toml that the template's build script and `tvmplug build` can use.

    The package gets the plugin's name, which its library and its compiled model are found by; TVM's
    own crates go, and the runtime plugin's comes; the golden test is declared.

    Args:
        text: The author's.
        plugin: The plugin's name.
        runtime: Where the runtime plugin is found.
        origin: The file's name for messages.
        bridged: Calls go over flutter_rust_bridge: then of the pinned version.

    Raises:
        AdoptError: It is no TOML, or no package.
    """
    windows = "\r\n" in text
    document = _parsed(text.replace("\r\n", "\n"), origin)
    package = document.get("package")
    if package is None:
        raise AdoptError(
            f"{origin} is no package", mend="Move the crate that Dart calls to rust/, then again"
        )
    if package.get("name") != plugin:
        package["name"] = plugin
    if package.get("build", "build.rs") != "build.rs":
        del package["build"]
    _set_library(document, plugin)
    for table in _dependencies(document):
        for name in CRATES:
            table.pop(name, None)
    if sync.RUNTIME_PLUGIN not in document.setdefault("dependencies", tomlkit.table()):
        document["dependencies"][sync.RUNTIME_PLUGIN] = tomlkit.parse(_REQUIREMENT)["at"]
    golden = _add_golden(document)
    changed = sync.with_cargo_requirement(
        tomlkit.dumps(document) + golden, runtime, bridged=bridged
    )
    if not _TIGHT.search(text):  # where a table is gone, so is the blank line that was its own
        changed = _TIGHT.sub(r"\1\n\n[", changed)
    return changed.replace("\n", "\r\n") if windows else changed


def without_variables(text: str, origin: str) -> str:
    """Return Cargo's configuration without the variables that name another TVM.

    Raises:
        AdoptError: It is no TOML.
    """
    document = _parsed(text, origin)
    environment = document.get("env")
    if environment is None or not any(name in environment for name in VARIABLES):
        return text
    for name in VARIABLES:
        environment.pop(name, None)
    if not environment:
        del document["env"]
    return tomlkit.dumps(document)


def package_name(text: str) -> str | None:
    """Return the name of a package; None where the text is none."""
    try:
        name = tomlkit.parse(text).get("package", {}).get("name")
    except TOMLKitError:
        return None
    return str(name) if name else None


def _set_library(document: tomlkit.TOMLDocument, plugin: str) -> None:
    library = document.get("lib")
    if library is None:
        library = tomlkit.table()
        document["lib"] = library
    if library.get("name", plugin) != plugin:
        del library["name"]
    if library.get("path", "src/lib.rs") != "src/lib.rs":
        del library["path"]
    # cdylib is what the app loads, rlib what the golden test links.
    kinds = {str(kind) for kind in library.get("crate-type", [])}
    if not {"cdylib"} <= kinds or not kinds & {"rlib", "lib"}:
        library["crate-type"] = ["cdylib", "rlib"]


def _add_golden(document: tomlkit.TOMLDocument) -> str:
    """Declare what tests/golden.rs needs; returns the tables that come to the end of the file."""
    tests = document.get("test")
    declared = any(test.get("name") == _GOLDEN for test in tests or ())
    features = document.get("features")
    if features is None:
        return _FEATURES + ("" if declared else _TEST)
    if _GOLDEN not in features:
        features[_GOLDEN] = [f"{sync.RUNTIME_PLUGIN}/{_GOLDEN}"]
    default = features.setdefault("default", tomlkit.array())
    if _GOLDEN not in default:
        default.append(_GOLDEN)
    return "" if declared else _TEST


def _dependencies(document: MutableMapping[str, Any]) -> Iterator[MutableMapping[str, Any]]:
    for name in _TABLES:
        if name in document:
            yield document[name]
    for target in (document.get("target") or {}).values():
        yield from _dependencies(target)


def _parsed(text: str, origin: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise AdoptError(f"{origin} cannot be read: {error}", mend="Mend it, then again") from error
