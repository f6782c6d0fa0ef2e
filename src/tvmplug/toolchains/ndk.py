"""The Android NDK: where it is on this machine, and the programs in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tvmplug.errors import ToolError
from tvmplug.pins import PINS
from tvmplug.targets import Target

_NDK_VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK_LATEST_HOME")
_SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
# Where Android Studio puts the SDK.
_SDK_PLACES = {
    "darwin": ("~/Library/Android/sdk",),
    "win32": ("~/AppData/Local/Android/Sdk",),
    "linux": ("~/Android/Sdk", "/opt/android-sdk", "/usr/lib/android-sdk"),
}
# The folder of the programs for this machine; Macs with Apple's processor use it as well.
_HOSTS = {"darwin": "darwin-x86_64", "win32": "windows-x86_64", "linux": "linux-x86_64"}
_MEND = (
    f"Run `sdkmanager 'ndk;{PINS.ndk}'` (or Android Studio's SDK Manager), "
    "or set ANDROID_NDK_HOME to its folder"
)


@dataclass(frozen=True)
class Ndk:
    """An installed NDK.

    Attributes:
        path: Its folder.
        version: What its source.properties says: `28.2.13676358`.
    """

    path: Path
    version: str

    @property
    def bin(self) -> Path:
        """The folder of its compilers and tools."""
        return self.path / "toolchains" / "llvm" / "prebuilt" / _HOSTS[sys.platform] / "bin"

    @property
    def cmake_toolchain(self) -> Path:
        """The toolchain file that CMake is given."""
        return self.path / "build" / "cmake" / "android.toolchain.cmake"

    def clang(self, target: Target, *, cxx: bool = False) -> Path:
        """The compiler, and linker, for an Android target and its oldest API level.

        Args:
            target: `android-arm64` or `android-x64`.
            cxx: The one for C++.
        """
        suffix = ".cmd" if sys.platform == "win32" else ""
        return self.bin / f"{target.tvm_target['mtriple']}-clang{'++' if cxx else ''}{suffix}"

    def llvm(self, tool: str) -> Path:
        """One of its binary tools.

        Args:
            tool: `ar`, `nm`, `strip`, `objcopy`, `readelf`, ...
        """
        return self.bin / f"llvm-{tool}{'.exe' if sys.platform == 'win32' else ''}"


def find_ndk() -> Ndk:
    """Return the NDK of this machine: the one that a variable names, else the newest in an SDK.

    Raises:
        ToolError: There is none, or none as new as the pinned one.
    """
    too_old: list[str] = []
    for folder in _candidates():
        version = _version(folder)
        if version is None:
            continue
        if _major(version) >= _major(PINS.ndk):
            return Ndk(folder, version)
        too_old.append(f"{version} in {folder}")
    wanted = PINS.ndk.partition(".")[0]
    if too_old:
        raise ToolError(f"the Android NDK is {too_old[0]}, {wanted} is needed", mend=_MEND)
    raise ToolError(f"the Android NDK (version {wanted} or newer) is not found", mend=_MEND)


def _candidates() -> Iterator[Path]:
    """The folders that may hold an NDK, the likeliest first."""
    for variable in _NDK_VARIABLES:
        if named := os.environ.get(variable):
            yield Path(named)
    sdks = [Path(named) for variable in _SDK_VARIABLES if (named := os.environ.get(variable))]
    sdks += [Path(place).expanduser() for place in _SDK_PLACES.get(sys.platform, ())]
    for sdk in sdks:
        installed = [folder for folder in (sdk / "ndk").glob("*") if _version(folder)]
        yield from sorted(installed, key=lambda f: _numbers(_version(f) or ""), reverse=True)
        yield sdk / "ndk-bundle"


def _version(folder: Path) -> str | None:
    """The version in `source.properties`; None where that is no NDK."""
    try:
        text = (folder / "source.properties").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    properties = dict(line.partition("=")[::2] for line in text.splitlines())
    found = {name.strip(): value.strip() for name, value in properties.items()}
    version = found.get("Pkg.Revision")
    return version if version and _numbers(version) else None


def _numbers(version: str) -> tuple[int, ...]:
    """`28.2.13676358` as numbers, `29.0.1-beta1` as far as it has any; empty when it has none."""
    parts = version.partition("-")[0].split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _major(version: str) -> int:
    return _numbers(version)[0]
