"""An existing plugin's pubspec: what is wrong in it, and the smallest edit that mends it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from tvmplug import sync
from tvmplug.artifacts.audit import version_of
from tvmplug.errors import AdoptError
from tvmplug.manifest import RuntimeHosted, RuntimeSource
from tvmplug.pins import PINS

# What `flutter create` has for platforms that tvmplug builds for.
PLATFORMS = ("android", "ios", "linux", "macos")
_OLD_KEYS = ("androidPackage", "iosPrefix", "pluginClass")
_BUILDER_PATH = "rust_builder"


@dataclass(frozen=True)
class Problem:
    """What is wrong in a pubspec.

    Attributes:
        kind: `asset` where a file that is removed is the trouble, else `pubspec`.
        line: Counted from 1; None where something is missing.
        what: What was found.
        why: What goes wrong with it.
    """

    line: int | None
    what: str
    why: str
    kind: str = "pubspec"


def read(text: str, origin: str = "pubspec.yaml") -> Mapping[str, Any]:
    """Parse a pubspec.

    Raises:
        AdoptError: It is no YAML, or no mapping.
    """
    try:
        document = YAML(typ="rt").load(text)
    except (YAMLError, TypeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise AdoptError(
            f"{origin} cannot be read: {reason}", mend="Mend it, then again"
        ) from error
    if not isinstance(document, CommentedMap):
        raise AdoptError(f"{origin} holds no mapping", mend="Name the folder of a Flutter plugin")
    return document


def problems(text: str, runtimes: Collection[str]) -> Iterator[Problem]:
    """Yield what keeps a plugin from sharing its runtime.

    Args:
        text: The pubspec.
        runtimes: Paths of the bundled runtimes, relative to the plugin.

    Raises:
        AdoptError: It is no YAML, or no mapping.
    """
    document = read(text)
    for number, asset in _assets(document):
        if any(_covers(asset, path) for path in runtimes):
            yield Problem(
                number, f"ships the runtime as an asset ({asset})",
                "every app carries it as a file, besides the one that is linked", "asset",
            )  # fmt: skip
    dependencies = document.get("dependencies") or {}
    if sync.RUNTIME_PLUGIN not in dependencies:
        yield Problem(
            None, f"does not depend on {sync.RUNTIME_PLUGIN}",
            "pub makes the apps of all model plugins share that one, and so the runtime",
        )  # fmt: skip
    for name in builders(document):
        yield Problem(
            _line(dependencies, name), f"depends on {name}, which builds the crate in the app",
            "the library comes ready-made from `tvmplug build`",
        )  # fmt: skip
    platforms = platforms_of(document)
    for name in platforms:
        if name not in PLATFORMS:
            yield Problem(
                _line(document["flutter"]["plugin"]["platforms"], name),
                f"is for {name}, which tvmplug does not build for yet",
                "the plugin's entry stays, but nothing makes its library there",
            )  # fmt: skip


def platforms_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of each platform that a pubspec names."""
    found = ((document.get("flutter") or {}).get("plugin") or {}).get("platforms") or {}
    return {str(name): settings or {} for name, settings in found.items()}


def builders(document: Mapping[str, Any]) -> list[str]:
    """Return the dependencies that build a crate in the app, as flutter_rust_bridge makes them."""
    found = (document.get("dependencies") or {}).items()
    return [
        name for name, source in found
        if isinstance(source, Mapping) and str(source.get("path")).strip("./") == _BUILDER_PATH
    ]  # fmt: skip


