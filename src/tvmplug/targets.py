"""The table of targets: one row for each kind of machine that a plugin can be built for."""

from __future__ import annotations

import enum
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
        platform: What an object says it is for: the operating system, or `ios-simulator`.
        arch: Processor: `x86_64` or `arm64`.
        minimum_os: The oldest version that the artifacts run on.
        library_dir: Where the plugin's package expects the built library; of an Apple target the
            slice of the XCFramework that it is a part of.
        library_name: File name of a shared library, with `{}` for its name.
        group: The name that stands for this row and the others of one slice (`macos`).
        device: What the kernels run on: `cpu` or `metal`.
        supported: Whether `tvmplug build` makes it yet.
        scheduled: Whether kernels get tvmplug's schedules; else they keep TVM's own plain loops.
    """

    name: str
    tvm_target: Mapping[str, object]
    rust_triple: str
    object_format: ObjectFormat
    os: str
    platform: str
    arch: str
    minimum_os: str
    library_dir: str
    library_name: str
    group: str = ""
    device: str = "cpu"
    supported: bool = True
    scheduled: bool = True

    @property
    def is_apple(self) -> bool:
        """Whether its artifacts are frameworks."""
        return self.object_format is ObjectFormat.MACHO

    @property
    def has_own_kernels(self) -> bool:
        """Whether kernels get tvmplug's schedules and functions; they are for processors."""
        return self.scheduled and self.device == "cpu"


# The CPU names the oldest processor that is served: AVX2 (x86-64-v3) has been in desktop
# processors since 2013.
def _llvm(triple: str, *, cpu: str = "generic") -> Mapping[str, object]:
    return MappingProxyType({"kind": "llvm", "mtriple": triple, "mcpu": cpu})


_IOS, _MACOS = PINS.minimum_os["ios"], PINS.minimum_os["macos"]
# Macs with Apple's own processor, and so arm64 simulators, begin with iOS 14; LLVM
# raises a lower version to it (Triple::getMinimumSupportedOSVersion).
_IOS_SIMULATOR = "14.0"
_ANDROID = PINS.minimum_os["android"]


def _apple(
    name: str, triple: str, rust_triple: str, cpu: str, *, minimum_os: str, group: str = ""
) -> Target:
    os, platform, slice_name = {
        "ios": ("ios", "ios", "ios-arm64"),
        "ios-simulator": ("ios", "ios-simulator", "ios-arm64_x86_64-simulator"),
        "macos": ("macos", "macos", "macos-arm64_x86_64"),
    }[group or name]
    return Target(
        name=name,
        tvm_target=_llvm(triple, cpu=cpu),
        rust_triple=rust_triple,
        object_format=ObjectFormat.MACHO,
        os=os,
        platform=platform,
        arch="x86_64" if triple.startswith("x86_64") else "arm64",
        minimum_os=minimum_os,
        library_dir=f"darwin/{slice_name}",
        library_name="{}.framework/{}",
        group=group,
    )


def _android(name: str, triple: str, abi: str, *, arch: str, cpu: str = "generic") -> Target:
    return Target(
        name=name,
        tvm_target=_llvm(f"{triple}{_ANDROID}", cpu=cpu),
        rust_triple=triple,
        object_format=ObjectFormat.ELF,
        os="android",
        platform="android",
        arch=arch,
        minimum_os=_ANDROID,
        library_dir=f"android/src/main/jniLibs/{abi}",
        library_name="lib{}.so",
    )


def _linux(name: str, triple: str, folder: str, *, arch: str, cpu: str = "generic") -> Target:
    return Target(
        name=name,
        tvm_target=_llvm(triple, cpu=cpu),
        rust_triple=triple,
        object_format=ObjectFormat.ELF,
        os="linux",
        platform="linux",
        arch=arch,
        minimum_os=PINS.minimum_os["linux"],
        library_dir=f"linux/lib/{folder}",
        library_name="lib{}.so",
    )


