"""What cargo needs for another machine: standard library, linker, and something to run tests on.

Everything that the author has set in cargo's own variables (`CARGO_TARGET_<TRIPLE>_LINKER`,
`..._RUNNER`, `CARGO_UNSTABLE_BUILD_STD`) is left as it is.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import sys
from pathlib import Path

from tvmplug import files
from tvmplug.bootstrap import PACKAGE_DIR
from tvmplug.errors import ToolError
from tvmplug.process import run
from tvmplug.targets import Target, host_target
from tvmplug.toolchains.cxx import find_cxx
from tvmplug.toolchains.ndk import find_ndk

# Debian's names: `apt install gcc-aarch64-linux-gnu qemu-user`.
_LINUX_GCC = {"linux-arm64": "aarch64-linux-gnu-gcc", "linux-x64": "x86_64-linux-gnu-gcc"}
_QEMU = {"linux-arm64": "qemu-aarch64", "linux-x64": "qemu-x86_64"}
_LIBC = {"linux-arm64": "libc6-arm64-cross", "linux-x64": "libc6-amd64-cross"}
_SYSROOT = {"linux-arm64": "/usr/aarch64-linux-gnu", "linux-x64": "/usr/x86_64-linux-gnu"}


def is_native(target: Target) -> bool:
    """Whether cargo's own defaults build and run this target here."""
    return target == host_target()


def require_std(target: Target) -> None:
    """Refuse a target whose standard library this Rust does not have.

    Raises:
        ToolError: Names the rustup command that installs it.
    """
    if is_native(target) or os.environ.get("CARGO_UNSTABLE_BUILD_STD"):
        return  # cargo itself builds the library
    if not any(_libraries(target.rust_triple).glob("libstd-*")):
        raise ToolError(
            f"Rust has no standard library for {target.rust_triple}",
            mend=f"Run `rustup target add {target.rust_triple}`",
        )


@functools.cache
def _libraries(triple: str) -> Path:
    rustc = os.environ.get("RUSTC", "rustc")
    told = run([rustc, "--print", "target-libdir", "--target", triple], echo=False).stdout
    return Path(told.strip())


def linker_variables(target: Target, work: Path) -> dict[str, str]:
    """The cargo variables that name the linker of a target's shared libraries.

    Args:
        target: What is linked.
        work: A folder for a program that stands between rustc and a compiler driver.

    Returns:
        Nothing where cargo's default serves: on the machine itself, and for Apple's targets, whose
        crates are built as static libraries and linked by `tvmplug.apple`.

    Raises:
        ToolError: There is no linker for the target; names what installs one.
    """
    name = _variable(target, "LINKER")
    if is_native(target) or target.is_apple or os.environ.get(name):
        return {}
    if target.os == "android":
        return {name: str(find_ndk().clang(target))}
    if target.os == "linux":
        return {name: str(_linux_linker(target, work))}
    raise ToolError(
        f"there is no linker for {target.name} on this machine", mend=f"Set {name} to one"
    )


def _linux_linker(target: Target, work: Path) -> Path:
    """The compiler that TVM's runtime is built with: both need the same glibc then."""
    toolchain = find_cxx(target)
    if toolchain.name != "zig":
        found = shutil.which(_LINUX_GCC[target.name])
        if found is None:
            raise ToolError(
                f"there is no linker for {target.name} on this machine",
                mend=f"Install {_LINUX_GCC[target.name]}, or run `pip install ziglang`",
            )
        return Path(found)
    program = work / "linker"
    driver = ["cc" if word == "c++" else word for word in toolchain.driver]
    script = PACKAGE_DIR / "toolchains" / "zig_linker.py"
    command = shlex.join([sys.executable, str(script), *driver, "--"])
    variables = "".join(f"{name}={shlex.quote(v)} " for name, v in toolchain.environment.items())
    files.write_text(program, f'#!/bin/sh\n{variables}exec {command} "$@"\n')
    with files.file_errors(program):
        program.chmod(0o755)
    return program


def minimum_os(target: Target) -> dict[str, str]:
    """The variable that tells rustc the oldest system that a target's objects are for."""
    names = {"ios": "IPHONEOS_DEPLOYMENT_TARGET", "macos": "MACOSX_DEPLOYMENT_TARGET"}
    return {names[target.os]: target.minimum_os} if target.is_apple else {}


def runner_variables(target: Target) -> dict[str, str]:
    """The cargo variables that name what runs a target's tests on this machine.

    Raises:
        ToolError: Nothing here runs them; names what installs it.
    """
    name = _variable(target, "RUNNER")
    if is_native(target) or os.environ.get(name):
        return {}
    if target.name not in _QEMU:
        raise ToolError(
            f"nothing on this machine runs tests for {target.name}",
            mend=f"Run `tvmplug test` on a machine of that kind, or set {name}",
        )
    program = _QEMU[target.name]
    qemu = shutil.which(program) or shutil.which(f"{program}-static")
    if qemu is None:
        raise ToolError(
            f"{program}, which runs tests for {target.name}, is not on PATH",
            mend=f"Set {name}, or install it (Debian: apt install qemu-user {_LIBC[target.name]})",
        )
    sysroot = _SYSROOT[target.name]
    return {name: shlex.join([qemu, "-L", sysroot] if Path(sysroot).is_dir() else [qemu])}


def _variable(target: Target, what: str) -> str:
    return f"CARGO_TARGET_{target.rust_triple.upper().replace('-', '_')}_{what}"


def linker_name(target: Target) -> str:
    """What links a target's shared libraries, for people."""
    if named := os.environ.get(_variable(target, "LINKER")):
        return Path(named).name
    return "rustc's own linker" if is_native(target) else find_cxx(target).version


def sysroot() -> Path:
    """Where this Rust is installed."""
    rustc = os.environ.get("RUSTC", "rustc")
    return Path(run([rustc, "--print", "sysroot"], echo=False).stdout.strip())
