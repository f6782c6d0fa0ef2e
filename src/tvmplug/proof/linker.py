"""LLVM's linker for ELF, which links for every processor on any machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tvmplug.errors import ToolError
from tvmplug.toolchains import lld
from tvmplug.toolchains.cxx import zig_command
from tvmplug.toolchains.ndk import find_ndk


@dataclass(frozen=True)
class ElfLinker:
    """A linker to call.

    Attributes:
        command: The program, with what stands before a linker's own arguments.
        version: Name and version, for people.
    """

    command: tuple[str | Path, ...]
    version: str


@cache
def find_elf_linker() -> ElfLinker:
    """Return `ld.lld`: on PATH, or the one in Rust's toolchain, in the NDK, or in zig.

    Raises:
        ToolError: There is none.
    """
    for find in (_on_path, _in_rust, _in_ndk, _in_zig):
        command = find()
        if command is not None:
            return ElfLinker(command, lld.version_of(command))
    raise ToolError(
        "there is no linker for every processor: no ld.lld on PATH, in Rust's toolchain, or in an "
        "Android NDK, and no zig",
        mend="Run `pip install ziglang`, or install LLVM's lld",
    )


def _on_path() -> tuple[str | Path, ...] | None:
    found = shutil.which("ld.lld")
    return (found,) if found else None


def _in_rust() -> tuple[str | Path, ...] | None:
    found = lld.in_rust("ld.lld")
    return (found,) if found else None


def _in_ndk() -> tuple[str | Path, ...] | None:
    try:
        path = find_ndk().bin / "ld.lld"
    except ToolError:
        return None
    return (path,) if path.is_file() else None


def _in_zig() -> tuple[str | Path, ...] | None:
    zig = zig_command()
    return (*zig, "ld.lld") if zig else None