_ROWS = (
    _apple("ios", f"arm64-apple-ios{_IOS}", "aarch64-apple-ios", "apple-a12", minimum_os=_IOS),
    _apple(
        "ios-simulator-arm64",
        f"arm64-apple-ios{_IOS_SIMULATOR}-simulator",
        "aarch64-apple-ios-sim",
        "apple-m1",
        minimum_os=_IOS_SIMULATOR,
        group="ios-simulator",
    ),
    _apple(
        "ios-simulator-x64",
        f"x86_64-apple-ios{_IOS_SIMULATOR}-simulator",
        "x86_64-apple-ios",
        "x86-64-v2",
        minimum_os=_IOS_SIMULATOR,
        group="ios-simulator",
    ),
    _apple(
        "macos-arm64",
        f"arm64-apple-macosx{_MACOS}",
        "aarch64-apple-darwin",
        "apple-m1",
        minimum_os=_MACOS,
        group="macos",
    ),
    _apple(
        "macos-x64",
        f"x86_64-apple-macosx{_MACOS}",
        "x86_64-apple-darwin",
        "x86-64-v2",
        minimum_os=_MACOS,
        group="macos",
    ),
    _android("android-arm64", "aarch64-linux-android", "arm64-v8a", arch="arm64"),
    _android("android-x64", "x86_64-linux-android", "x86_64", arch="x86_64", cpu="x86-64-v2"),
    _linux("linux-x64", "x86_64-unknown-linux-gnu", "x64", arch="x86_64", cpu="x86-64-v3"),
    _linux("linux-arm64", "aarch64-unknown-linux-gnu", "arm64", arch="arm64"),
    Target(
        name="windows-x64",
        tvm_target=_llvm("x86_64-pc-windows-msvc", cpu="x86-64-v2"),
        rust_triple="x86_64-pc-windows-msvc",
        object_format=ObjectFormat.COFF,
        os="windows",
        platform="windows",
        arch="x86_64",
        minimum_os=PINS.minimum_os["windows"],
        library_dir="windows/lib/x64",
        library_name="{}.dll",
        supported=False,
    ),
)

TARGETS: Mapping[str, Target] = MappingProxyType({row.name: row for row in _ROWS})


def _metal(row: Target) -> Target:
    """The same machine with the kernels on its GPU; the processor calls them."""
    return replace(
        row,
        name=f"{row.name}-metal",
        tvm_target=MappingProxyType({"kind": "metal", "host": dict(row.tvm_target)}),
        group=f"{row.group}-metal" if row.group else "",
        device="metal",
    )


# What `tvmplug compile` makes beside them: objects for a runtime with Metal, which is the author's
# own so far (`tvmplug runtime import`).
METAL: Mapping[str, Target] = MappingProxyType(
    {made.name: made for made in (_metal(row) for row in _ROWS if row.is_apple)}
)

# What one name builds: the rows of one slice.
GROUPS: Mapping[str, tuple[Target, ...]] = MappingProxyType(
    {
        group: tuple(row for row in _ROWS if row.group == group)
        for group in dict.fromkeys(row.group for row in _ROWS if row.group)
    }
)


def with_choices(target: Target, *, cpu: str | None, plain: bool) -> Target:
    """Return a row as the options `--cpu` and `--plain` want it.

    Args:
        target: A row of the table.
        cpu: What LLVM calls the oldest processor that is served; None for the table's.
        plain: Leave tvmplug's schedules out.

    Raises:
        UsageError: A processor for what does not run on the CPU.
    """
    if cpu is not None:
        if target.device != "cpu":
            raise UsageError(f"--cpu is not for {target.name}", mend="Leave --cpu out")
        attributes = {**target.tvm_target, "mcpu": cpu}
        target = replace(target, tvm_target=MappingProxyType(attributes))
    return replace(target, scheduled=not plain)


def target_named(name: str) -> Target:
    """Return a row of the table.

    Raises:
        UsageError: There is no such target.
    """
    row = TARGETS.get(name) or METAL.get(name)
    if row is None:
        raise UsageError(f"there is no target '{name}'", mend=f"Use one of: {_choices()}")
    return row


def targets_named(text: str) -> tuple[Target, ...]:
    """Return the rows that a list of names stands for, in the list's order and each once.

    Args:
        text: Names of targets and groups with commas between them: `ios,macos,linux-arm64`.

    Raises:
        UsageError: There is no such target or group, or the list is empty.
    """
    found: dict[str, Target] = {}
    for name in (part.strip() for part in text.split(",")):
        rows = GROUPS.get(name) or (target_named(name),)
        found |= {row.name: row for row in rows}
    return tuple(found.values())


def _choices() -> str:
    return ", ".join([*TARGETS, *GROUPS])


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
        mend=f"Name one with --target: {_choices()}",
    )
