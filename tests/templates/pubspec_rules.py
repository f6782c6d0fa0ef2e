"""The rules of a pubspec as the flutter tool and pub apply them.

Neither is packaged for Debian, so their rules are written down here, each with the function that
has it (Flutter 3.32 to 3.47). Where Flutter only ignores what it does not know, it is a problem
here: a misspelt key would do nothing, and say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from .conftest import REPOSITORY

# flutter_manifest.dart, _validateFlutter
FLUTTER_KEYS = {
    "uses-material-design", "assets", "shaders", "models", "fonts", "licenses", "module", "plugin",
    "generate", "deferred-components", "disable-swift-package-manager", "default-flavor",
}  # fmt: skip
# flutter_manifest.dart, _kValidPluginPlatforms
PLATFORMS = {"android", "ios", "web", "windows", "linux", "macos"}
OLD_PLUGIN_KEYS = {"androidPackage", "iosPrefix", "pluginClass"}
# platform_plugins.dart, the fromYaml of each platform
STRING_KEYS = {"pluginClass", "dartPluginClass", "dartFileName", "default_package"}
PLATFORM_KEYS = {
    platform: {*STRING_KEYS, "ffiPlugin"}
    | {"android": {"package"}, "windows": {"supportedVariants"}, "web": {"fileName"}}.get(
        platform, {"sharedDarwinSource"} if platform in {"ios", "macos"} else set()
    )
    for platform in PLATFORMS
}
# From which Flutter on the tool knows `dartFileName` (flutter/flutter#153099); before, it imports
# the package's main library and the app does not compile.
DART_FILE_NAME_SINCE = (3, 27)
# flutter_plugins.dart, _isEligibleDartSelfImpl: before, a desktop plugin's Dart class is left out.
DESKTOP_DART_CLASS_SINCE = (2, 11)

_NAMING = yaml.safe_load((REPOSITORY / "src/tvmplug/naming.yml").read_text())
DART_KEYWORDS = set(_NAMING["dart_keywords"]["default"])

_VERSION = r"\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?"
_CONSTRAINT = re.compile(rf"any|\^?{_VERSION}|(?:[<>]=?\s*{_VERSION}\s*)+")


def problems(pubspec: Mapping[str, Any]) -> list[str]:
    """Everything that Flutter or pub would refuse, ignore or warn about."""
    return [*_package(pubspec), *_environment(pubspec), *_dependencies(pubspec), *_flutter(pubspec)]


def is_constraint(text: object) -> bool:
    """Whether pub_semver's VersionConstraint.parse takes it."""
    return isinstance(text, str) and _CONSTRAINT.fullmatch(text) is not None


def _package(pubspec: Mapping[str, Any]) -> Iterator[str]:
    name = pubspec.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        yield f"name: {name} is no lower-case Dart identifier"
    elif name in DART_KEYWORDS:
        yield f"name: {name} is a reserved word"
    version = pubspec.get("version")
    if not isinstance(version, str) or not re.fullmatch(_VERSION, version):
        yield f"version: {version} is not semantic"
    if not isinstance(pubspec.get("description"), str) or not pubspec["description"].strip():
        yield "description: missing"


def _environment(pubspec: Mapping[str, Any]) -> Iterator[str]:
    environment = pubspec.get("environment") or {}
    sdk, flutter = environment.get("sdk"), environment.get("flutter")
    if not is_constraint(sdk):
        yield f"environment.sdk: {sdk} is no version constraint"
    elif not sdk.startswith("^") and "<" not in sdk:
        yield "environment.sdk: has no upper bound, which pub asks for"
    if not is_constraint(flutter):
        yield f"environment.flutter: {flutter} is no version constraint"
    elif not flutter.startswith(">="):
        # pub_semver gives a caret an upper bound, and pub ignores Flutter's upper bounds.
        yield "environment.flutter: must be a lower bound; pub ignores an upper one"


def _dependencies(pubspec: Mapping[str, Any]) -> Iterator[str]:
    for section in ("dependencies", "dev_dependencies"):
        for name, source in (pubspec.get(section) or {}).items():
            if isinstance(source, str) or source is None:
                if not is_constraint(source):
                    yield f"{section}.{name}: {source} is no version constraint"
            elif not source.keys() & {"sdk", "path", "git", "hosted"}:
                yield f"{section}.{name}: comes from nowhere"
            elif source.keys() & {"path", "git"} and section == "dependencies":
                # pub's DependencyValidator: such a package cannot be published.
                if pubspec.get("publish_to") != "none":
                    yield f"{section}.{name}: from no registry, so publish_to must be none"
                if "path" in source and PurePosixPath(source["path"]).is_absolute():
                    yield f"{section}.{name}: an absolute path"
    if "flutter" in pubspec and (pubspec.get("dependencies") or {}).get("flutter") != {
        "sdk": "flutter"
    }:
        yield "dependencies.flutter: must be the SDK's"


