"""The table of targets: one row for each kind of machine that a plugin can be built for."""

from __future__ import annotations

import enum
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tvmplug.errors import UsageError
from tvmplug.pins import PINS


class ObjectFormat(enum.Enum):
    """The file format of a target's object files."""

    ELF = "ELF"
    MACHO = "Mach-O"
    COFF = "COFF"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One row of the table.

    Attributes:
        name: What the user types, such as `linux-x64`.
        tvm_target: TVM's target: kind, LLVM triple, CPU and features.
        rust_triple: The target triple that cargo is given.
        object_format: The format of the objects that TVM writes.
        os: Operating system: `linux`, `android`, `ios`, `macos` or `windows`.
        arch: Processor: `x86_64` or `arm64`.
        minimum_os: The oldest version that the artifacts run on.
        library_dir: Where the plugin's package expects the built library.
        library_name: File name of a shared library, with `{}` for its name.
        supported: Whether `tvmplug build` makes it yet.
    """

    name: str
    tvm_target: Mapping[str, object]
    rust_triple: str
    object_format: ObjectFormat
    os: str
    arch: str
    minimum_os: str
    library_dir: str
    library_name: str
    supported: bool = False


# The CPU names the oldest processor that is served: AVX2 (x86-64-v3) has been in desktop
# processors since 2013.
def _llvm(triple: str, *, cpu: str = "generic") -> Mapping[str, object]:
    return MappingProxyType({"kind": "llvm", "mtriple": triple, "mcpu": cpu})


_IOS, _MACOS = PINS.minimum_os["ios"], PINS.minimum_os["macos"]
# Macs with Apple's own processor, and so arm64 simulators, begin with iOS 14; LLVM
# raises a lower version to it (Triple::getMinimumSupportedOSVersion).
_IOS_SIMULATOR = "14.0"
_ANDROID = PINS.minimum_os["android"]

_ROWS = (
    Target(
        name="ios",
        tvm_target=_llvm(f"arm64-apple-ios{_IOS}", cpu="apple-a12"),
        rust_triple="aarch64-apple-ios",
        object_format=ObjectFormat.MACHO,
        os="ios",
        arch="arm64",
        minimum_os=_IOS,
        library_dir="darwin/ios-arm64",
        library_name="{}.framework/{}",
    ),
    Target(
        name="ios-simulator",
        tvm_target=_llvm(f"arm64-apple-ios{_IOS_SIMULATOR}-simulator", cpu="apple-m1"),
        rust_triple="aarch64-apple-ios-sim",
        object_format=ObjectFormat.MACHO,
        os="ios",
        arch="arm64",
        minimum_os=_IOS_SIMULATOR,
        library_dir="darwin/ios-arm64-simulator",
        library_name="{}.framework/{}",
    ),
    Target(
        name="macos",
        tvm_target=_llvm(f"arm64-apple-macosx{_MACOS}", cpu="apple-m1"),
        rust_triple="aarch64-apple-darwin",
        object_format=ObjectFormat.MACHO,
        os="macos",
        arch="arm64",
        minimum_os=_MACOS,
        library_dir="darwin/macos-arm64",
        library_name="{}.framework/{}",
    ),
    Target(
        name="android-arm64",
        tvm_target=_llvm(f"aarch64-linux-android{_ANDROID}"),
        rust_triple="aarch64-linux-android",
        object_format=ObjectFormat.ELF,
        os="android",
        arch="arm64",
        minimum_os=_ANDROID,
        library_dir="android/src/main/jniLibs/arm64-v8a",
        library_name="lib{}.so",
    ),
    Target(
        name="android-x64",
        tvm_target=_llvm(f"x86_64-linux-android{_ANDROID}", cpu="x86-64-v2"),
        rust_triple="x86_64-linux-android",
        object_format=ObjectFormat.ELF,
        os="android",
        arch="x86_64",
        minimum_os=_ANDROID,
        library_dir="android/src/main/jniLibs/x86_64",
        library_name="lib{}.so",
    ),
    Target(
        name="linux-x64",
        tvm_target=_llvm("x86_64-unknown-linux-gnu", cpu="x86-64-v3"),
        rust_triple="x86_64-unknown-linux-gnu",
        object_format=ObjectFormat.ELF,
        os="linux",
        arch="x86_64",
        minimum_os=PINS.minimum_os["linux"],
        library_dir="linux/lib/x64",
        library_name="lib{}.so",
        supported=True,
    ),
    Target(
        name="linux-arm64",
        tvm_target=_llvm("aarch64-unknown-linux-gnu"),
        rust_triple="aarch64-unknown-linux-gnu",
        object_format=ObjectFormat.ELF,
        os="linux",
        arch="arm64",
        minimum_os=PINS.minimum_os["linux"],
        library_dir="linux/lib/arm64",
        library_name="lib{}.so",
    ),
    Target(
        name="windows-x64",
        tvm_target=_llvm("x86_64-pc-windows-msvc", cpu="x86-64-v2"),
        rust_triple="x86_64-pc-windows-msvc",
        object_format=ObjectFormat.COFF,
        os="windows",
        arch="x86_64",
        minimum_os=PINS.minimum_os["windows"],
        library_dir="windows/lib/x64",
        library_name="{}.dll",
    ),
)

TARGETS: Mapping[str, Target] = MappingProxyType({row.name: row for row in _ROWS})


def target_named(name: str) -> Target:
    """Return a row of the table.

    Raises:
        UsageError: There is no such target.
    """
    if name not in TARGETS:
        raise UsageError(f"there is no target '{name}'", mend=f"Use one of: {', '.join(TARGETS)}")
    return TARGETS[name]


def host_target() -> Target:
    """Return the target that runs on this machine.

    Raises:
        UsageError: No row of the table runs here.
    """
    os_names = {"linux": "linux", "darwin": "macos", "win32": "windows"}
    arch_names = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
    host = (os_names.get(sys.platform), arch_names.get(platform.machine()))
    for row in _ROWS:
        if (row.os, row.arch) == host:
            return row
    raise UsageError(
        f"no target runs on this machine ({sys.platform}, {platform.machine()})",
        mend=f"Name one with --target: {', '.join(TARGETS)}",
    )
