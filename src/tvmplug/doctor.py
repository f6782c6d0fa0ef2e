"""What a machine needs for building plugins, and whether it is there."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from packaging.version import Version

from tvmplug import environment
from tvmplug.build.staging import human_size
from tvmplug.errors import ToolError
from tvmplug.findings import Finding, Skipped, ask
from tvmplug.kernel_cache import KernelCache, kernel_cache_dir
from tvmplug.pinned_env import cache_dir
from tvmplug.pins import PINS
from tvmplug.process import run
from tvmplug.project import Project
from tvmplug.targets import TARGETS, host_target
from tvmplug.toolchains.cxx import find_cxx
from tvmplug.toolchains.darwin import find_linker
from tvmplug.toolchains.ndk import find_ndk

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")


@dataclass(frozen=True)
class _Tool:
    """A program to look for: what asks it for its version, the oldest that does, how to get it."""

    name: str
    program: str
    argument: str
    mend: str
    oldest: str | None = None
    needed: bool = True


_TOOLS = (
    _Tool("git", "git", "--version", "Install git (Debian: apt install git)"),
    _Tool("cargo", "cargo", "--version", "Install Rust: https://rustup.rs", PINS.rust),
    _Tool("rustc", "rustc", "--version", "Install Rust: https://rustup.rs", PINS.rust),
    _Tool("C compiler", "cc", "--version", "Install gcc or clang (Debian: apt install gcc)"),
    _Tool("linker", "ld", "--version", "Install binutils (Debian: apt install binutils)"),
    _Tool("strip", "strip", "--version", "Install binutils (Debian: apt install binutils)"),
    _Tool(
        "Dart", "dart", "--version", "Only for Dart code: install Flutter", PINS.dart, needed=False
    ),
    _Tool(
        "Flutter",
        "flutter",
        "--version",
        "Only for apps: install Flutter",
        PINS.flutter,
        needed=False,
    ),
    _Tool("CMake", "cmake", "--version", "Only for other machines: install CMake", needed=False),
)


def examine(project: Project | None) -> list[Finding]:
    """Look at everything that a build needs; makes and installs nothing.

    Args:
        project: The plugin whose compile environment is looked at; None for the bare one.
    """
    return [
        ask("Python", _python),
        *(ask(tool.name, partial(_tool, tool)) for tool in _TOOLS),
        ask("cache", lambda: str(cache_dir())),
        ask("compiled kernels", _compiled_kernels),
        ask("compile environment", lambda: _compile_environment(project)),
        ask("runtime libraries", _runtime_libraries),
        *(ask(name, partial(_for_others, find)) for name, find in _FOR_OTHERS.items()),
    ]


def _python() -> str:
    return f"{platform.python_version()} ({sys.executable})"


def _tool(tool: _Tool) -> str:
    place = shutil.which(tool.program)
    if place is None:
        if tool.needed:
            raise ToolError(f"{tool.program} is not on PATH", mend=tool.mend)
        raise Skipped("not installed", mend=tool.mend)
    done = run([place, tool.argument], echo=False, check=False, timeout_s=60)
    match = _VERSION.search(done.stdout + done.stderr)
    if done.returncode != 0 or match is None:
        raise ToolError(f"{place} {tool.argument} fails", mend=tool.mend)
    found = match.group()
    if tool.oldest is not None and Version(found) < Version(tool.oldest):
        raise ToolError(f"{found} is older than {tool.oldest} ({place})", mend=tool.mend)
    return f"{found} ({place})"


def _compiled_kernels() -> str:
    cache = KernelCache(kernel_cache_dir())
    size = human_size(cache.size())
    return f"{size} of {human_size(cache.limit)} at most ({cache.folder})"


def _compile_environment(project: Project | None) -> str:
    python = environment.compile_python_made(project)
    if python is None:
        raise Skipped("not made yet", mend="The first `tvmplug build` makes it")
    found = environment.installed_wheels(python)
    for name, pin in (("apache-tvm", PINS.tvm), ("apache-tvm-ffi", PINS.tvm_ffi)):
        version = found[name][0] if name in found else "not installed"
        if version != pin:
            raise ToolError(
                f"{name} is {version}, the pin is {pin} ({python})",
                mend=f"Delete {python.parent.parent}; the next `tvmplug build` makes it again",
            )
    return f"TVM {PINS.tvm}, tvm-ffi {PINS.tvm_ffi} ({python.parent.parent})"


def _ndk() -> str:
    found = find_ndk()
    return f"{found.version} ({found.path})"


# What only builds for other machines need.
_FOR_OTHERS: Mapping[str, Callable[[], str]] = {
    "Android NDK": _ndk,
    "C++ for Apple": lambda: find_cxx(TARGETS["ios"]).version,
    "linker for Apple": lambda: find_linker().version,
    "C++ for AArch64 Linux": lambda: find_cxx(TARGETS["linux-arm64"]).version,
}


def _for_others(find: Callable[[], str]) -> str:
    try:
        return find()
    except ToolError as error:
        raise Skipped(error.message, mend=error.mend) from error


def _runtime_libraries() -> str:
    folder = environment.runtime_dir(host_target())
    if not folder.is_dir():
        raise Skipped("not taken out of the wheels yet", mend="The first `tvmplug build` does")
    return str(folder)