def edited(
    text: str,
    rendered: str,
    runtime: RuntimeSource,
    gone: Collection[str],
    left: Collection[str],
    *,
    bridged: bool = False,
) -> str:
    """Return a pubspec that uses the one runtime; what it says beyond that stays.

    Args:
        text: The author's.
        rendered: The template's own for this plugin.
        runtime: Where the runtime plugin is found.
        gone: Paths of files that are removed from the plugin.
        left: Paths of files that stay in it.
        bridged: Calls go over flutter_rust_bridge: then of the pinned version.

    Raises:
        AdoptError: It is no YAML, or no mapping.
    """
    read(text)
    windows = "\r\n" in text
    text = text.replace("\r\n", "\n")
    yaml = sync.yaml_of(text)
    document = yaml.load(text)
    template = YAML(typ="safe").load(rendered)
    for name in builders(document):
        del document["dependencies"][name]
    if not isinstance(runtime, RuntimeHosted) and document.get("publish_to") != "none":
        # pub publishes no package with such a dependency, and warns about it in each command.
        document.insert(_after(document, ("version", "description", "name")), "publish_to", "none")
    _raise_sdks(document, template["environment"])
    _set_platforms(document, platforms_of(template))
    _drop_assets(document, gone, left)
    dependencies = document.setdefault("dependencies", CommentedMap())
    if sync.RUNTIME_PLUGIN not in dependencies:
        # Not at the end, where the blank line after the last one would come before it.
        requirement = sync.pub_requirement(runtime)
        dependencies.insert(_after(dependencies, ("flutter",)), sync.RUNTIME_PLUGIN, requirement)
    changed = sync.with_pub_requirement(sync.dumped(yaml, document), runtime, bridged=bridged)
    return changed.replace("\n", "\r\n") if windows else changed


def _raise_sdks(document: CommentedMap, wanted: Mapping[str, str]) -> None:
    """Lift the lower bounds that are too low: the glue uses what newer SDKs have."""
    environment = document.setdefault("environment", CommentedMap())
    for name, least in (("sdk", PINS.dart), ("flutter", PINS.flutter)):
        found = re.search(r"\d+(?:\.\d+)+", str(environment.get(name, "")))
        if found is None or version_of(found[0]) < version_of(least):
            environment[name] = wanted[name]


def _set_platforms(document: CommentedMap, wanted: Mapping[str, Any]) -> None:
    flutter = document.get("flutter")
    if flutter is None:
        flutter = document["flutter"] = CommentedMap()
    plugin = flutter.get("plugin")
    if plugin is None:
        plugin = flutter["plugin"] = CommentedMap()
    for key in _OLD_KEYS:
        plugin.pop(key, None)
    platforms = plugin.get("platforms")
    if platforms is None:
        platforms = plugin["platforms"] = CommentedMap()
    for name, settings in wanted.items():
        if dict(platforms.get(name) or {}) != settings:
            platforms[name] = CommentedMap(settings)


def _drop_assets(document: CommentedMap, gone: Collection[str], left: Collection[str]) -> None:
    """Take out the assets of which nothing is left: Flutter refuses a folder that is not there."""
    flutter = document.get("flutter") or {}
    assets = flutter.get("assets")
    if not assets:
        return
    for index in reversed(range(len(assets))):
        asset = _asset(assets[index])
        lost = any(_covers(asset, path) for path in gone)
        if lost and not any(_covers(asset, path) for path in left):
            del assets[index]
    if not assets:
        del flutter["assets"]


def _assets(document: Mapping[str, Any]) -> Iterator[tuple[int | None, str]]:
    assets: Any = (document.get("flutter") or {}).get("assets") or []
    for index, entry in enumerate(assets):
        yield assets.lc.item(index)[0] + 1, _asset(entry)


def _asset(entry: Any) -> str:
    return str(entry.get("path", "")) if isinstance(entry, Mapping) else str(entry)


def _covers(asset: str, path: str) -> bool:
    """Whether an entry of `flutter.assets` holds a file: a folder does not hold deeper ones."""
    if asset.endswith("/"):
        return path.rpartition("/")[0] == asset.rstrip("/")
    return path == asset


def _line(mapping: Any, key: str) -> int | None:
    return int(mapping.lc.key(key)[0]) + 1 if isinstance(mapping, CommentedMap) else None


def _after(document: CommentedMap, names: tuple[str, ...]) -> int:
    keys = list(document)
    return next((keys.index(name) + 1 for name in names if name in keys), 0)
