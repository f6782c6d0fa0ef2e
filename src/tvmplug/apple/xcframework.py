"""What an XCFramework holds: Apple's bundle of one framework, or static library, for each platform.

Pure: it makes the table of files that `tree.write_tree` writes, the same bytes on every host.
"""

from __future__ import annotations

import plistlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tvmplug.apple.privacy import privacy_manifest
from tvmplug.apple.tree import File, Link, Tree
from tvmplug.errors import ArtifactError
from tvmplug.manifest import AppleLinkage
from tvmplug.targets import Target

_PLATFORM_NAMES = {
    "ios": "iPhoneOS",
    "ios-simulator": "iPhoneSimulator",
    "macos": "MacOSX",
}
_MINIMUM_KEYS = {"ios": "MinimumOSVersion", "macos": "LSMinimumSystemVersion"}
# A framework on a Mac keeps its files in a version's folder, with links to the current one.
_VERSION = "Versions/A"
_BUILD_AGAIN = "Run `tvmplug build` to make it again"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is the same for every platform.

    Attributes:
        name: The framework's name, and its module's: `tvm_runtime`.
        identifier: The framework's bundle identifier.
        version: Three numbers with points between them.
        headers: Text of the C headers by their name; the first one is the module's own.
        linkage: Frameworks, or static libraries.
    """

    name: str
    identifier: str
    version: str
    headers: Mapping[str, str]
    linkage: AppleLinkage


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The part for one platform.

    Attributes:
        targets: What it is for: one platform, and all its processors.
        binary: The library, universal where there are several processors.
        undefined: What the library needs of the system, for the privacy manifest.
    """

    targets: tuple[Target, ...]
    binary: bytes
    undefined: frozenset[str]

    @property
    def identifier(self) -> str:
        """The folder's name, as `xcodebuild -create-xcframework` makes it."""
        first = self.targets[0]
        suffix = "-simulator" if first.platform == "ios-simulator" else ""
        return f"{first.os}-{'_'.join(self.arches)}{suffix}"

    @property
    def arches(self) -> list[str]:
        """The processors, in the order that Xcode writes them."""
        return sorted(target.arch for target in self.targets)


def xcframework(contents: Contents, slices: Iterable[Slice]) -> Tree:
    """Return all files of an XCFramework.

    Args:
        contents: What is the same for every platform.
        slices: One for each platform.

    Raises:
        ArtifactError: There is no slice, or two are for one platform.
    """
    ordered = sorted(slices, key=lambda each: each.identifier)
    platforms = [each.targets[0].platform for each in ordered]
    if not ordered or len(set(platforms)) != len(platforms):
        raise ArtifactError(
            f"{contents.name}.xcframework needs one slice for each platform, got"
            f" {', '.join(platforms) or 'none'}",
            mend=_BUILD_AGAIN,
        )
    inner = _framework if contents.linkage is AppleLinkage.FRAMEWORK else _library
    tree: dict[str, File | Link] = {"Info.plist": _plist(_index(contents, ordered))}
    for each in ordered:
        tree |= {f"{each.identifier}/{path}": file for path, file in inner(contents, each).items()}
    return tree


def _index(contents: Contents, slices: Sequence[Slice]) -> dict[str, Any]:
    libraries = []
    for each in slices:
        first = each.targets[0]
        library: dict[str, Any] = {
            "LibraryIdentifier": each.identifier,
            "SupportedArchitectures": each.arches,
            "SupportedPlatform": first.os,
        }
        if contents.linkage is AppleLinkage.FRAMEWORK:
            library["LibraryPath"] = f"{contents.name}.framework"
            library["BinaryPath"] = f"{contents.name}.framework/{_inside(first)}{contents.name}"
        else:
            library["LibraryPath"] = library["BinaryPath"] = f"lib{contents.name}.a"
            library["HeadersPath"] = "Headers"
        if first.platform == "ios-simulator":
            library["SupportedPlatformVariant"] = "simulator"
        libraries.append(library)
    return {
        "AvailableLibraries": libraries,
        "CFBundlePackageType": "XFWK",
        "XCFrameworkFormatVersion": "1.0",
    }


def _inside(target: Target) -> str:
    return f"{_VERSION}/" if target.os == "macos" else ""


def _framework(contents: Contents, each: Slice) -> dict[str, File | Link]:
    target = each.targets[0]
    root = f"{contents.name}.framework/"
    folder = root + _inside(target)
    resources = folder + ("Resources/" if target.os == "macos" else "")
    tree: dict[str, File | Link] = {
        folder + contents.name: File(each.binary, executable=True),
        folder + "Modules/module.modulemap": _module(contents, "framework module"),
        resources + "Info.plist": _plist(_bundle_info(contents, target)),
        resources + "PrivacyInfo.xcprivacy": _plist(privacy_manifest(each.undefined)),
    }
    for name, text in contents.headers.items():
        tree[f"{folder}Headers/{name}"] = File(text.encode())
    if target.os == "macos":
        tree[root + "Versions/Current"] = Link("A")
        for name in (contents.name, "Headers", "Modules", "Resources"):
            tree[root + name] = Link(f"Versions/Current/{name}")
    return tree


def _library(contents: Contents, each: Slice) -> dict[str, File | Link]:
    # In a folder of their own: Xcode copies the headers of all libraries into one, where two
    # files called module.modulemap would meet. clang finds a module in a folder of its name.
    folder = f"Headers/{contents.name}"
    tree: dict[str, File | Link] = {
        f"lib{contents.name}.a": File(each.binary),
        f"{folder}/module.modulemap": _module(contents, "module"),
    }
    for name, text in contents.headers.items():
        tree[f"{folder}/{name}"] = File(text.encode())
    return tree


def _module(contents: Contents, kind: str) -> File:
    headers = "".join(f'  header "{name}"\n' for name in contents.headers)
    return File(f"{kind} {contents.name} {{\n{headers}  export *\n}}\n".encode())


def _bundle_info(contents: Contents, target: Target) -> dict[str, Any]:
    return {
        "CFBundleDevelopmentRegion": "en",
        "CFBundleExecutable": contents.name,
        "CFBundleIdentifier": contents.identifier,
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": contents.name,
        "CFBundlePackageType": "FMWK",
        "CFBundleShortVersionString": contents.version,
        "CFBundleSupportedPlatforms": [_PLATFORM_NAMES[target.platform]],
        "CFBundleVersion": contents.version,
        _MINIMUM_KEYS[target.os]: target.minimum_os,
    }


def _plist(value: dict[str, Any]) -> File:
    return File(plistlib.dumps(value, sort_keys=True))