def _flutter(pubspec: Mapping[str, Any]) -> Iterator[str]:
    flutter = pubspec.get("flutter")
    if flutter is None:
        return
    if not isinstance(flutter, dict):
        yield "flutter: must be a map"
        return
    for key in flutter.keys() - FLUTTER_KEYS:
        yield f"flutter.{key}: Flutter does not know it"
    if not isinstance(flutter.get("uses-material-design", False), bool):
        yield "flutter.uses-material-design: must be true or false"
    assets = flutter.get("assets", [])
    if not isinstance(assets, list) or not all(isinstance(asset, str) for asset in assets):
        yield "flutter.assets: must be a list of paths"
    if "plugin" in flutter:
        yield from _plugin(pubspec, flutter["plugin"])


def _plugin(pubspec: Mapping[str, Any], plugin: object) -> Iterator[str]:
    """plugins.dart, validatePluginYaml; flutter_plugins.dart, _validatePlugin."""
    if not isinstance(plugin, dict):
        yield "flutter.plugin: must be a map"
        return
    for key in sorted(plugin.keys() - OLD_PLUGIN_KEYS - {"platforms", "implements"}):
        yield f"flutter.plugin.{key}: Flutter does not know it"
    if plugin.keys() & OLD_PLUGIN_KEYS:
        yield "flutter.plugin: the old keys do not go with platforms"
    if "platforms" not in plugin:
        yield "flutter.plugin.platforms: missing"
        return
    if not isinstance(plugin["platforms"], dict) or not plugin["platforms"]:
        yield "flutter.plugin.platforms: must be a map of platforms"
        return
    for platform, settings in plugin["platforms"].items():
        where = f"flutter.plugin.platforms.{platform}"
        if platform not in PLATFORMS:
            yield f"{where}: Flutter does not know it"
        elif not isinstance(settings, dict):
            yield f"{where}: must be a map"
        else:
            for problem in _platform(platform, settings, "implements" in plugin):
                yield f"{where}{problem}"
            for problem in _minimum_flutter(pubspec, platform, settings):
                yield f"{where}{problem}"


def _platform(platform: str, settings: Mapping[str, Any], implements: bool) -> Iterator[str]:
    """platform_plugins.dart, validate and fromYaml."""
    for key in sorted(settings.keys() - PLATFORM_KEYS[platform]):
        yield f".{key}: Flutter does not know it"
    for key in sorted(settings.keys() & STRING_KEYS):
        if not isinstance(settings[key], str) or not settings[key]:
            yield f".{key}: must be a string"
    if not isinstance(settings.get("ffiPlugin", False), bool):
        yield ".ffiPlugin: must be true or false"
    native = {"pluginClass", "package"} if platform == "android" else {"pluginClass"}
    if not (
        native <= settings.keys()
        or settings.keys() & {"dartPluginClass", "default_package"}
        or settings.get("ffiPlugin") is True
    ):
        yield ": names no implementation"
    if "dartFileName" in settings and "dartPluginClass" not in settings:
        yield ".dartFileName: does not go without dartPluginClass"
    if "default_package" in settings and (settings.keys() & {*native, "dartPluginClass"}):
        yield ".default_package: does not go with an implementation of its own"
    if "default_package" in settings and settings.get("ffiPlugin"):
        yield ".default_package: does not go with an implementation of its own"
    if "default_package" in settings and implements:
        yield ".default_package: does not go with implements"
    if settings.get("ffiPlugin") and "pluginClass" in settings:
        # flutter_plugins.dart, _writeLinuxPluginFiles: such a plugin is not on the FFI list.
        yield ".ffiPlugin: has no effect beside pluginClass"
    yield from _dart_names(settings)


def _dart_names(settings: Mapping[str, Any]) -> Iterator[str]:
    dart_class, dart_file = settings.get("dartPluginClass"), settings.get("dartFileName")
    if isinstance(dart_class, str) and not re.fullmatch(r"[A-Z][A-Za-z0-9]*", dart_class):
        yield ".dartPluginClass: is no class name that another library can see"
    if isinstance(dart_file, str):
        # It becomes `import 'package:NAME/DART_FILE_NAME'`.
        path = PurePosixPath(dart_file)
        if path.is_absolute() or ".." in path.parts or path.parts[:1] == ("lib",):
            yield ".dartFileName: must be a path inside of lib"
        if path.suffix != ".dart":
            yield ".dartFileName: must name a Dart file"


def _minimum_flutter(
    pubspec: Mapping[str, Any], platform: str, settings: Mapping[str, Any]
) -> Iterator[str]:
    found = re.search(r"(\d+)\.(\d+)", str((pubspec.get("environment") or {}).get("flutter")))
    minimum = (int(found[1]), int(found[2])) if found else (0, 0)
    if "dartFileName" in settings and minimum < DART_FILE_NAME_SINCE:
        yield ".dartFileName: needs Flutter 3.27 in environment.flutter"
    if (
        "dartPluginClass" in settings
        and platform in {"linux", "macos", "windows"}
        and minimum < DESKTOP_DART_CLASS_SINCE
    ):
        yield ".dartPluginClass: needs Flutter 2.11 in environment.flutter"
